package console

import (
	"context"
	"testing"
	"testing/synctest"
)

// One look may find more than a tab has read by then: it waits for the tab, which would
// otherwise be closed, come back, and be closed again.
func TestOneLookClosesNoTab(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const found = maxArrivals + maxOpen
		looked := false
		news, leave := newHub().follow(t.Context(), topic{key: "k", every: eventsTick, look: func(context.Context) ([]message, error) {
			if looked {
				return nil, nil
			}
			looked = true
			return make([]message, found), nil
		}}, "")
		defer leave()
		synctest.Wait() // the first look is over, and nothing was read
		got := 0
		for m := range news {
			if m.event == "tick" {
				break
			}
			got++
		}
		if got != found {
			t.Errorf("%d messages of one look came, not %d, and then the stream ended", got, found)
		}
	})
}
