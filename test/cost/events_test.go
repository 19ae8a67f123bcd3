package cost

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/cli/clitest"
)

// all is what the bill is computed from.
type all struct {
	Reply, Open measured

	Duplicate measured // the reply again, at the instance that received it
	Elsewhere units    // the same at another one
	Retry     units    // what a further attempt of the reply adds
	Death     units    // an attempt that the destination refuses for good
	Returned  units    // a dead letter moved to the live queue in the console, until delivered

	Refused     units // a request with a wrong token that is kept
	RefusedLine int
	NotKept     units // one beyond what is kept
	IdleSweep   units
	IdleRedrive units
	Look        units   // at a hundred events that were received, twice
	Saved       float64 // write units of a minute in which there is something to look at

	Gates gated
}

func (u units) plus(v units) units {
	return units{u.Write + v.Write, u.Read + v.Read, u.Queue + v.Queue}
}
func (u units) minus(v units) units {
	return units{u.Write - v.Write, u.Read - v.Read, u.Queue - v.Queue}
}

// measureAll runs each story in a stack of its own.
func measureAll(t *testing.T) all {
	t.Helper()
	var a all
	r := newRig(t)
	a.Reply = r.event("reply")
	r.used()
	r.post(r.body("reply"))
	a.Duplicate.Claim = r.used()
	a.Duplicate.Receiver, _ = r.logged()
	r.work()
	if u := r.used(); u != (units{}) {
		t.Errorf("a duplicate gave the worker something to do: %+v", u)
	}
	r.another()
	r.introduce(r.body("reply"))
	r.used()
	r.post(r.body("reply"))
	a.Elsewhere = r.used()
	// What the engine does not tell: a claim that fails is charged by the item that is there.
	a.Elsewhere.Write += math.Ceil(float64(a.Reply.Item) / 1024)
	a.Open = newRig(t).event("open")
	a.IdleSweep, a.IdleRedrive = idle(t)
	a.Look, a.Saved = look(t, a.IdleSweep)
	a.Retry = retry(t)
	a.Death, a.Returned = dead(t)
	a.Refused, a.NotKept, a.RefusedLine = refused(t)
	a.Gates = measureGates(t)
	return a
}

func idle(t *testing.T) (sweep, redrive units) {
	t.Helper()
	r := newRig(t)
	// The first look at incidents goes back a day; those behind it, a minute.
	if err := r.sweeper(t.Context(), events.CloudWatchEvent{}); err != nil {
		t.Fatal(err)
	}
	r.used()
	r.now = r.now.Add(time.Minute)
	if err := r.sweeper(t.Context(), events.CloudWatchEvent{}); err != nil {
		t.Fatal(err)
	}
	sweep = r.used()
	if err := r.redrive(t.Context(), events.CloudWatchEvent{}); err != nil {
		t.Fatal(err)
	}
	redrive = r.used()
	if size, _ := r.logged(); size > 1000 { // the warm event's two lines
		t.Errorf("an idle minute logs: %d bytes", size)
	}
	return sweep, redrive
}

// look is what the sweeper uses for what was received: 100 replies are, and delivered.
func look(t *testing.T, idle units) (both units, saved float64) {
	t.Helper()
	r := newRig(t)
	sweep := func(after time.Duration) units {
		t.Helper()
		r.now = r.now.Add(after)
		r.used()
		if err := r.sweeper(t.Context(), events.CloudWatchEvent{}); err != nil {
			t.Fatal(err)
		}
		return r.used()
	}
	sweep(0)
	for n := range 100 {
		r.post(clitest.Reply(2000 + n))
	}
	r.work()
	sweep(time.Minute) // the incidents look at them first
	first, second := sweep(2*time.Minute).minus(idle), sweep(time.Hour).minus(idle)
	return first.plus(second), first.Write
}

// refusedOnce is a reply whose destination answered with that status, and would take
// it a minute later.
func refusedOnce(t *testing.T, status int64) (*rig, units) {
	t.Helper()
	r := newRig(t)
	r.Answer.Store(status)
	r.post(r.body("reply"))
	r.used()
	r.work()
	attempt := r.used()
	r.Answer.Store(http.StatusOK)
	r.now = r.now.Add(time.Minute)
	return r, attempt
}

// retry is an attempt that fails, and the one that succeeds after it.
func retry(t *testing.T) units {
	t.Helper()
	r, first := refusedOnce(t, http.StatusBadGateway)
	r.redeliver()
	second := r.used()
	plain := newRig(t).event("reply").Settle
	return first.plus(second).minus(plain)
}

// dead is an event that its destination refuses for good, and its dead letter
// moved to the live queue, as the console's redrive does it.
func dead(t *testing.T) (death, returned units) {
	t.Helper()
	r, death := refusedOnce(t, http.StatusGone)
	r.log.Reset()
	r.workOn(r.At.DLQ, r.At.Live)
	if returned = r.used(); r.delivered() != 1 {
		t.Error("the dead letter did not bring its event back")
	}
	return death, returned
}

func refused(t *testing.T) (kept, notKept units, line int) {
	t.Helper()
	r := newRig(t)
	r.logged()
	if status := r.send("slr_wrong", r.body("open")); status != http.StatusUnauthorized {
		t.Fatalf("a wrong token is answered %d", status)
	}
	kept = r.used()
	line, _ = r.logged()
	// What is kept is limited by the real time, and so at some point one is not.
	for range 10_000 {
		r.send("slr_wrong", "{}")
		if notKept = r.used(); notKept.Write == 0 {
			return kept, notKept, line
		}
	}
	t.Fatal("a flood of refusals is kept whole")
	return kept, notKept, line
}
