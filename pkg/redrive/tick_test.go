package redrive

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// pausing lets an operator pause the job just before the n-th write.
type pausing struct {
	Documents
	before int
	pause  func()
}

func (p *pausing) SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error {
	if p.before--; p.before == 0 {
		p.pause()
	}
	return p.Documents.SaveDocument(ctx, kind, name, body, seen, now, expiresAt)
}

// A pause between a tick's reading and its writing stops the tick.
func TestPauseWithinATickReleasesNothing(t *testing.T) {
	w := newWorld(t)
	w.dead(100)
	svc := w.service(nil)
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	operator := w.service(nil)
	svc.Documents = &pausing{Documents: w, before: 1, pause: func() {
		if _, err := operator.Pause(t.Context()); err != nil {
			t.Error(err)
		}
	}}
	svc.Run(t.Context())
	if job, _ := svc.Status(t.Context()); job.State != Paused || job.Counts.Released > 0 || len(w.queue) > 0 {
		t.Errorf("%s, %d released", job.State, job.Counts.Released)
	}
}

func TestRateIsAtLeastOneASecond(t *testing.T) {
	for _, rate := range []float64{-1, 0.1, 0.99, math.NaN(), math.Inf(1)} {
		if (Request{MaxRate: rate}).Validate() == nil {
			t.Errorf("%v is a rate", rate)
		}
	}
	w := newWorld(t)
	w.dead(30)
	svc := w.service(nil)
	if _, err := svc.Start(t.Context(), Request{MaxRate: 1}); err != nil {
		t.Fatal(err)
	}
	svc.Run(t.Context())
	if job, _ := svc.Status(t.Context()); job.State != Done || job.Counts.Delivered != 30 {
		t.Errorf("%s: %+v", job.Reason, job.Counts)
	}
}

// What failed before a pause is no reason to hold after it.
func TestResumeBeginsAnew(t *testing.T) {
	w := newWorld(t)
	w.dead(60)
	w.result = func(n int) webhook.State {
		if n < DefaultSettings.Canary {
			return webhook.Dead
		}
		return webhook.Delivered
	}
	svc := w.service(nil)
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	w.oneTick(svc)
	if _, err := svc.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	svc.Sleep(t.Context(), time.Hour)
	if _, err := svc.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	svc.Run(t.Context())
	job, _ := svc.Status(t.Context())
	for _, e := range job.Log {
		if e.State == Holding {
			t.Errorf("it held: %s", e.Reason)
		}
	}
	if job.State != Done || job.Counts.Delivered != 40 || job.Counts.DiedAgain != 20 {
		t.Errorf("%s: %+v", job.Reason, job.Counts)
	}
}

func TestNoMoreIsOutThanIsWatched(t *testing.T) {
	w := newWorld(t)
	w.dead(100)
	w.idle = 10
	svc := w.service(func(p *Policy) { p.MaxInFlight = 15 })
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	w.oneTick(svc)
	if job, _ := svc.Status(t.Context()); job.InFlight() != 15 {
		t.Errorf("%d are out", job.InFlight())
	}
}

func TestJobEndsThoughSomeStillRetry(t *testing.T) {
	w := newWorld(t)
	w.dead(10)
	w.idle = 1000
	svc := w.service(nil)
	began := w.now
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	svc.Run(t.Context())
	job, _ := svc.Status(t.Context())
	if took := w.now.Sub(began); job.State != Done || job.InFlight() != 10 || took < DefaultPolicy.Watch || took > DefaultPolicy.Watch+time.Minute {
		t.Errorf("%s after %s: %s", job.State, took, job.Reason)
	}
}

// The controller sees live failures since the job's start, and how long the
// attempts of what it released took.
func TestWhatATickSees(t *testing.T) {
	w := newWorld(t)
	ids := w.dead(9)
	w.now = w.now.Add(-10 * time.Minute) // they died just now
	svc := w.service(nil)
	see := func(started time.Time) Observation {
		j := Job{StartedAt: started, Watched: []inFlight{{ID: ids[0]}, {ID: ids[1]}, {ID: ids[2]}}}
		o, err := svc.watch(t.Context(), &j)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	o := see(w.now.Add(-time.Minute))
	if !o.LiveBad || o.P90 != 20*time.Millisecond || o.Attempts != 3 || o.Failed != 3 {
		t.Errorf("%+v", o)
	}
	if o := see(w.now.Add(time.Second)); o.LiveBad {
		t.Error("what failed before the job is its fault")
	}
	// Many that have not been tried yet hide nothing.
	w.now = w.now.Add(liveAnswered)
	for n := range 2 * liveSample {
		if _, err := w.Claim(t.Context(), webhook.Receipt{
			Key: fmt.Sprintf("v1:EMAIL_SENT:%032d", n), Type: webhook.EmailSent, Account: "default", Source: "demo", ReceivedAt: w.now.Add(-time.Second),
		}, w.nonce(), w.now); err != nil {
			t.Fatal(err)
		}
	}
	if !see(w.now.Add(-time.Minute)).LiveBad {
		t.Error("live failures are hidden by what came after them")
	}
}

func TestBacklogStopsTheReleases(t *testing.T) {
	w := newWorld(t)
	w.dead(10)
	svc := w.service(nil)
	j := Job{StartedAt: w.now, Pace: steadyAt(10)}
	for _, backlogged := range []bool{true, false} {
		j.Pace.Backlogged = backlogged
		if err := svc.release(t.Context(), &j); err != nil || (j.Counts.Released == 0) != backlogged {
			t.Errorf("backlogged %v: %d released, %v", backlogged, j.Counts.Released, err)
		}
	}
}

func TestResumeKeepsWhatWasLearned(t *testing.T) {
	w := newWorld(t)
	w.dead(10)
	svc := w.service(nil)
	j, err := svc.Start(t.Context(), Request{})
	if err != nil {
		t.Fatal(err)
	}
	j.State, j.Pace.BaselineFailureShare, j.Pace.Baseline, j.Pace.Holds = Paused, 0.1, time.Second, 5
	if err := svc.save(t.Context(), &j); err != nil {
		t.Fatal(err)
	}
	if j, err = svc.Resume(t.Context()); err != nil || j.Pace.BaselineFailureShare != 0.1 || j.Pace.Baseline != time.Second || j.Pace.Holds != 0 {
		t.Errorf("%+v, %v", j.Pace, err)
	}
}

// counting counts the pages that are read of the dead, each of which takes a
// while.
type counting struct {
	DeadEvents
	w     *world
	pages int
	takes time.Duration
}

func (c *counting) Dead(ctx context.Context, until time.Time, after string, limit int) ([]webhook.Record, []string, string, error) {
	c.pages++
	c.w.now = c.w.now.Add(c.takes)
	return c.DeadEvents.Dead(ctx, until, after, limit)
}

// A filter that matches few reads by the page, and a tick that reads for long
// ends; the next one goes on from there.
func TestNarrowFilterOverManyDeadEvents(t *testing.T) {
	w := newWorld(t)
	ids := w.dead(1000)
	svc := w.service(nil)
	c := &counting{DeadEvents: w, w: w, takes: 3 * time.Second}
	svc.DeadEvents = c
	last := ids[len(ids)-1]
	if _, err := svc.Start(t.Context(), Request{Filter: Filter{IDs: []webhook.EventID{last}}}); err != nil {
		t.Fatal(err)
	}
	w.oneTick(svc)
	if c.pages != 2 {
		t.Errorf("one tick read %d pages", c.pages)
	}
	svc.Run(t.Context())
	if job, _ := svc.Status(t.Context()); job.State != Done || job.Counts.Delivered != 1 || c.pages > 1000/deadPage+1 {
		t.Errorf("%s: %+v, %d pages", job.Reason, job.Counts, c.pages)
	}
}
