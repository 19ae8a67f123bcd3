package incident

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Ledger is what the watcher reads of the ledger: indexes, by spans of time, and events
// that it names. Each listing begins with the oldest but EachRejected, which begins with
// the newest.
type Ledger interface {
	ReceivedBetween(ctx context.Context, since, until time.Time) iter.Seq2[webhook.Seen, error]
	DiedBetween(ctx context.Context, since, until time.Time) iter.Seq2[webhook.DeadSummary, error]
	EachRejected(ctx context.Context, since, until time.Time) iter.Seq2[webhook.RejectedRequest, error]
	WithPayloads(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error)
}

// Alert is what an account alert of Smartlead says.
type Alert struct {
	Subject string // mailbox, account or campaign
	Text    string
}

// Ports are what the watcher needs of the outside.
type Ports struct {
	Ledger    Ledger
	Documents Documents
	// Alert reads the payload of an alert. The texts that it returns may be shown.
	Alert func(webhook.Record) (Alert, error)
	// Gates says what is known of the gates of destinations; nil: nobody knows.
	Gates func(context.Context) ([]Gate, error)
	// Silenced says which webhooks others silence; nil: nobody knows.
	Silenced func(context.Context) ([]Silenced, error)
	// SourceExists tells whether a source was not removed; nil: all are there.
	SourceExists func(ctx context.Context, source string) (bool, error)
	// Tell sends notices; nil: there are none.
	Tell Teller
	Now  func() time.Time
}

// Watcher opens, counts and closes incidents by what the ledger shows. It is safe for
// concurrent use, in several instances, too: a span of time is counted by the one that
// wrote first that it would.
type Watcher struct {
	Ports
	store *Store

	mu      sync.Mutex
	carried []Sighting // of this instance, not written yet
}

// NewWatcher returns a watcher. It makes no call.
func NewWatcher(p Ports) *Watcher {
	return &Watcher{Ports: p, store: NewStore(p.Documents, p.Now)}
}

// Bounds of one look.
const (
	lag         = time.Minute // an index shows an event by then, and clocks differ by less
	firstLook   = 24 * time.Hour
	furthest    = 7 * 24 * time.Hour // back, after which nothing is made good
	maxReceived = 20_000             // entries of the index, 25 for half a read unit
	maxDied     = 2_000
	maxRefused  = 1_000
	maxRead     = 100 // events that are read whole
	maxPending  = 60  // sightings of one look
	gap         = 10 * time.Minute
	// countFor is for how long what was seen is counted again, before anything else is
	// looked at: one that can never be written shall not end all looks. It is shorter than
	// gap, so that it is not taken for a sweeper that did not run.
	countFor  = 8 * time.Minute
	goneEvery = 15 * time.Minute // at most; where little is dead, sooner
	goneEach  = 100              // dead events, for which a minute longer is waited
)

// The document of the watcher.
const (
	watchKind = "incident-watch"
	watchName = "state"
)

// watched is how far the watcher has looked, and what it saw last. What it saw is
// written before it is counted, so that a crash loses none of it, and an incident says
// which look it counts, so that none is counted twice.
type watched struct {
	Received time.Time  `json:"received"` // everything before was looked at
	Died     time.Time  `json:"died"`
	Refused  time.Time  `json:"refused"`
	At       time.Time  `json:"at"`               // of the latest look
	GoneAt   time.Time  `json:"gone_at,omitzero"` // when it was last asked what is still dead
	StillN   int        `json:"still,omitempty"`  // how much was dead then, as far as it was counted
	Seen     []Sighting `json:"seen,omitempty"`   // of the latest look

	Rhythms    map[string]rhythm `json:"rhythms,omitempty"` // by source
	RulesAt    time.Time         `json:"rules_at,omitzero"` // when it was last asked what is set of silences
	SilencedAt time.Time         `json:"silenced_at,omitzero"`

	silences silences // that this look found
	version  int      // of the document that holds it: names the look
}

// Report counts one look.
type Report struct {
	Opened  int
	Closed  int
	Told    int  // notices that a target took
	Skipped bool // another instance looked
	Failing int  // destinations whose breaker is open
	Paused  int  // destinations that an operator has paused
	// Silent is how many sources do not send as they usually do, and Silenced how many
	// webhooks another one silences.
	Silent, Silenced int
	Err              error
}

// Look looks once: at what was received, died and was refused since the last look, and
// at what the caller saw. It closes what is over and tells of what changed. Where it
// fails, what the caller saw is kept for the next look of this instance; everything else
// is looked at again.
func (w *Watcher) Look(ctx context.Context, saw ...Sighting) (r Report) {
	saw = w.carry(saw)
	last, err := w.load(ctx)
	if err != nil {
		r.Err = err
		w.keep(saw)
		return r
	}
	all, err := w.known(ctx)
	if err != nil {
		r.Err = err
		w.keep(saw)
		return r
	}
	r.Err = w.count(ctx, all, last.Seen, last.version, &r) // what a crash left
	if r.Err != nil && w.Now().Sub(last.At) < countFor {
		w.keep(saw) // the next look would write over what it saw
		return r
	}
	gates, err := w.gates(ctx)
	if err != nil {
		r.Err = errors.Join(r.Err, err)
		w.keep(saw)
		return r
	}
	r.Failing, r.Paused = gates.count()
	next, err := w.observe(ctx, all, last, append(gates.held(all, w.Now().UTC()), saw...))
	if err != nil {
		r.Err = errors.Join(r.Err, err)
		w.keep(saw)
		return r
	}
	over := w.over(gates, next, w.whatIsGone(ctx, all, &next))
	switch err := w.save(ctx, &next); {
	case errors.Is(err, webhook.ErrChanged):
		r.Skipped = true
		w.keep(saw)
		return r
	case err != nil: // where it was written all the same, what the caller saw is counted twice
		r.Err = errors.Join(r.Err, err)
		w.keep(saw)
		return r
	}
	r.Err = errors.Join(r.Err, w.count(ctx, all, next.Seen, next.version, &r), w.closeOver(ctx, all, over, &r), w.tell(ctx, all, &r))
	r.Silent, r.Silenced = countSilences(all)
	return r
}

// carry returns what this instance saw before and could not write, and what it sees now.
func (w *Watcher) carry(saw []Sighting) []Sighting {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := merge(append(w.carried, saw...))
	w.carried = nil
	return all
}

func (w *Watcher) keep(saw []Sighting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.carried = merge(append(saw, w.carried...))
}

// Looked returns when the watcher looked last, so that the sweeper ran; zero where it never
// did. It returns webhook.ErrUnavailable, wrapped.
func (s *Store) Looked(ctx context.Context) (time.Time, error) {
	body, _, err := s.docs.LoadDocument(ctx, watchKind, watchName)
	if errors.Is(err, webhook.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("when the incidents were looked at: %w", err)
	}
	var last watched
	_ = json.Unmarshal(body, &last) // a broken one is none
	return last.At, nil
}

func (w *Watcher) load(ctx context.Context) (watched, error) {
	body, version, err := w.Documents.LoadDocument(ctx, watchKind, watchName)
	if err != nil && !errors.Is(err, webhook.ErrNotFound) {
		return watched{}, fmt.Errorf("how far the incidents are: %w", err)
	}
	now := w.Now()
	begin := now.Add(-firstLook)
	last := watched{Received: begin, Died: begin, Refused: begin, At: now}
	if err == nil {
		_ = json.Unmarshal(body, &last) // a broken one begins anew
	}
	last.version = version
	for _, at := range []*time.Time{&last.Received, &last.Died, &last.Refused} {
		if back := now.Add(-furthest); at.Before(back) {
			*at = back
		}
	}
	return last, nil
}

func (w *Watcher) save(ctx context.Context, next *watched) error {
	body, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("encode how far the incidents are: %w", err)
	}
	if err := w.Documents.SaveDocument(ctx, watchKind, watchName, body, next.version, w.Now(), time.Time{}); err != nil {
		return err
	}
	next.version++
	return nil
}

// known are the incidents by id.
func (w *Watcher) known(ctx context.Context) (map[string]*Incident, error) {
	list, err := w.store.all(ctx)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*Incident, len(list))
	for _, in := range list {
		all[in.ID] = &in
	}
	return all, nil
}

// count takes the sightings of one look into their incidents. It may be repeated. One that
// cannot be written keeps none of the others.
func (w *Watcher) count(ctx context.Context, all map[string]*Incident, seen []Sighting, look int, r *Report) (failed error) {
	for _, s := range seen {
		opened := false
		in, err := w.store.write(ctx, all[s.ID()], s.ID(), func(in *Incident) bool {
			if in.Batch >= look {
				return false
			}
			before := in.Openings
			in.see(s, w.Now().UTC())
			in.Batch, opened = look, in.Openings > before
			return true
		})
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("count on incident %s: %w", s.ID(), err))
			continue
		}
		all[in.ID] = &in
		if opened {
			r.Opened++
		}
	}
	return failed
}

// over says why an incident is over although it was seen lately; "" where it is not.
func (w *Watcher) over(gates gates, next watched, gone func(Incident) bool) func(Incident) string {
	now := w.Now().UTC()
	return func(in Incident) string {
		switch {
		case !in.Ongoing():
			return ""
		case gone(in):
			return "nothing of it is dead any more"
		}
		return cmp.Or(gates.ended(in, now), next.silences.ended(in, next.Rhythms))
	}
}

// closeOver closes what was quiet for the time of its kind, and what is over. One that
// cannot be written keeps none of the others.
func (w *Watcher) closeOver(ctx context.Context, all map[string]*Incident, over func(Incident) string, r *Report) (failed error) {
	now := w.Now().UTC()
	for id, in := range all {
		quiet, isQuiet := in.quietFor(now)
		why := over(*in)
		if why == "" && !isQuiet {
			continue
		}
		isOver := why != ""
		if !isOver {
			why = "quiet for " + span(quiet)
		}
		closed, err := w.store.write(ctx, in, id, func(in *Incident) bool {
			if _, isQuiet := in.quietFor(now); !in.Ongoing() || !isQuiet && !isOver {
				return false
			}
			in.close(now, why)
			return true
		})
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("close incident %s: %w", id, err))
			continue
		}
		all[id] = &closed
		r.Closed++
	}
	return failed
}

// write changes an incident as it was read, and reads it anew only if somebody wrote
// meanwhile.
func (s *Store) write(ctx context.Context, known *Incident, id string, do func(*Incident) bool) (Incident, error) {
	var in Incident
	if known != nil {
		in = *known
	}
	if !do(&in) {
		return in, nil
	}
	if err := s.save(ctx, &in); !errors.Is(err, webhook.ErrChanged) {
		return in, err
	}
	return s.change(ctx, id, do)
}
