package redrive

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

func at(d time.Duration) time.Time { return simStart.Add(d) }

// postponing is a look at which a destination has postponed some of a hundred, and
// asks to wait until then.
func postponing(d, until time.Duration, postponed, delivered int) Observation {
	return Observation{At: at(d), Released: 100, Attempts: 100, Postponed: postponed, Delivered: delivered, AskedUntil: at(until), Refusing: true}
}

func TestHoldAtTheDestinationsWish(t *testing.T) {
	s := DefaultSettings
	p := steadyAt(40)
	p.AcceptedSince = simStart
	p, why := s.Next(p, postponing(15*time.Second, time.Minute, 10, 500))
	if p.Phase != Hold || p.Rate != 0 || !p.HoldUntil.Equal(at(time.Minute)) || p.Holds != 0 || !strings.Contains(why, "at 40 a second the destination asked to wait") {
		t.Fatalf("%+v: %s", p, why)
	}
	// What was under way still comes in: later wishes and deliveries count.
	p, _ = s.Next(p, postponing(20*time.Second, 65*time.Second, 50, 100))
	if p.Phase != Hold || !p.HoldUntil.Equal(at(65*time.Second)) {
		t.Fatalf("%+v", p)
	}
	if p, _ = s.Next(p, Observation{At: at(64 * time.Second)}); p.Phase != Hold {
		t.Fatalf("it went on early: %+v", p)
	}
	// 600 were delivered in 65 seconds.
	p, why = s.Next(p, Observation{At: at(65 * time.Second)})
	if want := belowLimit * 600 / 65; p.Phase != Steady || math.Abs(p.Rate-want) > 1e-9 || p.SustainedRate != p.Rate || p.Wait < time.Minute || p.Holds != 0 {
		t.Errorf("%+v, want %.2f a second: %s", p, want, why)
	}
}

// It goes on below the rate that was postponed, however much was delivered before.
func TestResumesBelowTheRateThatWasPostponed(t *testing.T) {
	p := steadyAt(40)
	p.AcceptedSince = simStart
	p, _ = DefaultSettings.Next(p, postponing(15*time.Second, 20*time.Second, 90, 5000))
	if p, _ = DefaultSettings.Next(p, Observation{At: at(20 * time.Second)}); p.Rate != 38 {
		t.Errorf("%+v", p)
	}
}

func TestHoldAtTheDestinationsWishIsBounded(t *testing.T) {
	p, _ := DefaultSettings.Next(steadyAt(40), postponing(0, 6*time.Hour, 10, 1))
	if !p.HoldUntil.Equal(at(time.Hour)) {
		t.Errorf("until %s", p.HoldUntil)
	}
}

// Where nothing is delivered a canary follows, and its hold is no shorter than a
// first one; none of them stops the job, and the first delivery ends it.
func TestDestinationThatIsAway(t *testing.T) {
	s := DefaultSettings
	p, now := s.NewPace(), time.Duration(0)
	for n := range 5 * s.MaxHolds {
		p, _ = s.Next(p, postponing(now, now+time.Second, 20, 0))
		least := time.Second
		if n > 0 {
			least = s.Hold
		}
		if p.Phase != Hold || p.HoldUntil.Before(at(now+least)) {
			t.Fatalf("hold %d: %+v", n, p)
		}
		now = p.HoldUntil.Sub(simStart)
		if p, _ = s.Next(p, Observation{At: at(now)}); p.Phase != Canary || p.Rate != s.CanaryRate || p.Released != 0 {
			t.Fatalf("after hold %d: %+v", n, p)
		}
	}
	now += 5 * time.Second
	p, _ = s.Next(p, Observation{At: at(now), Released: 20, Attempts: 20, Delivered: 20})
	if p.Phase != Steady || p.Holds != 0 {
		t.Errorf("%+v", p)
	}
}

// Where others pass that began later, a few that are postponed slow it down, and
// nothing waits.
func TestPostponedAmongOthersThatPass(t *testing.T) {
	o := postponing(15*time.Second, time.Hour, 10, 90)
	o.Refusing = false
	if p, why := DefaultSettings.Next(steadyAt(40), o); p.Phase != Steady || p.Rate >= 40 || p.Trial.Share == 0 {
		t.Errorf("%+v: %s", p, why)
	}
	o.Postponed, o.Delivered = 50, 50
	if p, why := DefaultSettings.Next(steadyAt(40), o); p.Phase != Hold {
		t.Errorf("half are postponed: %+v: %s", p, why)
	}
}

// Failures beside what is postponed stop a job as before.
func TestFailuresBesidePostponedStillHold(t *testing.T) {
	p := steadyAt(40)
	o := postponing(0, 2*time.Minute, 10, 40)
	o.Failed = 50
	p, why := DefaultSettings.Next(p, o)
	if p.Phase != Hold || p.Holds != 1 || !p.HoldUntil.Equal(at(2*time.Minute)) {
		t.Errorf("%+v: %s", p, why)
	}
	if p, _ = DefaultSettings.Next(p, Observation{At: at(2 * time.Minute)}); p.Phase != Canary {
		t.Errorf("%+v", p)
	}
}

// What a look takes for postponed: the first attempt as the ledger shows it, and
// nothing else wrong in it.
func TestPostponedIsSeenInTheLedger(t *testing.T) {
	crm := func(postponed int) webhook.Progress { return webhook.Progress{Name: "crm", Postponed: postponed} }
	erp := webhook.Progress{Name: "erp"}
	failed := func(n int, dest string) webhook.Attempt {
		return webhook.Attempt{Number: n, Destination: dest, Result: webhook.ResultRetry, StartedAt: at(time.Duration(n) * time.Second)}
	}
	for _, c := range []struct {
		name             string
		state            webhook.State
		number           int
		before           inFlight
		dests            []webhook.Progress
		history          []webhook.Attempt
		postponed, first int
		failed           int
	}{
		{"postponed", webhook.Pending, 5, inFlight{Seen: 4}, []webhook.Progress{crm(1)}, []webhook.Attempt{failed(5, "crm")}, 1, 1, 0},
		{"failed", webhook.Pending, 5, inFlight{Seen: 4}, []webhook.Progress{crm(0)}, []webhook.Attempt{failed(5, "crm")}, 0, 0, 1},
		{"postponed, and another failed", webhook.Pending, 5, inFlight{Seen: 4}, []webhook.Progress{crm(1), erp}, []webhook.Attempt{failed(5, "crm"), failed(5, "erp")}, 0, 0, 1},
		{"not sent, the destination is paused", webhook.Pending, 5, inFlight{Seen: 4}, []webhook.Progress{{Name: "crm", Waits: 1, Waiting: webhook.WaitPaused}}, nil, 1, 1, 0},
		{"postponed again", webhook.Pending, 6, inFlight{Seen: 5, Tried: true, Postponed: 1}, []webhook.Progress{crm(2)}, []webhook.Attempt{failed(6, "crm")}, 1, 0, 0},
		{"postponed, then delivered", webhook.Delivered, 6, inFlight{Seen: 4}, []webhook.Progress{crm(1)}, []webhook.Attempt{failed(5, "crm")}, 1, 1, 0},
		{"postponed in an earlier life", webhook.Pending, 5, inFlight{Seen: 4, Postponed: 3}, []webhook.Progress{{Name: "erp", Result: webhook.ResultDelivered, Postponed: 3}, crm(0)}, []webhook.Attempt{failed(5, "crm")}, 0, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j Job
			var o Observation
			rec := webhook.Record{State: c.state, LeaseNumber: c.number, Destinations: c.dests, History: c.history, NotBefore: at(time.Minute)}
			f, _ := observe(&j, &o, &order{}, rec, c.before)
			if j.Counts.Postponed != c.postponed || o.Postponed != c.first || j.Counts.Failed != c.failed || o.Failed > c.failed {
				t.Errorf("%+v, %+v", o, j.Counts)
			}
			if asks := !o.AskedUntil.IsZero(); asks != (c.first > 0) {
				t.Errorf("asked until %s", o.AskedUntil)
			}
			var again Observation
			if observe(&j, &again, &order{}, rec, f); again.Postponed+again.Failed > 0 || j.Counts.Postponed != c.postponed {
				t.Errorf("counted again: %+v, %+v", again, j.Counts)
			}
		})
	}
}

// postponed lets the destination ask to wait, and the message come back then.
func (w *world) postponed(id webhook.EventID) bool {
	if w.postpone == nil {
		return false
	}
	rec, err := w.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	if rec.NotBefore.After(w.now) {
		w.queue = append(w.queue, id)
		return true
	}
	wait := w.postpone(w.done)
	if wait == 0 {
		return false
	}
	lease, err := w.Lease(w.t.Context(), webhook.LeaseRequest{
		ID: id, Nonce: w.nonce(), Now: w.now, Until: w.now.Add(time.Minute), DueAt: w.now.Add(time.Hour), Destinations: []string{"crm"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	p := lease.Record.Destinations[0]
	p.Result, p.Postponed, p.PostponedFor = webhook.ResultRetry, p.Postponed+1, p.PostponedFor+wait
	if err := w.Settle(w.t.Context(), lease, webhook.Settlement{
		State: webhook.Pending, At: w.now, NotBefore: w.now.Add(wait), DueAt: w.now.Add(wait + time.Minute),
		Destinations: []webhook.Progress{p}, ErrorClass: "http_429",
		Attempts: []webhook.Attempt{{Number: lease.Number, Destination: "crm", Result: webhook.ResultRetry, Status: 429, StartedAt: w.now, Duration: 20 * time.Millisecond}},
	}); err != nil {
		w.t.Fatal(err)
	}
	w.queue = append(w.queue, id)
	return true
}

// A job over the ledger: the destination takes thirty, postpones what follows for
// two minutes, and takes the rest. Nothing fails, and the job holds meanwhile.
func TestJobHoldsAtTheDestinationsWish(t *testing.T) {
	w := newWorld(t)
	w.dead(200)
	w.postpone = func(n int) time.Duration {
		if until := at(time.Hour); n >= 30 && w.now.Before(until) {
			return until.Sub(w.now)
		}
		return 0
	}
	w.now = at(58 * time.Minute)
	svc := w.service(nil)
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	svc.Run(t.Context())
	job, _ := svc.Status(t.Context())
	if c := job.Counts; job.State != Done || c.Delivered != 200 || c.Failed != 0 || c.Postponed == 0 || c.Postponed > 100 {
		t.Errorf("%s: %+v", job.Reason, c)
	}
	held := slices.ContainsFunc(job.Log, func(e Entry) bool {
		return e.State == Holding && strings.HasPrefix(e.Reason, "holding until 13:00:0") && strings.HasSuffix(e.Reason, "the destination asked to wait")
	})
	if !held {
		t.Errorf("it did not hold: %s", fmt.Sprint(job.Log))
	}
}
