// Package redrive is the use case of replaying dead events: plan, pace, watch,
// stop. What is dead, and what became of what was released, it learns from the
// ledger; never from the depth of a queue.
package redrive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Ledger is what a redrive needs of the events.
type Ledger interface {
	Get(ctx context.Context, id webhook.EventID) (webhook.Record, error)
	GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error)
	Revive(ctx context.Context, m webhook.Revival) (webhook.Record, error)
	Park(ctx context.Context, id webhook.EventID, death int, now time.Time) error
	Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error)
}

// DeadEvents lists dead events, the longest dead first.
type DeadEvents interface {
	// DeadSummaries lists what the index of the dead shows of those that died before
	// until. It may be a moment behind the events. The first error ends it.
	DeadSummaries(ctx context.Context, until time.Time) iter.Seq2[webhook.DeadSummary, error]
	// Dead reads the events themselves. after continues behind an earlier page;
	// an empty next ends the listing.
	Dead(ctx context.Context, until time.Time, after string, limit int) (records []webhook.Record, keys []string, next string, err error)
	// Recent returns the latest events received in that time, newest first.
	Recent(ctx context.Context, since, until time.Time, limit int) ([]webhook.Record, error)
}

// Documents keeps jobs. SaveDocument returns webhook.ErrChanged where the
// version is no longer the one seen.
type Documents interface {
	LoadDocument(ctx context.Context, kind, name string) ([]byte, int, error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
	ListDocuments(ctx context.Context, kind string, limit int) ([]webhook.Document, error)
}

// Queue sends to a lane, and reads the dead letter queue.
type Queue interface {
	Send(ctx context.Context, lane webhook.Lane, msgs []webhook.Message) []error
}

// Policy is what an operator may tune beside the pace.
type Policy struct {
	Settings
	Tick        time.Duration // between two looks at the ledger
	ParkAfter   int           // redrives of one event; then it is parked
	MaxInFlight int           // released events that are watched at once
	Watch       time.Duration // after the last release; then the job ends
	Grace       time.Duration // behind a release, before the sweeper acts
	Keep        time.Duration // of finished jobs
}

// DefaultPolicy fits a function that is started every minute.
var DefaultPolicy = Policy{
	Settings: DefaultSettings, Tick: 5 * time.Second, ParkAfter: 5, MaxInFlight: 2000,
	Watch: 15 * time.Minute, Grace: 2 * time.Minute, Keep: 90 * 24 * time.Hour,
}

// Every looks at the ledger at another interval; a shorter one, as for a
// demonstration, learns faster, too.
func (p Policy) Every(tick time.Duration) Policy {
	p.Tick, p.Interval = tick, min(p.Interval, 2*tick)
	return p
}

// Ports are what the use case needs of the outside.
type Ports struct {
	Ledger      Ledger
	DeadEvents  DeadEvents
	Documents   Documents
	Queue       Queue
	DeadLetters *DeadLetterCleaner // nil: dead letters are not cleared
	Now         func() time.Time
	Nonce       func() string
	Sleep       func(ctx context.Context, d time.Duration) // returns early when ctx ends
}

// Service is safe for concurrent use: jobs are fenced by their version.
type Service struct {
	Ports
	policy Policy
}

// New returns the use case.
func New(p Ports, policy Policy) *Service { return &Service{Ports: p, policy: policy} }

const (
	currentKind = "redrive"
	historyKind = "redrive-history"
	currentName = "current"
)

// Status returns the current or latest job. It returns ErrNoJob where none was
// ever started.
func (s *Service) Status(ctx context.Context) (Job, error) {
	return s.load(ctx, currentKind, currentName)
}

// load returns a job that is kept. It returns ErrNoJob where there is none.
func (s *Service) load(ctx context.Context, kind, name string) (Job, error) {
	body, version, err := s.Documents.LoadDocument(ctx, kind, name)
	if errors.Is(err, webhook.ErrNotFound) {
		return Job{}, ErrNoJob
	}
	if err != nil {
		return Job{}, err
	}
	var j Job
	if err := json.Unmarshal(body, &j); err != nil {
		return Job{}, fmt.Errorf("redrive: the job cannot be read: %w", err)
	}
	j.version = version
	return j, nil
}

// save writes the job if nobody wrote it since it was loaded; a final job goes
// into the history, too.
func (s *Service) save(ctx context.Context, j *Job) error {
	body, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("redrive: the job cannot be written: %w", err)
	}
	now := s.Now()
	err = s.Documents.SaveDocument(ctx, currentKind, currentName, body, j.version, now, time.Time{})
	if errors.Is(err, webhook.ErrChanged) && s.wrote(ctx, body, j.version+1) {
		err = nil
	}
	if err != nil {
		return err
	}
	j.version++
	if j.State.Final() {
		// A history that misses a job after a crash here is filled by its successor's start.
		return s.archive(ctx, *j)
	}
	return nil
}

// wrote tells whether the change that stands in the way of a write is that very
// write: its answer was lost, and the SDK repeated it.
func (s *Service) wrote(ctx context.Context, body []byte, version int) bool {
	stored, at, err := s.Documents.LoadDocument(ctx, currentKind, currentName)
	return err == nil && at == version && bytes.Equal(stored, body)
}

func (s *Service) archive(ctx context.Context, j Job) error {
	j.Watched, j.Cursor = nil, ""
	body, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("redrive: the job cannot be written: %w", err)
	}
	now := s.Now()
	err = s.Documents.SaveDocument(ctx, historyKind, j.ID, body, 0, now, now.Add(s.policy.Keep))
	if errors.Is(err, webhook.ErrChanged) {
		return nil
	}
	return err
}

// History returns finished jobs, the latest first, and the ids of those that cannot
// be read.
func (s *Service) History(ctx context.Context, limit int) (jobs []Job, unreadable []string, err error) {
	documents, err := s.Documents.ListDocuments(ctx, historyKind, limit)
	if err != nil {
		return nil, nil, err
	}
	jobs = make([]Job, 0, len(documents))
	for _, d := range documents {
		var j Job
		if err := json.Unmarshal(d.Body, &j); err != nil {
			unreadable = append(unreadable, d.Name)
			continue
		}
		jobs = append(jobs, j)
	}
	return jobs, unreadable, nil
}

// Start creates a job; the redrive function takes it up within a minute. It
// returns ErrActive while another is under way, and ErrNothing where the
// filter matches no dead event.
func (s *Service) Start(ctx context.Context, o Request) (Job, error) {
	if err := o.Validate(); err != nil {
		return Job{}, err
	}
	plan, err := s.Plan(ctx, o)
	if err != nil {
		return Job{}, err
	}
	if plan.Release == 0 && plan.Park == 0 {
		return Job{}, ErrNothing
	}
	old, err := s.Status(ctx)
	switch {
	case errors.Is(err, ErrNoJob):
	case err != nil:
		return Job{}, err
	case !old.State.Final():
		return old, ErrActive
	default:
		if err := s.archive(ctx, old); err != nil {
			return Job{}, err
		}
	}
	now := s.Now().UTC()
	j := Job{
		ID: now.Format("20060102T150405.000Z"), Request: o, StartedAt: now,
		Pace: s.settings(o, plan.Release).NewPace(), version: old.version,
	}
	j.Counts.Planned = plan.Release
	j.note(now, Running, "started: waits for the redrive function")
	if err := s.save(ctx, &j); err != nil {
		if errors.Is(err, webhook.ErrChanged) {
			return Job{}, ErrActive
		}
		return Job{}, err
	}
	s.showJob(ctx, j)
	return j, nil
}

// settings bounds the pace by the order, by its number of events, and by how
// many one tick can release and watch.
func (s *Service) settings(o Request, events int) Settings {
	set := s.policy.sized(events)
	set.Ceiling = min(set.Ceiling, float64(s.policy.MaxInFlight)/s.policy.Tick.Seconds())
	if o.MaxRate > 0 {
		set.Ceiling = min(set.Ceiling, o.MaxRate)
		set.CanaryRate = min(set.CanaryRate, o.MaxRate/2)
	}
	if o.Canary > 0 {
		set.Canary = o.Canary
	}
	set.Canary = min(set.Canary, max(1, events))
	return set
}

// Pause stops releasing until Resume. What was released goes on.
func (s *Service) Pause(ctx context.Context) (Job, error) {
	return s.command(ctx, func(j *Job, now time.Time) { j.note(now, Paused, "paused by an operator") },
		Running, Holding)
}

// Resume goes on with a paused job, beginning with a few. What was released
// before says nothing of the destination now.
func (s *Service) Resume(ctx context.Context) (Job, error) {
	return s.command(ctx, func(j *Job, now time.Time) {
		before := j.Pace
		j.Pace = s.settings(j.Request, j.Counts.Planned).NewPace()
		j.Pace.BaselineFailureShare, j.Pace.Baseline = before.BaselineFailureShare, before.Baseline
		for i := range j.Watched {
			j.Watched[i].Tried = true
		}
		j.note(now, Running, "resumed by an operator")
	}, Paused)
}

// Cancel ends a job. What was released goes on; the rest stays dead.
func (s *Service) Cancel(ctx context.Context) (Job, error) {
	return s.command(ctx, func(j *Job, now time.Time) { j.note(now, Cancelled, "cancelled by an operator") },
		Running, Holding, Paused)
}

// maxRaces bounds how often a command is tried anew because the function wrote
// the job meanwhile.
const maxRaces = 10

// command changes the job under the function's feet: the function's next write
// then fails, and it loads the job anew. (Operator of docs/model/redrive.pml.)
func (s *Service) command(ctx context.Context, change func(*Job, time.Time), from ...State) (Job, error) {
	for range maxRaces {
		j, err := s.Status(ctx)
		if err != nil {
			return Job{}, err
		}
		allowed := false
		for _, f := range from {
			allowed = allowed || j.State == f
		}
		if !allowed {
			return j, fmt.Errorf("%w under way: the latest is %s", ErrNoJob, j.State)
		}
		change(&j, s.Now().UTC())
		err = s.save(ctx, &j)
		if errors.Is(err, webhook.ErrChanged) {
			continue
		}
		if err == nil {
			s.showJob(ctx, j)
		}
		return j, err
	}
	return Job{}, fmt.Errorf("redrive: the job changed %d times meanwhile: %w", maxRaces, webhook.ErrChanged)
}
