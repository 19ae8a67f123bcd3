package gate_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/webhook"
)

// documents counts the calls, and fails them where it is down.
type documents struct {
	gate.Documents
	reads, writes atomic.Int64
	down          atomic.Bool
}

var errDown = errors.New("down")

func (d *documents) LoadDocument(ctx context.Context, kind, name string) ([]byte, int, error) {
	if d.down.Load() {
		return nil, 0, errDown
	}
	d.reads.Add(1)
	return d.Documents.LoadDocument(ctx, kind, name)
}

func (d *documents) SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expires time.Time) error {
	if d.down.Load() {
		return errDown
	}
	d.writes.Add(1)
	return d.Documents.SaveDocument(ctx, kind, name, body, seen, now, expires)
}

func (d *documents) ListDocuments(ctx context.Context, kind string, limit int) ([]webhook.Document, error) {
	if d.down.Load() {
		return nil, errDown
	}
	d.reads.Add(1)
	return d.Documents.ListDocuments(ctx, kind, limit)
}

// crm is a destination that takes its time, and remembers when it was asked.
type crm struct {
	mu      sync.Mutex
	answer  webhook.Outcome
	takes   time.Duration
	asked   []time.Time
	running int
	most    int
}

func (c *crm) Deliver(context.Context, webhook.Delivery) webhook.Outcome {
	c.mu.Lock()
	c.asked = append(c.asked, time.Now())
	c.running++
	c.most = max(c.most, c.running)
	answer, takes := c.answer, c.takes
	c.mu.Unlock()
	time.Sleep(takes)
	c.mu.Lock()
	c.running--
	c.mu.Unlock()
	return answer
}

func (c *crm) answers(o webhook.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = o
}

func (c *crm) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.asked)
}

var (
	ok   = webhook.Outcome{Result: webhook.ResultDelivered, Status: 200}
	down = webhook.Outcome{Result: webhook.ResultRetry, Status: 503, ErrorClass: "http_503"}
)

// fleet is several workers that share a table.
type fleet struct {
	documents *documents
	crm       *crm
	doors     []webhook.Destination
	opened    atomic.Int64
	closed    atomic.Int64
}

func newFleet(workers int, limits gate.Limits) *fleet {
	f := &fleet{documents: &documents{Documents: memory.New()}, crm: &crm{answer: ok}}
	for n := range workers {
		g := gate.New(gate.Options{
			Documents: f.documents, Workers: workers, Holder: fmt.Sprint("worker-", n),
			Changed: func(_ context.Context, _ string, s gate.State) {
				if s.Open {
					f.opened.Add(1)
				} else {
					f.closed.Add(1)
				}
			},
		})
		f.doors = append(f.doors, g.Guard("crm", limits, f.crm))
	}
	return f
}

// event goes from worker to worker until it is delivered, as an event does whose
// message comes back: at once after its wait, or by the sweeper.
func (f *fleet) event(ctx context.Context, n int, stop time.Time) (delivered bool, waits int) {
	d := webhook.Delivery{}
	for time.Now().Before(stop) {
		out := f.doors[(n+d.Waits)%len(f.doors)].Deliver(ctx, d)
		switch {
		case out.Result == webhook.ResultDelivered:
			return true, d.Waits
		case out.Result == webhook.ResultWaiting:
			d.Waits++
			d.Turn = out.ErrorClass == webhook.WaitTurn
		default:
			d.Turn = false
			out.RetryAfter = 5 * time.Second
		}
		if out.RetryAfter > time.Minute {
			out.RetryAfter += 2*time.Minute + time.Minute/2
		}
		time.Sleep(out.RetryAfter)
	}
	return false, d.Waits
}

// arrivals lets events come evenly, and returns when all have ended.
func (f *fleet) arrivals(t *testing.T, events int, every, atMost time.Duration) (delivered, waits int) {
	t.Helper()
	stop := time.Now().Add(atMost)
	var all sync.WaitGroup
	var mu sync.Mutex
	for n := range events {
		all.Go(func() {
			done, waited := f.event(t.Context(), n, stop)
			mu.Lock()
			defer mu.Unlock()
			if done {
				delivered++
			}
			waits += waited
		})
		time.Sleep(every)
	}
	all.Wait()
	return delivered, waits
}

// peak is how many were asked within a window of that length, at most.
func (c *crm) peak(window time.Duration) int {
	most, from := 0, 0
	for i, at := range c.asked {
		for at.Sub(c.asked[from]) >= window {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// A rate is kept by all workers together, and costs few writes unless it is between
// half and all of what is allowed.
func TestRate(t *testing.T) {
	for _, c := range []struct {
		name      string
		perSecond float64
		events    int
		every     time.Duration // between arrivals
		atMost    time.Duration // until all are delivered
		writes    float64       // an event, at most
	}{
		{"half load", 20, 2000, 100 * time.Millisecond, 4 * time.Minute, 0.35},
		{"near the limit", 20, 2000, 55 * time.Millisecond, 4 * time.Minute, 0.9},
		{"overloaded", 5, 1000, 40 * time.Millisecond, 9 * time.Minute, 0.2},
		{"slow", 0.5, 40, 100 * time.Millisecond, 6 * time.Minute, 1.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(5, gate.Limits{PerSecond: c.perSecond})
				began := time.Now()
				delivered, waits := f.arrivals(t, c.events, c.every, time.Hour)
				took := time.Since(began)
				writes := float64(f.documents.writes.Load()) / float64(c.events)
				t.Logf("%d delivered in %s, %d waits, %.2f writes an event, at most %d in 10 s, %d in 1 s",
					delivered, took, waits, writes, f.crm.peak(10*time.Second), f.crm.peak(time.Second))
				if delivered != c.events || f.crm.count() != c.events {
					t.Errorf("%d of %d delivered, asked %d times", delivered, c.events, f.crm.count())
				}
				if most := f.crm.peak(10 * time.Second); float64(most) > 10*c.perSecond*1.2+1 {
					t.Errorf("%d in ten seconds", most)
				}
				if took > c.atMost || writes > c.writes {
					t.Errorf("%s and %.2f writes an event", took, writes)
				}
			})
		})
	}
}

// No more run at once than may, also where a delivery outlasts the lease that it began
// under.
func TestAtOnce(t *testing.T) {
	for _, c := range []struct {
		events int
		takes  time.Duration
		atMost time.Duration // until all are delivered
	}{{120, 2 * time.Second, 10 * time.Minute}, {30, time.Minute, 30 * time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(5, gate.Limits{Concurrency: 3})
			f.crm.takes = c.takes
			began := time.Now()
			delivered, waits := f.arrivals(t, c.events, 100*time.Millisecond, time.Hour)
			t.Logf("%d delivered in %s, %d waits, %d writes, at most %d at once", delivered, time.Since(began), waits, f.documents.writes.Load(), f.crm.most)
			if delivered != c.events || f.crm.most > 3 || time.Since(began) > c.atMost {
				t.Errorf("%d delivered, %d at once, after %s", delivered, f.crm.most, time.Since(began))
			}
		})
	}
}

// A destination that is down is asked a few times and then only by probes; when it is
// back, what waited is delivered, not all at once.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(5, gate.Limits{})
		f.crm.answers(down)
		began := time.Now()
		go func() {
			time.Sleep(10 * time.Minute)
			f.crm.answers(ok)
		}()
		delivered, waits := f.arrivals(t, 1000, time.Second, time.Hour)
		asked := f.crm.count()
		t.Logf("%d delivered in %s, asked %d times, %d waits, %d writes, opened %d, closed %d, at most %d in 1 s",
			delivered, time.Since(began), asked, waits, f.documents.writes.Load(), f.opened.Load(), f.closed.Load(), f.crm.peak(time.Second))
		if delivered != 1000 || asked > 1000+5*12+10 {
			t.Errorf("%d delivered, asked %d times", delivered, asked)
		}
		if f.opened.Load() == 0 || f.closed.Load() != 1 || f.crm.peak(time.Second) > 30 {
			t.Errorf("opened %d times, closed %d times, %d in a second", f.opened.Load(), f.closed.Load(), f.crm.peak(time.Second))
		}
	})
}

// A few failures, a destination that asks to come later, and one that refuses events
// open nothing; nor does anything where the breaker is off.
func TestWhatOpensNoBreaker(t *testing.T) {
	half := func(n int) webhook.Outcome {
		if n%2 == 0 {
			return ok
		}
		return down
	}
	for name, c := range map[string]struct {
		limits gate.Limits
		answer func(n int) webhook.Outcome
		n      int
	}{
		"nine failures":     {answer: func(int) webhook.Outcome { return down }, n: 9},
		"every other fails": {answer: half, n: 100},
		"too many requests": {answer: func(int) webhook.Outcome { return webhook.Outcome{Result: webhook.ResultRetry, Status: 429} }, n: 100},
		"come later": {answer: func(int) webhook.Outcome {
			return webhook.Outcome{Result: webhook.ResultRetry, Status: 503, RetryAfter: time.Minute}
		}, n: 100},
		"refused": {answer: func(int) webhook.Outcome { return webhook.Outcome{Result: webhook.ResultPermanent, Status: 400} }, n: 100},
		"off":     {limits: gate.Limits{NoBreaker: true}, answer: func(int) webhook.Outcome { return down }, n: 100},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(1, c.limits)
			for n := range c.n {
				f.crm.answers(c.answer(n))
				if out := f.doors[0].Deliver(t.Context(), webhook.Delivery{}); out.Result == webhook.ResultWaiting {
					t.Fatalf("number %d waits: %s", n, out.ErrorClass)
				}
			}
		})
	}
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(2, gate.Limits{})
		deliver := func() webhook.Outcome { return f.doors[0].Deliver(t.Context(), webhook.Delivery{}) }
		if out := deliver(); out.Result != webhook.ResultDelivered {
			t.Fatalf("%+v", out)
		}
		if _, did, err := gate.Pause(t.Context(), f.documents, "crm", "mira", time.Now()); !did || err != nil {
			t.Fatal(did, err)
		}
		if _, did, err := gate.Pause(t.Context(), f.documents, "crm", "tom", time.Now()); did || err != nil {
			t.Fatal("paused twice", err)
		}
		time.Sleep(5 * time.Second)
		if out := deliver(); out.Result != webhook.ResultWaiting || out.ErrorClass != webhook.WaitPaused || out.RetryAfter < 30*time.Second {
			t.Fatalf("%+v", out)
		}
		if out := f.doors[0].Deliver(t.Context(), webhook.Delivery{Waits: 1000}); out.RetryAfter < 5*time.Minute || out.RetryAfter > 450*time.Second {
			t.Errorf("waits for %s", out.RetryAfter)
		}
		states, err := gate.List(t.Context(), f.documents)
		if err != nil || states["crm"].PausedBy != "mira" {
			t.Fatalf("%+v %v", states, err)
		}
		if _, did, err := gate.Resume(t.Context(), f.documents, "crm", time.Now()); !did || err != nil {
			t.Fatal(did, err)
		}
		time.Sleep(5 * time.Second)
		if out := deliver(); out.Result != webhook.ResultDelivered {
			t.Fatalf("%+v", out)
		}
	})
}

// Resuming closes an open breaker: an operator knows better.
func TestResumeClosesTheBreaker(t *testing.T) {
	f := newFleet(1, gate.Limits{})
	f.crm.answers(down)
	var out webhook.Outcome
	for range 11 {
		out = f.doors[0].Deliver(t.Context(), webhook.Delivery{})
	}
	if out.ErrorClass != webhook.WaitOpen {
		t.Fatalf("%+v", out)
	}
	if s, did, err := gate.Resume(t.Context(), f.documents, "crm", time.Now()); !did || err != nil || s.Open {
		t.Fatal(s, did, err)
	}
}

// A table that does not answer is no reason not to deliver.
func TestWithoutTheTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(2, gate.Limits{PerSecond: 5, Concurrency: 2})
		f.documents.down.Store(true)
		for range 50 {
			if out := f.doors[0].Deliver(t.Context(), webhook.Delivery{}); out.Result != webhook.ResultDelivered {
				t.Fatalf("%+v", out)
			}
		}
		f.crm.answers(down)
		for range 50 {
			if out := f.doors[0].Deliver(t.Context(), webhook.Delivery{}); out.Result != webhook.ResultRetry {
				t.Fatalf("%+v", out)
			}
		}
	})
}

func TestLimits(t *testing.T) {
	for limits, want := range map[gate.Limits]string{
		{}:                                 "",
		{PerSecond: 5, Concurrency: 10}:    "",
		{PerSecond: 0.01}:                  "",
		{PerSecond: 0.001}:                 "per_second",
		{PerSecond: -1}:                    "per_second",
		{PerSecond: 2000}:                  "per_second",
		{Concurrency: -1, NoBreaker: true}: "concurrency",
		{Concurrency: 1001}:                "concurrency",
	} {
		got := ""
		limits.Validate(func(field, _ string) { got += field })
		if got != want {
			t.Errorf("%+v: %q, want %q", limits, got, want)
		}
	}
}

// A breaker that is switched off while it is open holds nothing back, and what comes
// behind it is sent as fast as ever.
func TestABreakerThatIsSwitchedOffIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := memory.New()
		c := &crm{answer: down}
		g := gate.New(gate.Options{Documents: docs})
		open := g.Guard("crm", gate.Limits{}, c)
		for range 20 {
			open.Deliver(t.Context(), webhook.Delivery{})
			time.Sleep(100 * time.Millisecond)
		}
		if states, err := gate.List(t.Context(), docs); err != nil || !states["crm"].Open {
			t.Fatalf("%+v, %v: the breaker is not open", states, err)
		}
		off, before := g.Guard("crm", gate.Limits{NoBreaker: true}, c), c.count()
		for range 100 {
			off.Deliver(t.Context(), webhook.Delivery{})
		}
		if asked := c.count() - before; asked != 100 {
			t.Errorf("it was sent %d of 100 events that it refuses", asked)
		}
		if states, err := gate.List(t.Context(), docs); err != nil || states["crm"].Open {
			t.Errorf("%+v, %v: the breaker is still open", states, err)
		}
		c.answers(ok)
		c.takes = 2 * time.Second
		var sent sync.WaitGroup
		for range 50 {
			sent.Go(func() { off.Deliver(t.Context(), webhook.Delivery{}) })
		}
		sent.Wait()
		if c.most != 50 {
			t.Errorf("%d at once, want 50", c.most)
		}
	})
}

// A worker that has no room does not keep those that have it from trying whether the
// destination is well.
func TestAProbeIsOfWhoHasRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := memory.New()
		c := &crm{answer: down}
		var workers []webhook.Destination
		for range 5 {
			workers = append(workers, gate.New(gate.Options{Documents: docs, Workers: 5}).Guard("crm", gate.Limits{Concurrency: 1}, c))
		}
		for range 12 { // the first one has the room
			workers[0].Deliver(t.Context(), webhook.Delivery{})
			time.Sleep(100 * time.Millisecond)
		}
		c.answers(ok)
		opened, before := time.Now(), c.count()
		for i := 0; c.count() == before; i++ {
			workers[1+i%4].Deliver(t.Context(), webhook.Delivery{})
			workers[0].Deliver(t.Context(), webhook.Delivery{})
			time.Sleep(time.Second)
		}
		if took := time.Since(opened); took > 40*time.Second {
			t.Errorf("tried %s after the breaker opened, which tries every 30 s", took)
		}
	})
}
