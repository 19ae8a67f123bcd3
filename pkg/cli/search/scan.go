package search

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// scan looks through what was received, the newest first, for a text that no index
// has as a key: another id than that of an event, a part of an address, a word of a
// campaign's name.
type scan struct {
	Search
	byVariant map[webhook.EventID]string // by which an event was found

	walked filter.Walked
	asked  []string // what was looked through
	looked string   // at how much, in words; "" where nothing was looked through
}

var errLimit = errors.New("enough was found")

// wholeAddress tells a text that the index of leads would have found, if it is no
// message id.
var wholeAddress = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)

// through returns at most limit events that have the text; more tells that there may
// be others. What is cheaper to look through comes first.
func (c *scan) through(ctx context.Context, text string) (found []webhook.Record, more bool, err error) {
	part := strings.ToLower(text)
	for _, look := range []struct {
		at    string
		asks  bool
		bound int
		q     ledger.Query
		has   func(r webhook.Record) bool // nil: the query says it
	}{
		{
			at: "message id, stats_id or request id", asks: !strings.HasPrefix(text, "@") && !strings.ContainsAny(text, " \t"),
			bound: c.MaxIndex, q: ledger.Query{ID: strings.Trim(text, "<>"), Variants: true},
		},
		{
			at: "address", asks: len(text) >= 3 && strings.Contains(text, "@") && !wholeAddress.MatchString(text),
			bound: c.MaxIndex, q: ledger.Query{LeadPart: part},
		},
		{
			at: "address or campaign's name", asks: len(text) >= 3 && !strings.Contains(text, "@"), bound: c.MaxRead,
			has: func(r webhook.Record) bool {
				return strings.Contains(r.LeadEmail, part) || strings.Contains(strings.ToLower(eventview.NamesOf(ctx, c.Stack.Bodies, r).Campaign), part)
			},
		},
	} {
		if !look.asks {
			continue
		}
		c.asked = append(c.asked, look.at)
		look.q.Since, look.q.Until, look.q.Now, look.q.Payloads = c.Since, c.Until, c.Asker.Now(), look.has != nil || c.Names
		c.walked, err = filter.Look(ctx, c.Asker, noting{c.Stack.Ledger, c.byVariant}, look.q, 0, look.bound, func(r webhook.Record) error {
			if look.has != nil && !look.has(r) {
				return nil
			}
			if found = append(found, r); len(found) > c.Limit {
				return errLimit
			}
			return nil
		})
		if errors.Is(err, errLimit) {
			return found[:c.Limit], true, nil
		}
		c.looked = c.walked.What() + " received since " + output.Stamp(c.reached())
		if err != nil || len(found) > 0 {
			return found, false, err
		}
	}
	return nil, false, nil
}

// noting notes by which variant an event is found.
type noting struct {
	filter.Lister
	byVariant map[webhook.EventID]string
}

func (n noting) List(ctx context.Context, q ledger.Query) (ledger.Page, error) {
	page, err := n.Lister.List(ctx, q)
	maps.Copy(n.byVariant, page.ByVariant)
	return page, err
}

// reached is how far back the look went.
func (c *scan) reached() time.Time {
	if at, ok := c.walked.Reached(); ok {
		return at
	}
	return c.Since
}

// further is the flag that looks further back.
func (c *scan) further() string {
	if c.walked.Spent {
		return "--until " + output.Quote(output.Stamp(c.reached()))
	}
	return "--since"
}
