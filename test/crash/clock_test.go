package crash

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"smartlead-receiver/pkg/config"
)

// clocks are those that may differ: of each function and of the operator.
var clocks = []string{"receiver", "worker", "sweeper", "redrive", "operator"}

// TestSkew lets every clock be right, ten minutes late or ten minutes early,
// in all combinations. Events die, are redriven and replayed under the same
// clocks.
func TestSkew(t *testing.T) {
	offsets := []time.Duration{0, -10 * time.Minute, 10 * time.Minute}
	combinations := 1
	for range clocks {
		combinations *= len(offsets)
	}
	for n := range combinations {
		skew, name := map[string]time.Duration{}, ""
		for i, rest := 0, n; i < len(clocks); i, rest = i+1, rest/len(offsets) {
			skew[clocks[i]] = offsets[rest%len(offsets)]
			name += fmt.Sprintf("%s %s ", clocks[i], skew[clocks[i]])
		}
		if !whole() && n%7 != 0 {
			continue
		}
		t.Run(strings.TrimSpace(name), func(t *testing.T) {
			t.Parallel()
			skewed(t, skew)
		})
	}
}

func skewed(t *testing.T, skew map[string]time.Duration) {
	w := newWorld(t, tableOf(t), options{tries: 2})
	defer w.close()
	w.skew = skew
	w.takes("crm", func(e effect) int {
		if e.attempt < 4 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	w.send(w.event(1))
	w.outage = sqsDown
	w.send(w.event(2))
	w.outage = dynamoDBDown
	w.send(w.event(3))
	w.outage = nil
	w.settle()
	w.check(false)
	if n := len(w.deadLetters()); n != 3 {
		t.Errorf("%d dead letters of 3 deaths", n)
	}
	w.pass(time.Hour) // a job takes what died before it began, by the operator's clock
	w.finish()
	for n := range 3 {
		w.replay(w.idOf(w.event(n+1)), 0, true, "replay")
	}
	w.settle()
	w.check(true)
	w.violated()
	if n := len(w.effects); n != 6 {
		t.Errorf("%d deliveries of 3 events and their replays", n)
	}
}

// TestExpiry deletes what has expired between any two calls of whatever may
// still speak of it: late messages, dead letters, duplicates, a replay.
func TestExpiry(t *testing.T) {
	run := func(t *testing.T, at int) int {
		t.Helper()
		w := newWorld(t, tableOf(t), options{tries: 1})
		defer w.close()
		r := w.event(1)
		dying(w)
		w.heal()
		w.console(w.stores.DLQ, w.stores.Live, true) // its dead letter stays behind
		w.settle()
		w.pass(retention + time.Minute)
		message := fmt.Sprintf(`{"v":1,"kind":"event","event_id":%q}`, w.idOf(r))
		w.put(w.stores.Live, message)
		w.put(w.stores.DLQ, message)
		w.acks, w.effects = nil, nil // of the life that is over
		calls := 0
		w.interrupt(func(*life, string, any) bool {
			calls++
			return calls == at
		}, w.expire)
		w.replay(w.idOf(r), 0, false, "replay")
		w.pump()
		w.post(r)
		w.put(w.stores.Live, message)
		w.pump()
		w.sweep()
		w.redrive()
		w.interrupt(nil, nil) // whatever was not interrupted
		// The duplicate of an item that then expired was delivered long ago.
		w.acks = slices.DeleteFunc(w.acks, func(a ack) bool { return a.status != "accepted" })
		w.finish()
		w.violated()
		return calls
	}
	total := run(t, 0)
	for at := range total {
		t.Run(fmt.Sprint("before call ", at+1), func(t *testing.T) {
			t.Parallel()
			run(t, at+1)
		})
	}
	t.Logf("%d calls", total)
}

// TestRetention: an item outlives every message that may speak of it, and the
// dead letter queue keeps as long as the queues, since a message that SQS moves keeps
// its first enqueue time.
func TestRetention(t *testing.T) {
	w := newWorld(t, embedded.URL, options{})
	defer w.close()
	keeps := func(url string) time.Duration {
		name := types.QueueAttributeNameMessageRetentionPeriod
		out, err := w.clients.SQS.GetQueueAttributes(context.WithoutCancel(t.Context()), &sqs.GetQueueAttributesInput{
			QueueUrl: &url, AttributeNames: []types.QueueAttributeName{name},
		})
		w.must(err)
		seconds, err := strconv.Atoi(out.Attributes[string(name)])
		w.must(err)
		return time.Duration(seconds) * time.Second
	}
	dead := keeps(w.stores.DLQ.URL)
	for _, url := range []string{w.stores.Live.URL, w.stores.Replay.URL} {
		if keeps(url) > dead {
			t.Errorf("a queue keeps for %s, and the dead letter queue for %s", keeps(url), dead)
		}
	}
	shortest := 0
	for days := 3650; days > 0; days-- {
		_, err := config.Read(func(name string) string {
			return map[string]string{"RETENTION_DAYS": strconv.Itoa(days)}[name]
		}, 0)
		if err != nil {
			break
		}
		shortest = days
	}
	if item := time.Duration(shortest) * 24 * time.Hour; item <= dead {
		t.Errorf("an item may expire after %s, a dead letter after %s", item, dead)
	}
}
