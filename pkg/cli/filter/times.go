package filter

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/problem"
)

// timeForms are how a time may be written; without a zone it is UTC. A table
// prints the first.
var timeForms = []string{"2006-01-02 15:04:05Z07:00", time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly}

// ParseTime reads a length of time before now, a time or a day.
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
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, problem.Usage("%s %s is neither a length of time (2h, 2d3h, 1w) nor a time in UTC (2026-03-04 17:00:00Z, 2026-03-04T17:00:00Z, 2026-03-04)", name, s)
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
