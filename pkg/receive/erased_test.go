package receive_test

import (
	"errors"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Storing a large body comes before the claim: where the event was erased, the body
// goes again before the answer, and the sender is asked again where that fails.
func TestARepeatOfAnErasedEventLeavesNoBody(t *testing.T) {
	w := newWorld(t)
	w.ref = "default/large"
	svc := w.service()
	first, err := svc.Receive(t.Context(), post(reply(1)))
	if err != nil || len(w.erased) != 0 {
		t.Fatalf("%v, %d erased", err, len(w.erased))
	}
	id := first.Results[0].EventID
	if _, err := w.ledger.Erase(t.Context(), webhook.Erasure{ID: id, At: w.now, ExpiresAt: w.now.Add(time.Hour), Nonce: "n"}); err != nil {
		t.Fatal(err)
	}
	sent := len(w.sent)
	again, err := svc.Receive(t.Context(), post(reply(1)))
	if err != nil || statuses(again) != "duplicate" || len(w.erased) != 1 || w.erased[0].Ref != w.ref || w.expired != 0 || len(w.sent) != sent {
		t.Errorf("%v: %s, erased %v, %d marked, %d sent", err, statuses(again), w.erased, w.expired, len(w.sent)-sent)
	}
	w.erase = errors.New("S3 is down")
	if a, err := svc.Receive(t.Context(), post(reply(1))); err == nil || statuses(a) != "failed" {
		t.Errorf("it was acknowledged with its body in the store: %s", statuses(a))
	}
}
