package scopes

import (
	"slices"
	"time"
)

// The levels of a webhook.
const (
	User     = "user"
	Client   = "client"
	Campaign = "campaign"
)

// Missed is how long ago a webhook may have fallen silent at most: later, nobody misses it.
const Missed = 14 * 24 * time.Hour

// Silence is a webhook of a client or a campaign that fell silent while one of the user
// level brings the same.
type Silence struct{ Own, Speaks Entry }

// Silences finds them, in the order of the entries. level tells the level of an entry's
// webhook; "" where it is not known.
func Silences(entries []Entry, level func(Entry) string, now time.Time) (found []Silence) {
	for _, own := range entries {
		if l := level(own); l != Client && l != Campaign {
			continue
		}
		if own.Recent(now) || now.Sub(own.LastSeen()) > Missed {
			continue
		}
		i := slices.IndexFunc(entries, func(e Entry) bool {
			same := e.Account == own.Account && e.Campaign == own.Campaign && e.Type == own.Type
			return same && level(e) == User && e.Recent(now)
		})
		if i >= 0 {
			found = append(found, Silence{own, entries[i]})
		}
	}
	return found
}
