// Package scopes keeps a small record of which webhook sends what: for each source,
// campaign and type of event the webhook's id, name and level, and when it was first and
// last seen. Two webhooks that send the same, and one that silences another, are seen in
// it, and nowhere else.
//
// The record is written once a day for what is known, not once an event, so that "last
// seen" may be a day behind. It is bounded whatever is sent: an account has 64 documents,
// by a hash of the campaign, of 48 entries and 8 KB each; beyond, the one that was seen longest
// ago goes. What a source without a list of secret_keys brings never takes the place of
// what another one of the account brought.
package scopes

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"smartlead-receiver/pkg/webhook"
)

// Kind is the partition of the table in which the record lies.
const Kind = "scope"

const (
	// shards of an account, of which each is one document.
	shards = 64
	// maxEntries and maxBytes bound a document, so that a look at it takes at most two
	// read units and eight write units.
	maxEntries = 48
	maxBytes   = 8000
	// maxID and maxName bound what is kept of an id, or nothing is kept, and of a name,
	// in bytes.
	maxID   = 40
	maxName = 60
	// Keep is for how long an entry that is not seen any more is kept.
	Keep = 90 * 24 * time.Hour
	// Refresh is how old "last seen" gets before it is written anew.
	Refresh = 20 * time.Hour
	// Lately is how long ago something was seen at most that counts as still going on. It
	// is more than two refreshes, so that no single one that failed makes a silence.
	Lately = 3 * 24 * time.Hour
)

// Entry is one webhook that sends one type of event of one campaign through one source.
type Entry struct {
	Account  string       `json:"-"`
	Source   string       `json:"s"`
	Campaign string       `json:"c,omitempty"`
	Type     webhook.Type `json:"t"`
	Hook     string       `json:"h,omitempty"`
	Name     string       `json:"n,omitempty"`
	Level    string       `json:"l,omitempty"`
	First    int64        `json:"f"` // Unix seconds
	Last     int64        `json:"e"`
	Days     int          `json:"d"` // on how many it was seen, about
	Checked  bool         `json:"k,omitempty"`
}

// FirstSeen and LastSeen are times of receipt; the latter may be a day behind.
func (e Entry) FirstSeen() time.Time { return time.Unix(e.First, 0).UTC() }

// LastSeen may be a day behind.
func (e Entry) LastSeen() time.Time { return time.Unix(e.Last, 0).UTC() }

// Recent tells whether the webhook was seen lately.
func (e Entry) Recent(now time.Time) bool { return now.Sub(e.LastSeen()) < Lately }

// same tells whether the entry is of what the scope says. A name may be changed.
func (e Entry) same(s webhook.Scope) bool {
	return e.Source == s.Source && e.Campaign == s.Campaign && e.Type == s.Type && e.Hook == s.Hook && e.Level == s.Level
}

// Conflicts tells whether two webhooks send the same: another one, the same type of the
// same campaign. One webhook whose URL was changed is not two.
func (e Entry) Conflicts(other Entry) bool {
	return e.Account == other.Account && e.Campaign == other.Campaign && e.Type == other.Type &&
		e.Hook != "" && other.Hook != "" && e.Hook != other.Hook
}

// bounded returns what may be kept of a scope, and whether any of it may: an id that is
// longer than any of the provider's is none.
func bounded(s webhook.Scope) (webhook.Scope, bool) {
	if len(s.Campaign) > maxID || len(s.Hook) > maxID {
		return webhook.Scope{}, false
	}
	for i, r := range s.Name {
		if i+utf8.RuneLen(r) > maxName {
			s.Name = s.Name[:i]
			break
		}
	}
	return s, true
}

// cloned returns a scope that keeps nothing of the payload that it was read from.
func cloned(s webhook.Scope) webhook.Scope {
	s.Campaign, s.Hook, s.Name = strings.Clone(s.Campaign), strings.Clone(s.Hook), strings.Clone(s.Name)
	return s
}

// documentName is where a campaign's entries lie: account and shard.
func documentName(s webhook.Scope) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.Campaign))
	return fmt.Sprintf("%s#%02d", s.Account, h.Sum32()%shards)
}

// parse reads a document. One that cannot be read is empty: it is written anew.
func parse(account string, body []byte) []Entry {
	var list []Entry
	if json.Unmarshal(body, &list) != nil {
		return nil
	}
	for i := range list {
		list[i].Account = account
	}
	return list
}

// merged is what became of a document.
type merged struct {
	entries []Entry
	changed bool
	second  bool // the scope's webhook is new, and another one sends the same
}

// merge notes that a scope was seen. It changes nothing where it is known and was seen
// within Refresh, or where there is no place for it.
func merge(entries []Entry, s webhook.Scope, now time.Time) merged {
	m := merged{entries: slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool { return now.Sub(e.LastSeen()) > Keep })}
	if i := slices.IndexFunc(m.entries, func(e Entry) bool { return e.same(s) }); i >= 0 {
		e := &m.entries[i]
		if now.Sub(e.LastSeen()) < Refresh && e.Name == s.Name && e.Checked == s.Checked {
			return m
		}
		if now.Sub(e.LastSeen()) >= Refresh {
			e.Days++
		}
		e.Name, e.Checked, e.Last = s.Name, s.Checked, max(e.Last, now.Unix())
		m.changed = true
		return m
	}
	entry := Entry{
		Account: s.Account, Source: s.Source, Campaign: s.Campaign, Type: s.Type, Hook: s.Hook, Name: s.Name, Level: s.Level,
		First: now.Unix(), Last: now.Unix(), Days: 1, Checked: s.Checked,
	}
	for len(m.entries) >= maxEntries || size(m.entries)+size([]Entry{entry}) > maxBytes {
		oldest := leastWorth(m.entries, s.Checked)
		if oldest < 0 {
			return m
		}
		m.entries = slices.Delete(m.entries, oldest, oldest+1)
	}
	m.second = slices.ContainsFunc(m.entries, func(e Entry) bool { return e.Recent(now) && entry.Conflicts(e) })
	known := slices.ContainsFunc(m.entries, func(e Entry) bool {
		return e.Hook == entry.Hook && e.Campaign == entry.Campaign && e.Type == entry.Type
	})
	m.second = m.second && !known
	m.entries, m.changed = append(m.entries, entry), true
	return m
}

// size is how many bytes entries take in a document.
func size(entries []Entry) int {
	text, err := json.Marshal(entries)
	if err != nil { // our own types: it cannot fail
		return maxBytes + 1
	}
	return len(text)
}

// leastWorth is the entry that makes room: the one seen longest ago of those without a
// check, which anybody who has a URL may have brought, else of all, for a checked one.
func leastWorth(entries []Entry, checked bool) int {
	least := -1
	for i, e := range entries {
		if e.Checked && !checked {
			continue
		}
		if least < 0 || cmp.Or(worth(e)-worth(entries[least]), cmp.Compare(e.Last, entries[least].Last)) < 0 {
			least = i
		}
	}
	return least
}

func worth(e Entry) int {
	if e.Checked {
		return 1
	}
	return 0
}
