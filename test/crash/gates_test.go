package crash

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/ledger"
)

// gates is the ledger that pauses are written to.
func (w *world) gates() *ledger.Ledger {
	return ledger.New(awssdk.DynamoDB{Client: w.clients.DynamoDB}, w.stores.Table)
}

func (w *world) pause(dest string) {
	w.Helper()
	_, _, err := gate.Pause(w.Context(), w.gates(), dest, "mira", w.clock())
	w.must(err)
	w.pass(6 * time.Second) // a worker knows of it
}

func (w *world) resume(dest string) {
	w.Helper()
	_, _, err := gate.Resume(w.Context(), w.gates(), dest, w.clock())
	w.must(err)
	w.pass(6 * time.Second)
}

// limit gives a destination a rate.
func (w *world) limit(dest string, perSecond float64) {
	w.Helper()
	form, err := json.Marshal(destination.Config{
		Type: desthttp.Type.Name, Limits: destination.Limits{PerSecond: perSecond},
		Settings: &desthttp.Config{URL: destinations.server.URL + "/" + w.name + "/" + dest, AllowHTTP: true, AllowPrivate: true},
	})
	w.must(err)
	w.must(w.parameters().Put(w.Context(), dest, form, true))
	w.forgetParameters()
}

// oneByOne lets the live queue run empty, a message at a time: of two events that are
// delivered at once, nobody can say which was first.
func (w *world) oneByOne() {
	w.Helper()
	for range 100 {
		messages := w.take(w.stores.Live)
		if len(messages) == 0 {
			return
		}
		for i := range messages {
			w.work(w.worker(), w.stores.Live, messages[i:i+1])
		}
	}
	w.violate("the queue does not run empty")
}

// goesOn lets time go by, as long as events wait, at most an hour.
func (w *world) goesOn(minutes int) {
	w.Helper()
	for range minutes {
		w.oneByOne()
		if _, busy := w.owed(); !busy {
			return
		}
		w.pass(time.Minute)
		w.sweep()
	}
}

// open lets the breaker of a destination open.
func (w *world) open(dest string, first int) {
	w.Helper()
	w.takes(dest, answers(http.StatusServiceUnavailable))
	for n := range 12 {
		w.send(w.event(first + n))
	}
	w.oneByOne()
	states, err := gate.List(w.Context(), w.gates())
	w.must(err)
	if !states[dest].Open {
		w.Fatalf("the breaker of %s is not open: %+v", dest, states[dest])
	}
}

// late counts what a destination was told behind something newer.
func (w *world) late(dest string) (n int) {
	for _, e := range w.effects {
		if e.destination == dest && e.late {
			n++
		}
	}
	return n
}

// states are the events that set one, in their order.
func (w *world) states(n, second int) {
	w.send(w.category(n, second))
	w.send(w.unsubscribed(n+1, second))
	w.send(w.campaignStatus(n+2, second))
}

// finished lets everything be delivered, and checks what was.
func (w *world) finished(t *testing.T) {
	t.Helper()
	w.heal()
	for _, dest := range w.destinations {
		w.resume(dest)
	}
	w.goesOn(60)
	w.check(true)
	if len(w.violations) > 0 {
		t.Errorf("%s", strings.Join(w.violations, "\n"))
	}
}

// Category, unsubscribe and status come behind an open breaker, a pause and a rate, and
// newer ones after them: whatever comes first at each destination, what is older and
// comes later says so, and nothing else does.
func TestWhatWaitedSaysThatItIsOlder(t *testing.T) {
	for name, wait := range map[string]func(w *world){
		"a breaker": func(w *world) {
			w.open("crm", 100)
			w.states(1, 10)
			w.oneByOne()
			w.pass(20 * time.Second)
			w.states(11, 20)
			w.oneByOne()
		},
		"a pause": func(w *world) {
			w.pause("crm")
			w.states(1, 10)
			w.oneByOne()
			w.resume("crm") // the older ones wait on
			w.states(11, 20)
			w.oneByOne()
		},
		"a rate": func(w *world) {
			w.limit("crm", 0.02) // a place in 50 seconds
			w.states(1, 10)
			w.oneByOne()
			w.pass(10 * time.Second)
			w.states(11, 20)
			w.oneByOne()
		},
		"all of them": func(w *world) {
			w.limit("crm", 0.05)
			w.states(1, 10)
			w.oneByOne()
			w.pause("crm")
			w.states(11, 20)
			w.oneByOne()
			w.resume("crm")
			w.limit("crm", 0)
			w.open("crm", 100)
			w.states(21, 30)
			w.oneByOne()
			w.heal()
			w.goesOn(7)
			w.states(31, 40)
			w.oneByOne()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tableOf(t), options{destinations: []string{"crm", "sheet"}, tries: 8})
			defer w.close()
			wait(w)
			w.finished(t)
			if name == "a pause" && w.late("crm") != 3 {
				t.Errorf("%d came late at crm, want the three that waited for longer", w.late("crm"))
			}
		})
	}
}

// The same by chance.
func TestOrderBehindGatesByChance(t *testing.T) {
	late := 0
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, tableOf(t), options{destinations: []string{"crm", "sheet"}, tries: 8})
			defer w.close()
			random := rand.New(rand.NewPCG(seed, 1))
			for step := range 14 {
				dest := w.destinations[random.IntN(2)]
				switch random.IntN(6) {
				case 0:
					w.pause(dest)
				case 1:
					w.resume(dest)
				case 2:
					w.takes(dest, answers(http.StatusServiceUnavailable))
				case 3:
					w.takes(dest, answers(http.StatusOK))
				case 4:
					w.goesOn(1 + random.IntN(6))
				default:
				}
				w.states(10*step+1, step+10)
				w.oneByOne()
				w.pass(time.Duration(random.IntN(40)) * time.Second)
			}
			w.finished(t)
			late += w.late("crm") + w.late("sheet")
		})
	}
	if late == 0 {
		t.Error("nothing was overtaken: the test shows nothing")
	}
}
