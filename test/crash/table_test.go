package crash

import (
	"strings"
	"testing"
)

// TestStateTable sees the history refuse what the state table does not know.
func TestStateTable(t *testing.T) {
	base := step{state: "pending", number: "1", nonce: "a", generation: "0", death: "0", effect: "0", due: true}
	with := func(s step, changes ...func(*step)) step {
		for _, change := range changes {
			change(&s)
		}
		return s
	}
	state := func(v string) func(*step) { return func(s *step) { s.state = v } }
	lease := func(number, nonce string) func(*step) {
		return func(s *step) { s.number, s.nonce = number, nonce }
	}
	generation := func(v string) func(*step) { return func(s *step) { s.generation = v } }
	death := func(v string) func(*step) { return func(s *step) { s.death = v } }
	effect := func(v string) func(*step) { return func(s *step) { s.effect = v } }
	has := func(names ...string) func(*step) { return func(s *step) { s.settled = names } }
	due := func(s *step) { s.due = true }
	processing, dead := with(base, state("processing")), with(base, state("dead"), death("1"))
	delivered, unrouted := with(base, state("delivered")), with(base, state("unrouted"))
	fresh := with(base, lease("0", ""))
	for _, c := range []struct {
		name        string
		before, now step
		want        string // "" is allowed
	}{
		{"a sweep", base, base, ""},
		{"a lease", base, with(processing, lease("2", "b")), ""},
		{"an attempt that failed", processing, base, ""},
		{"a death", processing, dead, ""},
		{"a death by abandonment", processing, with(dead, lease("1", "")), ""},
		{"a dead letter's lease", dead, with(processing, lease("2", "b"), death("1")), ""},
		{"a replay", delivered, with(base, generation("1"), effect("1")), ""},
		{"an attempt that reached nobody", processing, unrouted, ""},
		{"a replay of what reached nobody", unrouted, with(base, generation("1")), ""},
		{"unrouted comes back in its generation", unrouted, base, "begins a generation"},
		{"unrouted is leased", unrouted, with(processing, lease("2", "b")), "nobody may lease it"},
		{"unrouted without a lease", base, unrouted, "no such step"},
		{"unrouted is called delivered", unrouted, delivered, "no such step"},
		{"settled without a lease", base, delivered, "no such step"},
		{"dead without a lease", base, dead, "no such step"},
		{"a first attempt that delivered", fresh, delivered, ""},
		{"a first attempt that reached nobody", fresh, unrouted, ""},
		{"a first attempt that failed", fresh, base, ""},
		{"a first attempt that died", fresh, dead, ""},
		{"a first attempt of what is held", with(fresh, state("held")), delivered, "a new lease is processing"},
		{"a first attempt without a nonce", fresh, with(delivered, lease("1", "")), "no holder of its own"},
		{"a first attempt numbered 2", fresh, with(delivered, lease("2", "a")), "does not follow"},
		{"a first attempt that takes a death along", fresh, with(base, death("1")), "without a death"},
		{"a lease that ends by the same write", base, with(delivered, lease("2", "b")), "a new lease is processing"},
		{"a number left out", base, with(processing, lease("3", "b")), "does not follow"},
		{"a number again", with(base, lease("2", "b")), with(processing, lease("1", "c")), "does not follow"},
		{"a lease under the old nonce", processing, with(processing, lease("2", "a")), "no holder of its own"},
		{"another holder", processing, with(processing, lease("1", "b")), "another holder"},
		{"settled by another holder", processing, with(delivered, lease("1", "b")), "another holder"},
		{"delivered is leased", delivered, with(processing, lease("2", "b")), "nobody may lease it"},
		{"held is leased", with(base, state("held")), with(processing, lease("2", "b")), "nobody may lease it"},
		{"parked is leased", with(base, state("parked")), with(processing, lease("2", "b")), "nobody may lease it"},
		{"parked goes back to dead", with(dead, state("parked")), dead, "no such step"},
		{"discarded comes back", with(base, state("discarded")), base, "no such step"},
		{"delivered comes back in its generation", delivered, base, "begins a generation"},
		{"two generations at once", delivered, with(base, generation("2")), "begins a generation"},
		{"a revival begins a generation", dead, with(base, generation("1"), death("1")), "begins a generation"},
		{"a revival asks for the effect again", dead, with(base, effect("1"), death("1")), "effect again"},
		{"a death without dying", base, with(base, death("1")), "without a death"},
		{"a second dead letter is owed", with(dead, func(s *step) { s.due = false }), with(dead, due), "second dead letter"},
		{"a revival opens what succeeded", with(dead, has("crm")), with(base, death("1")), "is open again"},
		{"a lease opens what succeeded", with(base, has("crm", "slack")), with(processing, lease("2", "b"), has("slack")), "is open again"},
	} {
		if got := wrong(c.before, c.now); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
