package cost

import (
	"fmt"
	"testing"
	"time"
)

// gated is what several destinations, and what stands before them, add.
type gated struct {
	Five  units // the delivery of a reply to five destinations
	Look  units // at the gates, which a worker takes every five seconds at most
	Wait  units // what the first wait of an event before a gate adds
	Again units // and each further one
	Place units // a place in the line of a rate
}

// configured runs a command that changes destinations, and lets the worker know.
func (r *rig) configured(args ...string) {
	r.Helper()
	r.OK(args...)
	r.now = r.now.Add(2 * time.Hour) // SourceTTL
	r.introduce(r.body("reply"))
}

// settles delivers a reply, and returns what that used behind its receipt.
func (r *rig) settles() units {
	r.Helper()
	r.post(r.body("reply"))
	r.used()
	r.work()
	return r.used()
}

func measureGates(t *testing.T) (g gated) {
	t.Helper()
	plain := newRig(t).event("reply").Settle

	r := newRig(t)
	r.introduce(r.body("reply"))
	r.now = r.now.Add(5 * time.Second)
	g.Look = r.settles().minus(plain)

	r = newRig(t)
	for n := range 4 {
		r.OK("destinations", "add", fmt.Sprint("crm-", n+2), "--url", r.Dest.URL, "--no-sign")
	}
	r.configured("destinations", "list")
	g.Five = r.settles()

	r = newRig(t)
	r.configured("destinations", "set", "crm", "--per-second", "1")
	r.now = r.now.Add(time.Minute)
	g.Place = r.settles().minus(plain).minus(g.Look)

	r = newRig(t)
	r.introduce(r.body("reply"))
	r.OK("destinations", "pause", "crm")
	r.now = r.now.Add(5 * time.Second)
	waited := r.settles().minus(g.Look)
	r.now = r.now.Add(time.Minute)
	r.again()
	g.Again = r.used().minus(g.Look)
	r.OK("destinations", "resume", "crm")
	r.now = r.now.Add(5 * time.Minute)
	r.used()
	r.logged()
	r.redeliver()
	g.Wait = waited.plus(r.used()).minus(g.Look).minus(plain)
	if n := r.delivered(); n != 1 {
		t.Errorf("%d of what waited were delivered", n)
	}
	return g
}
