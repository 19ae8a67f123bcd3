package events

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// scan looks through what was received, the newest first, for a text that no index
// knows: a part of an address, a domain, a word of a campaign's name.
type scan struct {
	limit  int
	since  time.Time
	walked filter.Walked
	looked string // at how much, in words; "" where nothing was looked through
}

var errLimit = errors.New("enough was found")

// wholeAddress tells a text that the index of leads would have found.
var wholeAddress = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)

// through returns at most limit events whose address or campaign's name has the
// text; more tells that there may be others.
func (c *scan) through(ctx context.Context, s *session.Session, st *stack.Stack, text string) (found []webhook.Record, more bool, err error) {
	if wholeAddress.MatchString(text) || len(text) < 3 {
		return nil, false, nil
	}
	text = strings.ToLower(text)
	q := ledger.Query{Since: c.since, Now: s.Now(), Payloads: true}
	c.walked, err = filter.Look(ctx, s, st.Ledger, q, 0, filter.MaxLook, func(r webhook.Record) error {
		if !strings.Contains(r.LeadEmail, text) && !strings.Contains(strings.ToLower(namesOf(ctx, st, r).campaign), text) {
			return nil
		}
		found = append(found, r)
		if len(found) > c.limit {
			return errLimit
		}
		return nil
	})
	if errors.Is(err, errLimit) {
		return found[:c.limit], true, nil
	}
	c.looked = c.walked.What() + " received since " + output.Stamp(c.reached())
	return found, false, err
}

// reached is how far back the look went.
func (c *scan) reached() time.Time {
	if at, ok := c.walked.Reached(); ok {
		return at
	}
	return c.since
}
