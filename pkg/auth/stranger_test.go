package auth

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"smartlead-receiver/test/speed"
	"smartlead-receiver/test/testclock"
)

// strangers are what a stranger may meet: no source, and sources with one token and
// with two.
func strangers(t *testing.T) map[string]Sealed {
	t.Helper()
	owner, err := NewOwnerKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Sealed{"no source": {}}
	source, _, err := NewSource("demo", "", rand.Reader, testclock.Noon())
	for _, name := range []string{"one token", "two tokens"} {
		if err != nil {
			t.Fatal(err)
		}
		if all[name], err = source.Seal(owner); err != nil {
			t.Fatal(err)
		}
		source, err = source.AddToken("slr_another", testclock.Noon())
	}
	return all
}

// judge refuses a stranger as the receiver does.
func (s Sealed) judge(t *testing.T) {
	const wrong = "slr_wrongwrongwrongwrongwrongwrong"
	source, ok, err := s.OpenWith(wrong)
	if ok || err != nil || source.Authenticate(Credentials{Token: wrong}) == nil {
		t.Fatalf("a wrong token opens %s (%v)", s.Name, err)
	}
}

// Whether there is a source, and how many tokens it has, shows neither in what is made
// nor, where time is held to bounds, in how long it takes.
func TestStrangersCostTheSame(t *testing.T) {
	all := strangers(t)
	want := testing.AllocsPerRun(100, func() { all["no source"].judge(t) })
	for name, sealed := range all {
		if got := testing.AllocsPerRun(100, func() { sealed.judge(t) }); got != want {
			t.Errorf("%s: %v allocations, and %v for no source", name, got, want)
		}
	}

	const rounds, calls = 201, 500
	took := map[string][]time.Duration{}
	for range rounds {
		for name, sealed := range all { // in any order
			began := time.Now()
			for range calls {
				sealed.judge(t)
			}
			took[name] = append(took[name], time.Since(began))
		}
	}
	middle := func(name string) time.Duration {
		slices.Sort(took[name])
		return took[name][rounds/2]
	}
	none := middle("no source")
	for name := range all {
		t.Logf("%s: %s a call", name, middle(name)/calls)
		speed.AtMost(t, name+", beside no source,", (middle(name) - none).Abs(), none/8)
	}
}
