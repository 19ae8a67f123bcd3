package incident

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// rule is what holds for the incidents of a kind.
type rule struct {
	quiet time.Duration // without a sighting, after which it is closed
	most  int           // kept; of KindError: of each source
}

// rules bound what is kept and say when an incident is over. An alert has no event that
// takes it back, so that it stays for days; a death is over as soon as nothing of its
// class is dead.
var rules = map[Kind]rule{
	KindAlert:   {72 * time.Hour, 100},
	KindRefused: {6 * time.Hour, 50},
	KindOutage:  {30 * time.Minute, 20},
	KindDead:    {7 * 24 * time.Hour, 100},
	KindVariant: {24 * time.Hour, 50},
	KindRedrive: {24 * time.Hour, 20},
	KindSweep:   {time.Hour, 10},
	KindDrift:   {72 * time.Hour, 50},
	KindRepair:  {48 * time.Hour, 100},
	KindSilence: {48 * time.Hour, 100},
	KindError:   {24 * time.Hour, 40},
	// These are seen once an hour while they last, and are over when they end.
	KindBreaker: {24 * time.Hour, 200},
	KindPause:   {24 * time.Hour, 200},
}

// kept is how long an incident is kept after its latest sighting or its end, whichever
// is later: longer than any quiet time.
const kept = 14 * 24 * time.Hour

func (in Incident) expiresAt() time.Time {
	last := in.LastAt
	for _, t := range []time.Time{in.ChangedAt, in.AckedAt, in.NotifiedAt} {
		if t.After(last) {
			last = t
		}
	}
	return last.Add(kept)
}

// quietFor tells whether an incident was not seen for the time of its kind.
func (in Incident) quietFor(now time.Time) (time.Duration, bool) {
	quiet := rules[in.Kind].quiet
	return quiet, in.Ongoing() && now.Sub(in.LastAt) >= quiet
}

// What says in a line what is wrong. Its parts may come from outside.
func (in Incident) What() string {
	of := func(word, text string) string {
		if text == "" {
			return ""
		}
		return " " + word + " " + text
	}
	if in.Cause == Others {
		return "more of the kind " + string(in.Kind) + of("via", in.Source)
	}
	switch in.Kind {
	case KindAlert:
		return "Smartlead reports " + in.Cause + of("of", in.Subject)
	case KindRefused:
		return "requests are refused: " + in.Cause + of("of", in.Source)
	case KindOutage:
		return "outage: " + in.Cause
	case KindDead:
		return "events died: " + in.Cause + of("at", in.Subject)
	case KindVariant:
		return "variants came" + of("via", in.Source)
	case KindRedrive:
		return "redrive " + in.Cause
	case KindSweep:
		return "the sweeper sent messages again"
	case KindDrift:
		return in.Cause + of("of", in.Subject)
	case KindRepair:
		return "a repair was needed" + of("in campaign", in.Subject) + ": " + in.Cause
	case KindSilence:
		if in.Cause == causeSilenced {
			return in.Subject + of("via", in.Source) + " is " + in.Cause
		}
		return "no event comes in" + of("via", in.Source)
	case KindError:
		return "error" + of("via", in.Source) + ": " + in.Cause
	case KindBreaker:
		return in.Subject + " fails and is sent nothing: its breaker is open"
	case KindPause:
		return in.Subject + " is paused and is sent nothing"
	}
	return string(in.Kind) + ": " + in.Cause
}

// FirstLook is the command that shows most of it, as arguments of smartleadctl.
func (in Incident) FirstLook() []string {
	if in.Cause == Others {
		return []string{"incidents", "list", "--kind", string(in.Kind)}
	}
	switch in.Kind {
	case KindAlert:
		if in.Example != "" {
			return []string{"events", "show", in.Example}
		}
	case KindRefused:
		return []string{"events", "refused"}
	case KindOutage, KindSweep:
		return []string{"doctor"}
	case KindDead:
		if in.Example != "" {
			return []string{"events", "show", in.Example}
		}
		return []string{"dlq", "list"}
	case KindVariant:
		if in.Example != "" {
			return []string{"events", "variants", in.Example}
		}
	case KindRedrive:
		return []string{"redrive", "status"}
	case KindDrift:
		return []string{"reconcile", "status", "--campaign", strings.TrimPrefix(in.Subject, "campaign ")}
	case KindRepair:
		return []string{"reconcile", "repairs"}
	case KindBreaker, KindPause:
		return []string{"destinations", "list"}
	case KindSilence:
		if in.Cause == causeSilenced {
			return []string{"scopes", "list", "--source", in.Source}
		}
	case KindError:
		return []string{"incidents", "show", in.ID}
	}
	return []string{"doctor"}
}

func itoa(n int) string { return strconv.Itoa(n) }

// clip cuts a text to at most n bytes, at a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// span says a length of time in words: a number of minutes, hours or days.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	case d > time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}
