package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// State is what all workers share about one destination.
type State struct {
	Paused   time.Time `json:"paused,omitzero"` // since when; zero: it is not
	PausedBy string    `json:"paused_by,omitempty"`

	Open      bool      `json:"open,omitempty"`      // its breaker
	Since     time.Time `json:"since,omitzero"`      // when the breaker opened, or closed
	NextProbe time.Time `json:"next_probe,omitzero"` // while it is open: when one event is tried
	Opened    int       `json:"opened,omitempty"`    // how often in a row: each probe that fails is one more
	Epoch     int       `json:"epoch,omitempty"`     // rises when the breaker opens or closes
	Cause     string    `json:"cause,omitempty"`     // the error class that it opened with
	Holder    string    `json:"holder,omitempty"`    // of the probe
	HeldUntil time.Time `json:"held_until,omitzero"` // the probe of a holder that stopped may be taken then
	version   int       // of the document, 0 where there is none
}

const (
	stateEvery   = 5 * time.Second // how old the states may be while events are delivered
	stateTimeout = time.Second     // of one call
	maxStates    = 200             // destinations whose states are read: more than the parameters hold
)

// state returns what is known of a destination, at most stateEvery old where the table
// answers. One reads for all that ask meanwhile.
func (g *Gate) state(ctx context.Context, name string) State {
	for {
		g.mu.Lock()
		age := g.Now().Sub(g.read)
		if !g.read.IsZero() && age >= 0 && age < stateEvery {
			s := g.states[name]
			g.mu.Unlock()
			return s
		}
		if reading := g.reading; reading != nil {
			g.mu.Unlock()
			select {
			case <-reading:
				continue
			case <-ctx.Done():
				return g.known(name)
			}
		}
		done := make(chan struct{})
		g.reading = done
		g.mu.Unlock()
		states, err := List(ctx, g.Documents)
		g.mu.Lock()
		if err == nil {
			g.states = states
		}
		g.read, g.reading = g.Now(), nil
		g.mu.Unlock()
		close(done)
	}
}

func (g *Gate) known(name string) State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.states[name]
}

// List returns the states by destination. It returns the error of the documents.
func List(ctx context.Context, from Documents) (map[string]State, error) {
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	list, err := from.ListDocuments(ctx, KindState, maxStates)
	if err != nil {
		return nil, fmt.Errorf("gates: %w", err)
	}
	states := make(map[string]State, len(list))
	for _, d := range list {
		states[d.Name] = parse(d.Body, d.Version)
	}
	return states, nil
}

// parse reads a state. One that cannot be read counts as none, and is written over.
func parse(body []byte, version int) State {
	var s State
	if json.Unmarshal(body, &s) != nil {
		s = State{}
	}
	s.version = version
	return s
}

// change loads a state, lets do change it, and writes it unless do returns false. Of
// two that write at once the later one looks again. It returns what stands, and whether
// this call wrote it.
func change(ctx context.Context, in Documents, name string, now time.Time, do func(*State) bool) (State, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*stateTimeout)
	defer cancel()
	for range 4 {
		body, version, err := in.LoadDocument(ctx, KindState, name)
		if err != nil && !errors.Is(err, webhook.ErrNotFound) {
			return State{}, false, fmt.Errorf("gate: %w", err)
		}
		s := parse(body, version)
		if !do(&s) {
			return s, false, nil
		}
		body, err = json.Marshal(s)
		if err != nil {
			return State{}, false, err
		}
		err = in.SaveDocument(ctx, KindState, name, body, version, now, time.Time{})
		if err == nil {
			s.version++
			return s, true, nil
		}
		if !errors.Is(err, webhook.ErrChanged) {
			return State{}, false, fmt.Errorf("gate: %w", err)
		}
	}
	return State{}, false, fmt.Errorf("gate of %s: %w", name, webhook.ErrChanged)
}

// Pause keeps everything from a destination until Resume. Events wait; none dies of it.
// Pausing what is paused changes nothing. Workers know within stateEvery.
func Pause(ctx context.Context, in Documents, name, by string, now time.Time) (State, bool, error) {
	return change(ctx, in, name, now, func(s *State) bool {
		if !s.Paused.IsZero() {
			return false
		}
		s.Paused, s.PausedBy = now.UTC().Truncate(time.Millisecond), by
		return true
	})
}

// Resume ends a pause, and closes an open breaker: the operator knows that the
// destination is well.
func Resume(ctx context.Context, in Documents, name string, now time.Time) (State, bool, error) {
	return change(ctx, in, name, now, func(s *State) bool {
		if s.Paused.IsZero() && !s.Open {
			return false
		}
		s.Paused, s.PausedBy = time.Time{}, ""
		if s.Open {
			s.close(now)
		}
		return true
	})
}

// set puts what this instance has written, or read while it tried, into its view.
func (g *Gate) set(name string, s State) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.states == nil {
		g.states = map[string]State{}
	}
	if s.version >= g.states[name].version {
		g.states[name] = s
	}
}
