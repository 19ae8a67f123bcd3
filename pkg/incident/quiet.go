package incident

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// QuietHours are times at which nobody expects an event: hours of each day, and whole
// days of the week, in UTC. The zero value has none.
type QuietHours struct {
	text  string
	spans [][2]int // minutes of a day, from and until, in order, none touches the next
	days  [7]bool  // by time.Weekday
}

const (
	dayMinutes = 24 * 60
	// maxQuiet bounds the parts of quiet hours.
	maxQuiet = 12
	// maxActive bounds the time that is looked back over.
	maxActive = 31 * 24 * time.Hour
)

// errQuiet says how quiet hours are written.
var errQuiet = errors.New("quiet hours are like 20:00-07:00,sat,sun, in UTC")

// ParseQuiet reads quiet hours, such as 20:00-07:00,sat,sun; an empty text has none. It
// refuses those that leave less than an hour a week.
func ParseQuiet(text string) (QuietHours, error) {
	var q QuietHours
	var parts []string
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) > maxQuiet {
		return QuietHours{}, fmt.Errorf("%w, at most %d parts", errQuiet, maxQuiet)
	}
	for _, part := range parts {
		if day, found := weekday(part); found {
			q.days[day] = true
			continue
		}
		from, until, ok := hours(part)
		switch {
		case !ok:
			return QuietHours{}, fmt.Errorf("%w, not %q", errQuiet, clip(part, 20))
		case from < until:
			q.spans = append(q.spans, [2]int{from, until})
		default: // over midnight
			q.spans = append(q.spans, [2]int{from, dayMinutes}, [2]int{0, until})
		}
	}
	q.spans = union(q.spans)
	q.text = strings.Join(parts, ",")
	monday := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if q.Active(monday, monday.AddDate(0, 0, 7)) < time.Hour {
		return QuietHours{}, fmt.Errorf("%w, and leave an hour a week", errQuiet)
	}
	return q, nil
}

func (q QuietHours) String() string { return q.text }

func weekday(text string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := strings.ToLower(day.String()); text == name || text == name[:3] {
			return day, true
		}
	}
	return 0, false
}

func hours(text string) (from, until int, ok bool) {
	a, b, found := strings.Cut(text, "-")
	minute := func(s string) (int, bool) {
		if s == "24:00" {
			return dayMinutes, true
		}
		t, err := time.Parse("15:04", s)
		return t.Hour()*60 + t.Minute(), err == nil
	}
	from, first := minute(a)
	until, second := minute(b)
	return from, until, found && first && second && from != until && from < dayMinutes
}

func union(spans [][2]int) (merged [][2]int) {
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	for _, s := range spans {
		if last := len(merged) - 1; last >= 0 && s[0] <= merged[last][1] {
			merged[last][1] = max(merged[last][1], s[1])
		} else if s[0] < s[1] {
			merged = append(merged, s)
		}
	}
	return merged
}

// Active is how much of a span of time is not quiet. It looks back for 31 days.
func (q QuietHours) Active(from, until time.Time) time.Duration {
	if earliest := until.Add(-maxActive); from.Before(earliest) {
		from = earliest
	}
	from, until = from.UTC(), until.UTC()
	var sum time.Duration
	for day := from.Truncate(24 * time.Hour); day.Before(until); day = day.Add(24 * time.Hour) {
		if q.days[day.Weekday()] {
			continue
		}
		sum += overlap(from, until, day, 0, dayMinutes)
		for _, s := range q.spans {
			sum -= overlap(from, until, day, s[0], s[1])
		}
	}
	return sum
}

// overlap is how much of some minutes of a day lies in a span.
func overlap(from, until, day time.Time, first, last int) time.Duration {
	a, b := day.Add(time.Duration(first)*time.Minute), day.Add(time.Duration(last)*time.Minute)
	if a.Before(from) {
		a = from
	}
	if b.After(until) {
		b = until
	}
	return max(0, b.Sub(a))
}
