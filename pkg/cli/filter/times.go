package filter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
)

// timeForms are how a time may be written; without a zone it is in that of now. A
// table prints the first.
var timeForms = []string{
	"2006-01-02 15:04:05Z07:00", time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04Z07:00", "2006-01-02 15:04",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04", time.DateOnly,
}

// ParseTime reads a length of time before now, a time, or the beginning of a day:
// a date, today, yesterday, or the latest day of that name, which may be today.
// Where no zone is written, that of now counts.
func ParseTime(name, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := ParseSpan(s); err == nil {
		return now.Add(-d).UTC(), nil
	}
	if t, err := time.Parse("01-02 15:04Z", s); err == nil { // as a narrow terminal shows it
		t = time.Date(now.UTC().Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
		if t.After(now.Add(24 * time.Hour)) {
			t = t.AddDate(-1, 0, 0)
		}
		return t, nil
	}
	for _, layout := range timeForms {
		if t, err := time.ParseInLocation(layout, strings.ToUpper(s), now.Location()); err == nil {
			return t.UTC(), nil
		}
	}
	if days, named := daysAgo(strings.ToLower(s), now.Weekday()); named {
		return time.Date(now.Year(), now.Month(), now.Day()-days, 0, 0, 0, 0, now.Location()).UTC(), nil
	}
	zone, _ := now.Zone()
	return time.Time{}, problem.Usage("%s %s is neither a length of time (2h, 2d3h, 1w; at most ten years) nor a time", name, s).
		DidYouMean(output.Nearest(s, dayNames()), name+" %s").
		Hint("a time is today, yesterday, monday, 2026-03-04, \"2026-03-04 17:00\" or 2026-03-04T17:00:00Z; without a zone it is %s", zone)
}

// ParseEnd reads a time that is still to come, or a length of time from now on. A
// length has to be longer than nothing. It returns the zero time for "never".
func ParseEnd(name, s string, now time.Time) (time.Time, error) {
	if s == "never" {
		return time.Time{}, nil
	}
	if d, err := ParseSpan(s); err == nil && d > 0 {
		return now.Add(d).UTC(), nil
	}
	end, err := ParseTime(name, s, now)
	if err != nil {
		return time.Time{}, err
	}
	if !end.After(now) {
		return time.Time{}, problem.Usage("%s %s is not in the future", name, s).
			Hint("an end is a length of time from now (12h, 7d), a time that is still to come, or never")
	}
	return end, nil
}

// daysAgo tells how long ago a named day was.
func daysAgo(name string, today time.Weekday) (days int, named bool) {
	switch i := slices.Index(dayNames(), name); {
	case i < 0:
		return 0, false
	case i < 2:
		return i, true
	default:
		return (int(today) - (i - 2) + 7) % 7, true
	}
}

// dayNames are the names of days: today, yesterday, and those of the week.
func dayNames() []string {
	names := []string{"today", "yesterday"}
	for day := time.Sunday; day <= time.Saturday; day++ {
		names = append(names, strings.ToLower(day.String()))
	}
	return names
}

// maxSpan bounds a length of time, so that no sum overflows.
const maxSpan = 3650 * 24 * time.Hour

// ParseSpan reads what time.ParseDuration reads, behind weeks and days.
func ParseSpan(s string) (time.Duration, error) {
	var sum time.Duration
	rest := s
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, after, found := strings.Cut(rest, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 16)
		if sum += time.Duration(n) * unit.length; err != nil || sum > maxSpan {
			return 0, fmt.Errorf("%q is no number of days or weeks", s)
		}
		rest = after
	}
	if rest == "" && s != "" {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d > maxSpan || strings.ContainsAny(rest, "+-") {
		return 0, fmt.Errorf("%q is no length of time", s)
	}
	return sum + d, nil
}
