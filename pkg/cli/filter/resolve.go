package filter

import (
	"context"
	"errors"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// Events are read by id and by listing; the ledger does.
type Events interface {
	Lister
	GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error)
}

// A short id is no key of the table: the events of late are looked through, by an
// index that shows about 50 of them for a read unit. Nothing else is read but what
// matches.
var looks = []struct {
	since, until time.Duration // before now
	waiting      webhook.State // instead: all in this state
}{
	{since: 24 * time.Hour},
	{waiting: webhook.Dead}, {waiting: webhook.Held}, {waiting: webhook.Parked}, {waiting: webhook.Unrouted},
	{since: 7 * 24 * time.Hour, until: 24 * time.Hour},
	{since: LookBack, until: 7 * 24 * time.Hour},
}

// LookBack is how far back events are looked through.
const LookBack = 31 * 24 * time.Hour

// maxCandidates bounds how many events are named of those that may be meant.
const maxCandidates = 10

var errEnough = errors.New("enough was seen")

// finder looks for events by the beginnings of their ids.
type finder struct {
	s      Asker
	events Events
	refs   []Ref // that are not whole
	found  map[string][]webhook.Record
	looked int       // received events that were looked at
	back   time.Time // since when; zero: since LookBack
}

// resolve returns the event of each reference, in order.
func resolve(ctx context.Context, s Asker, events Events, refs []Ref) ([]webhook.EventID, error) {
	f := &finder{s: s, events: events, found: map[string][]webhook.Record{}}
	out := make([]webhook.EventID, len(refs))
	for i, r := range refs {
		switch {
		case r.latest:
			id, err := f.latest(ctx)
			if err != nil {
				return nil, err
			}
			out[i] = id
		case r.whole():
			out[i] = r.id
		default:
			f.refs = append(f.refs, r)
		}
	}
	if err := f.look(ctx); err != nil {
		return nil, err
	}
	for i, r := range refs {
		if out[i] != "" {
			continue
		}
		switch match := f.found[r.Text]; len(match) {
		case 0:
			return nil, f.unknown(r)
		case 1:
			out[i] = match[0].ID
		default:
			return nil, f.ambiguous(r, match)
		}
	}
	return out, nil
}

// Candidates are the events that a reference may mean, as far as they are found by
// looking: none, or several, is no error.
func Candidates(ctx context.Context, s Asker, events Events, r Ref) ([]webhook.Record, error) {
	f := &finder{s: s, events: events, refs: []Ref{r}, found: map[string][]webhook.Record{}}
	err := f.look(ctx)
	return f.found[r.Text], err
}

// latest is the newest received event.
func (f *finder) latest(ctx context.Context) (webhook.EventID, error) {
	page, err := f.events.List(ctx, ledger.Query{Limit: 1, Now: f.s.Now()})
	if err != nil {
		return "", err
	}
	if len(page.Records) == 0 {
		return "", problem.NotFound("nothing was received in the latest %s", output.Span(LookBack))
	}
	return page.Records[0].ID, nil
}

// look looks for all references at once, first where most are found.
func (f *finder) look(ctx context.Context) error {
	if f.done() {
		return nil
	}
	if err := f.byWholeHash(ctx); err != nil {
		return err
	}
	p := f.s.Progress("events")
	defer p.End()
	now := f.s.Now()
	for _, l := range looks {
		if f.done() {
			return nil
		}
		q := ledger.Query{Now: now, State: l.waiting, Dead: l.waiting == webhook.Dead, Skip: f.skip}
		bound := MaxLook
		if l.waiting == "" {
			q.Since, bound = now.Add(-l.since), MaxLook-f.looked
			if l.until > 0 {
				q.Until = now.Add(-l.until)
			}
		}
		if bound <= 0 {
			continue
		}
		w, err := Walk(ctx, counted{f.events, p}, q, 0, bound, f.match)
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
		if l.waiting == "" {
			f.looked += w.looked
			if w.Spent {
				f.back, _ = w.Reached()
			}
		}
	}
	return nil
}

// byWholeHash asks for the ids of a whole hash that was typed without its type: one
// of each type.
func (f *finder) byWholeHash(ctx context.Context) error {
	for _, r := range f.refs {
		if len(r.hash) < wholeHash || r.wholeType {
			continue
		}
		var ids []webhook.EventID
		for _, typ := range webhook.Types {
			ids = append(ids, webhook.NewEventID("v1:"+string(typ)+":"+r.hash, r.occurrence))
		}
		records, err := f.events.GetMany(ctx, ids)
		if err != nil {
			return err
		}
		for _, rec := range records {
			if err := f.match(rec); err != nil && !errors.Is(err, errEnough) {
				return err
			}
		}
	}
	return nil
}

// skip tells by its id that an event is not meant, or known already.
func (f *finder) skip(id webhook.EventID) bool {
	for _, r := range f.refs {
		if r.Matches(id) && !f.knows(r, id) {
			return false
		}
	}
	return true
}

func (f *finder) knows(r Ref, id webhook.EventID) bool {
	for _, rec := range f.found[r.Text] {
		if rec.ID == id {
			return true
		}
	}
	return false
}

// match notes an event under the references that may mean it.
func (f *finder) match(rec webhook.Record) error {
	for _, r := range f.refs {
		if r.Matches(rec.ID) && !f.knows(r, rec.ID) {
			f.found[r.Text] = append(f.found[r.Text], rec)
		}
	}
	if f.done() {
		return errEnough
	}
	return nil
}

// done tells whether no look would show more that matters.
func (f *finder) done() bool {
	for _, r := range f.refs {
		n := len(f.found[r.Text])
		if n <= maxCandidates && (n == 0 || !r.sure()) {
			return false
		}
	}
	return true
}

func (f *finder) unknown(r Ref) error {
	back := f.s.Now().Add(-LookBack)
	if !f.back.IsZero() {
		back = f.back
	}
	return problem.NotFound("no event has the id %s among those received since %s (%s), nor among those that are dead, held, parked or unrouted",
		r.Text, output.Stamp(back), output.Count(f.looked, "event", "events")).
		Hint("an older one: give its whole id, as --json shows it: %s events find TEXT", f.s.Self())
}

func (f *finder) ambiguous(r Ref, match []webhook.Record) error {
	count := output.Count(len(match), "event", "events")
	if len(match) > maxCandidates {
		count, match = "more than "+output.Count(maxCandidates, "event", "events"), match[:maxCandidates]
	}
	e := problem.NotFound("%s may be any of %s: give more of the id", r.Text, count)
	for _, rec := range match {
		e = e.Hint("%s  %s, received %s", rec.ID, rec.State, output.Stamp(rec.ReceivedAt))
	}
	return e
}
