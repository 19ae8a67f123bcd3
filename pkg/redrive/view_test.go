package redrive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// The view says what the job says, and its samples add up to the job's counts.
func TestViewFollowsTheJob(t *testing.T) {
	w := newWorld(t)
	w.dead(137)
	w.result = func(n int) webhook.State {
		if n%30 == 29 {
			return webhook.Dead
		}
		return webhook.Delivered
	}
	svc := w.service(nil)
	if _, err := svc.View(t.Context()); !errors.Is(err, ErrNoJob) {
		t.Fatalf("before any job: %v", err)
	}
	agree := func() View {
		t.Helper()
		job, err := svc.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v, err := svc.View(t.Context())
		if err != nil || v.JobID != job.ID || v.State != job.State || v.Reason != job.Reason || v.Counts != job.Counts ||
			v.InFlight != job.InFlight() || v.Rate != job.Pace.Rate || !v.UpdatedAt.Equal(job.UpdatedAt) || v.Version != job.version {
			t.Fatalf("%+v\nof %+v (%v)", v, job, err)
		}
		if last := v.Decisions[len(v.Decisions)-1]; last.Reason != job.Reason {
			t.Fatalf("the latest decision is %+v, and the job says %q", last, job.Reason)
		}
		return v
	}
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	agree()
	w.oneTick(svc)
	for _, command := range []func(context.Context) (Job, error){svc.Pause, svc.Resume} {
		if _, err := command(t.Context()); err != nil {
			t.Fatal(err)
		}
		agree()
		svc.Sleep(t.Context(), time.Minute)
	}
	if v := agree(); v.Samples[len(v.Samples)-1].State != Paused {
		t.Errorf("the pause is not seen: %+v", v.Samples)
	}
	svc.Run(t.Context())
	v := agree()
	var sum Sample
	for i, s := range v.Samples {
		if i > 0 && s.End < v.Samples[i-1].End {
			t.Errorf("sample %d ends at %s, the one before at %s", i, s.End, v.Samples[i-1].End)
		}
		sum = sum.before(s)
	}
	if sum.Released != 137 || sum.Delivered != v.Counts.Delivered || sum.Delivered == 0 || sum.Failed != v.Counts.DiedAgain || sum.Failed == 0 {
		t.Errorf("%+v of %+v", sum, v.Counts)
	}
}

// A command that a tick did not see yet is not written over by that tick.
func TestTickDoesNotHideAPause(t *testing.T) {
	w := newWorld(t)
	w.dead(100)
	svc, operator := w.service(nil), w.service(nil)
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	// The tick has written the job twice; before it writes the view the operator pauses.
	svc.Documents = &pausing{Documents: w, before: 3, pause: func() {
		if _, err := operator.Pause(t.Context()); err != nil {
			t.Error(err)
		}
	}}
	if sum := w.oneTick(svc); sum.Err != nil {
		t.Fatal(sum.Err)
	}
	v, err := svc.View(t.Context())
	if err != nil || v.State != Paused {
		t.Errorf("%s, %v", v.State, err)
	}
	// Nor by a tick that loads the view afterwards.
	job, _ := svc.Status(t.Context())
	job.State, job.version = Running, v.Version-1
	if err := (&recorder{Service: svc}).note(t.Context(), job, Observation{At: w.now}); err != nil {
		t.Fatal(err)
	}
	if v, _ := svc.View(t.Context()); v.State != Paused {
		t.Errorf("%s", v.State)
	}
}

// blind loses the view's writes, or cannot read it.
type blind struct {
	Documents
	loads, saves bool
}

func (b blind) LoadDocument(ctx context.Context, kind, name string) ([]byte, int, error) {
	if b.loads && kind == viewKind {
		return nil, 0, webhook.ErrUnavailable
	}
	return b.Documents.LoadDocument(ctx, kind, name)
}

func (b blind) SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error {
	if b.saves && kind == viewKind {
		return webhook.ErrUnavailable
	}
	return b.Documents.SaveDocument(ctx, kind, name, body, seen, now, expiresAt)
}

func TestLostViewCostsNothing(t *testing.T) {
	for _, c := range []blind{{loads: true}, {saves: true}} {
		w := newWorld(t)
		w.dead(30)
		svc := w.service(nil)
		c.Documents = w
		svc.Documents = c
		if _, err := svc.Start(t.Context(), Request{}); err != nil {
			t.Fatal(err)
		}
		sum := svc.Run(t.Context())
		if !errors.Is(sum.Err, webhook.ErrUnavailable) || sum.State != Done || sum.Counts.Delivered != 30 {
			t.Errorf("%+v: %+v", c, sum)
		}
	}
	// What cannot be read is written anew.
	w := newWorld(t)
	w.dead(30)
	svc := w.service(nil)
	if err := w.SaveDocument(t.Context(), viewKind, currentName, []byte(`{"job":`), 0, w.now, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.View(t.Context()); !errors.Is(err, ErrNoJob) {
		t.Errorf("a view that cannot be read: %v", err)
	}
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	svc.Run(t.Context())
	if v, err := svc.View(t.Context()); err != nil || v.State != Done || v.Counts.Delivered != 30 {
		t.Errorf("%+v, %v", v, err)
	}
}

// However long a job takes, its view is within its bound, loses no count, and is read
// as it was written.
func TestViewIsBounded(t *testing.T) {
	for _, ticks := range []int{MaxSamples, MaxSamples + 1, 3000} {
		for _, count := range []int{9, 1000, 999_999_999} {
			for _, states := range [][]State{{Running}, {Running, Holding}, sampleStates} {
				checkBound(t, ticks, count, states)
			}
		}
	}
}

func checkBound(t *testing.T, ticks, count int, states []State) {
	t.Helper()
	v, j := View{}, Job{ID: "20261129T150405.000Z", StartedAt: simStart}
	for n := range maxLog {
		j.note(simStart.Add(time.Duration(n)*time.Second), Running, fmt.Sprint(n, strings.Repeat("x", 3*maxReason)))
	}
	v.describe(j, 200)
	for n := range ticks {
		v.add(Sample{
			End: time.Duration(n+1) * 5 * time.Second, State: states[n%len(states)], Rate: 199.5, Released: count,
			Delivered: count, Attempts: count, Failed: count, LiveAttempts: 50, LiveFailed: n % 50,
		})
	}
	v.describe(j, 200)
	body, err := v.encode()
	if err != nil || len(body) > MaxView || len(v.Samples) > MaxSamples || len(v.Samples) < 30 || len(v.Decisions) != maxDecisions {
		t.Fatalf("%d ticks, counts of %d: %d bytes, %d samples, %d decisions, %v", ticks, count, len(body), len(v.Samples), len(v.Decisions), err)
	}
	var read View
	if err := json.Unmarshal(body, &read); err != nil || fmt.Sprint(read) != fmt.Sprint(v) {
		t.Fatalf("written %+v\nread    %+v (%v)", v, read, err)
	}
	delivered := 0
	for _, s := range read.Samples {
		delivered += s.Delivered
	}
	if delivered != ticks*count {
		t.Fatalf("%d delivered of %d", delivered, ticks*count)
	}
}

// A short hold is not merged into what is around it while there is other room.
func TestMergingKeepsAHold(t *testing.T) {
	var v View
	for n := range 2 * MaxSamples {
		s := Sample{End: time.Duration(n) * time.Second, State: Running}
		if n == 40 {
			s.State = Holding
		}
		v.add(s)
	}
	holds := 0
	for _, s := range v.Samples {
		if s.State == Holding {
			holds++
		}
	}
	if holds != 1 || len(v.Samples) > MaxSamples {
		t.Errorf("%d holds in %d samples", holds, len(v.Samples))
	}
}

func TestSampleThatIsNone(t *testing.T) {
	for _, text := range []string{`[1]`, `[1,9,0,0,0,0,0,0,0]`, `[1,-1,0,0,0,0,0,0,0]`, `{}`} {
		var s Sample
		if json.Unmarshal([]byte(text), &s) == nil {
			t.Errorf("%s is read as %+v", text, s)
		}
	}
}
