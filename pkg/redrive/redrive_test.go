package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/webhook"
)

// world is a ledger in memory and a worker that settles what is sent to it.
type world struct {
	*memory.Ledger
	t      *testing.T
	now    time.Time
	result func(n int) webhook.State // of the n-th processed message, from 0
	// postpone is for how long the destination asks to wait, of the n-th; 0: it does not.
	postpone func(n int) time.Duration
	queue    []webhook.EventID
	places   [][]time.Duration // of each tick's messages
	done     int
	idle     int // ticks in which the worker takes nothing
	refuse   error
	silent   atomic.Int64 // revivals that the store will not answer, though every second takes effect
	nonces   atomic.Int64
}

func newWorld(t *testing.T) *world {
	return &world{Ledger: memory.New(), t: t, now: simStart, result: func(int) webhook.State { return webhook.Delivered }}
}

func (w *world) Send(_ context.Context, lane webhook.Lane, msgs []webhook.Message) []error {
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		if errs[i] = w.refuse; w.refuse == nil && lane == webhook.Replay {
			w.queue = append(w.queue, m.ID)
			if len(w.places) == 0 || m.After == 0 && len(w.queue) == 1 {
				w.places = append(w.places, nil)
			}
			w.places[len(w.places)-1] = append(w.places[len(w.places)-1], m.After)
			if rec, err := w.Get(w.t.Context(), m.ID); err != nil || !rec.DueAt.After(w.now.Add(m.After)) {
				w.t.Errorf("kept back for %s, and due at %s: the sweeper would send it first (%v)", m.After, rec.DueAt, err)
			}
		}
	}
	return errs
}

func (w *world) nonce() string { return fmt.Sprint("n", w.nonces.Add(1)) }

func (w *world) settle(id webhook.EventID, state webhook.State) {
	w.t.Helper()
	lease, err := w.Lease(w.t.Context(), webhook.LeaseRequest{
		ID: id, Nonce: w.nonce(), Now: w.now, Until: w.now.Add(time.Minute), DueAt: w.now.Add(time.Hour), Destinations: []string{"crm"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	s := webhook.Settlement{
		State: state, At: w.now, Destinations: []webhook.Progress{{Name: "crm"}}, ErrorClass: "http_503",
		Attempts: []webhook.Attempt{{Number: lease.Number, Destination: "crm", Result: webhook.ResultRetry, StartedAt: w.now, Duration: 20 * time.Millisecond}},
	}
	if state != webhook.Delivered {
		s.DueAt = w.now.Add(time.Minute)
	}
	if err := w.Settle(w.t.Context(), lease, s); err != nil {
		w.t.Fatal(err)
	}
}

// dead makes n dead events, one a second.
func (w *world) dead(n int) []webhook.EventID {
	w.t.Helper()
	var ids []webhook.EventID
	for i := range n {
		typ := webhook.EmailReply
		if i%2 == 1 {
			typ = webhook.EmailOpen
		}
		c, err := w.Claim(w.t.Context(), webhook.Receipt{
			Key: fmt.Sprintf("v1:%s:%032d", typ, i), Type: typ, Account: "default", Source: "demo", ReceivedAt: w.now,
		}, w.nonce(), w.now)
		if err != nil {
			w.t.Fatal(err)
		}
		w.settle(c.ID, webhook.Dead)
		ids = append(ids, c.ID)
		w.now = w.now.Add(time.Second)
	}
	w.now = w.now.Add(10 * time.Minute)
	return ids
}

// service is a redrive whose clock moves when it sleeps; the worker takes what
// was sent meanwhile.
func (w *world) service(change func(*Policy)) *Service {
	policy := DefaultPolicy
	if change != nil {
		change(&policy)
	}
	return New(Ports{
		Ledger: w, DeadEvents: w, Documents: w, Queue: w,
		Now: func() time.Time { return w.now }, Nonce: w.nonce,
		Sleep: func(_ context.Context, d time.Duration) {
			w.now = w.now.Add(d)
			if w.idle > 0 {
				w.idle--
				return
			}
			work := w.queue
			w.queue = nil
			for _, id := range work {
				if !w.postponed(id) {
					w.settle(id, w.result(w.done))
					w.done++
				}
			}
		},
	}, policy)
}

// oneTick runs a function that has time for one tick.
func (w *world) oneTick(svc *Service) Summary {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), DefaultPolicy.Tick+runMargin)
	defer cancel()
	return svc.Run(ctx)
}

func (w *world) states(ids []webhook.EventID) map[webhook.State]int {
	w.t.Helper()
	out := make(map[webhook.State]int)
	for _, id := range ids {
		rec, err := w.Get(w.t.Context(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		out[rec.State]++
	}
	return out
}

func TestRedriveDeliversEverythingThatWasDead(t *testing.T) {
	w := newWorld(t)
	ids := w.dead(137)
	svc := w.service(nil)
	plan, err := svc.Plan(t.Context(), Request{})
	if err != nil || plan.Release != 137 || plan.ByType[webhook.EmailReply] != 69 || plan.ByClass["http_503"] != 137 || plan.Estimate == 0 {
		t.Fatalf("%+v %v", plan, err)
	}
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.Start(t.Context(), Request{}); !errors.Is(err, ErrActive) {
		t.Fatalf("a second job: %v", err)
	}
	sum := svc.Run(t.Context())
	job, _ := svc.Status(t.Context())
	if sum.Err != nil || job.State != Done || job.Counts.Delivered != 137 || job.Counts.Released != 137 || job.Counts.Failed != 0 {
		t.Fatalf("%+v %+v", sum, job)
	}
	if got := w.states(ids); got[webhook.Delivered] != 137 {
		t.Fatalf("%v", got)
	}
	if err := w.SaveDocument(t.Context(), historyKind, "broken", []byte(`{"id":`), 0, w.now, w.now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	history, unreadable, err := svc.History(t.Context(), 10)
	if err != nil || len(history) != 1 || history[0].ID != job.ID || !slices.Equal(unreadable, []string{"broken"}) {
		t.Fatalf("%+v, unreadable %v, %v", history, unreadable, err)
	}
	if _, err := svc.Start(t.Context(), Request{}); !errors.Is(err, ErrNothing) {
		t.Fatalf("nothing is dead any more: %v", err)
	}
}

// A job that is smaller than the canary says so.
func TestCanaryOfASmallJob(t *testing.T) {
	w := newWorld(t)
	w.dead(3)
	svc := w.service(nil)
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	w.oneTick(svc)
	if job, _ := svc.Status(t.Context()); job.Reason != "trying the first 3" {
		t.Error(job.Reason)
	}
}

// Nothing goes out behind the canary before its first attempts have ended.
func TestCanaryIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.dead(100)
	w.idle = 6
	svc := w.service(nil)
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	svc.Run(t.Context())
	if len(w.places) < 2 || len(w.places[0]) != DefaultSettings.Canary {
		t.Errorf("the first tick released %d", len(w.places[0]))
	}
	job, _ := svc.Status(t.Context())
	var waited bool
	for _, e := range job.Log {
		waited = waited || e.Reason == "waiting for the first 20: 0 have ended"
	}
	if !waited || job.State != Done || job.Counts.Delivered != 100 {
		t.Errorf("waited: %v; %+v", waited, job)
	}
}

func TestDeadDestinationLosesOnlyTheCanary(t *testing.T) {
	w := newWorld(t)
	ids := w.dead(300)
	w.result = func(int) webhook.State { return webhook.Dead }
	svc := w.service(func(p *Policy) { p.MaxHolds = 2 })
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	svc.Run(t.Context())
	job, _ := svc.Status(t.Context())
	if job.State != Stopped || job.Counts.Released > 3*DefaultSettings.Canary {
		t.Fatalf("%s after %d releases: %s", job.State, job.Counts.Released, job.Reason)
	}
	if got := w.states(ids); got[webhook.Dead] != 300 {
		t.Fatalf("every event must be dead and visible: %v", got)
	}
}

func TestFilterAndLimit(t *testing.T) {
	w := newWorld(t)
	ids := w.dead(60)
	svc := w.service(nil)
	request := Request{Filter: Filter{Types: []webhook.Type{webhook.EmailReply}}, Limit: 7}
	if _, err := svc.Start(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	svc.Run(t.Context())
	job, _ := svc.Status(t.Context())
	if job.State != Done || job.Counts.Released != 7 {
		t.Fatalf("%+v", job)
	}
	for i, id := range ids {
		rec, _ := w.Get(t.Context(), id)
		if want := i%2 == 0 && i < 14; (rec.State == webhook.Delivered) != want {
			t.Errorf("event %d is %s", i, rec.State)
		}
	}
}

func TestOftenRedrivenEventsAreParked(t *testing.T) {
	w := newWorld(t)
	ids := w.dead(2)
	w.result = func(int) webhook.State { return webhook.Dead }
	svc := w.service(func(p *Policy) { p.ParkAfter = 2; p.Canary = 2 })
	for range 3 {
		if _, err := svc.Start(t.Context(), Request{}); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if svc.Run(t.Context()); len(w.queue) == 0 {
				break
			}
		}
		if _, err := svc.Cancel(t.Context()); err != nil && !errors.Is(err, ErrNoJob) {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Hour)
	}
	if got := w.states(ids); got[webhook.Parked] != 2 {
		t.Fatalf("%v", got)
	}
}

func TestPauseResumeCancel(t *testing.T) {
	w := newWorld(t)
	w.dead(100)
	svc := w.service(func(p *Policy) { p.Ceiling = 1; p.CanaryRate = 1 })
	if _, err := svc.Pause(t.Context()); !errors.Is(err, ErrNoJob) {
		t.Fatalf("pause without a job: %v", err)
	}
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	w.oneTick(svc)
	if _, err := svc.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, _ := svc.Status(t.Context())
	svc.Run(t.Context())
	if after, _ := svc.Status(t.Context()); after.Counts.Released != before.Counts.Released || after.State != Paused {
		t.Fatalf("a paused job released: %+v", after)
	}
	if j, err := svc.Resume(t.Context()); err != nil || j.State != Running || j.Pace.Phase != Canary {
		t.Fatalf("%+v %v", j, err)
	}
	if j, err := svc.Cancel(t.Context()); err != nil || j.State != Cancelled {
		t.Fatalf("%+v %v", j, err)
	}
	svc.Run(t.Context())
	if after, _ := svc.Status(t.Context()); after.Counts.Released != before.Counts.Released {
		t.Fatal("a cancelled job released")
	}
}

func TestRefusedSendLeavesTheEventDue(t *testing.T) {
	w := newWorld(t)
	ids := w.dead(3)
	w.refuse = fmt.Errorf("sqs: %w", webhook.ErrUnavailable)
	svc := w.service(nil)
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	w.oneTick(svc)
	for _, id := range ids {
		if rec, _ := w.Get(t.Context(), id); rec.State != webhook.Pending || rec.DueAt.IsZero() || rec.Lane != webhook.Replay {
			t.Fatalf("%+v", rec)
		}
	}
}

func TestLiveFailures(t *testing.T) {
	of := func(failed, delivered int, lane webhook.Lane) []webhook.Record {
		r := webhook.Record{Lane: lane}
		for i := range failed + delivered {
			a := webhook.Attempt{Result: webhook.ResultRetry, StartedAt: simStart}
			if i >= failed {
				a.Result = webhook.ResultDelivered
			}
			r.History = append(r.History, a)
		}
		return []webhook.Record{r}
	}
	for _, c := range []struct {
		name    string
		records []webhook.Record
		since   time.Time
		want    bool
	}{
		{"all fail", of(6, 0, webhook.Live), simStart, true},
		{"too few to say", of(4, 0, webhook.Live), simStart, false},
		{"a tenth, which may be chance", of(5, 45, webhook.Live), simStart, false},
		{"a sixth", of(9, 41, webhook.Live), simStart, true},
		{"before", of(6, 0, webhook.Live), simStart.Add(time.Second), false},
		{"the replay's own", of(6, 0, webhook.Replay), simStart, false},
	} {
		if got := DefaultSettings.tooMany(liveAttempts(c.records, c.since)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func (w *world) Dead(ctx context.Context, until time.Time, after string, limit int) ([]webhook.Record, []string, string, error) {
	page, err := w.List(ctx, ledger.Query{Dead: true, Oldest: true, Until: until, After: after, Limit: limit, Now: until})
	var keys []string
	for _, r := range page.Records {
		keys = append(keys, r.DiedAt.Format("2006-01-02T15:04:05.000Z")+"#"+string(r.ID))
	}
	return page.Records, keys, page.Next, err
}

func (w *world) Revive(ctx context.Context, m webhook.Revival) (webhook.Record, error) {
	if n := w.silent.Add(-1); n >= 0 {
		if n%2 == 0 {
			if _, err := w.Ledger.Revive(ctx, m); err != nil {
				return webhook.Record{}, err
			}
		}
		return webhook.Record{}, fmt.Errorf("dynamodb: %w", webhook.ErrUnavailable)
	}
	return w.Ledger.Revive(ctx, m)
}

// A revival that the store did not answer is not passed over: the job is done
// only when every event was brought back.
func TestUnansweredRevivalIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	ids := w.dead(30)
	w.silent.Store(7)
	svc := w.service(nil)
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	svc.Run(t.Context())
	job, _ := svc.Status(t.Context())
	if got := w.states(ids); job.State != Done || got[webhook.Dead] != 0 {
		t.Fatalf("%s with %v", job.Reason, got)
	}
}
