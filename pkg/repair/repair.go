// Package repair closes what a comparison with Smartlead found missing.
//
// It does so in steps, as far as it is allowed. First Smartlead is asked to post the
// deliveries again that it counts as failed. What is still missing when that had time to
// come is made of what Smartlead's API says, and enters as a request of the source would:
// read by the same reader, claimed and enqueued the same way, under the identity that the
// webhook would have had. So a webhook that comes late finds its event there.
//
// An identity cannot be guessed. Before an event is made of a fact, events are made of
// facts of the same type whose webhook did arrive, and their identities compared with
// those of the ledger. Only where they agree is anything made; everything else stays a
// finding, with the reason.
//
// A repair may end anywhere and begin anew: a claim of what is there changes nothing, and
// Smartlead is not asked again for what it was asked for. docs/COMPLETENESS.md says what
// can be repaired, and docs/decisions has why it is done this way.
package repair

import (
	"context"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// Mode is how far a repair may go. Each includes the one before.
type Mode string

// The modes.
const (
	Off        Mode = "off"        // nothing is done
	Retrigger  Mode = "retrigger"  // Smartlead is asked to post again what failed
	Synthesize Mode = "synthesize" // and what does not come is made of what its API says
)

// Modes lists every mode.
var Modes = []Mode{Off, Retrigger, Synthesize}

const (
	// DefaultBudget is how many events a repair makes at most.
	DefaultBudget = 100
	// DefaultWait is how long after Smartlead was asked its posts are waited for. It posts
	// in small batches, and no page says how long that takes.
	DefaultWait = 30 * time.Minute
)

// API is what a repair asks of Smartlead; smartleadapi.Client is one.
type API interface {
	Retrigger(ctx context.Context, campaign string, w smartleadapi.Window) (smartleadapi.Retriggered, error)
	Hooks(ctx context.Context, campaign string) ([]smartleadapi.Hook, error)
	Lead(ctx context.Context, email string) (smartleadapi.Lead, error)
	History(ctx context.Context, campaign, lead string, since time.Time) ([]smartleadapi.Message, error)
}

// Entrance takes an event as a request of the source would bring it; receive.Service does.
// An event that is there is a duplicate, and nothing of it changes. erased is asked once a
// new one is in the ledger and before it is enqueued: where its lead is, it is erased and
// never delivered. Where that cannot be told or done, the error comes with the status of
// the claim.
type Entrance interface {
	Enter(ctx context.Context, src auth.Source, run string, body []byte, erased func(context.Context) (bool, error)) (webhook.EventID, webhook.ClaimStatus, error)
}

// Sources finds a source by its name, as it is at this moment. Of it the name, the account
// and the settings count; its secrets need not be there. It returns webhook.ErrNotFound
// where there is none.
type Sources interface {
	Source(ctx context.Context, name string) (auth.Source, error)
}

// Erased tells whether a lead was erased: of such, nothing is made anew. Where nobody can
// tell it returns an error.
type Erased interface {
	WasErased(ctx context.Context, address string) (bool, error)
}

// Documents keeps small pieces of state. A version is a fencing token: a writer that was
// overtaken gets webhook.ErrChanged and has changed nothing.
type Documents interface {
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
	ListDocuments(ctx context.Context, kind string, limit int) ([]webhook.Document, error)
}

// Incidents is told that a repair was needed.
type Incidents interface {
	RepairNeeded(ctx context.Context, n Need) error
}

// Need is why a campaign needed a repair.
type Need struct {
	Campaign string
	Account  string
	Events   int             // that were made
	Asked    bool            // Smartlead was asked to post again
	Example  webhook.EventID // one that was made; may be empty
	// Unsure is one of which nobody could tell whether its lead was erased while it was
	// made, or that could not be erased then; may be empty.
	Unsure webhook.EventID
}

// Ports are what a repair needs of the outside.
type Ports struct {
	Entrance  Entrance
	Sources   Sources
	Erased    Erased
	Documents Documents
	Incidents Incidents
	Now       func() time.Time
	Nonce     func() string
}

// Service repairs. It is safe for concurrent use.
type Service struct{ p Ports }

// New returns the use case. It makes no call.
func New(p Ports) *Service { return &Service{p: p} }

// Request says what may be done.
type Request struct {
	Mode   Mode
	Budget int           // events that are made at most; 0: DefaultBudget
	Wait   time.Duration // 0: DefaultWait
	By     string        // who repairs, as it is recorded
	Source string        // in whose name events enter; empty: that of the campaign's events, else of its webhook
	// Others are campaigns of the same comparison by whose events identities are tried, and
	// of which nothing is repaired.
	Others []reconcile.Campaign
	Until  time.Time // when no further event is made; zero: with the context
	// DryRun: Smartlead is read, and nothing is changed anywhere.
	DryRun bool
}

// Step is what is done about a missing event.
type Step string

// The steps.
const (
	StepRetrigger  Step = "retrigger"  // Smartlead is asked for it
	StepWait       Step = "wait"       // Smartlead was asked, and may still post it
	StepSynthesize Step = "synthesize" // it is made
	StepNone       Step = "none"       // it stays a finding
)

// Steps lists every step.
var Steps = []Step{StepRetrigger, StepWait, StepSynthesize, StepNone}

// Item is one missing event, and what is done about it.
type Item struct {
	Campaign string
	Finding  reconcile.Finding
	Type     webhook.Type // of the event: a first mail may be two
	Step     Step
	Why      Why             // of StepNone, and of what could not be done
	EventID  webhook.EventID // that it has, or would have; empty where that is not known
	Status   webhook.ClaimStatus
	Err      error // why it could not be done; nil otherwise
}

// Result is what a repair did, or would do.
type Result struct {
	Run       string // id, by which it is recorded; empty of a dry run, and where there was nothing to do
	DryRun    bool
	At        time.Time
	Items     []Item
	Asked     []Asked
	Unnamed   int // missing events that the comparison counts and does not name
	WaitUntil time.Time
}

// Asked is what Smartlead answered when it was asked to post again.
type Asked struct {
	Campaign string
	Count    int    // that it posts again; -1: it does not say
	Message  string // one harmless line; may be empty
	Err      error
}

// Of counts the items of a step.
func (r Result) Of(s Step) (n int) {
	for _, i := range r.Items {
		if i.Step == s {
			n++
		}
	}
	return n
}

// Made counts the events that were made by this run, not those that were there already.
func (r Result) Made() (n int) {
	for _, i := range r.Items {
		if i.Step == StepSynthesize && i.Status == webhook.ClaimAccepted {
			n++
		}
	}
	return n
}

// undone tells whether the event was made and erased at once.
func (i Item) undone() bool {
	return i.Step == StepNone && i.Why == WhyErased && i.Status == webhook.ClaimAccepted
}

// Unsure tells whether the event was made, and its lead may have been erased meanwhile.
func (i Item) Unsure() bool {
	return i.Step == StepSynthesize && i.Err != nil && i.Status == webhook.ClaimAccepted
}

// Why is why a missing event stays a finding.
type Why string

// The reasons.
const (
	WhyOff       Why = "off"        // the mode does not go that far
	WhyBudget    Why = "budget"     // the run has made as many as it may
	WhyTime      Why = "time"       // the run had to end
	WhyUnticked  Why = "unticked"   // no webhook of the campaign sends the type
	WhyNoSource  Why = "no_source"  // nobody can tell in whose name it would enter
	WhyErased    Why = "erased"     // the lead was erased
	WhyUntold    Why = "untold"     // nobody can tell whether it was
	WhyNoHistory Why = "no_history" // the thread does not have the reply, or several that it may be
	WhyNoTime    Why = "no_time"    // the identity has a time that Smartlead's API does not tell
	WhyUnproven  Why = "unproven"   // no event of the type arrived by which the identity can be tried
	WhyDiffers   Why = "differs"    // the identity would be another than that of the webhook
	WhyUnasked   Why = "unasked"    // Smartlead could not be asked
	WhyFailed    Why = "failed"     // it could not be made: Item.Err
)

// Whys lists every reason.
var Whys = []Why{
	WhyOff, WhyBudget, WhyTime, WhyUnticked, WhyNoSource, WhyErased, WhyUntold, WhyNoHistory, WhyNoTime, WhyUnproven, WhyDiffers, WhyUnasked, WhyFailed,
}

// ErrNoSource: there is no source of the name that was asked for.
var ErrNoSource = errors.New("there is no such source")

// Repair does what the request allows about what a comparison found missing of a campaign;
// in a dry run it says what that would be. What could not be done of it is said in the
// result. The error is ErrNoSource, wrapped, where there is no source of the name that the
// request has; that of the records, before anything was done; or the end of the context:
// the result is then as far as it got.
//
// A campaign that was not judged, or of which not all could be read, is left alone.
func (s *Service) Repair(ctx context.Context, api API, r Request, found ...reconcile.Campaign) (Result, error) {
	if r.Budget == 0 {
		r.Budget = DefaultBudget
	}
	if r.Wait == 0 {
		r.Wait = DefaultWait
	}
	if r.Source != "" && r.Mode == Synthesize {
		if _, err := s.p.Sources.Source(ctx, r.Source); errors.Is(err, webhook.ErrNotFound) {
			return Result{}, fmt.Errorf("%s: %w", r.Source, ErrNoSource)
		}
	}
	run := &run{Service: s, api: api, r: r, result: Result{At: s.p.Now().UTC(), DryRun: r.DryRun}, threads: map[string]thread{}, erased: map[string]erasing{}}
	err := run.do(ctx, found)
	return run.result, err
}
