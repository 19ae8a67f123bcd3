package filter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
)

// What a table prints can be typed.
func TestTimesAsTheyAreTyped(t *testing.T) {
	day := 24 * time.Hour
	now := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	today := now.Truncate(day) // a Tuesday
	at := time.Date(2026, 11, 26, 18, 0, 36, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2h": now.Add(-2 * time.Hour), "7d": now.Add(-7 * day), "1w": now.Add(-7 * day),
		"2d3h": now.Add(-2*day - 3*time.Hour), "1w2d1h30m": now.Add(-9*day - 90*time.Minute),
		"0d": now, "": {},
		"03-10 07:05Z": time.Date(2026, 3, 10, 7, 5, 0, 0, time.UTC), "11-26 18:00Z": time.Date(2025, 11, 26, 18, 0, 0, 0, time.UTC),
		output.Stamp(at): at, "2026-11-26 18:00:36": at, "2026-11-26T18:00:36": at, "2026-11-26T18:00:36Z": at,
		"2026-11-26 18:00": at.Truncate(time.Minute), "2026-11-26T18:00": at.Truncate(time.Minute), "2026-11-26 18:00Z": at.Truncate(time.Minute),
		"2026-11-26t18:00:36z": at, "today": today, "Yesterday": today.Add(-day), "tuesday": today, "MONDAY": today.Add(-day), "wednesday": today.Add(-6 * day),
		"2026-11-26T19:00:36+01:00": at, "2026-11-26T18:00:36.000Z": at, "2026-11-26": at.Truncate(day),
	} {
		if got, err := ParseTime("--since", text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"soon", "d", "w", "-2h", "2d-3h", "1d-", "2d1w", "2d2d", "1.5d", "-1d", "99999d", "600w", "3651d", "9999999w", "3650d2562047h", "2d3", "2026-11-26 25:00", "mon", "tomorrow",
	} {
		got, err := ParseTime("--since", text, now)
		wrong, _ := errors.AsType[*problem.Error](err)
		if wrong == nil || !strings.Contains(err.Error(), "2d3h, 1w") || !strings.Contains(strings.Join(wrong.Hints(), "\n"), "2026-03-04T17:00:00Z") {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

// Where the operator is, a day begins at another time, and a time without a zone is
// one of there.
func TestTimesOfAnotherZone(t *testing.T) {
	berlin := time.FixedZone("CEST", 2*3600)
	now := time.Date(2026, 6, 10, 1, 0, 0, 0, berlin)
	for text, want := range map[string]string{
		"today": "2026-06-09T22:00:00Z", "yesterday": "2026-06-08T22:00:00Z", "2026-06-10": "2026-06-09T22:00:00Z",
		"2026-06-10 00:30": "2026-06-09T22:30:00Z", "2026-06-10 00:30Z": "2026-06-10T00:30:00Z", "1h": "2026-06-09T22:00:00Z",
	} {
		if got, err := ParseTime("--since", text, now); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q: %s, %v, want %s", text, got.Format(time.RFC3339), err, want)
		}
	}
}
