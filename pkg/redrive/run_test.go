package redrive

import (
	"context"
	"errors"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

func TestTwoRunsDoNotShareAJob(t *testing.T) {
	w := newWorld(t)
	w.dead(100)
	first, second := w.service(nil), w.service(nil)
	if _, err := first.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	ctx, crash := context.WithCancel(t.Context())
	first.Ports.Sleep = func(context.Context, time.Duration) {
		if sum := second.Run(t.Context()); sum.Ticks != 0 {
			t.Errorf("another run must wait for the holder: %+v", sum)
		}
		crash()
	}
	first.Ports.Documents = mortal{w}
	if sum := first.Run(ctx); sum.Ticks != 1 || sum.Err == nil {
		t.Fatalf("%+v", sum)
	}
	if sum := second.Run(t.Context()); sum.Ticks != 0 {
		t.Fatalf("nobody knows yet that the holder is gone: %+v", sum)
	}
	w.now = w.now.Add(time.Minute)
	if sum := second.Run(t.Context()); sum.Ticks == 0 || sum.State != Done {
		t.Fatalf("the holder is gone: %+v", sum)
	}
}

// mortal ends with its run.
type mortal struct{ Documents }

func (m mortal) LoadDocument(ctx context.Context, kind, name string) ([]byte, int, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	return m.Documents.LoadDocument(ctx, kind, name)
}

// A run whose time is over lets the job go, and the next one goes on at once: a
// job does not idle between invocations.
func TestRunThatEndsLetsTheJobGo(t *testing.T) {
	w := newWorld(t)
	w.dead(100)
	svc := w.service(nil)
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	began := w.now
	for runs := 1; ; runs++ {
		sum := w.oneTick(svc)
		if sum.Err != nil || sum.Ticks != 1 {
			t.Fatalf("run %d: %+v", runs, sum)
		}
		if sum.State == Done {
			break
		}
		svc.Sleep(t.Context(), DefaultPolicy.Tick)
	}
	if took := w.now.Sub(began); took > 90*time.Second {
		t.Errorf("100 events took %s", took)
	}
}

// What one tick releases reaches the destination evenly over the tick.
func TestReleasesAreSpread(t *testing.T) {
	w := newWorld(t)
	w.dead(400)
	svc := w.service(func(p *Policy) { p.Grace, p.AddShare = time.Second, 1 })
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	svc.Run(t.Context())
	most := 0
	for tick, places := range w.places {
		perSecond := map[time.Duration]int{}
		for _, after := range places {
			if after < 0 || after >= DefaultPolicy.Tick {
				t.Fatalf("tick %d keeps a message back for %s", tick, after)
			}
			perSecond[after/time.Second]++
		}
		for second, n := range perSecond {
			most = max(most, n)
			// The canary, and what is left at the end, need not fill a tick.
			even := len(places)/int(DefaultPolicy.Tick.Seconds()) + 1
			if full := tick > 0 && tick < len(w.places)-1; full && n > even {
				t.Errorf("tick %d releases %d of %d in second %d", tick, n, len(places), second)
			}
		}
	}
	if len(w.places) < 4 || most < 20 {
		t.Errorf("%d ticks, at most %d events a second: too few to show anything", len(w.places), most)
	}
}

// A tick can release and watch so many events and no more: the pace says so.
func TestPaceStaysWithinWhatATickCanRelease(t *testing.T) {
	w := newWorld(t)
	w.dead(300)
	svc := w.service(func(p *Policy) { p.MaxInFlight, p.AddShare = 50, 1 })
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	svc.Run(t.Context())
	job, _ := svc.Status(t.Context())
	for _, e := range job.Log {
		if e.Rate > 10 {
			t.Errorf("%.0f a second, and a tick can release 10 a second: %s", e.Rate, e.Reason)
		}
	}
	if job.State != Done || job.Counts.Delivered != 300 {
		t.Errorf("%+v", job.Counts)
	}
}

// lostAnswerDocuments answers a write that took effect as the SDK does that repeated it.
type lostAnswerDocuments struct{ Documents }

func (f lostAnswerDocuments) SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error {
	if err := f.Documents.SaveDocument(ctx, kind, name, body, seen, now, expiresAt); err != nil {
		return err
	}
	return webhook.ErrChanged
}

func TestCommandWhoseAnswerWasLostIsDone(t *testing.T) {
	w := newWorld(t)
	w.dead(10)
	svc := w.service(nil)
	svc.Ports.Documents = lostAnswerDocuments{w}
	if j, err := svc.Start(t.Context(), Request{}); err != nil || j.State != Running {
		t.Fatalf("%+v %v", j, err)
	}
	if _, err := svc.Start(t.Context(), Request{}); !errors.Is(err, ErrActive) {
		t.Errorf("another one: %v", err)
	}
	for _, command := range []func(context.Context) (Job, error){svc.Pause, svc.Resume, svc.Cancel} {
		if j, err := command(t.Context()); err != nil {
			t.Errorf("%s: %v", j.State, err)
		}
	}
}
