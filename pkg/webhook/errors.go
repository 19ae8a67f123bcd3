package webhook

import "errors"

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
