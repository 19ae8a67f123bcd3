package crash

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLanes brings two receipts of one identity by both lanes and in both
// orders: the same body or another one, trusted or not.
func TestLanes(t *testing.T) {
	type receipt struct {
		trusted bool
		other   bool // another body
	}
	name := func(r receipt) string {
		return map[bool]string{true: "trusted", false: "untrusted"}[r.trusted] + map[bool]string{true: " variant", false: ""}[r.other]
	}
	firsts := []receipt{{trusted: true}, {}}
	seconds := []receipt{{trusted: true}, {}, {trusted: true, other: true}, {other: true}}
	for _, first := range firsts {
		for _, second := range seconds {
			for lanes := range 4 { // bit 0: the first is unclaimed, bit 1: the second is
				t.Run(fmt.Sprintf("%s, %s, lanes %02b", name(first), name(second), lanes), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, tableOf(t), options{})
					defer w.close()
					for i, r := range []receipt{first, second} {
						if lanes>>i&1 == 1 {
							w.outage = dynamoDBDown
						}
						w.send(w.receipt(r.trusted, r.other))
						w.outage = nil
					}
					w.finish()
					w.violated()
					// Nobody who merely knows the URL suppresses an event.
					want := 0
					if first.trusted || second.trusted {
						want = 1
					}
					if n := len(w.effects); n != want {
						t.Errorf("%d deliveries, want %d", n, want)
					}
				})
			}
		}
	}
}

func (w *world) receipt(trusted, other bool) *request {
	r := w.event(1)
	if other {
		r = w.variant(1, 2)
	}
	r.source = "strict"
	if !trusted {
		r.body = strings.Replace(r.body, bodyKey, "somebody-elses-key", 1)
	}
	return r
}

// TestTimelessLanes: repeats within the window are duplicates and repeats after
// it are events, whichever lane brought them and when it was claimed.
func TestTimelessLanes(t *testing.T) {
	for lanes := range 8 {
		t.Run(fmt.Sprintf("lanes %03b", lanes), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tableOf(t), options{})
			defer w.close()
			for i, wait := range []time.Duration{0, 10 * time.Minute, 50 * time.Minute} { // the window is 30 minutes
				w.pass(wait)
				if lanes>>i&1 == 1 {
					w.outage = dynamoDBDown
				}
				w.send(w.timeless(1))
				w.outage = nil
			}
			w.settle()
			ids := map[string]bool{}
			for _, it := range w.items() {
				if it.isEvent() {
					ids[it.id()] = true
				}
			}
			if len(ids) != 2 || len(w.effects) != 2 {
				t.Errorf("%d events and %d deliveries, want 2 and 2", len(ids), len(w.effects))
			}
			for _, v := range w.violations {
				t.Error(v)
			}
		})
	}
}
