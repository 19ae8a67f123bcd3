package redrive

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"smartlead-receiver/pkg/webhook"
)

// The first attempt of a released event speaks for the pace, once; all of them
// are in the job's counts.
func TestFirstAttemptSpeaksForThePace(t *testing.T) {
	for _, c := range []struct {
		name             string
		state            webhook.State
		number           int // of the latest lease; 4 were before the release
		tried            bool
		attempts, failed int // for the pace
		all              int // failed, for the counts
		flying           bool
	}{
		{"not begun", webhook.Pending, 4, false, 0, 0, 0, true},
		{"under way", webhook.Processing, 5, false, 0, 0, 0, true},
		{"delivered", webhook.Delivered, 5, false, 1, 0, 0, false},
		{"failed, waits for its retry", webhook.Pending, 5, false, 1, 1, 1, true},
		{"failed, the second under way", webhook.Processing, 6, false, 1, 1, 1, true},
		{"delivered at the second", webhook.Delivered, 6, false, 1, 1, 1, false},
		{"dead at the first", webhook.Dead, 5, false, 1, 1, 1, false},
		{"the third failed, the first was seen", webhook.Pending, 5, true, 0, 0, 1, true},
		{"dead, the first was seen", webhook.Dead, 5, true, 0, 0, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j Job
			var o Observation
			f, flying := observe(&j, &o, &order{}, webhook.Record{State: c.state, LeaseNumber: c.number}, inFlight{Seen: 4, Tried: c.tried})
			if o.Attempts != c.attempts || o.Failed != c.failed || j.Counts.Failed != c.all || flying != c.flying {
				t.Errorf("%+v, %+v, flying %v", o, j.Counts, flying)
			}
			if f.Tried != (c.tried || c.attempts == 1) {
				t.Errorf("tried: %v", f.Tried)
			}
			if again := c.state == webhook.Pending; again {
				var nothing Observation
				observe(&j, &nothing, &order{}, webhook.Record{State: c.state, LeaseNumber: c.number}, f)
				if nothing != (Observation{}) || j.Counts.Failed != c.all {
					t.Errorf("counted again: %+v, %+v", nothing, j.Counts)
				}
			}
		})
	}
}

// observeFor lets the pace look every five seconds at what becomes of what it
// releases: at a rate, a share of the attempts fails. It returns how many did.
func observeFor(s Settings, p Pace, seconds int, share func(rate float64) float64, live func(rate float64) bool) (after Pace, failed float64, reasons string) {
	begin, attempts, failures := p.LookedAt, 0, 0
	var log []string
	for t := 5; t <= seconds; t += 5 {
		n := int(p.Rate * 5)
		o := Observation{
			At: begin.Add(time.Duration(t) * time.Second), Released: n, Attempts: n, P90: 20 * time.Millisecond,
			Failed: int(float64(n)*share(p.Rate) + 0.5), LiveBad: live(p.Rate),
		}
		attempts, failures = attempts+o.Attempts, failures+o.Failed
		var why string
		p, why = s.Next(p, o)
		log = append(log, why)
	}
	return p, float64(failures) / float64(attempts), strings.Join(log, "; ")
}

func steadyAt(rate float64) Pace {
	return Pace{Phase: Steady, Rate: rate, SustainedRate: rate, Step: 10, Wait: 10 * time.Second, LookedAt: simStart, SteppedAt: simStart, HoldFor: time.Minute}
}

func fine(float64) bool { return false }

func always(share float64) func(float64) float64 { return func(float64) float64 { return share } }

func TestStepTooFarIsTakenBack(t *testing.T) {
	beyond := func(rate float64) float64 { return max(0, 1-100/rate) }
	p, failed, reasons := observeFor(DefaultSettings, steadyAt(90), 1200, beyond, fine)
	if p.Rate < 80 || p.Rate > 105 {
		t.Errorf("%.1f a second beside a limit of 100", p.Rate)
	}
	if failed > 0.01 {
		t.Errorf("%.2f %% failed: %s", 100*failed, reasons)
	}
	if down := strings.Count(reasons, "slowed down to"); down == 0 || down > 20 {
		t.Errorf("%d times in twenty minutes beyond the limit", down)
	}
}

func TestFailuresThatThePaceDoesNotChange(t *testing.T) {
	p, _, reasons := observeFor(DefaultSettings, steadyAt(100), 300, always(0.08), fine)
	if p.Rate != DefaultSettings.Ceiling || p.BaselineFailureShare < 0.07 || p.BaselineFailureShare > 0.09 || !strings.Contains(reasons, "8.0 % fail whatever the pace") {
		t.Errorf("%.1f a second, baseline %.3f: %s", p.Rate, p.BaselineFailureShare, reasons)
	}
	// More than the baseline is trouble again.
	p.LookedAt = p.LookedAt.Add(time.Minute)
	if p, _, reasons = observeFor(DefaultSettings, p, 5, always(0.2), fine); p.Rate > DefaultSettings.Ceiling/2 {
		t.Errorf("%.1f a second, and 20 %% fail: %s", p.Rate, reasons)
	}
}

// The baseline failure share goes down with the failures.
func TestBaselineFailureShareFallsWhereNothingFails(t *testing.T) {
	p := steadyAt(100)
	p.BaselineFailureShare = 0.08
	if p, _, _ = observeFor(DefaultSettings, p, 30, always(0.01), fine); p.BaselineFailureShare > 0.011 {
		t.Errorf("baseline %.3f, and 1 %% fail", p.BaselineFailureShare)
	}
}

func TestVerdictOnTheCanary(t *testing.T) {
	for _, c := range []struct {
		failed   int
		baseline float64
		phase    Phase
		rate     float64
	}{
		{0, 0, Steady, 10}, {1, 0, Steady, 10}, {3, 0, Steady, 5}, {6, 0, Hold, 0},
		{3, 0.1, Steady, 10}, // no more than the baseline
	} {
		p := DefaultSettings.NewPace()
		p.BaselineFailureShare, p.Released = c.baseline, DefaultSettings.Canary
		p, why := DefaultSettings.Next(p, Observation{At: simStart, Attempts: DefaultSettings.Canary, Failed: c.failed})
		if p.Phase != c.phase || p.Rate != c.rate || (p.Trial.Share > 0) != (c.rate == 5) {
			t.Errorf("baseline %.1f, %d of 20 failed: %s, %.0f a second: %s", c.baseline, c.failed, p.Phase, p.Rate, why)
		}
	}
}

func TestCanaryThatIsGoneIsFollowedByAnother(t *testing.T) {
	p := DefaultSettings.NewPace()
	p.Released = DefaultSettings.Canary
	p, why := DefaultSettings.Next(p, Observation{At: simStart})
	if p.Phase != Canary || p.Released != 0 || p.Rate != DefaultSettings.CanaryRate {
		t.Errorf("%+v: %s", p, why)
	}
}

// What fails for most is never the baseline.
func TestBaselineFailureShareHasALimit(t *testing.T) {
	p := steadyAt(100)
	p.CutAt, p.Trial = simStart, Trial{Share: 0.3, Rate: 200, Tally: Tally{Attempts: 100, Failed: 30}}
	p, why := DefaultSettings.Next(p, Observation{At: simStart.Add(40 * time.Second), Attempts: 10, Failed: 1})
	if p.BaselineFailureShare > 0 || p.Rate > 110 {
		t.Errorf("%+v: %s", p, why)
	}
}

// Live failures alone slow it down to what follows a canary, and do not stop it.
func TestLiveFailuresAlone(t *testing.T) {
	p, _, reasons := observeFor(DefaultSettings, steadyAt(100), 300, always(0), func(float64) bool { return true })
	if p.Rate < DefaultSettings.CanaryRate || p.Rate > 30 {
		t.Errorf("%.0f a second: %s", p.Rate, reasons)
	}
}

// A slower pace that is too slow for a verdict goes down further where live
// events fail.
func TestLiveTroubleDoesNotWaitForAVerdict(t *testing.T) {
	for live, want := range map[bool]float64{false: 2, true: 1} {
		p, _, reasons := observeFor(DefaultSettings, steadyAt(4), 40, always(0.1), func(float64) bool { return live })
		if p.Rate != want {
			t.Errorf("live failures %v: %.1f a second: %s", live, p.Rate, reasons)
		}
	}
}

// Where live events fail, too, the destination is what fails, and not some of
// the events.
func TestFailuresOfLiveEventsAreNeverBaseline(t *testing.T) {
	p, _, reasons := observeFor(DefaultSettings, steadyAt(100), 300, always(0.08), func(float64) bool { return true })
	if p.BaselineFailureShare > 0 || p.Rate > 2 {
		t.Errorf("%.1f a second, baseline %.3f: %s", p.Rate, p.BaselineFailureShare, reasons)
	}
}

// Where the slower pace fails as much, the pace is at once what it was.
func TestVerdictRestoresThePace(t *testing.T) {
	p := steadyAt(50)
	p.CutAt, p.Trial = simStart, Trial{Share: 0.1, Rate: 100, Tally: Tally{Attempts: 200, Failed: 20}}
	p, why := DefaultSettings.Next(p, Observation{At: simStart.Add(20 * time.Second), Attempts: 100, Failed: 10})
	if p.Rate != 100 || p.BaselineFailureShare != 0.1 {
		t.Errorf("%.0f a second, baseline %.2f: %s", p.Rate, p.BaselineFailureShare, why)
	}
}

func TestHolds(t *testing.T) {
	s := DefaultSettings
	all, none := always(1), always(0)
	p, _, reasons := observeFor(s, steadyAt(100), 30, all, fine)
	if p.Phase == Hold {
		t.Errorf("held too early: %s", reasons)
	}
	if p, _, reasons = observeFor(s, steadyAt(100), 40, all, fine); p.Phase != Hold || p.Holds != 1 {
		t.Errorf("%s after 40 s of failures: %s", p.Phase, reasons)
	}
	// A good look between is a new beginning; one that says nothing is not.
	p, _, _ = observeFor(s, steadyAt(100), 25, all, fine)
	p, _ = s.Next(p, Observation{At: simStart.Add(30 * time.Second), Attempts: 100})
	p, _ = s.Next(p, Observation{At: simStart.Add(35 * time.Second), Attempts: 100, Failed: 100})
	if p.Phase != Steady {
		t.Errorf("%s, and there was a good look between", p.Phase)
	}
	p, _, _ = observeFor(s, steadyAt(100), 25, all, fine)
	p, _ = s.Next(p, Observation{At: simStart.Add(30 * time.Second), Attempts: 4, Failed: 4})
	p, _ = s.Next(p, Observation{At: simStart.Add(35 * time.Second), Attempts: 6, Failed: 6})
	if p.Phase != Hold {
		t.Errorf("%s, and nothing was good", p.Phase)
	}
	// What failed before a hold is not the next canary's fault, and holds far
	// apart do not add up.
	p.Attempts, p.Failed, p.HoldUntil = 100, 100, simStart
	if p, _ = s.Next(p, Observation{At: simStart.Add(time.Hour)}); p.Phase != Canary || p.Attempts+p.Failed != 0 {
		t.Errorf("%+v", p)
	}
	p, _ = s.Next(p, Observation{At: simStart.Add(time.Hour), Released: s.Canary, Attempts: s.Canary})
	if p, _, _ = observeFor(s, p, 120, none, fine); p.Holds != 0 || p.HoldFor != s.Hold {
		t.Errorf("holds %d, the next for %s", p.Holds, p.HoldFor)
	}
}

func TestCanaryEndsEarlyWhereMostFail(t *testing.T) {
	p := DefaultSettings.NewPace()
	p.Released = DefaultSettings.Canary
	if p, why := DefaultSettings.Next(p, Observation{At: simStart, Attempts: 6, Failed: 6, Untried: 14}); p.Phase != Hold {
		t.Errorf("%s: %s", p.Phase, why)
	}
}

// Where answers are late, what is out is waited for: no step up, and nothing
// more is released.
func TestBacklogIsWaitedFor(t *testing.T) {
	p, _ := DefaultSettings.Next(steadyAt(50), Observation{At: simStart.Add(20 * time.Second), Attempts: 60, Untried: 200})
	if !p.Backlogged || p.Rate != 50 {
		t.Errorf("%+v", p)
	}
	p, _ = DefaultSettings.Next(p, Observation{At: simStart.Add(30 * time.Second), Attempts: 60, Untried: 90})
	if p.Backlogged || p.Rate != 60 {
		t.Errorf("%+v", p)
	}
	p = steadyAt(50)
	p, why := DefaultSettings.Next(p, Observation{At: simStart.Add(20 * time.Second), Attempts: 60, P90: 20 * time.Second})
	if p.Rate != 50 {
		t.Errorf("a step up before the one before was answered: %s", why)
	}
}

// Latency is the pace's fault where it falls with the pace; at what follows a
// canary it is not.
func TestLatencyThatThePaceDoesNotChange(t *testing.T) {
	look := func(p Pace, at time.Duration, p90 time.Duration) Pace {
		p, _ = DefaultSettings.Next(p, Observation{At: simStart.Add(at), Attempts: 100, P90: p90})
		return p
	}
	slow := steadyAt(100)
	slow.Baseline = 200 * time.Millisecond
	p := slow
	for at := 10 * time.Second; at <= 90*time.Second; at += 5 * time.Second {
		p = look(p, at, time.Second)
	}
	if p.Rate < 25 || p.Baseline != time.Second {
		t.Errorf("%.0f a second, %s", p.Rate, p.Baseline)
	}
	for at := 10 * time.Second; at <= 90*time.Second; at += 5 * time.Second {
		p90 := 100 * time.Millisecond
		if slow.Rate > 60 {
			p90 = time.Second
		}
		slow = look(slow, at, p90)
	}
	if slow.Rate > 70 || slow.Baseline > 200*time.Millisecond {
		t.Errorf("%.0f a second, %s", slow.Rate, slow.Baseline)
	}
	few := steadyAt(100)
	few.Baseline = 200 * time.Millisecond
	if few, _ = DefaultSettings.Next(few, Observation{At: simStart.Add(10 * time.Second), Attempts: 10, P90: time.Second}); few.Rate < 100 {
		t.Errorf("%.0f a second after ten slow answers", few.Rate)
	}
	least := steadyAt(10)
	least.Baseline = 200 * time.Millisecond
	if least = look(least, 10*time.Second, time.Second); least.Rate != 10 || least.Baseline != time.Second {
		t.Errorf("%.0f a second, %s", least.Rate, least.Baseline)
	}
}

// A short outage is one lesson, however many looks see it.
func TestOneLessonAnIncident(t *testing.T) {
	p, _, _ := observeFor(DefaultSettings, steadyAt(100), 20, always(1), fine)
	if p.Step != 5 || p.Wait != 20*time.Second {
		t.Errorf("%+v", p)
	}
}

// A slow answer is no failure: what usually fails says nothing of that cut.
func TestSlowAnswersAreNoTrialOfFailures(t *testing.T) {
	p := steadyAt(100)
	p.BaselineFailureShare, p.Baseline = 0.1, 100*time.Millisecond
	p, why := DefaultSettings.Next(p, Observation{At: simStart.Add(10 * time.Second), Attempts: 1000, Failed: 100, P90: time.Second})
	if p.Rate != 50 || p.Trial.Share > 0 {
		t.Errorf("%.1f a second, %+v: %s", p.Rate, p.Trial, why)
	}
}

// releasable is what a tick releases at a pace.
func releasable(p Pace) int {
	if p.Backlogged {
		return 0
	}
	return int(p.Rate*5 + 0.5)
}

// A backlog before a hold is not the next canary's: it would wait for ever.
func TestBacklogIsClearedByAHold(t *testing.T) {
	p, _ := DefaultSettings.Next(steadyAt(50), Observation{At: simStart.Add(5 * time.Second), Attempts: 60, Untried: 400})
	if !p.Backlogged {
		t.Fatal("not backlogged")
	}
	for at := 10 * time.Second; p.Phase == Steady && at < time.Hour; at += 5 * time.Second {
		p, _ = DefaultSettings.Next(p, Observation{At: simStart.Add(at), Attempts: 60, Failed: 60, Untried: 400})
	}
	for at := time.Hour; p.Phase == Hold && at < 2*time.Hour; at += time.Minute {
		p, _ = DefaultSettings.Next(p, Observation{At: simStart.Add(at)})
	}
	if p.Phase != Canary || releasable(p) == 0 {
		t.Errorf("%+v", p)
	}
}

// Whatever the controller has seen, it stays within its bounds; and when the
// destination is well again, it is at full pace within half an hour: a hold of
// ten minutes, two minutes before the first step, and steps of a quarter.
func TestPaceComesBackFromAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := DefaultSettings.sized(100_000)
		p := set.NewPace()
		now := simStart
		look := func(o Observation) {
			now = now.Add(5 * time.Second)
			o.At = now
			p, _ = set.Next(p, o)
			switch {
			case !(p.Rate >= 0 && p.Rate <= set.Ceiling) || !(p.BaselineFailureShare >= 0 && p.BaselineFailureShare <= set.HoldShare):
				t.Fatalf("out of bounds: %+v", p)
			case (p.Phase == Hold || p.Phase == Halt) && p.Rate != 0:
				t.Fatalf("it releases all the same: %+v", p)
			case p.Phase == Steady && (p.Rate < 1 || p.Step <= 0 || p.Wait < set.Interval || p.Wait > set.WaitMax):
				t.Fatalf("it cannot go on: %+v", p)
			}
		}
		untried := 0
		for range rapid.IntRange(0, 8).Draw(t, "phases") {
			share := rapid.SampledFrom([]float64{0, 0.001, 0.01, 0.04, 0.1, 0.24, 0.5, 1}).Draw(t, "share")
			p90 := time.Duration(rapid.SampledFrom([]int{0, 20, 90, 300, 5000}).Draw(t, "p90")) * time.Millisecond
			live := rapid.Bool().Draw(t, "live")
			asks := time.Duration(rapid.SampledFrom([]int{0, 0, 1, 60, 600}).Draw(t, "asks for")) * time.Second
			some := rapid.SampledFrom([]float64{0, 0.1, 1}).Draw(t, "ended")
			for range rapid.IntRange(1, 120).Draw(t, "looks") {
				released := releasable(p)
				untried += released
				ended := int(some * float64(untried))
				untried -= ended
				o := Observation{
					Released: released, Attempts: ended, Failed: int(share * float64(ended)), Untried: untried,
					P90: p90, LiveBad: live && share > 0,
				}
				if asks > 0 {
					o.Postponed, o.Failed, o.Refusing = o.Failed, 0, share > 0.1
					o.AskedUntil = now.Add(asks)
				}
				o.Delivered = ended - o.Failed - o.Postponed
				look(o)
			}
			if rapid.Bool().Draw(t, "the rest is gone from the ledger") {
				untried = 0
			}
		}
		if p.Phase == Halt {
			return
		}
		for range 30 * 60 / 5 {
			released := releasable(p)
			look(Observation{Released: released, Attempts: released + untried, Delivered: released + untried, P90: 50 * time.Millisecond})
			untried = 0
		}
		if p.Phase != Steady || p.Rate != set.Ceiling {
			t.Fatalf("after half an hour without trouble: %+v", p)
		}
	})
}

// A step too far may cost one in a hundred of a job's events.
func TestStepsFitTheJob(t *testing.T) {
	for events, want := range map[int]float64{10: 1, 2000: 2, 5000: 5, 10_000: 10, 1_000_000: 10} {
		if got := DefaultSettings.sized(events).Add; got != want {
			t.Errorf("%d events: steps of %v", events, got)
		}
	}
}

func TestAPaceIsWrittenAsItIs(t *testing.T) {
	for rate, want := range map[float64]string{0: "0", 0.5: "0.5", 5: "5", 7.55: "7.5", 9.99: "10", 10: "10", 66.7: "67", 200: "200", -1: "0", math.Inf(1): "1000000"} {
		if got := PerSecond(rate); got != want {
			t.Errorf("%g is written %s", rate, got)
		}
	}
	if got := PerSecond(math.NaN()); got != "0" {
		t.Errorf("what is no number is written %s", got)
	}
}
