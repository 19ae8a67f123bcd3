package operator

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"smartlead-receiver/pkg/webhook"
)

func (w *world) HandOver(ctx context.Context, h webhook.HandOver) (webhook.Record, error) {
	if err := w.refuse; err != nil && err(h.ID) != nil {
		return webhook.Record{}, err(h.ID)
	}
	return w.Ledger.HandOver(ctx, h)
}

// Each event is handed over by itself, and what fails is counted apart from what
// somebody else moved.
func TestHandOverOfMany(t *testing.T) {
	w := newWorld(t)
	var ids []webhook.EventID
	for i := range 20 {
		ids = append(ids, w.in(webhook.Dead, fmt.Sprint("A", i)).ID)
	}
	name := w.see(ids[0]).Destinations[0].Name
	ids = append(ids, w.in(webhook.Delivered, "B").ID, "v1:EMAIL_REPLY:GONE")
	w.refuse = func(id webhook.EventID) error {
		if id == ids[3] {
			return errLost
		}
		return nil
	}
	told := 0
	got := w.service().HandOver(t.Context(), ids, name, "other", func() { told++ })
	if len(got.Done) != 19 || got.Left != 2 || got.Failed != 1 || !errors.Is(got.Failure, errLost) || told != len(ids) {
		t.Errorf("%d done, %d left, %d failed (%v), %d told", len(got.Done), got.Left, got.Failed, got.Failure, told)
	}
	for i, id := range ids[:20] {
		if waits := w.see(id).WaitsFor("other"); waits != (i != 3) {
			t.Errorf("event %d waits for the other one: %t", i, waits)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := w.service().HandOver(ctx, ids[3:4], name, "other", nil); got.Failed != 1 || !errors.Is(got.Failure, context.Canceled) {
		t.Errorf("cut off: %d failed (%v)", got.Failed, got.Failure)
	}
}
