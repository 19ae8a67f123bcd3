// Package turn keeps where a schedule stands in one document, and sees to it that one run
// at a time works on it: a lease with a number that rises in the write that takes it and
// never restarts, so that a run that was overtaken changes nothing.
package turn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Documents keeps small pieces of state. A version is a fencing token: a writer that was
// overtaken gets webhook.ErrChanged and has changed nothing.
type Documents interface {
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
}

// ErrLost: another run holds the lease. This one has changed nothing since.
var ErrLost = errors.New("another run took over")

// MaxRaces bounds how often a write is repeated because somebody else wrote.
const MaxRaces = 5

// Turn is the lease in a state, which embeds it.
type Turn struct {
	Lease     int       `json:"lease"` // number of the latest lease; it never restarts
	Holder    string    `json:"holder,omitempty"`
	HeldUntil time.Time `json:"held_until,omitzero"`

	version int
}

// Own returns the turn of a state that embeds it.
func (t *Turn) Own() *Turn { return t }

// State is a pointer to a state that embeds a Turn.
type State[S any] interface {
	*S
	Own() *Turn
	// Wrote notes when the state is written.
	Wrote(now time.Time)
	// TakeIn takes in what somebody without the lease may write, from what stands there.
	TakeIn(theirs S)
}

// Kept is the document of a state. It is safe for concurrent use.
type Kept[S any, P State[S]] struct {
	Docs       Documents
	Kind, Name string
	What       string // it says, in errors: "where the comparison stands"
}

// Load returns the state by a consistent read, the zero one where there is none. A broken
// one begins anew, behind every lease that it may have given.
func (k Kept[S, P]) Load(ctx context.Context) (S, error) {
	var s S
	body, version, err := k.Docs.LoadDocument(ctx, k.Kind, k.Name)
	if errors.Is(err, webhook.ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", k.What, err)
	}
	if json.Unmarshal(body, &s) != nil {
		// A write raises the version by one, and a lease is a write: no lease has this number.
		s = *new(S)
		P(&s).Own().Lease = version
	}
	P(&s).Own().version = version
	return s, nil
}

// Save writes the state if it is still as it was loaded or saved. It returns
// webhook.ErrChanged, wrapped, where it is not.
func (k Kept[S, P]) Save(ctx context.Context, s P, now time.Time) error {
	s.Wrote(now.UTC())
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode %s: %w", k.What, err)
	}
	if err := k.Docs.SaveDocument(ctx, k.Kind, k.Name, body, s.Own().version, now, time.Time{}); err != nil {
		return fmt.Errorf("note %s: %w", k.What, err)
	}
	s.Own().version++
	return nil
}

// Take takes the lease until then, in the name of a holder that nobody else has. It
// returns webhook.ErrChanged, wrapped, where somebody wrote since the state was loaded.
func (k Kept[S, P]) Take(ctx context.Context, s P, holder string, until, now time.Time) error {
	t := s.Own()
	t.Lease++
	t.Holder, t.HeldUntil = holder, until
	return k.Save(ctx, s, now)
}

// Hold writes the state of whoever holds the lease. Where somebody wrote meanwhile it
// looks who: what an operator wrote is taken in, and another holder is ErrLost.
func (k Kept[S, P]) Hold(ctx context.Context, s P, now func() time.Time) error {
	holder := s.Own().Holder
	return k.insist(ctx, s, now, func(theirs *Turn) bool { return theirs.Holder == holder })
}

// Release writes the state and gives the lease back. Where the answer to an earlier
// Release was lost, it returns ErrLost: nothing is left to give back.
func (k Kept[S, P]) Release(ctx context.Context, s P, now func() time.Time) error {
	s.Own().Holder, s.Own().HeldUntil = "", time.Time{}
	return k.insist(ctx, s, now, func(theirs *Turn) bool { return theirs.Holder != "" })
}

func (k Kept[S, P]) insist(ctx context.Context, s P, now func() time.Time, ours func(*Turn) bool) error {
	for range MaxRaces {
		err := k.Save(ctx, s, now())
		if !errors.Is(err, webhook.ErrChanged) {
			return err
		}
		theirs, err := k.Load(ctx)
		if err != nil {
			return err
		}
		t := P(&theirs).Own()
		if t.Lease != s.Own().Lease || !ours(t) {
			return ErrLost
		}
		s.TakeIn(theirs)
		s.Own().version = t.version
	}
	return fmt.Errorf("note %s: %w", k.What, webhook.ErrChanged)
}

// Change writes the state under the feet of whoever holds the lease, who takes it in. It
// returns the error of do, having changed nothing.
func (k Kept[S, P]) Change(ctx context.Context, now time.Time, do func(*S) error) (S, error) {
	for range MaxRaces {
		s, err := k.Load(ctx)
		if err == nil {
			err = do(&s)
		}
		if err != nil {
			return s, err
		}
		if err = k.Save(ctx, &s, now); !errors.Is(err, webhook.ErrChanged) {
			return s, err
		}
	}
	return *new(S), fmt.Errorf("%s: %w", k.What, webhook.ErrChanged)
}
