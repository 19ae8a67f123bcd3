package scopes

import (
	"fmt"
	"testing"
	"time"

	"smartlead-receiver/test/testclock"
)

// A webhook is silenced by one of the user level that brings the same lately, as long as
// somebody may miss it.
func TestSilences(t *testing.T) {
	now := testclock.Noon()
	entry := func(hook, campaign, level string, days int) Entry {
		return Entry{Account: "a", Campaign: campaign, Type: "EMAIL_OPEN", Hook: hook, Level: level, Last: now.Add(-time.Duration(days) * 24 * time.Hour).Unix()}
	}
	own, speaks := entry("1", "7", Campaign, 5), entry("2", "7", User, 0)
	for name, c := range map[string]struct {
		entries []Entry
		want    string
	}{
		"silenced":            {[]Entry{own, speaks}, "1 by 2"},
		"of a client":         {[]Entry{entry("1", "7", Client, 5), speaks}, "1 by 2"},
		"speaks itself":       {[]Entry{entry("1", "7", Campaign, 1), speaks}, ""},
		"nobody misses it":    {[]Entry{entry("1", "7", Campaign, 15), speaks}, ""},
		"of another campaign": {[]Entry{own, entry("2", "8", User, 0)}, ""},
		"no user level":       {[]Entry{own, entry("2", "7", Client, 0)}, ""},
		"silent, too":         {[]Entry{own, entry("2", "7", User, 4)}, ""},
		"level not known":     {[]Entry{entry("1", "7", "", 5), speaks}, ""},
	} {
		got := ""
		for _, s := range Silences(c.entries, func(e Entry) string { return e.Level }, now) {
			got += fmt.Sprintf("%s by %s", s.Own.Hook, s.Speaks.Hook)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
