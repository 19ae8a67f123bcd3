package filter

import (
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/output"
)

// What a table prints can be typed.
func TestTimesAsTheyAreTyped(t *testing.T) {
	day := 24 * time.Hour
	now := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	at := time.Date(2026, 11, 26, 18, 0, 36, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2h": now.Add(-2 * time.Hour), "7d": now.Add(-7 * day), "1w": now.Add(-7 * day),
		"2d3h": now.Add(-2*day - 3*time.Hour), "1w2d1h30m": now.Add(-9*day - 90*time.Minute),
		"0d": now, "": {},
		"03-10 07:05Z": time.Date(2026, 3, 10, 7, 5, 0, 0, time.UTC), "11-26 18:00Z": time.Date(2025, 11, 26, 18, 0, 0, 0, time.UTC),
		output.Stamp(at): at, "2026-11-26 18:00:36": at, "2026-11-26T18:00:36": at, "2026-11-26T18:00:36Z": at,
		"2026-11-26T19:00:36+01:00": at, "2026-11-26T18:00:36.000Z": at, "2026-11-26": at.Truncate(day),
	} {
		if got, err := ParseTime("--since", text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"soon", "d", "w", "-2h", "2d-3h", "1d-", "2d1w", "2d2d", "1.5d", "-1d", "99999d", "600w", "3651d", "9999999w", "3650d2562047h", "2d3", "2026-11-26 18:00",
	} {
		got, err := ParseTime("--since", text, now)
		if err == nil || !strings.Contains(err.Error(), "2d3h, 1w") || !strings.Contains(err.Error(), "2026-03-04 17:00:00Z") {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}
