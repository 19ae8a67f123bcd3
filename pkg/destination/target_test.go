package destination

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

type deliverFunc func() webhook.Outcome

func (f deliverFunc) Deliver(context.Context, webhook.Delivery) webhook.Outcome { return f() }

func TestTargetSurvivesWhatADestinationDoes(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for name, c := range map[string]struct {
		deliver func() webhook.Outcome
		want    webhook.Outcome
	}{
		"a runtime panic": {
			func() webhook.Outcome { var list []int; _ = list[len(list)]; return webhook.Outcome{} },
			webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "panic", Error: "the destination's code failed: runtime error: index out of range [0] with length 0"},
		},
		"a panic that carries a secret": {
			func() webhook.Outcome { panic("topsecret") },
			webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "panic", Error: "the destination's code failed: panic of type string"},
		},
		"no result": {
			func() webhook.Outcome { return webhook.Outcome{} },
			webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "bad_outcome", Error: `the destination returned the result ""`},
		},
		"a result that is the worker's to give": {
			func() webhook.Outcome { return webhook.Outcome{Result: webhook.ResultRemoved} },
			webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "bad_outcome", Error: `the destination returned the result "removed"`},
		},
		"delivered, with leftovers": {
			func() webhook.Outcome {
				return webhook.Outcome{Result: webhook.ResultDelivered, Status: 200, Error: "x", RetryAfter: 1}
			},
			webhook.Outcome{Result: webhook.ResultDelivered, Status: 200},
		},
		"an answer that quotes credentials": {
			func() webhook.Outcome {
				return webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: "http_400", Error: "answered 400: token=Zq7Kx94TmWb2 of postgres://user:pw@db/x"}
			},
			webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: "http_400", Error: "answered 400: token=[redacted] of postgres://[redacted]@db/x"},
		},
		"unbounded values": {
			func() webhook.Outcome {
				return webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: long, Error: "a\nb" + long, RetryAfter: -5}
			},
			webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: Clean(long, maxClass), Error: "a b" + strings.Repeat("x", 294) + "…"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			target := &Target{name: "x", next: tidied{deliverFunc(c.deliver)}, logger: slog.New(slog.NewJSONHandler(&log, nil))}
			if got := target.Deliver(t.Context(), webhook.Delivery{}); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if strings.Contains(log.String(), "topsecret") {
				t.Errorf("the log shows what the panic carried: %s", log.String())
			}
			if c.want.ErrorClass == "panic" && !strings.Contains(log.String(), "goroutine") {
				t.Error("no stack in the log")
			}
		})
	}
}

func TestTargetTakesOnlyWhatItsFilterWants(t *testing.T) {
	called := false
	target := &Target{wants: Selection{filter: Filter{Accounts: []string{"other"}}}, next: deliverFunc(func() webhook.Outcome {
		called = true
		return webhook.Outcome{Result: webhook.ResultDelivered}
	})}
	d := webhook.Delivery{Event: webhook.Event{Account: "acme"}}
	if out := target.Deliver(t.Context(), d); out.Result != webhook.ResultUnrouted || called {
		t.Errorf("outcome %+v, called %t", out, called)
	}
}

// What the gate says stands, and what a filter does not want never comes to it.
func TestTargetHasItsGateBehindItsFilter(t *testing.T) {
	asked := 0
	cfg := Config{Type: "fake", Filter: Filter{Accounts: []string{"a"}}, Limits: Limits{PerSecond: 5}, Settings: &fakeSettings{To: "x"}}
	target, err := New("x", cfg, Deps{Guard: func(name string, l Limits, _ webhook.Destination) webhook.Destination {
		if name != "x" || l.PerSecond != 5 {
			t.Errorf("the gate of %s has %+v", name, l)
		}
		return deliverFunc(func() webhook.Outcome {
			asked++
			return webhook.Outcome{Result: webhook.ResultWaiting, ErrorClass: webhook.WaitPaused, RetryAfter: time.Minute}
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	if out := target.Deliver(t.Context(), webhook.Delivery{Event: webhook.Event{Account: "b"}}); out.Result != webhook.ResultUnrouted || asked != 0 {
		t.Errorf("%+v, the gate was asked %d times", out, asked)
	}
	if out := target.Deliver(t.Context(), webhook.Delivery{Event: webhook.Event{Account: "a"}}); out.Result != webhook.ResultWaiting || out.RetryAfter != time.Minute {
		t.Errorf("%+v", out)
	}
}
