package output

import (
	"fmt"
	"strings"
	"time"
)

const (
	wireTime    = "2006-01-02T15:04:05.000Z"
	stampLayout = "2006-01-02 15:04:05Z"
)

// Wire is a time for JSON: RFC 3339 in UTC, milliseconds; empty for none.
func Wire(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(wireTime)
}

// Stamp is a time for a person, in UTC.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(stampLayout)
}

// Span is a length of time in its two largest units.
func Span(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
	case d < time.Hour:
		return two(d, time.Minute, "min", time.Second, "s")
	case d < 24*time.Hour:
		return two(d, time.Hour, "h", time.Minute, "min")
	}
	return two(d, 24*time.Hour, "d", time.Hour, "h")
}

func two(d, large time.Duration, largeName string, small time.Duration, smallName string) string {
	s := fmt.Sprintf("%d %s", d/large, largeName)
	if rest := d % large / small; rest > 0 {
		s += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return s
}

// A Clock tells the time, and how far from now another one is.
type Clock func() time.Time

// Now is the time.
func (c Clock) Now() time.Time { return c() }

// Ago says how long before now a time was, or how long until it.
func (c Clock) Ago(t time.Time) string {
	d := c().Sub(t)
	switch {
	case t.IsZero():
		return "-"
	case d < 0:
		return "in " + Span(d)
	}
	return Span(d) + " ago"
}

// When is a time and its distance from now.
func (c Clock) When(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return Stamp(t) + " (" + c.Ago(t) + ")"
}
