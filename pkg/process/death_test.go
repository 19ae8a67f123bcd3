package process_test

import (
	"testing"
	"time"

	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/webhook"
)

// An event that one destination refused for good dies when the others are done with
// it, however well that attempt ends; it dies of what was refused.
func TestDiesOfWhatFailedBefore(t *testing.T) {
	timeout := webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "timeout", Error: "no answer"}
	for name, c := range map[string]struct {
		destinations map[string][]webhook.Outcome
		remove       string // after the first attempt
		class, text  string
	}{
		"the other one takes it later": {
			destinations: map[string][]webhook.Outcome{"crm": {permanent}, "slack": {busy, ok}},
			class:        "http_400", text: "crm: answered 400",
		},
		"the other one is removed": {
			destinations: map[string][]webhook.Outcome{"crm": {permanent}, "slack": {busy}}, remove: "slack",
			class: "http_400", text: "crm: answered 400",
		},
		"the other one fails to the end": {
			destinations: map[string][]webhook.Outcome{"crm": {permanent}, "slack": {busy, timeout}},
			class:        "timeout", text: "slack: no answer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for name, answers := range c.destinations {
				w.destinations[name] = &sink{answers: answers}
			}
			svc := w.service(nil)
			r := svc.Process(t.Context(), message)
			delete(w.destinations, c.remove)
			for r.Outcome == process.Retry {
				w.now = w.now.Add(time.Hour)
				r = svc.Process(t.Context(), message)
			}
			if rec := w.record(t); r.Outcome != process.Dead || rec.ErrorClass != c.class || rec.Error != c.text {
				t.Errorf("%s, of %q: %q; want dead, of %q: %q", r.Outcome, rec.ErrorClass, rec.Error, c.class, c.text)
			}
			if r.Cause != c.class {
				t.Errorf("reported as dead of %q, want %q", r.Cause, c.class)
			}
			if len(w.deadLetters) != 1 || w.deadLetters[0].DeadLetter.ErrorClass != c.class {
				t.Errorf("dead letters %+v, want one of %q", w.deadLetters, c.class)
			}
		})
	}
}
