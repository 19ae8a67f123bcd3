package crash

import (
	"fmt"
	"net/http"
	"time"
)

// poisonTries and its back-off are small, so that a poison event dies soon.
const (
	poisonTries = 4
	poisonBase  = 40 * time.Second
	poisonMax   = 10 * time.Minute
)

// poison is an event that always fails. Stray messages and duplicates come
// every few seconds, and the sweeper runs: none of them may spend an attempt.
var poison = story{
	name: "an event that always fails", options: options{tries: poisonTries, retryBase: poisonBase, retryMax: poisonMax},
	run: func(w *world) {
		w.takes("crm", answers(http.StatusServiceUnavailable))
		r := w.event(1)
		w.send(r)
		message := fmt.Sprintf(`{"v":1,"kind":"event","event_id":%q}`, w.idOf(r))
		for range 40 {
			w.put(w.stores.Live, message)
			w.pump()
			w.post(r)
			w.sweep()
			w.pass(15 * time.Second)
		}
		w.onSchedule(poisonTries, poisonBase, poisonMax)
		if len(w.attempts) < poisonTries {
			w.violate("%d attempts, want %d", len(w.attempts), poisonTries)
		}
		for _, it := range w.items() {
			if it.isEvent() && it.text("state") != "dead" {
				w.violate("%s is not dead after %d attempts: %s", it.id(), len(w.attempts), it.text("state"))
				w.heal() // it would go on for ever
			}
		}
	},
}

// onSchedule holds the attempts against the back-off: half of base, doubled
// with each, since chance always says a half.
func (w *world) onSchedule(tries int, base, longest time.Duration) {
	last := map[string]attempt{}
	number := map[string]int{}
	for _, a := range w.attempts {
		name := a.destination + " " + a.id
		if n := number[name]; n > 0 {
			wait := min(base<<(n-1), longest) / 2
			if early := a.at.Sub(last[name].at); early < wait {
				w.violate("attempt %d of %s came %s after the one before: too early, the back-off is %s", n+1, a.id, early, wait)
			}
		}
		number[name]++
		last[name] = a
		if number[name] > tries {
			w.violate("attempt %d of %s is beyond the budget of %d", number[name], a.id, tries)
		}
	}
}
