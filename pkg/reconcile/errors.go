package reconcile

import (
	"errors"
	"fmt"

	"smartlead-receiver/pkg/smartleadapi"
)

// The causes on our side for which something is not judged.
var (
	errCount      = errors.New("fewer or more mails were read than Smartlead counts: they may have changed meanwhile, run it again")
	errRoom       = fmt.Errorf("more than %d mails: take fewer campaigns, or a shorter window", maxKept)
	errUnreadable = errors.New("events in the ledger cannot be read, and may be those that are looked for")
	errManyEvents = errors.New("take a shorter window")
)

func errEvents(looked int) error {
	return fmt.Errorf("more than %d events were received since: %w", looked, errManyEvents)
}

// TooMuch tells whether something is not judged because there is too much of it to hold
// at once: a shorter window, or fewer campaigns, may be.
func TooMuch(cause error) bool {
	return errors.Is(cause, errRoom) || errors.Is(cause, errManyEvents) || errors.Is(cause, smartleadapi.ErrTooMany)
}
