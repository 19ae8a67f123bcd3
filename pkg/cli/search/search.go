// Package search finds events by what a person has in hand: an address or a part of
// it, a campaign's name, an id.
package search

import (
	"context"
	"errors"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// Search is how far one is looked for.
type Search struct {
	Asker        filter.Asker
	Stack        *stack.Stack
	Limit        int // events of each kind of id, 1 to 1,000
	Since, Until time.Time
	Names        bool // with payloads, for the names in them
	MaxIndex     int  // entries of the index to look at
	MaxRead      int  // events to read, where no index has what is looked for
}

// Found is what a search found, and how far it looked.
type Found struct {
	Records []webhook.Record
	// ByVariant has the fingerprint of the variant by which an event was found.
	ByVariant map[webhook.EventID]string
	More      bool     // there may be others
	Asked     []string // what was looked through
	Looked    string   // at how much, in words; "" where nothing was looked through
	Further   string   // the flag that looks further back
	// ErasedAt is when the lead whose address was looked for was erased at the latest, where
	// nothing was found; zero where it was not, or nobody can tell.
	ErasedAt time.Time

	unread bool // the lead has events that this version cannot read
}

// Find finds events by a text: by id or lead first, which are looked up; then by the
// beginning of an id, by other ids, a part of an address and a campaign's name, which
// are looked through, the newest first.
func (c Search) Find(ctx context.Context, text string) (Found, error) {
	f, err := c.lookUp(ctx, text)
	if err != nil {
		return f, err
	}
	if ref, ok := filter.ParseRef(text); ok && len(f.Records) == 0 {
		if f.Records, err = filter.Candidates(ctx, c.Asker, c.Stack.Ledger, ref); err != nil {
			return f, err
		}
	}
	if len(f.Records) > 0 {
		return f, nil
	}
	sc := scan{Search: c, byVariant: f.ByVariant}
	f.Records, f.More, err = sc.through(ctx, text)
	f.Asked, f.Looked, f.Further = sc.asked, sc.looked, sc.further()
	if len(f.Records) == 0 && err == nil && !f.unread {
		f.ErasedAt = ErasedAt(ctx, c.Stack, text)
	}
	return f, err
}

// ErasedAt is when a lead was erased at the latest: zero where it was not, or not to the
// end, where a text is no address, and where nobody can tell, for which an operator may have
// no rights.
func ErasedAt(ctx context.Context, st *stack.Stack, text string) time.Time {
	address, err := operator.Address(text)
	if err != nil {
		return time.Time{}
	}
	if _, err := st.Sources.KeptErasureKey().ErasureKey(ctx); err != nil { // nobody was, or nobody can tell
		return time.Time{}
	}
	runs, err := st.Operator.Forgotten(ctx, address)
	if err != nil || len(runs) == 0 {
		return time.Time{}
	}
	return runs[len(runs)-1].EndedAt // zero: it broke off
}

// lookUp finds an event by its id, or those of a lead.
func (c Search) lookUp(ctx context.Context, text string) (Found, error) {
	if id, err := webhook.ParseEventID(text); err == nil {
		r, err := c.Stack.Ledger.Get(ctx, id)
		if err == nil || !errors.Is(err, webhook.ErrNotFound) {
			return Found{Records: []webhook.Record{r}}, err
		}
	}
	page, err := c.Stack.Ledger.List(ctx, ledger.Query{
		Lead: strings.ToLower(text), Limit: c.Limit, Now: c.Asker.Now(), Payloads: c.Names, Variants: true,
	})
	if err != nil {
		return Found{}, err
	}
	f := Found{Records: page.Records, ByVariant: page.ByVariant, More: page.Next != "", unread: len(page.Unreadable) > 0}
	if f.ByVariant == nil {
		f.ByVariant = map[webhook.EventID]string{}
	}
	return f, nil
}
