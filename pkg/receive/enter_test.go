package receive_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/webhook"
)

func notErased(context.Context) (bool, error) { return false, nil }

// made is what a repair makes of a mail that was sent.
const made = `{"event_type":"EMAIL_SENT","campaign_id":1,"stats_id":"s1","to_email":"tom@acme.example.com","event_timestamp":"2026-03-04T17:29:11.618Z","origin":"reconcile"}`

func TestWhatIsMadeEntersAsATrustedRequestWould(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	src := w.source
	src.BodySecrets, src.TrustRequestID = []auth.Digest{auth.NewDigest(secret)}, true
	body := []byte(made)
	for n, want := range []webhook.ClaimStatus{webhook.ClaimAccepted, webhook.ClaimDuplicate} {
		id, status, err := s.Enter(t.Context(), src, "run", body, notErased)
		if err != nil || status != want {
			t.Fatalf("%d: %s, %v", n, status, err)
		}
		rec, err := w.ledger.Get(t.Context(), id)
		if err != nil || !rec.Synthesized() || rec.State != webhook.Pending || rec.Duplicates != 0 || rec.RequestID != "run" {
			t.Errorf("%d: %+v, %v", n, rec, err)
		}
	}
	if len(w.sent) != 1 {
		t.Errorf("%d messages", len(w.sent))
	}
	// Whose clock said when it came is not known: no look may be needed to find it.
	listed := 0
	for shard := range ledger.DueShards {
		ids, _, err := w.ledger.Due(t.Context(), shard, w.now.Add(time.Hour), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		listed += len(ids)
	}
	if listed != 1 {
		t.Errorf("%d events are listed as due, want the one that was made", listed)
	}
}

func TestWhatCouldRepeatForRealIsNotMade(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{
		`{"event_type":"LEAD_UNSUBSCRIBED","campaign_id":1,"lead_email":"tom@acme.example.com"}`, `[]`, `[{},{}]`, `7`,
	} {
		_, _, err := w.service().Enter(t.Context(), w.source, "run", []byte(body), notErased)
		var refused *receive.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if len(w.sent) != 0 {
		t.Errorf("%d messages", len(w.sent))
	}
}

// Whoever erased the lead before the claim has not seen it, and said so before.
func TestWhatIsMadeOfALeadThatWasErasedMeanwhileIsErased(t *testing.T) {
	w := newWorld(t)
	w.ref = "default/large"
	var of webhook.EventID
	id, status, err := w.service().Enter(t.Context(), w.source, "run", []byte(made), func(ctx context.Context) (bool, error) {
		late, err := w.service().Receive(ctx, post(made[:len(made)-1]+`,"subject":"Hi"}`)) // its webhook comes
		if err != nil || len(late.Results) != 1 {
			t.Fatalf("%+v, %v", late, err)
		}
		of = late.Results[0].EventID
		return true, nil
	})
	if err != nil || status != webhook.ClaimAccepted || id != of {
		t.Fatalf("%s (%s), %s, %v", id, of, status, err)
	}
	rec, err := w.ledger.Get(t.Context(), id)
	if err != nil || !rec.Erased() || rec.State != webhook.Discarded || rec.LeadEmail != "" || rec.Payload.Ref != "" {
		t.Errorf("%+v, %v", rec, err)
	}
	if left, err := w.ledger.Variants(t.Context(), id); len(left) != 0 || err != nil {
		t.Errorf("%+v, %v", left, err)
	}
	if len(w.erased) != 2 || len(w.sent) != 0 {
		t.Errorf("%d bodies were erased, %d messages sent", len(w.erased), len(w.sent))
	}
}

func TestWhatNobodyCanTellOfIsNotEnqueued(t *testing.T) {
	for name, c := range map[string]struct {
		is   bool
		err  error
		fail func(*world)
	}{
		"nobody can tell":         {err: errors.New("no key"), fail: func(*world) {}},
		"its body is not erased":  {is: true, fail: func(w *world) { w.erase = errors.New("S3 is down") }},
		"the ledger did not say":  {fail: func(w *world) { w.lost = fmt.Errorf("down: %w", webhook.ErrUnavailable) }},
		"the ledger is not there": {fail: func(w *world) { w.claims = fmt.Errorf("down: %w", webhook.ErrUnavailable) }},
	} {
		w := newWorld(t)
		c.fail(w)
		_, status, err := w.service().Enter(t.Context(), w.source, "run", []byte(made), func(context.Context) (bool, error) { return c.is, c.err })
		claimed := c.err != nil || c.is
		if err == nil || claimed != (status == webhook.ClaimAccepted) || len(w.sent) != 0 {
			t.Errorf("%s: %q, %v, %d messages", name, status, err, len(w.sent))
		}
	}
}

// The answer of the claim was lost: it was one all the same.
func TestAClaimWithoutAnAnswerIsErased(t *testing.T) {
	for _, there := range []bool{true, false} {
		w := newWorld(t)
		down := fmt.Errorf("down: %w", webhook.ErrUnavailable)
		if w.lost = down; !there {
			w.lost, w.claims = nil, down
		}
		id, _, err := w.service().Enter(t.Context(), w.source, "run", []byte(made), func(context.Context) (bool, error) { return true, nil })
		rec, getErr := w.ledger.Get(t.Context(), id)
		if err != nil || len(w.sent) != 0 || there != (getErr == nil && rec.Erased()) || len(w.erased) != 1 {
			t.Errorf("%v: %v, %v, %d messages, %d bodies", there, err, getErr, len(w.sent), len(w.erased))
		}
	}
}
