package checks

import (
	"testing"
	"time"

	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/test/testclock"
)

// Nights and weekends are usual; what is longer than any of them is not.
func TestSilenceIsWhatIsLongerThanUsual(t *testing.T) {
	now := testclock.Noon()
	hourly := func(n int, hours ...int) *rhythm { // n events an hour apart, then events so many hours earlier
		var r rhythm
		at := now
		for range n {
			r.add(at)
			at = at.Add(-time.Hour)
		}
		for _, h := range hours {
			at = at.Add(time.Duration(-h) * time.Hour)
			r.add(at)
		}
		return &r
	}
	ruled := func(r *rhythm, rule incident.SilenceRule) *rhythm {
		r.rule = rule
		return r
	}
	night, err := incident.ParseQuiet("13:00-21:00")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string
		after time.Duration // the latest event
		r     *rhythm
		want  time.Duration
	}{
		{"just now", time.Minute, hourly(30), 0},
		{"twice the usual gap, and short", 119 * time.Minute, hourly(30), 0},
		{"twice the usual gap", 2 * time.Hour, hourly(30), 2 * time.Hour},
		{"a weekend, as there was one", 63 * time.Hour, hourly(30, 60), 0},
		{"two weekends in a row", 122 * time.Hour, hourly(30, 60), 122 * time.Hour},
		{"too few to tell", 200 * time.Hour, hourly(fewest - 1), 0},
		{"less than is set", 5 * time.Hour, ruled(hourly(2), incident.SilenceRule{After: 6 * time.Hour}), 0},
		{"what is set", 6 * time.Hour, ruled(hourly(2), incident.SilenceRule{After: 6 * time.Hour}), 6 * time.Hour},
		{"nobody is told", 200 * time.Hour, ruled(hourly(30), incident.SilenceRule{Never: true}), 0},
		{"quiet hours", 9 * time.Hour, ruled(hourly(30), incident.SilenceRule{Quiet: night}), 0},
		{"quiet hours and more", 10 * time.Hour, ruled(hourly(30), incident.SilenceRule{Quiet: night}), 2 * time.Hour},
	} {
		if got := c.r.silentFor(now.Add(c.after)); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}
