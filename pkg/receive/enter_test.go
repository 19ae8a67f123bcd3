package receive_test

import (
	"errors"
	"testing"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/webhook"
)

func TestWhatIsMadeEntersAsATrustedRequestWould(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	src := w.source
	src.BodySecrets, src.TrustRequestID = []auth.Digest{auth.NewDigest(secret)}, true
	body := []byte(`{"event_type":"EMAIL_SENT","campaign_id":1,"stats_id":"s1","to_email":"tom@acme.example.com","event_timestamp":"2026-03-04T17:29:11.618Z","origin":"reconcile"}`)
	for n, want := range []webhook.ClaimStatus{webhook.ClaimAccepted, webhook.ClaimDuplicate} {
		id, status, err := s.Enter(t.Context(), src, "run", body)
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
}

func TestWhatCouldRepeatForRealIsNotMade(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{
		`{"event_type":"LEAD_UNSUBSCRIBED","campaign_id":1,"lead_email":"tom@acme.example.com"}`, `[]`, `[{},{}]`, `7`,
	} {
		_, _, err := w.service().Enter(t.Context(), w.source, "run", []byte(body))
		var refused *receive.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if len(w.sent) != 0 {
		t.Errorf("%d messages", len(w.sent))
	}
}
