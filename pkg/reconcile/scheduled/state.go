package scheduled

import (
	"context"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/turn"
)

// Look is which mails a run compares.
type Look string

const (
	// First compares the mails that no run has judged yet, and that are older than the lag.
	First Look = "first"
	// Second compares those of some days back once more: what became of a mail later, and
	// what Smartlead's statistics told late, is seen by it.
	Second Look = "second"
)

// Looks lists every look.
var Looks = []Look{First, Second}

// The partitions of the table.
const (
	stateKind    = "reconcile"
	stateName    = "state"
	campaignKind = "reconcile-campaign"
	runKind      = "reconcile-run"
)

// Run is one way through all campaigns.
type Run struct {
	ID        string    `json:"id"`
	Look      Look      `json:"look"`
	Since     time.Time `json:"since,omitzero"` // of a second look: mails sent from then on
	Until     time.Time `json:"until"`          // mails sent before
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"` // zero: it is under way
	Asked     bool      `json:"asked,omitempty"`   // by an operator
	Cursor    string    `json:"cursor,omitempty"`  // id of the last campaign that is done
	Slices    int       `json:"slices"`
	Calls     int       `json:"calls"` // of Smartlead's API
	Campaigns int       `json:"campaigns"`
	Unproven  int       `json:"unproven"` // of those: could not be read, or not whole
	Mails     int       `json:"mails"`
	// Counts are the verdicts on what this run compared.
	Counts   map[reconcile.Verdict]int `json:"counts,omitempty"`
	Repaired Repaired                  `json:"repaired,omitzero"`
	Cause    string                    `json:"cause,omitempty"` // why the latest slice ended early
	Lease    int                       `json:"lease"`           // number under which it was written
}

// Succeeded tells whether the run came to its end, and could compare something. One that
// ended has a cause where Smartlead listed none of the campaigns that were compared lately.
func (r Run) Succeeded() bool {
	return !r.EndedAt.IsZero() && r.Cause == "" && (r.Campaigns == 0 || r.Unproven < r.Campaigns)
}

// Drift is what is known over all campaigns that Smartlead lists: the latest second look of
// each, and the first looks since.
type Drift struct {
	At time.Time `json:"at,omitzero"`
	// ListedSince: a campaign that was not looked at since then is archived or deleted.
	ListedSince time.Time                 `json:"listed_since,omitzero"`
	Campaigns   int                       `json:"campaigns"`
	Unproven    int                       `json:"unproven"` // campaigns that could not be read, or not whole
	Counts      map[reconcile.Verdict]int `json:"counts,omitempty"`
}

// LeavesOut tells whether a campaign is left out, because Smartlead does not list it any
// more: what is missing of it can be compared no more.
func (d Drift) LeavesOut(c Campaign) bool { return c.LookedAt.Before(d.ListedSince) }

// State is where the schedule stands. There is one in a table.
type State struct {
	turn.Turn

	Off     string    `json:"off,omitempty"`     // why nothing is compared; "": it is
	OnSince time.Time `json:"on_since,omitzero"` // since when it is
	// Began is when the receiver could first receive, as an operator's tool noted it; zero:
	// OnSince.
	Began       time.Time `json:"began,omitzero"`
	Run         *Run      `json:"run,omitempty"`   // under way
	DueAt       time.Time `json:"due_at,omitzero"` // of the next run
	SecondAt    time.Time `json:"second_at,omitzero"`
	SucceededAt time.Time `json:"succeeded_at,omitzero"` // when a run last succeeded
	AskedAt     time.Time `json:"asked_at,omitzero"`     // by an operator, for a second look at once
	// PausedUntil is until when Smartlead is asked nothing, and Cause why.
	PausedUntil time.Time `json:"paused_until,omitzero"`
	Cause       string    `json:"cause,omitempty"`
	// Stuck counts slices in succession that came no further.
	Stuck     int       `json:"stuck,omitempty"`
	Spent     []Spent   `json:"spent,omitempty"` // calls of the last hour
	Drift     Drift     `json:"drift,omitzero"`  // as of the latest run that ended
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Spent are the calls of one slice.
type Spent struct {
	At    time.Time `json:"at"`
	Calls int       `json:"calls"`
}

// CallsOfLastHour is how many calls the schedule made within an hour before now.
func (s State) CallsOfLastHour(now time.Time) (n int) {
	for _, c := range s.Spent {
		if now.Sub(c.At) < time.Hour {
			n += c.Calls
		}
	}
	return n
}

// Age is for how long no run has succeeded, since there is a key.
func (s State) Age(now time.Time) time.Duration {
	since := s.SucceededAt
	if s.OnSince.After(since) {
		since = s.OnSince
	}
	if s.Off != "" || since.IsZero() {
		return 0
	}
	return now.Sub(since)
}

// errLost: another slice holds the lease. This one has changed nothing since.
var errLost = turn.ErrLost

// maxRaces bounds how often a write is repeated because somebody else wrote.
const maxRaces = turn.MaxRaces

func standing(docs Documents) turn.Kept[State, *State] {
	return turn.Kept[State, *State]{Docs: docs, Kind: stateKind, Name: stateName, What: "where the comparison stands"}
}

// Wrote notes when the state is written.
func (s *State) Wrote(now time.Time) { s.UpdatedAt = now }

// TakeIn takes in what an operator wrote meanwhile.
func (s *State) TakeIn(theirs State) { s.AskedAt, s.Began = theirs.AskedAt, theirs.Began }

// load returns the state by a consistent read.
func load(ctx context.Context, docs Documents) (State, error) { return standing(docs).Load(ctx) }

func (s *State) save(ctx context.Context, docs Documents, now time.Time) error {
	return standing(docs).Save(ctx, s, now)
}

// held is the state while this slice holds its lease.
type held struct {
	State

	docs Documents
	now  func() time.Time
}

// save writes the state, and returns errLost where another slice holds the lease.
func (h *held) save(ctx context.Context) error { return standing(h.docs).Hold(ctx, &h.State, h.now) }
