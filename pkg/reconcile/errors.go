package reconcile

import (
	"errors"
	"fmt"
)

// The causes on our side for which something is not judged.
var (
	errCount      = errors.New("fewer or more mails were read than Smartlead counts: they may have changed meanwhile, run it again")
	errRoom       = fmt.Errorf("more than %d mails: take fewer campaigns, or a shorter window", maxKept)
	errUnreadable = errors.New("events in the ledger cannot be read, and may be those that are looked for")
	errEvents     = fmt.Errorf("more than %d events were received since: take a shorter window", maxEvents)
)
