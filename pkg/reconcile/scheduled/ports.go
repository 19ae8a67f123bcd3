// Package scheduled is the use case of comparing with Smartlead on a schedule, without
// anybody who asks: which mails are compared when, one run at a time, in slices that end
// with their invocation, and what is kept of the verdicts.
//
// A run goes once through all campaigns. A slice is what one invocation does of a run:
// the next goes on where it ended. What a slice may change is fenced by a lease with a
// number, so that of two slices one changes nothing.
package scheduled

import (
	"context"
	"errors"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// API is what Smartlead is asked; smartleadapi.Client is one.
type API interface {
	reconcile.Provider
	Campaigns(ctx context.Context) ([]smartleadapi.Campaign, error)
	Calls() int // made so far
}

// ErrNoKey: the stack has no key of Smartlead's API, so that nothing is compared.
var ErrNoKey = errors.New("no key of Smartlead's API is kept in the stack")

// Documents keeps small pieces of state. A version is a fencing token: a writer that was
// overtaken gets webhook.ErrChanged and has changed nothing.
type Documents interface {
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
	ListDocuments(ctx context.Context, kind string, limit int) ([]webhook.Document, error)
}

// Ports are what a run needs of the outside.
type Ports struct {
	Documents Documents
	Ledger    reconcile.Ledger
	// Connect returns a client that makes at most so many calls. It returns ErrNoKey,
	// wrapped, where there is no key, and webhook.ErrUnavailable where nobody can tell.
	Connect func(ctx context.Context, maxCalls int) (API, error)
	// Repair closes what is missing; nil: nothing is repaired.
	Repair Repairer
	Now    func() time.Time
	Nonce  func() string
}

// Repairer closes what a comparison found missing of a campaign. It is asked while the
// slice holds its lease, after the verdict is kept and before the run goes on: a crash
// between asks it again for the same, so it must do no harm twice. It is never asked for
// what could not be read whole, nor for a campaign of which nothing ever arrived.
//
// Its calls go through the API of the slice, and count there.
type Repairer interface {
	Repair(ctx context.Context, api API, found Found, budget Budget) (Repaired, error)
}

// Found is what a comparison found of one campaign.
type Found struct {
	reconcile.Campaign

	// Others are the campaigns that were compared together with it.
	Others []reconcile.Campaign
	Run    string // id of the run
	Lease  int    // number under which the slice works
}

// Budget bounds a repair.
type Budget struct {
	Events int       // that may be asked for, or made, of this campaign
	Until  time.Time // when it must have ended; zero: with its context
}

// Repaired says what a repair did.
type Repaired struct {
	Retriggered int `json:"retriggered,omitempty"` // failed deliveries that Smartlead posts again
	Synthesized int `json:"synthesized,omitempty"` // events that were made
	Waiting     int `json:"waiting,omitempty"`     // missing events that Smartlead was asked for, and that may still come
	Unfinished  int `json:"unfinished,omitempty"`  // of those left: because the run had to end, or somebody did not answer
	Left        int `json:"left,omitempty"`        // missing events that nothing was done about
	// Reserved is of a run alone: what a repair may bring back whose end is not noted. It
	// counts as brought back, so that a crash never makes a run bring back more than it may.
	Reserved int    `json:"reserved,omitempty"`
	Says     string `json:"says,omitempty"` // in an operator's words; no lead in it
}

// count is what was brought back, as far as it is known.
func (r Repaired) count() int { return r.Retriggered + r.Synthesized }

// add takes in what was done about another campaign.
func (r *Repaired) add(other Repaired) {
	r.Retriggered += other.Retriggered
	r.Synthesized += other.Synthesized
	r.Left += other.Left
	r.Waiting += other.Waiting
	r.Unfinished += other.Unfinished
}

// goesOn tells whether a second look at the mails has something to see or to do: what was
// brought back, is waited for, or was left for want of time.
func (r Repaired) goesOn() bool { return r.count()+r.Waiting+r.Unfinished+r.Reserved > 0 }
