package ledger_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

var noon = testclock.Noon()

// lossy carries every request; once armed, it loses the answer to the next
// write, so that the SDK repeats a write that took effect.
type lossy struct {
	http.RoundTripper
	armed atomic.Bool
	lost  atomic.Int64
}

var errAnswerLost = errors.New("the answer was lost")

func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	target := r.Header.Get("X-Amz-Target")
	write := strings.HasSuffix(target, ".PutItem") || strings.HasSuffix(target, ".UpdateItem")
	if err != nil || !write || !l.armed.CompareAndSwap(true, false) {
		return resp, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	l.lost.Add(1)
	return nil, errAnswerLost
}

// lostAnswer is one write in the state in which it may succeed. check sees what
// it returned and the event after it.
type lostAnswer struct {
	name  string
	state webhook.State
	call  func(l store, r webhook.Record) error
	want  error         // nil: the repeated write is recognised
	after webhook.State // and has taken effect once
}

func revival(r webhook.Record) webhook.Revival {
	return webhook.Revival{
		ID: r.ID, Lane: webhook.Replay, At: noon, DueAt: noon, Death: r.Death, Generation: r.Generation, Redrive: true, Nonce: "move",
	}
}

func leaseRequest(r webhook.Record, now time.Time) webhook.LeaseRequest {
	return webhook.LeaseRequest{
		ID: r.ID, Death: r.Death, Nonce: "lease at " + now.String(), Now: now, Until: now.Add(time.Minute), DueAt: now.Add(time.Hour),
		Destinations: []string{"crm"}, MaxAbandoned: 3,
	}
}

func lostAnswers(t *testing.T) []lostAnswer {
	lease := func(l store, r webhook.Record) error {
		_, err := l.Lease(t.Context(), leaseRequest(r, noon.Add(24*time.Hour)))
		return err
	}
	settle := func(s webhook.Settlement) func(l store, r webhook.Record) error {
		return func(l store, r webhook.Record) error {
			return l.Settle(t.Context(), webhook.Lease{Number: r.LeaseNumber, Nonce: r.LeaseNonce, Record: r}, s)
		}
	}
	return []lostAnswer{
		{"lease of a pending event", webhook.Pending, lease, nil, webhook.Processing},
		{"lease of an expired one", webhook.Processing, lease, nil, webhook.Processing},
		{"lease by a dead letter", webhook.Dead, lease, nil, webhook.Processing},
		{"delivered", webhook.Processing, settle(webhook.Settlement{State: webhook.Delivered, At: noon, ExpiresAt: noon}), nil, webhook.Delivered},
		{"unrouted", webhook.Processing, settle(webhook.Settlement{State: webhook.Unrouted, At: noon, ExpiresAt: noon}), nil, webhook.Unrouted},
		{"retry", webhook.Processing, settle(webhook.Settlement{State: webhook.Pending, At: noon, NotBefore: noon, DueAt: noon}), nil, webhook.Pending},
		{"dead", webhook.Processing, settle(webhook.Settlement{State: webhook.Dead, At: noon, DueAt: noon}), nil, webhook.Dead},
		{"revive", webhook.Dead, func(l store, r webhook.Record) error { _, err := l.Revive(t.Context(), revival(r)); return err }, nil, webhook.Pending},
		{"unpark", webhook.Parked, func(l store, r webhook.Record) error { _, err := l.Unpark(t.Context(), revival(r)); return err }, nil, webhook.Pending},
		{"replay", webhook.Delivered, func(l store, r webhook.Record) error { _, err := l.Replay(t.Context(), revival(r)); return err }, nil, webhook.Pending},
		{"replay of an unrouted one", webhook.Unrouted, func(l store, r webhook.Record) error { _, err := l.Replay(t.Context(), revival(r)); return err }, nil, webhook.Pending},
		{"swept", webhook.Pending, func(l store, r webhook.Record) error { return l.Swept(t.Context(), r, noon.Add(time.Hour)) }, webhook.ErrChanged, webhook.Pending},
		{"dead letter confirmed", webhook.Dead, func(l store, r webhook.Record) error { return l.ConfirmDeadLetter(t.Context(), r.ID, r.Death, r.DueAt) }, webhook.ErrChanged, webhook.Dead},
		{"park", webhook.Dead, func(l store, r webhook.Record) error { return l.Park(t.Context(), r.ID, r.Death, noon) }, webhook.ErrChanged, webhook.Parked},
		{"discard", webhook.Dead, func(l store, r webhook.Record) error { return l.Discard(t.Context(), r, noon, noon) }, webhook.ErrChanged, webhook.Discarded},
	}
}

func plainReceipt(key string) webhook.Receipt {
	return webhook.Receipt{Key: key, Fingerprint: "body", Type: webhook.EmailReply, ReceivedAt: noon, Account: "acme", Source: "main"}
}

// bring makes an event and brings it into a state.
func bring(t *testing.T, l store, state webhook.State, key string) webhook.Record {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := l.Claim(t.Context(), plainReceipt(key), "claim", noon)
	must(err)
	if state == webhook.Pending {
		return c.Record
	}
	lease, err := l.Lease(t.Context(), leaseRequest(c.Record, noon))
	must(err)
	s := webhook.Settlement{State: webhook.Dead, At: noon, DueAt: noon}
	switch state {
	case webhook.Processing:
		return lease.Record
	case webhook.Delivered, webhook.Unrouted:
		s = webhook.Settlement{State: state, At: noon, ExpiresAt: noon}
	case webhook.Pending, webhook.Dead, webhook.Held, webhook.Parked, webhook.Discarded:
	}
	must(l.Settle(t.Context(), lease, s))
	if state == webhook.Parked {
		must(l.Park(t.Context(), c.ID, 1, noon))
	}
	rec, err := l.Get(t.Context(), c.ID)
	must(err)
	return rec
}

// A write whose answer is lost is repeated by the SDK. The ledger recognises
// its own, or says that the event changed; either way the write took effect
// once.
func TestLostAnswer(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			net := &lossy{RoundTripper: newTransport(t)}
			l := openStore(t, engine, net)
			for _, c := range lostAnswers(t) {
				t.Run(c.name, func(t *testing.T) {
					before := bring(t, l, c.state, "v1:EMAIL_REPLY:"+strings.ToUpper(strings.ReplaceAll(c.name, " ", "")))
					lost := net.lost.Load()
					net.armed.Store(true)
					if err := c.call(l, before); !errors.Is(err, c.want) {
						t.Errorf("returned %v, want %v", err, c.want)
					}
					if net.lost.Load() != lost+1 {
						t.Fatal("no answer was lost")
					}
					after, err := l.Get(t.Context(), before.ID)
					if err != nil {
						t.Fatal(err)
					}
					if after.State != c.after || after.LeaseNumber > before.LeaseNumber+1 || after.Redrives > before.Redrives+1 ||
						after.Generation > before.Generation+1 || after.Sweeps > 1 || len(after.History) > 1 {
						t.Errorf("the event is now %+v", after)
					}
				})
			}
			l.checkItems(t)
		})
	}
}

func TestLostAnswerToAClaim(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			net := &lossy{RoundTripper: newTransport(t)}
			l := openStore(t, engine, net)
			timeless := plainReceipt("v1:CAMPAIGN_STATUS_CHANGED:A")
			timeless.Timeless, timeless.Window = true, time.Minute
			variant := plainReceipt("v1:EMAIL_REPLY:A")
			variant.Fingerprint = "another body"
			for _, x := range []struct {
				r    webhook.Receipt
				want webhook.ClaimStatus
			}{
				{plainReceipt("v1:EMAIL_REPLY:A"), webhook.ClaimAccepted}, {timeless, webhook.ClaimAccepted}, {variant, webhook.ClaimVariant},
			} {
				net.armed.Store(true)
				c, err := l.Claim(t.Context(), x.r, "claim of "+x.r.Fingerprint, noon)
				if err != nil || c.Status != x.want || net.armed.Load() {
					t.Errorf("%s: %s (%v), want %s", x.r.Key, c.Status, err, x.want)
				}
			}
			rec, err := l.Get(t.Context(), "v1:EMAIL_REPLY:A")
			if err != nil || rec.Variants != 1 || rec.Duplicates != 0 {
				t.Errorf("%d variants and %d duplicates (%v), want one variant", rec.Variants, rec.Duplicates, err)
			}
		})
	}
}

// A death by abandonment whose answer was lost leaves a death that owes its dead letter.
func TestLostAnswerToADeathByAbandonment(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			net := &lossy{RoundTripper: newTransport(t)}
			l := openStore(t, engine, net)
			rec := bring(t, l, webhook.Processing, "v1:EMAIL_REPLY:A")
			req := leaseRequest(rec, noon.Add(24*time.Hour))
			req.MaxAbandoned = 0
			net.armed.Store(true)
			_, err := l.Lease(t.Context(), req)
			var not *webhook.NotLeasable
			if !errors.As(err, &not) || net.armed.Load() {
				t.Fatalf("returned %v, want a refusal", err)
			}
			rec, err = l.Get(t.Context(), rec.ID)
			if err != nil || rec.State != webhook.Dead || rec.Death != 1 || !rec.DueAt.Equal(req.DueAt) {
				t.Errorf("the event is now %+v (%v)", rec, err)
			}
		})
	}
}

// down refuses every connection.
type down struct{}

func (down) RoundTrip(*http.Request) (*http.Response, error) { return nil, errAnswerLost }

func TestUnavailable(t *testing.T) {
	l := ledger.New(bySDK("http://127.0.0.1:1", down{}), "events")
	ctx, id := t.Context(), webhook.EventID("v1:EMAIL_REPLY:A")
	rec := webhook.Record{ID: id, State: webhook.Dead, LeaseNumber: 1, Death: 1, DueAt: noon}
	timeless := plainReceipt(string(id))
	timeless.Timeless = true
	for name, call := range map[string]func() error{
		"Claim":          func() error { _, err := l.Claim(ctx, plainReceipt(string(id)), "n", noon); return err },
		"Claim timeless": func() error { _, err := l.Claim(ctx, timeless, "n", noon); return err },
		"FirstAttempt":   func() error { _, _, err := l.FirstAttempt(ctx, leaseRequest(rec, noon)); return err },
		"Lease":          func() error { _, err := l.Lease(ctx, leaseRequest(rec, noon)); return err },
		"Settle": func() error {
			return l.Settle(ctx, webhook.Lease{Record: rec}, webhook.Settlement{State: webhook.Delivered, At: noon})
		},
		"ConfirmDeadLetter":     func() error { return l.ConfirmDeadLetter(ctx, id, 1, noon) },
		"Due":                   func() error { _, _, err := l.Due(ctx, 0, noon, "", 10); return err },
		"Swept":                 func() error { return l.Swept(ctx, rec, noon) },
		"Revive":                func() error { _, err := l.Revive(ctx, revival(rec)); return err },
		"Unpark":                func() error { _, err := l.Unpark(ctx, revival(rec)); return err },
		"Replay":                func() error { _, err := l.Replay(ctx, revival(rec)); return err },
		"Release":               func() error { _, err := l.Release(ctx, id, noon, noon); return err },
		"Park":                  func() error { return l.Park(ctx, id, 1, noon) },
		"Discard":               func() error { return l.Discard(ctx, rec, noon, noon) },
		"Get":                   func() error { _, err := l.Get(ctx, id); return err },
		"GetMany":               func() error { _, err := l.GetMany(ctx, []webhook.EventID{id}); return err },
		"List":                  func() error { _, err := l.List(ctx, ledger.Query{Limit: 10, Now: noon}); return err },
		"Variants":              func() error { _, err := l.Variants(ctx, id); return err },
		"Split":                 func() error { _, err := l.Split(ctx, webhook.Variant{ID: id}, noon, noon); return err },
		"RecordRejectedRequest": func() error { return l.RecordRejectedRequest(ctx, webhook.RejectedRequest{At: noon}) },
		"Refusals":              func() error { _, err := l.RejectedRequests(ctx, noon.Add(-time.Hour), noon, 10); return err },
		"LoadDocument":          func() error { _, _, err := l.LoadDocument(ctx, "job", "1"); return err },
		"SaveDocument":          func() error { return l.SaveDocument(ctx, "job", "1", nil, 0, noon, noon) },
		"ListDocuments":         func() error { _, err := l.ListDocuments(ctx, "job", 10); return err },
	} {
		if err := call(); !errors.Is(err, webhook.ErrUnavailable) || !errors.Is(err, errAnswerLost) {
			t.Errorf("%s returned %v, want that the store is unavailable, and why", name, err)
		}
	}
}
