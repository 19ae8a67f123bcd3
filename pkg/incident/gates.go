package incident

import (
	"context"
	"fmt"
	"time"
)

// Gate is what is known of the gate of a destination.
type Gate struct {
	Destination string
	Paused      time.Time // since when; zero: it is not
	PausedBy    string
	Open        bool      // its breaker
	Since       time.Time // when the breaker opened, or closed
	Cause       string    // the error class that it opened with
}

const (
	// A breaker that is open for a shorter time is no incident: its first probe closed it.
	failingFor = 2 * time.Minute
	// One that has closed may open at once again.
	healedFor = 5 * time.Minute
	// heldAgain is after how long a gate that stands as before is noted again: well
	// within the time after which an incident counts as quiet.
	heldAgain = time.Hour
)

// gates are those of all destinations.
type gates struct {
	list  []Gate
	known bool
}

func (w *Watcher) gates(ctx context.Context) (gates, error) {
	if w.Gates == nil {
		return gates{}, nil
	}
	list, err := w.Gates(ctx)
	if err != nil {
		return gates{}, fmt.Errorf("what destinations wait for: %w", err)
	}
	return gates{list, true}, nil
}

func (g gates) count() (failing, paused int) {
	for _, one := range g.list {
		if one.Open {
			failing++
		}
		if !one.Paused.IsZero() {
			paused++
		}
	}
	return failing, paused
}

// held returns what is to be noted: a gate that keeps events back and is no incident
// yet, and one that was not noted for a while.
func (g gates) held(all map[string]*Incident, now time.Time) []Sighting {
	var seen []Sighting
	add := func(key Key, since time.Time, text string) {
		s := Sighting{Key: key, Text: text, Count: 1, First: since, Last: now}.bounded()
		if in := all[s.ID()]; in != nil {
			closed := !in.Ongoing() && !since.After(in.ClosedAt) // by hand: this very time is known
			if closed || in.Ongoing() && now.Sub(in.LastAt) < heldAgain {
				return
			}
			if in.Ongoing() {
				s.Count = 0
			}
		}
		seen = append(seen, s)
	}
	for _, one := range g.list {
		if one.Open && now.Sub(one.Since) >= failingFor {
			add(Key{Kind: KindBreaker, Cause: causeOpen, Subject: one.Destination}, one.Since, "it opened with "+one.Cause+"; one event at a time tries the destination")
		}
		if !one.Paused.IsZero() {
			add(Key{Kind: KindPause, Cause: causePaused, Subject: one.Destination}, one.Paused, "paused by "+one.PausedBy)
		}
	}
	return seen
}

// These are the causes of the incidents of gates. The class of error is none: while a
// destination fails it may change.
const (
	causeOpen   = "breaker open"
	causePaused = "paused"
)

// ended says why an incident of a gate is over; "" where it is not, or is no such
// incident.
func (g gates) ended(in Incident, now time.Time) string {
	if !g.known || in.Kind != KindBreaker && in.Kind != KindPause {
		return ""
	}
	for _, one := range g.list {
		if in.Cause != Others && one.Destination != in.Subject {
			continue
		}
		if in.Kind == KindPause && !one.Paused.IsZero() || in.Kind == KindBreaker && (one.Open || now.Sub(one.Since) < healedFor) {
			return ""
		}
	}
	if in.Kind == KindPause {
		return "the destination was resumed"
	}
	return "the breaker has closed"
}
