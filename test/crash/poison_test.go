package crash

import (
	"fmt"
	"net/http"
	"testing"
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
		w.pump() // what is due, or was leased, is all that anybody sends again: not beside a first message
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

// TestOutageOfAnHour: the destination is down for an hour and many events wait
// for it. Sweeps every minute, duplicates and stray messages do not move an
// attempt ahead of its back-off, and none dies.
func TestOutageOfAnHour(t *testing.T) {
	events := 40
	if whole() {
		events = 1000
	}
	const tries, base, longest = 12, 5 * time.Second, 30 * time.Minute
	w := newWorld(t, embedded.URL, options{tries: tries, retryBase: base, retryMax: longest})
	defer w.close()
	w.takes("crm", answers(http.StatusServiceUnavailable))
	const array = 100
	for first := 0; first < events; first += array {
		w.send(w.array(first, min(array, events-first)))
	}
	for elapsed := time.Duration(0); elapsed < time.Hour; elapsed += time.Minute {
		for range 12 {
			w.pump()
			w.pass(5 * time.Second)
		}
		w.sweep()
		some := w.array(int(elapsed/time.Minute)%(events-3), 3) // duplicates
		w.post(some)
		for _, key := range keysOf(some) {
			w.put(w.stores.Live, fmt.Sprintf(`{"v":1,"kind":"event","event_id":%q}`, key))
		}
	}
	failed := len(w.attempts)
	w.onSchedule(tries, base, longest)
	w.heal()
	w.finish()
	w.violated()
	effects := map[string]int{}
	for _, e := range w.effects {
		effects[e.id]++
	}
	for id, n := range effects {
		if n != 1 {
			t.Errorf("%s was delivered %d times", id, n)
		}
	}
	if len(effects) != events {
		t.Errorf("%d of %d events delivered", len(effects), events)
	}
	t.Logf("%d events, %d failed attempts in the hour, %.1f each", events, failed, float64(failed)/float64(events))
}

// TestForeignMessage: what is none of ours ends in the dead letter queue by the
// count of its receives, stays there, and takes nothing with it.
func TestForeignMessage(t *testing.T) {
	const receives = 3
	w := newWorld(t, embedded.URL, options{receives: receives})
	defer w.close()
	foreign := []string{"hello", `{"v":99,"kind":"event"}`, `{"v":1,"kind":"dead_letter","event_id":"v1:EMAIL_REPLY:A"}`, `{"Records":[]}`}
	for _, text := range foreign {
		w.put(w.stores.Live, text)
	}
	w.send(w.event(1))
	for range receives + 1 {
		w.pump()
		w.pass(workVisibility)
	}
	w.finish()
	w.violated()
	shown := 0
	for _, l := range w.deadLetters() {
		if l.foreign {
			shown++
		}
	}
	if shown != len(foreign) || len(w.effects) != 1 {
		t.Errorf("%d of %d foreign messages are shown, %d of 1 event delivered", shown, len(foreign), len(w.effects))
	}
}
