package checks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// maxEntries bounds the index entries that a check counts, of each day.
const maxEntries = 10_000

// checkRemoved counts the events that waited for a destination which was removed:
// nobody has them, and nobody's filter said so.
func checkRemoved(ctx context.Context, s Asker, st *stack.Stack) Finding {
	q := ledger.Query{State: webhook.Unrouted, ErrorClass: webhook.ClassDestinationRemoved, Now: s.Now()}
	found, more, err := entries(ctx, st, q)
	switch {
	case err != nil:
		return silent(s, err, "the table's indexes")
	case len(found) == 0:
		return fine("no event waited for one")
	}
	text, waited := output.Count(len(found), "event was", "events were"), "they waited"
	switch {
	case more:
		text = "more than " + output.Thousands(maxEntries) + " events were"
	case len(found) == 1:
		waited = "it waited"
	}
	class := " --state unrouted --error-class " + webhook.ClassDestinationRemoved
	return noted("add the destination that should have them, then: "+s.Self+" events replay"+class,
		"%s delivered to nobody: the destination was removed while %s; the latest from %s. See events list%s",
		text, waited, s.Ago(found[0].At), class)
}

// checkUnrouted warns of events that no filter wants any more. A filter leaves out
// what is not wanted, so that an unrouted event alone is no finding. It is one
//
//   - where a type was delivered in the 24 hours before, and in the last 24 hours
//     some of it is unrouted and none delivered: a filter was changed, or Smartlead
//     changed what the filter looks at;
//   - where the share of unrouted events is clearly above that of the 24 hours
//     before: more than twice what that share would give, and at least ten more.
//
// It counts by what the indexes alone show, the newest 10,000 events of each day,
// and reads a few events of a type that looks so.
func checkUnrouted(ctx context.Context, s Asker, st *stack.Stack) Finding {
	now := s.Now()
	yesterday := now.Add(-24 * time.Hour)
	unwanted, err := anyUnwanted(ctx, st, ledger.Query{Since: yesterday, Now: now})
	switch {
	case err != nil:
		return silent(s, err, "the table's indexes")
	case !unwanted:
		return fine("none in the last 24 hours")
	}
	today, err := dayOf(ctx, st, ledger.Query{Since: yesterday, Now: now})
	if err != nil {
		return silent(s, err, "the table's indexes")
	}
	before, err := dayOf(ctx, st, ledger.Query{Since: yesterday.Add(-24 * time.Hour), Until: yesterday, Now: now})
	if err != nil {
		return silent(s, err, "the table's indexes")
	}
	lost, err := deliveredNoMore(ctx, st, today, before)
	if err != nil {
		return silent(s, err, "the table")
	}
	text := fmt.Sprintf("no filter wants %s; in the 24 hours before, %s", today.share(), before.share())
	next := "is that meant? " + s.Self + " destinations list. Then: " + s.Self + " events replay --state unrouted --since 24h"
	switch {
	case len(lost) > 0:
		return noted(next, "%s. Delivered then and no more: %s", text, output.Join(lost))
	case clearlyMore(today, before):
		return noted(next, "%s", text)
	}
	return fine("%s", text)
}

// entries are those of a listing, at most maxEntries.
func entries(ctx context.Context, st *stack.Stack, q ledger.Query) (found []ledger.Entry, more bool, err error) {
	for e, err := range st.Ledger.Entries(ctx, q) {
		switch {
		case err != nil:
			return nil, false, err
		case len(found) == maxEntries:
			return found, true, nil
		}
		found = append(found, e)
	}
	return found, false, nil
}

// anyUnwanted tells whether there is an event that no filter wants.
func anyUnwanted(ctx context.Context, st *stack.Stack, q ledger.Query) (bool, error) {
	q.State = webhook.Unrouted
	for e, err := range st.Ledger.Entries(ctx, q) {
		if err != nil || e.ErrorClass == "" {
			return err == nil, err
		}
	}
	return false, nil
}

// day is what the indexes show of the events received in 24 hours.
type day struct {
	received, unwanted int
	more               bool // the counts are of the newest events alone
	byType             map[webhook.Type]*typeOfDay
}

type typeOfDay struct {
	unwanted int
	others   []webhook.EventID // the newest that are not unrouted
}

// maxOthers bounds the events of a type that are read to see whether one was
// delivered.
const maxOthers = 20

func dayOf(ctx context.Context, st *stack.Stack, q ledger.Query) (day, error) {
	d := day{byType: make(map[webhook.Type]*typeOfDay)}
	received, more, err := entries(ctx, st, q)
	if err != nil || len(received) == 0 {
		return d, err
	}
	if d.received, d.more = len(received), more; more {
		q.Since = received[len(received)-1].At
	}
	q.State = webhook.Unrouted
	listed, _, err := entries(ctx, st, q)
	if err != nil {
		return d, err
	}
	unrouted := map[webhook.EventID]bool{}
	for _, e := range listed {
		if unrouted[e.ID] = true; e.ErrorClass == "" {
			d.unwanted++
			d.of(e.ID).unwanted++
		}
	}
	for _, e := range received {
		if t := d.of(e.ID); !unrouted[e.ID] && len(t.others) < maxOthers {
			t.others = append(t.others, e.ID)
		}
	}
	return d, nil
}

func (d day) of(id webhook.EventID) *typeOfDay {
	t := d.byType[id.Type()]
	if t == nil {
		t = &typeOfDay{}
		d.byType[id.Type()] = t
	}
	return t
}

// share says how many of the events no filter wants.
func (d day) share() string {
	what := "events received"
	switch {
	case d.received == 0:
		return "none was received"
	case d.received == 1:
		return fmt.Sprintf("%d of 1 event received", d.unwanted)
	case d.more:
		what = "newest events received"
	}
	return fmt.Sprintf("%s of the %s %s", output.Thousands(d.unwanted), output.Thousands(d.received), what)
}

func clearlyMore(today, before day) bool {
	if before.received == 0 {
		return false
	}
	usual := float64(before.unwanted) / float64(before.received) * float64(today.received)
	return float64(today.unwanted) > 2*usual && float64(today.unwanted) >= usual+10
}

// deliveredNoMore are the types of which events were delivered before, and today
// some are unrouted and none is delivered.
func deliveredNoMore(ctx context.Context, st *stack.Stack, today, before day) ([]webhook.Type, error) {
	var lost []webhook.Type
	for _, typ := range slices.Sorted(maps.Keys(today.byType)) {
		now, then := today.byType[typ], before.byType[typ]
		if now.unwanted == 0 || then == nil {
			continue
		}
		stillDelivered, err := anyDelivered(ctx, st, now.others)
		if err != nil {
			return nil, err
		}
		wasDelivered := false
		if !stillDelivered {
			if wasDelivered, err = anyDelivered(ctx, st, then.others); err != nil {
				return nil, err
			}
		}
		if wasDelivered {
			lost = append(lost, typ)
		}
	}
	return lost, nil
}

func anyDelivered(ctx context.Context, st *stack.Stack, ids []webhook.EventID) (bool, error) {
	records, err := st.Ledger.GetMany(ctx, ids)
	for _, r := range records {
		if r.State == webhook.Delivered {
			return true, nil
		}
	}
	return false, err
}
