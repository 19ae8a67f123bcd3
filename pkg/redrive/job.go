package redrive

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// State is where a job stands.
type State string

// The states of a job. Done, Stopped and Cancelled are final.
const (
	Running   State = "running"
	Holding   State = "holding" // the downstream fails: nothing is released for a while
	Paused    State = "paused"  // by an operator
	Done      State = "done"
	Stopped   State = "stopped" // by its own judgement: too many failures
	Cancelled State = "cancelled"
)

// Active tells whether the job still needs the redrive function.
func (s State) Active() bool { return s == Running || s == Holding }

// Final tells whether the job is over.
func (s State) Final() bool { return s == Done || s == Stopped || s == Cancelled }

// Filter selects dead events. Empty fields match everything.
type Filter struct {
	Types      []webhook.Type `json:"types,omitempty"`
	Campaign   string         `json:"campaign,omitempty"`
	Account    string         `json:"account,omitempty"`
	Source     string         `json:"source,omitempty"`
	ErrorClass string         `json:"error_class,omitempty"`
	// Destination: dead at this one. What is brought back goes to each that does not have
	// it, this one or not; to none that has.
	Destination string            `json:"destination,omitempty"`
	OlderThan   time.Duration     `json:"older_than,omitempty"` // dead for at least this long
	IDs         []webhook.EventID `json:"ids,omitempty"`
}

func (f Filter) empty() bool { return reflect.ValueOf(f).IsZero() }

func (f Filter) match(g webhook.DeadSummary, now time.Time) bool {
	return (len(f.Types) == 0 || slices.Contains(f.Types, g.Type)) &&
		(f.Campaign == "" || f.Campaign == g.CampaignID) &&
		(f.Account == "" || f.Account == g.Account) &&
		(f.Source == "" || f.Source == g.Source) &&
		(f.ErrorClass == "" || f.ErrorClass == g.ErrorClass) &&
		(f.Destination == "" || slices.Contains(g.DeadAt, f.Destination)) &&
		(f.OlderThan == 0 || now.Sub(g.DiedAt) >= f.OlderThan) &&
		(len(f.IDs) == 0 || slices.Contains(f.IDs, g.ID))
}

// Request is what an operator asks for.
type Request struct {
	Filter  Filter  `json:"filter"`
	Limit   int     `json:"limit,omitempty"`    // events to release at most; 0: all
	MaxRate float64 `json:"max_rate,omitempty"` // events a second; 0: the ceiling of the pace
	Canary  int     `json:"canary,omitempty"`   // events to try first; 0: the pace's own number
}

// Counts is what a job did so far.
type Counts struct {
	Planned     int `json:"planned"`
	Released    int `json:"released"`
	Delivered   int `json:"delivered"`
	Unrouted    int `json:"unrouted"` // no destination wants it any more
	DiedAgain   int `json:"died_again"`
	Failed      int `json:"failed_attempts"`     // of released events, deaths included
	Postponed   int `json:"postponed,omitempty"` // attempts that the destination asked to make later; none of the failed
	Parked      int `json:"parked"`              // redriven too often before
	Moved       int `json:"moved"`               // brought back by somebody else meanwhile
	DeadLetters int `json:"dead_letters_cleared"`
}

// Ended counts the released events whose end is known.
func (c Counts) Ended() int { return c.Delivered + c.Unrouted + c.DiedAgain }

// ends says how the released events ended.
func (c Counts) ends() string {
	text := fmt.Sprintf("%d delivered, ", c.Delivered)
	if c.Unrouted > 0 {
		text += fmt.Sprintf("%d unrouted, ", c.Unrouted)
	}
	return text + fmt.Sprintf("%d died again", c.DiedAgain)
}

// Entry is one decision in the job's log.
type Entry struct {
	At     time.Time `json:"at"`
	State  State     `json:"state"`
	Rate   float64   `json:"rate"`
	Reason string    `json:"reason"`
}

// maxLog bounds the log of a job; the oldest entries but the first give way.
const maxLog = 100

// inFlight is a released event whose end is not known yet.
type inFlight struct {
	ID   webhook.EventID `json:"id"`
	Seen int             `json:"seen"` // lease number up to which its attempts are counted
	// Tried: its first attempt has ended, and was counted for the pace.
	Tried bool `json:"tried,omitempty"`
	// Postponed is how many attempts were, as of the last look.
	Postponed int `json:"postponed,omitempty"`
}

// Job is one redrive. It lives in the ledger, so that any instance of the
// function can go on with it.
type Job struct {
	ID        string    `json:"id"`
	State     State     `json:"state"`
	Request   Request   `json:"order"`
	Counts    Counts    `json:"counts"`
	Pace      Pace      `json:"pace"`
	Reason    string    `json:"reason"` // of the latest decision, in an operator's words
	StartedAt time.Time `json:"started_at"`
	UpdatedAt time.Time `json:"updated_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	Log       []Entry   `json:"log,omitempty"`

	Cursor    string     `json:"cursor,omitempty"` // dead-index key up to which events were released
	Exhausted bool       `json:"exhausted,omitempty"`
	LastOut   time.Time  `json:"last_release_at,omitzero"`
	Watched   []inFlight `json:"in_flight,omitempty"`
	Holder    string     `json:"holder,omitempty"`
	HeldUntil time.Time  `json:"held_until,omitzero"`

	version int
}

// InFlight is how many released events have not ended yet.
func (j Job) InFlight() int { return len(j.Watched) }

// stalledAfter is how long a running redrive may be without a step: the function
// runs every minute and steps every few seconds.
const stalledAfter = 3 * time.Minute

// Stalled tells whether a running redrive has made no step for so long that the
// function looks stopped.
func (j Job) Stalled(now time.Time) bool {
	return j.State.Active() && now.Sub(j.UpdatedAt) > stalledAfter
}

// Errors of the operator's commands.
var (
	// ErrActive: a job is running, holding or paused; there is one at a time.
	ErrActive = errors.New("a redrive is under way")
	// ErrNoJob: there is no job to act on.
	ErrNoJob = errors.New("there is no redrive")
	// ErrNothing: the filter matches no dead event.
	ErrNothing = errors.New("no dead event matches")
	// ErrTooMany: the ids of one order are limited.
	ErrTooMany = errors.New("too many ids")
)

// maxIDs bounds the ids of one order.
const maxIDs = 500

// Validate checks an order.
func (o Request) Validate() error {
	switch {
	case len(o.Filter.IDs) > maxIDs:
		return fmt.Errorf("%w: at most %d", ErrTooMany, maxIDs)
	case o.Limit < 0 || o.MaxRate < 0 || o.Canary < 0:
		return errors.New("limit, rate and canary are not negative")
	case math.IsNaN(o.MaxRate) || math.IsInf(o.MaxRate, 0) || o.MaxRate > 0 && o.MaxRate < 1:
		return errors.New("the rate is at least 1 event a second")
	}
	return nil
}

func (j *Job) note(now time.Time, state State, reason string) {
	changed := j.State != state || j.Reason != reason
	j.State, j.Reason, j.UpdatedAt = state, reason, now
	if state.Final() && j.EndedAt.IsZero() {
		j.EndedAt = now
	}
	if !changed {
		return
	}
	j.Log = append(j.Log, Entry{At: now, State: state, Rate: j.Pace.Rate, Reason: reason})
	if over := len(j.Log) - maxLog; over > 0 {
		j.Log = slices.Delete(j.Log, 1, 1+over)
	}
}
