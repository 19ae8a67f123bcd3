// Package burst starts many receivers or workers at once, as Lambda does for a
// burst of webhooks, each without anything in memory, and holds them to what they
// promise: five failures in a row may make Smartlead disable the webhook.
package burst

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/receive"
)

const (
	containers = 400
	sources    = 100
)

// is makes every call of a service end in a fault.
func is(service string, f fault) func(call) fault {
	return func(c call) fault {
		if c.service == service {
			return f
		}
		return none
	}
}

func TestABurstOfColdReceiversIsAnswered(t *testing.T) {
	w := newWorld(t, sources)
	cases := []struct {
		name  string
		table fault
	}{
		{"everything answers", none},
		{"the table refuses", throttled},
		{"the table is silent", silent},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w.begin()
				w.network.strike(is("dynamodb", c.table))
				before, deniedBefore := w.network.counts()
				began := time.Now()
				answers := atOnce(t, w.cold(t, containers), w.ofSource)
				t.Logf("answered %v within %s", answers, time.Since(began))
				if answers[http.StatusOK] != containers {
					t.Errorf("%d cold receivers, %d sources: answered %v", containers, sources, answers)
				}
				after, denied := w.network.counts()
				asked := func(operation string) int { return after[operation] - before[operation] }
				if n := asked("GetParameter") + asked("GetParameters") + asked("GetParametersByPath"); n != 0 {
					t.Errorf("Parameter Store was asked %d times", n)
				}
				// One for its source, and one or two for the record of its webhook: all of them
				// want to write that.
				if n := asked("GetItem"); c.table == none && (n < 2*containers || n > 3*containers) {
					t.Errorf("%d reads for %d first requests", n, containers)
				}
				if n := denied - deniedBefore; (c.table == none) != (n == 0) || c.table != none && n < 2*containers {
					t.Errorf("%d calls failed", n)
				}
				if n := asked("GET"); c.table != none && n != containers {
					t.Errorf("the copy was read %d times", n)
				}
				if n := w.network.inFlight(); n != 0 {
					t.Errorf("%d calls outlive the requests", n)
				}
			})
		})
	}
}

// What is new works within 5 seconds, and what is withdrawn ends within 60, in every
// container that has read the source just before.
func TestAChangeIsKnownInEveryContainer(t *testing.T) {
	w := newWorld(t, 1)
	synctest.Test(t, func(t *testing.T) {
		const running = 40
		w.begin()
		all := w.cold(t, running)
		source, token := newSource(t, "acme")
		every := func(when, token string, want int) {
			t.Helper()
			answers := atOnce(t, all, func(int) events.APIGatewayV2HTTPRequest { return w.request("acme", token) })
			if answers[want] != running {
				t.Errorf("%s: answered %v, want %d of all", when, answers, want)
			}
		}
		put := func(change func(auth.Source) auth.Source) {
			t.Helper()
			read, err := w.operator.Get(t.Context(), "acme")
			must(t, err)
			must(t, w.operator.PutSource(t.Context(), change(read)))
		}
		every("before it is added", token, http.StatusUnauthorized)
		must(t, w.operator.PutSource(t.Context(), source))
		time.Sleep(5 * time.Second)
		every("5 s after it was added", token, http.StatusOK)

		every("before the token is added", "second", http.StatusUnauthorized)
		put(func(s auth.Source) auth.Source {
			s, err := s.AddToken("second", w.now())
			must(t, err)
			return s
		})
		time.Sleep(5 * time.Second)
		every("5 s after the token was added", "second", http.StatusOK)

		time.Sleep(time.Hour) // the source is read anew
		every("before the token is withdrawn", token, http.StatusOK)
		put(func(s auth.Source) auth.Source { return s.KeepNewestToken(w.now()) })
		time.Sleep(time.Minute)
		every("60 s after the token was withdrawn", token, http.StatusUnauthorized)
		every("the newer token", "second", http.StatusOK)

		time.Sleep(time.Hour) // the source is read anew
		every("before the source is removed", "second", http.StatusOK)
		must(t, w.operator.Remove(t.Context(), "acme"))
		time.Sleep(time.Minute)
		every("60 s after it was removed", "second", http.StatusUnauthorized)
	})
}

// A stranger learns nothing from what a request costs, and cannot make it cost more:
// a cold container's first one, and 300 in a minute.
func TestAnUnknownNameCostsNoMoreThanAKnownOne(t *testing.T) {
	w := newWorld(t, 2)
	type cost struct {
		first, minute string
		took          time.Duration
		answer        string
	}
	of := func(name string) (c cost) {
		synctest.Test(t, func(t *testing.T) {
			w.begin()
			stranger := w.cold(t, 1)[0]
			spent := func(ask func()) string {
				before, _ := w.network.counts()
				ask()
				after, _ := w.network.counts()
				maps.DeleteFunc(after, func(operation string, n int) bool {
					after[operation] = n - before[operation]
					return n == before[operation]
				})
				return fmt.Sprint(after)
			}
			began := time.Now()
			c.first = spent(func() { c.answer = fmt.Sprintf("%+v", stranger.post(t, w.request(name, "guess"))) })
			c.took = time.Since(began)
			c.minute = spent(func() {
				for range 300 {
					time.Sleep(200 * time.Millisecond)
					stranger.post(t, w.request(name, "guess"))
				}
			})
		})
		return c
	}
	signed, known, unknown := of(nameOf(0)), of(nameOf(1)), of("nobody")
	if known != unknown || signed != unknown {
		t.Errorf("an unknown name costs\n%+v, a known one\n%+v, one with a signature\n%+v", unknown, known, signed)
	}
	if !strings.Contains(unknown.first, "GetItem:1") || strings.Contains(unknown.minute, "GetParameter") {
		t.Errorf("an unknown name costs %+v", unknown)
	}
	if !strings.Contains(unknown.answer, "StatusCode:401") {
		t.Errorf("answered %s", unknown.answer)
	}
}

// The limit is there: what each cold receiver would have to read from Parameter
// Store would not come in time.
func TestParameterStoreIsThrottled(t *testing.T) {
	w := newWorld(t, 1)
	synctest.Test(t, func(t *testing.T) {
		w.begin()
		var group sync.WaitGroup
		var read atomic.Int64
		for range containers {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), receive.DefaultPolicy.SecretsTimeout)
				defer cancel()
				_, _, err := w.clients().SSM.ParametersByPath(ctx, w.env.Config.ParameterPrefix+"/destinations", "")
				if err == nil {
					read.Add(1)
				}
			})
		}
		group.Wait()
		bound := 40 * (1 + int64(receive.DefaultPolicy.SecretsTimeout.Seconds()))
		if n := read.Load(); n > bound || n < 40 {
			t.Errorf("%d of %d cold containers read a parameter in time, at most %d can", n, containers, bound)
		}
	})
}
