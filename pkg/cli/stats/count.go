package stats

import (
	"context"
	"iter"
	"time"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// maxCounted bounds the index entries that are counted unless --max says otherwise:
// about 8,000 read units, and half a unit for each event since the sweeper's latest look.
const maxCounted = 200_000

// underWay is the state, in the counts, of an event that owes a message: pending or
// processing.
const underWay = "under_way"

// events is the ledger.
type events interface {
	filter.Lister
	Entries(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Entry, error]
	UnderWay(ctx context.Context, since, now time.Time) iter.Seq2[webhook.EventID, error]
	UnsplitVariants(ctx context.Context, since time.Time) iter.Seq2[ledger.VariantEntry, error]
}

// counts are what was counted, and how far back.
type counts struct {
	byType map[string]*typeStats
	oldest time.Time
}

func (c *counts) of(typ webhook.Type) *typeStats {
	t := c.byType[string(typ)]
	if t == nil {
		t = &typeStats{Type: string(typ), States: map[string]int{}, Hours: map[string]int{}}
		c.byType[string(typ)] = t
	}
	return t
}

func (c *counts) add(typ webhook.Type, state string, received time.Time, duplicates int) *typeStats {
	t := c.of(typ)
	t.Count++
	t.Repeat += duplicates
	t.States[state]++
	t.Hours[received.UTC().Format(hourLayout)]++
	c.oldest = received
	return t
}

// indexed tells whether the indexes show all that the query filters by.
func indexed(q ledger.Query) bool { return q.Campaign+q.Lead+q.ErrorClass+q.Destination == "" }

// read reads each event.
func (c *counts) read(ctx context.Context, s *session.Session, l events, q ledger.Query, limit int) (more bool, err error) {
	w, err := filter.Look(ctx, s, l, q, 0, limit, func(r webhook.Record) error {
		c.add(r.Type, string(r.State), r.ReceivedAt, r.Duplicates).Others += r.Variants
		return nil
	})
	return w.Next != "", err
}

// listed are the states that the index dead lists.
var listed = []webhook.State{webhook.Dead, webhook.Held, webhook.Parked, webhook.Unrouted, webhook.Discarded}

// fromIndexes reads no event. An event is delivered that is listed as nothing else.
// The indexes are eventually consistent, and are read one after the other: an event
// that moves meanwhile may count in the state before.
func (c *counts) fromIndexes(ctx context.Context, s *session.Session, l events, q ledger.Query, limit int) (more bool, err error) {
	p := s.Progress("events")
	defer p.End()
	// Whatever was received since then is due, died and was listed after that.
	states := map[webhook.EventID]string{}
	for id, err := range l.UnderWay(ctx, q.Since, q.Now) {
		if err != nil {
			return false, err
		}
		states[id] = underWay
	}
	for _, state := range listed {
		of := ledger.Query{State: state, Dead: state == webhook.Dead, Since: q.Since, Now: q.Now}
		for e, err := range l.Entries(ctx, of) {
			if err != nil {
				return false, err
			}
			states[e.ID] = string(state)
		}
	}
	counted := map[webhook.EventID]bool{}
	for e, err := range l.Entries(ctx, q) {
		if err != nil {
			return false, err
		}
		if more = len(counted) == limit; more {
			break
		}
		state := states[e.ID]
		if state == "" {
			state = string(webhook.Delivered)
		}
		counted[e.ID] = true
		c.add(e.ID.Type(), state, e.At, e.Duplicates)
		p.Add(1)
	}
	for v, err := range l.UnsplitVariants(ctx, q.Since) {
		if err != nil {
			return false, err
		}
		if counted[v.ID] {
			c.of(v.ID.Type()).Others++
		}
	}
	return more, nil
}
