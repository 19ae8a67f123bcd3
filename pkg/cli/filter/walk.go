package filter

import (
	"context"
	"fmt"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// What one command looks at of a listing unless it is told to list all: a filter
// that matches nothing must not read for ever, nor ask the index for every day
// of ten years. test: TestCapacity.
const (
	MaxLook = 20_000 // events
	// MaxLookByIndex bounds a look that reads the index alone, which costs a twentieth.
	MaxLookByIndex = 100_000
	maxLookDays    = 400
)

// Events of one page: of a walk that has an end of its own, and of one over all.
const (
	pageOfSome = 200
	pageOfAll  = 1000
)

// Walked says how a walk ended.
type Walked struct {
	Next   string // where to go on; empty at the end
	looked int    // events looked at
	days   int    // days looked into
	Spent  bool   // it ended because it had looked at enough

	variants bool // they were looked at as well

	Unreadable []webhook.EventID // events that this version cannot read: they were left out
}

// What says in words at how much a walk looked.
func (w Walked) What() string {
	text := output.Count(w.looked, "event", "events")
	if w.variants {
		text = output.Count(w.looked, "event or variant", "events and variants")
	}
	if w.days >= maxLookDays {
		text += " of " + output.Count(w.days, "day", "days")
	}
	return text
}

// LeftOut says which events the walk could not read; empty: none.
func (w Walked) LeftOut() string {
	if len(w.Unreadable) == 0 {
		return ""
	}
	return fmt.Sprintf("left out: %s that this version of smartleadctl cannot read, such as %s: is the stack of a newer one?",
		output.Count(len(w.Unreadable), "event", "events"), w.Unreadable[0])
}

// Reached is the time up to which the walk has come; ok is false at its end.
func (w Walked) Reached() (t time.Time, ok bool) {
	when, _, _ := strings.Cut(w.Next, "#")
	t, err := time.Parse(time.RFC3339, when)
	return t, err == nil
}

// Lister lists events; the ledger does.
type Lister interface {
	List(ctx context.Context, q ledger.Query) (ledger.Page, error)
}

// Walk hands over the events of a listing, page by page, until there are limit
// of them (0: all) or it has looked at bound events, or at maxLookDays days (0:
// no bound). No event is lost or repeated between walks: Next is a unique index
// key.
func Walk(ctx context.Context, events Lister, q ledger.Query, limit, bound int, each func(webhook.Record) error) (Walked, error) {
	w := Walked{variants: q.Variants}
	w.Next = q.After
	for n := 0; ; {
		q.After, q.Limit = w.Next, pageOfAll
		if limit > 0 {
			q.Limit = min(pageOfSome, limit-n)
		}
		if bound > 0 {
			q.Look = bound - w.looked
			q.Limit = min(q.Limit, q.Look)
		}
		page, err := events.List(ctx, q)
		if err != nil {
			return w, err
		}
		w.Unreadable = append(w.Unreadable, page.Unreadable...)
		w.Next, w.looked, w.days = page.Next, w.looked+page.Scanned, w.days+page.Days
		w.Spent = bound > 0 && w.Next != "" && (w.looked >= bound || w.days >= maxLookDays)
		for _, r := range page.Records {
			if err := each(r); err != nil {
				return w, err
			}
			n++
		}
		if w.Next == "" || (limit > 0 && n >= limit) || w.Spent {
			return w, nil
		}
	}
}

// An Asker is who looks for events: a run of a command, or a page. It is told how far
// a look has come.
type Asker interface {
	Now() time.Time
	Progress(what string) *output.Progress
	Say(format string, args ...any) // beside what was found
	Self() string                   // how a person calls smartleadctl
}

// Look is Walk for a person, who is told on a terminal how far it has come.
func Look(ctx context.Context, s Asker, events Lister, q ledger.Query, limit, bound int, each func(webhook.Record) error) (Walked, error) {
	p := s.Progress("events")
	w, err := Walk(ctx, counted{events, p}, q, limit, bound, each)
	p.End()
	if text := w.LeftOut(); text != "" {
		s.Say("%s", text)
	}
	return w, err
}

// counted tells a progress of each page.
type counted struct {
	Lister
	progress *output.Progress
}

func (c counted) List(ctx context.Context, q ledger.Query) (ledger.Page, error) {
	page, err := c.Lister.List(ctx, q)
	c.progress.Add(page.Scanned)
	return page, err
}
