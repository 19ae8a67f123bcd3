package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

var start = testclock.Noon()

const key = "v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// world is the outside of the use case.
type world struct {
	now           time.Time
	ledger        *memory.Ledger
	destinations  map[string]webhook.Destination
	unreadable    error
	reads         int // of the destinations
	bodyErr       error
	erased        []webhook.Payload
	deadLetters   []webhook.Message
	deadLetterErr error
	nonces        atomic.Int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{now: start, ledger: memory.New(), destinations: map[string]webhook.Destination{}}
	_, err := w.ledger.Claim(t.Context(), receipt(), "claim", start.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func receipt() webhook.Receipt {
	return webhook.Receipt{
		Key: key, Fingerprint: "F1", Account: "default", Source: "demo", Type: webhook.EmailReply,
		ReceivedAt: start, OccurredAt: start, Payload: webhook.Payload{Data: []byte(`{}`)}, Flags: []string{webhook.FlagTestEvent},
	}
}

func (w *world) SendDeadLetters(_ context.Context, msgs []webhook.Message) []error {
	if w.deadLetterErr == nil {
		w.deadLetters = append(w.deadLetters, msgs...)
	}
	return []error{w.deadLetterErr}
}

func (w *world) Load(_ context.Context, p webhook.Payload) ([]byte, error)    { return p.Data, w.bodyErr }
func (w *world) Expire(context.Context, webhook.Payload, time.Duration) error { return nil }
func (w *world) Erase(_ context.Context, p webhook.Payload) error {
	w.erased = append(w.erased, p)
	return w.bodyErr
}
func (w *world) Destinations(context.Context) (map[string]webhook.Destination, error) {
	w.reads++
	return w.destinations, w.unreadable
}

func (w *world) service(change func(*process.Policy)) *process.Service {
	return w.serviceOver(w.ledger, change)
}

func (w *world) serviceOver(ledger process.Ledger, change func(*process.Policy)) *process.Service {
	policy := process.DefaultPolicy
	policy.MaxAttempts = 3
	if change != nil {
		change(&policy)
	}
	return process.New(process.Ports{
		Ledger: ledger, DeadLetters: w, Bodies: w, Destinations: w,
		Normalize: func(body []byte, account string) (webhook.Event, error) {
			ev := webhook.Event{Type: webhook.EmailReply, Account: account}
			return ev, json.Unmarshal(body, &struct{}{})
		},
		Now:    func() time.Time { return w.now },
		Nonce:  func() string { return fmt.Sprint("nonce-", w.nonces.Add(1)) },
		Random: func() float64 { return 0.5 },
	}, policy)
}

func (w *world) record(t *testing.T) webhook.Record {
	t.Helper()
	rec, err := w.ledger.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// sink is a destination that answers what it is told, and remembers.
type sink struct {
	answers []webhook.Outcome // the last one repeats
	got     []webhook.Delivery
}

func (s *sink) Deliver(_ context.Context, d webhook.Delivery) webhook.Outcome {
	s.got = append(s.got, d)
	a := s.answers[min(len(s.got), len(s.answers))-1]
	return a
}

var (
	ok        = webhook.Outcome{Result: webhook.ResultDelivered, Status: 200}
	busy      = webhook.Outcome{Result: webhook.ResultRetry, Status: 503, ErrorClass: "http_503", Error: "answered 503"}
	permanent = webhook.Outcome{Result: webhook.ResultPermanent, Status: 400, ErrorClass: "http_400", Error: "answered 400"}
	message   = webhook.Message{Kind: webhook.KindEvent, ID: key}
)

func TestDeliveredOnce(t *testing.T) {
	w := newWorld(t)
	s := &sink{answers: []webhook.Outcome{ok}}
	w.destinations["crm"] = s
	svc := w.service(nil)
	r := svc.Process(t.Context(), message)
	if r.Outcome != process.Delivered || r.Retry || r.Attempt != 1 || r.Err != nil {
		t.Fatalf("%+v", r)
	}
	if r := svc.Process(t.Context(), message); r.Outcome != process.Finished || r.Retry {
		t.Fatalf("the message again: %+v", r)
	}
	rec := w.record(t)
	if rec.State != webhook.Delivered || !rec.DueAt.IsZero() || rec.ExpiresAt.IsZero() || len(s.got) != 1 {
		t.Fatalf("%+v", rec)
	}
	d := s.got[0]
	if d.IdempotencyKey != key || d.Event.ID != key || d.Event.Attempt != 1 || d.Event.Source != "demo" ||
		len(d.Event.Flags) != 1 || d.Event.ReceivedAt != start {
		t.Fatalf("delivered %+v", d)
	}
}

// The first lease fixes the names of what is configured, so that a second read
// between lease and delivery could only differ from it.
func TestDestinationsAreReadOnceAMessage(t *testing.T) {
	w := newWorld(t)
	w.destinations["crm"] = &sink{answers: []webhook.Outcome{busy, ok}}
	svc := w.service(nil)
	for n := 1; n <= 2; n++ {
		svc.Process(t.Context(), message)
		if w.reads != n {
			t.Errorf("%d reads for %d messages", w.reads, n)
		}
		w.now = w.now.Add(time.Hour)
	}
	if rec := w.record(t); rec.State != webhook.Delivered {
		t.Errorf("the event is %s", rec.State)
	}
}

func TestRetryWaitsAndDiesAfterExactlyTheBudget(t *testing.T) {
	w := newWorld(t)
	s := &sink{answers: []webhook.Outcome{busy}}
	w.destinations["crm"] = s
	svc := w.service(nil)
	for n := 1; n <= 3; n++ {
		r := svc.Process(t.Context(), message)
		rec := w.record(t)
		if n < 3 {
			wait := process.DefaultPolicy.RetryBase << (n - 1) / 2
			if r.Outcome != process.Retry || !r.Retry || r.RetryIn != wait || !rec.NotBefore.Equal(w.now.Add(wait)) || !r.NextAt.Equal(rec.NotBefore) ||
				!rec.DueAt.Equal(rec.NotBefore.Add(process.DefaultPolicy.Grace)) {
				t.Fatalf("attempt %d: %+v %+v", n, r, rec)
			}
			if r := svc.Process(t.Context(), message); r.Outcome != process.Early || r.Retry {
				t.Fatalf("an early message is done with: %+v", r)
			}
			w.now = rec.NotBefore
			continue
		}
		if r.Outcome != process.Dead || r.Retry || rec.State != webhook.Dead || rec.Death != 3 {
			t.Fatalf("attempt %d: %+v %+v", n, r, rec)
		}
		if !rec.DueAt.IsZero() {
			t.Errorf("the dead letter was sent, and is still owed at %s", rec.DueAt)
		}
	}
	if len(s.got) != 3 || len(w.deadLetters) != 1 || w.deadLetters[0].DeadLetter.Death != 3 || w.deadLetters[0].DeadLetter.ErrorClass != "http_503" {
		t.Fatalf("%d deliveries, dead letters %+v", len(s.got), w.deadLetters)
	}
	if got := len(w.record(t).History); got != 3 {
		t.Errorf("the ledger remembers %d attempts, want 3", got)
	}
}

func TestDeadLetterOfThatDeathRevives(t *testing.T) {
	w := newWorld(t)
	s := &sink{answers: []webhook.Outcome{permanent, ok}}
	w.destinations["crm"] = s
	svc := w.service(nil)
	if r := svc.Process(t.Context(), message); r.Outcome != process.Dead {
		t.Fatalf("%+v", r)
	}
	if r := svc.Process(t.Context(), message); r.Outcome != process.StaleDeadLetter {
		t.Fatalf("an ordinary message must not revive: %+v", r)
	}
	stale := w.deadLetters[0]
	stale.DeadLetter = &webhook.DeadLetter{Death: 9}
	if r := svc.Process(t.Context(), stale); r.Outcome != process.StaleDeadLetter {
		t.Fatalf("another death's dead letter must not revive: %+v", r)
	}
	if r := svc.Process(t.Context(), w.deadLetters[0]); r.Outcome != process.Delivered || r.Attempt != 2 {
		t.Fatalf("the dead letter: %+v", r)
	}
	if s.got[1].IdempotencyKey != s.got[0].IdempotencyKey {
		t.Error("a redrive must not change the idempotency key")
	}
}

func TestEachDestinationSettlesOnItsOwn(t *testing.T) {
	w := newWorld(t)
	a, b, c := &sink{answers: []webhook.Outcome{ok}}, &sink{answers: []webhook.Outcome{busy, ok}}, &sink{answers: []webhook.Outcome{{Result: webhook.ResultUnrouted}}}
	w.destinations["a"], w.destinations["b"], w.destinations["c"] = a, b, c
	svc := w.service(nil)
	if r := svc.Process(t.Context(), message); r.Outcome != process.Retry {
		t.Fatalf("%+v", r)
	}
	delete(w.destinations, "c")
	w.destinations["new"] = &sink{answers: []webhook.Outcome{ok}}
	w.now = w.now.Add(time.Hour)
	if r := svc.Process(t.Context(), message); r.Outcome != process.Delivered {
		t.Fatalf("%+v", r)
	}
	if len(a.got) != 1 || len(b.got) != 2 || len(c.got) != 1 {
		t.Errorf("deliveries: a %d, b %d, c %d", len(a.got), len(b.got), len(c.got))
	}
	for _, p := range w.record(t).Destinations {
		if p.Name == "new" {
			t.Error("the names are fixed at the first lease")
		}
	}
}

// An event is delivered where at least one destination has it. One that nobody has
// says so, and whether somebody would have had it.
func TestHowASettledEventEnds(t *testing.T) {
	unrouted := webhook.Outcome{Result: webhook.ResultUnrouted}
	for _, c := range []struct {
		name         string
		destinations map[string][]webhook.Outcome
		remove       []string // after the first attempt
		want         webhook.State
		class        string
	}{
		{name: "taken", destinations: map[string][]webhook.Outcome{"a": {ok}}, want: webhook.Delivered},
		{name: "taken by one", destinations: map[string][]webhook.Outcome{"a": {ok}, "b": {unrouted}}, want: webhook.Delivered},
		{name: "taken by one, later", destinations: map[string][]webhook.Outcome{"a": {busy, ok}, "b": {unrouted}}, want: webhook.Delivered},
		{name: "no filter wants it", destinations: map[string][]webhook.Outcome{"a": {unrouted}, "b": {unrouted}}, want: webhook.Unrouted},
		{name: "there is no destination", want: webhook.Unrouted},
		{
			name: "removed", destinations: map[string][]webhook.Outcome{"a": {busy}}, remove: []string{"a"},
			want: webhook.Unrouted, class: webhook.ClassDestinationRemoved,
		},
		{
			name: "one removed, one not wanting it", destinations: map[string][]webhook.Outcome{"a": {busy}, "b": {unrouted}}, remove: []string{"a"},
			want: webhook.Unrouted, class: webhook.ClassDestinationRemoved,
		},
		{
			name: "one removed, one taking it", destinations: map[string][]webhook.Outcome{"a": {busy}, "b": {ok}}, remove: []string{"a"},
			want: webhook.Delivered,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			for name, answers := range c.destinations {
				w.destinations[name] = &sink{answers: answers}
			}
			svc := w.service(nil)
			r := svc.Process(t.Context(), message)
			if r.Outcome == process.Retry {
				for _, name := range c.remove {
					delete(w.destinations, name)
				}
				w.now = w.now.Add(time.Hour)
				r = svc.Process(t.Context(), message)
			}
			rec := w.record(t)
			if r.Outcome != process.Outcome(c.want) || r.Retry || r.Err != nil {
				t.Errorf("reported %+v", r)
			}
			if rec.State != c.want || rec.ErrorClass != c.class || (c.class != "") != strings.Contains(rec.Error, "a") ||
				rec.ExpiresAt.IsZero() || !rec.DueAt.IsZero() || rec.DeliveredAt.IsZero() != (c.want == webhook.Unrouted) {
				t.Errorf("%+v", rec)
			}
		})
	}
}

// A replay reaches the destinations that are there by then.
func TestReplayOfAnUnroutedEventReachesANewDestination(t *testing.T) {
	w := newWorld(t)
	w.destinations["old"] = &sink{answers: []webhook.Outcome{{Result: webhook.ResultUnrouted}}}
	svc := w.service(nil)
	if r := svc.Process(t.Context(), message); r.Outcome != process.Unrouted {
		t.Fatalf("%+v", r)
	}
	added := &sink{answers: []webhook.Outcome{ok}}
	w.destinations = map[string]webhook.Destination{"new": added}
	if r := svc.Process(t.Context(), message); r.Outcome != process.Finished {
		t.Fatalf("unasked: %+v", r)
	}
	if _, err := w.ledger.Replay(t.Context(), webhook.Revival{ID: key, Lane: webhook.Replay, At: w.now, DueAt: w.now, Nonce: "replay"}); err != nil {
		t.Fatal(err)
	}
	if r := svc.Process(t.Context(), message); r.Outcome != process.Delivered || len(added.got) != 1 {
		t.Fatalf("%+v, %d deliveries", r, len(added.got))
	}
}

func TestOnePermanentFailureDoesNotStopTheOther(t *testing.T) {
	w := newWorld(t)
	w.destinations["bad"] = &sink{answers: []webhook.Outcome{permanent}}
	slow := &sink{answers: []webhook.Outcome{busy, ok}}
	w.destinations["slow"] = slow
	svc := w.service(nil)
	if r := svc.Process(t.Context(), message); r.Outcome != process.Retry {
		t.Fatalf("%+v", r)
	}
	w.now = w.now.Add(time.Hour)
	r := svc.Process(t.Context(), message)
	if r.Outcome != process.Dead || len(r.Attempts) != 1 || len(slow.got) != 2 {
		t.Fatalf("%+v", r)
	}
}

func TestFailuresAreAttempts(t *testing.T) {
	down := fmt.Errorf("s3: %w", webhook.ErrUnavailable)
	cases := []struct {
		name    string
		arrange func(*world)
		outcome process.Outcome
		class   string
	}{
		{"a body store that is down", func(w *world) { w.bodyErr = down }, process.Retry, "body_unreadable"},
		{"a body that is gone", func(w *world) { w.bodyErr = webhook.ErrNotFound }, process.Dead, "body_gone"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.destinations["crm"] = &sink{answers: []webhook.Outcome{ok}}
			c.arrange(w)
			r := w.service(nil).Process(t.Context(), message)
			if r.Outcome != c.outcome || r.Attempts[0].ErrorClass != c.class {
				t.Fatalf("%+v", r)
			}
		})
	}
}

func TestMessageComesBackWhereNothingCouldBeDone(t *testing.T) {
	w := newWorld(t)
	w.unreadable = fmt.Errorf("ssm: %w", webhook.ErrUnavailable)
	if r := w.service(nil).Process(t.Context(), message); r.Outcome != process.DestinationsUnreadable || !r.Retry || r.RetryIn != 3*time.Second || r.Attempt != 0 || r.EventID != key {
		t.Fatalf("%+v", r)
	}
	if rec := w.record(t); rec.State != webhook.Pending || rec.LeaseNumber != 0 {
		t.Fatalf("nothing may be charged: %+v", rec)
	}
}

func TestUnclaimedMessageIsClaimedAndDelivered(t *testing.T) {
	w := newWorld(t)
	s := &sink{answers: []webhook.Outcome{ok}}
	w.destinations["crm"] = s
	svc := w.service(nil)
	r2 := receipt()
	r2.Key = "v1:EMAIL_REPLY:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
	m := webhook.Message{Kind: webhook.KindUnclaimed, Receipt: &r2}
	if r := svc.Process(t.Context(), m); r.Outcome != process.Delivered {
		t.Fatalf("%+v", r)
	}
	if r := svc.Process(t.Context(), m); r.Outcome != process.Duplicate || len(s.got) != 1 {
		t.Fatalf("again: %+v", r)
	}
	r2.Key, r2.Held = "v1:EMAIL_REPLY:CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC", true
	if r := svc.Process(t.Context(), m); r.Outcome != process.Held || len(s.got) != 1 {
		t.Fatalf("held: %+v", r)
	}
}

// An unclaimed message of an event that was erased meanwhile is done with only when its
// large body is gone.
func TestUnclaimedMessageOfAnErasedEvent(t *testing.T) {
	w := newWorld(t)
	if _, err := w.ledger.Erase(t.Context(), webhook.Erasure{ID: key, At: w.now, ExpiresAt: w.now.Add(time.Hour), Nonce: "n"}); err != nil {
		t.Fatal(err)
	}
	r := receipt()
	r.Payload = webhook.Payload{Ref: "default/large"}
	m := webhook.Message{Kind: webhook.KindUnclaimed, Receipt: &r}
	w.bodyErr = webhook.ErrUnavailable
	if got := w.service(nil).Process(t.Context(), m); !got.Retry {
		t.Errorf("it is done with, and its body is there: %+v", got)
	}
	w.bodyErr = nil
	if got := w.service(nil).Process(t.Context(), m); got.Outcome != process.Duplicate || got.Retry || len(w.erased) != 2 || w.erased[1].Ref != r.Payload.Ref {
		t.Errorf("%+v, erased %v", got, w.erased)
	}
}

func TestAbandonedLeasesAreCapped(t *testing.T) {
	w := newWorld(t)
	w.destinations["crm"] = &sink{answers: []webhook.Outcome{ok}}
	svc := w.service(func(p *process.Policy) { p.MaxAbandoned = 2 })
	for range 3 { // three workers that stop without reporting an outcome
		_, err := w.ledger.Lease(t.Context(), webhook.LeaseRequest{
			ID: key, Nonce: fmt.Sprint(w.nonces.Add(1)), Now: w.now, Until: w.now.Add(time.Second),
			DueAt: w.now.Add(time.Minute), MaxAbandoned: 2, Destinations: []string{"crm"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if r := svc.Process(t.Context(), message); r.Outcome != process.Busy || r.Retry {
			t.Fatalf("a live lease: %+v", r)
		}
		w.now = w.now.Add(time.Minute)
	}
	r := svc.Process(t.Context(), message)
	rec := w.record(t)
	if r.Outcome != process.Dead || rec.Death != 3 || len(w.deadLetters) != 1 || w.deadLetters[0].DeadLetter.Death != 3 || !rec.DueAt.IsZero() {
		t.Fatalf("%+v %+v %+v", r, rec, w.deadLetters)
	}
}

func TestDeadLetterThatCouldNotBeSentStaysOwed(t *testing.T) {
	w := newWorld(t)
	w.destinations["crm"] = &sink{answers: []webhook.Outcome{permanent}}
	w.deadLetterErr = fmt.Errorf("sqs: %w", webhook.ErrUnavailable)
	r := w.service(nil).Process(t.Context(), message)
	if rec := w.record(t); r.Outcome != process.Dead || r.Err == nil || rec.DueAt.IsZero() {
		t.Fatalf("%+v %+v", r, rec)
	}
}

func TestLongBackoffIsTheSweepers(t *testing.T) {
	w := newWorld(t)
	asked := busy
	asked.RetryAfter = 10 * time.Minute
	w.destinations["crm"] = &sink{answers: []webhook.Outcome{asked}}
	r := w.service(nil).Process(t.Context(), message)
	if rec := w.record(t); r.Retry || !rec.NotBefore.Equal(start.Add(10*time.Minute+process.DefaultPolicy.RetryBase/2)) {
		t.Fatalf("%+v, not before %s", r, rec.NotBefore)
	}
}

func TestUnknownEventIsDoneWith(t *testing.T) {
	w := newWorld(t)
	r := w.service(nil).Process(t.Context(), webhook.Message{Kind: webhook.KindEvent, ID: "v1:EMAIL_REPLY:NONE"})
	if r.Outcome != process.NotInLedger || r.Retry {
		t.Fatalf("%+v", r)
	}
}
