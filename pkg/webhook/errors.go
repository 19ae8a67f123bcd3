package webhook

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

var (
	// ErrNotFound: the ledger has no such event.
	ErrNotFound = errors.New("no such event")
	// ErrLeaseLost: the lease is no longer held; nothing was changed. The event
	// belongs to whoever leased it since.
	ErrLeaseLost = errors.New("lease lost")
	// ErrChanged: the event is not as the caller saw it; nothing was changed.
	ErrChanged = errors.New("the event changed meanwhile")
	// ErrUnavailable: a store could not be asked or did not answer. The effect
	// of a write is unknown.
	ErrUnavailable = errors.New("store unavailable")
)

// UnreadableError names events that this version of the software cannot read: a newer
// one wrote them, or a hand. It comes with all that could be read: what is about many
// events goes on with those, so that one does not stop the others.
type UnreadableError struct {
	Causes map[EventID]error
}

// IDs are the events', sorted.
func (e *UnreadableError) IDs() []EventID { return slices.Sorted(maps.Keys(e.Causes)) }

func (e *UnreadableError) Error() string {
	first := e.IDs()[0]
	return fmt.Sprintf("%d events cannot be read, such as %s: %v", len(e.Causes), first, e.Causes[first])
}
