package burst

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/lambdaio"
)

// frozen is how long nothing runs in a container between two requests: what it has
// read is old, and its connections are gone.
const frozen = time.Hour

// gone are the ways in which a call over a connection that is gone may end.
var gone = map[string]fault{"reset": reset, "silent": silent}

// Where the connections to the table and to the copy both say nothing, the request is
// answered 503 in time, and finds new connections when it is sent again.
func TestAFrozenReceiverAnswersInTime(t *testing.T) {
	w := newWorld(t, 1)
	for name, f := range gone {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w.begin()
				c := w.cold(t, 1)[0]
				post := func(orElse int) {
					t.Helper()
					began := time.Now()
					if got := c.post(t, w.ofSource(0)).StatusCode; got != http.StatusOK && got != orElse || time.Since(began) >= 10*time.Second {
						t.Errorf("answered %d after %s", got, time.Since(began))
					}
					if n := w.network.inFlight(); n != 0 {
						t.Errorf("%d calls outlive the request", n)
					}
				}
				orElse := http.StatusOK
				if f == silent {
					orElse = http.StatusServiceUnavailable
				}
				post(http.StatusOK)
				for range 3 {
					time.Sleep(frozen)
					w.network.thaw(f, "dynamodb", "s3", "sqs")
					post(orElse)
					post(http.StatusOK)
				}
			})
		})
	}
}

// A cold worker is stopped while it reads the destinations, and frozen. The read
// that it began will never be answered.
func TestAFrozenWorkerReadsDestinationsAnew(t *testing.T) {
	w := newWorld(t, 1)
	for name, f := range gone {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w.begin()
				all, worker := w.enqueue(t, 3), <-w.coldWorkers(t, 1)
				deliver := func(m message, within time.Duration, back int) {
					t.Helper()
					began := time.Now()
					if n := invoke(t, worker, m, within); n != back || time.Since(began) > within {
						t.Errorf("%d messages come back, want %d, after %s", n, back, time.Since(began))
					}
					if n := w.network.inFlight(); n != 0 {
						t.Errorf("%d calls outlive the invocation", n)
					}
					time.Sleep(frozen)
				}
				w.network.strike(is("ssm", silent))
				deliver(all[0], time.Second, 1)
				w.network.strike(nil)
				deliver(all[0], time.Second, 0)
				for _, m := range all[1:] {
					w.network.thaw(f, "ssm")
					deliver(m, 5*time.Second, 0)
				}
			})
		})
	}
}

// invoke hands a worker one message, and returns how many come back.
func invoke(t *testing.T, worker lambdaio.WorkerHandler, m message, within time.Duration) (back int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	response, err := worker(ctx, events.SQSEvent{Records: []events.SQSMessage{m.sent}})
	if err != nil {
		t.Error(err)
	}
	return len(response.BatchItemFailures)
}
