package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Query selects events for a listing. Exactly one look-up is used, the most
// selective that is set; the rest filters what it returns.
type Query struct {
	// Look-ups, most selective first. Dead lists by time of death.
	// Held, parked and unrouted events have the index of the dead, too. Beside
	// a lead, a state is a filter like the others.
	Lead string
	Dead bool

	// What the index of what was received shows: events that do not match are walked
	// over, and not read.
	ID       string // a message id, a stats id, or the id of the request that brought it
	LeadPart string // of the lead's address
	Campaign string

	Since, Until time.Time // of receipt, or of death: see Time; Until zero: no bound; Since zero: one month before Until
	State        webhook.State
	Type         webhook.Type
	Source       string
	Account      string
	Flag         string
	ErrorClass   string
	Destination  string                     // that it was to go to at its latest first lease, and before it an event has none; of dead ones: at which they are dead
	Skip         func(webhook.EventID) bool // events that are not wanted: they are not read; nil: none
	Payloads     bool                       // with their payloads; items are read whole anyway, so it costs no read unit more
	// Variants: where an id or a lead is looked for, also events of which another body
	// has it: Page.ByVariant.
	Variants bool

	Limit  int    // events to return, 1 to 1,000
	Look   int    // entries of the index to look at in one call; 0: 2,000
	After  string // continues behind an earlier page
	Oldest bool   // oldest first
	Now    time.Time
}

// Page is a part of a listing. Next continues it; it is empty at the end. A
// page may be short, even empty, and still have a Next: each call looks at a
// bounded number of events and days.
type Page struct {
	Records []webhook.Record
	// ByVariant has the fingerprint of the variant by which an event was found that
	// itself has another id or lead. Such an event is once in a page.
	ByVariant map[webhook.EventID]string
	// Unreadable are events of the listing's index that this version cannot read: they may
	// or may not match the rest of the query.
	Unreadable []webhook.EventID
	Next       string
	Scanned    int // events looked at; what the index alone rules out is not read
	Days       int // without a look-up, the partitions of a day are asked, even of an empty one
}

const (
	maxScanned = 2000 // events that one List call reads, and looks at where Query.Look says nothing
	maxDays    = 100  // days that one List call looks into
	maxKeys    = 100  // items of one BatchGetItem (AWS, "Quotas in DynamoDB")
	// together is how many batches a listing of more than two reads at a time: a function
	// asks for two at most, and so holds one.
	together = 5
)

// List returns events in order of their index, newest first, without
// payloads unless they are asked for. No event is lost or repeated between pages: the cursor is a unique
// index key.
func (l *Ledger) List(ctx context.Context, q Query) (Page, error) {
	if err := q.Check(); err != nil {
		return Page{}, err
	}
	var page Page
	w := l.walk(q)
	batches := 1
	if q.Limit > 2*maxKeys {
		batches = together
	}
	most := batches * maxKeys
	for n := min(q.Limit, most); ; {
		found, err := w.take(ctx, n)
		if err != nil {
			return Page{}, err
		}
		page.Scanned, page.Days = w.looked, min(w.days, maxDays)
		w.read += len(found)
		records, err := l.getMany(ctx, idsOf(found), q.Payloads, batches)
		if unreadable := new(webhook.UnreadableError); errors.As(err, &unreadable) {
			page.Unreadable = append(page.Unreadable, unreadable.IDs()...)
		} else if err != nil {
			return Page{}, err
		}
		before := len(page.Records)
		for i, e := range found {
			rec, ok := records[e.id]
			if ok && q.isCurrent(e.key, rec) {
				page.add(q, rec, e.variant)
			}
			if len(page.Records) == q.Limit && (i < len(found)-1 || !w.ended()) {
				page.Next = e.key
				return page, nil
			}
		}
		switch {
		case w.ended():
			return page, nil
		case w.spent():
			page.Next = w.cursor
			return page, nil
		}
		// Where the filters leave little of what was read, more is read at once.
		if n = min(q.Limit-len(page.Records), most); 2*(len(page.Records)-before) < len(found) {
			n = most
		}
	}
}

// add takes an event into the page, if it is of the listing. An event that has what
// is looked up has an entry of its own beside those of its variants.
func (p *Page) add(q Query, rec webhook.Record, variant string) {
	matches := q.Matches(rec)
	if variant == "" {
		if matches {
			p.Records = append(p.Records, rec)
		}
		return
	}
	if p.ByVariant[rec.ID] != "" || matches || !q.withoutIDs().Matches(rec) {
		return
	}
	if p.ByVariant == nil {
		p.ByVariant = map[webhook.EventID]string{}
	}
	p.ByVariant[rec.ID] = variant
	p.Records = append(p.Records, rec)
}

// withoutIDs is the query without its look-up by an id or a lead.
func (q Query) withoutIDs() Query {
	q.ID, q.LeadPart, q.Lead = "", "", ""
	return q
}

// Check tells what is wrong with a query that came from outside.
func (q Query) Check() error {
	if q.Limit < 1 || q.Limit > 1000 {
		return fmt.Errorf("ledger: a listing has a limit of 1 to 1,000, not %d", q.Limit)
	}
	if when, _, ok := strings.Cut(q.After, "#"); q.After != "" && (!ok || instant(when).time().IsZero()) {
		return fmt.Errorf("ledger: %q is not where a listing may continue", q.After)
	}
	return nil
}

// Matches tells whether an event is of the listing, apart from its time.
func (q Query) Matches(r webhook.Record) bool {
	return q.hasID(r.MessageID, r.StatsID, requestID(r.Receipt)) &&
		strings.Contains(r.LeadEmail, q.LeadPart) &&
		(q.State == "" || q.State == r.State) &&
		(!q.Dead || r.State == webhook.Dead) &&
		(q.Type == "" || q.Type == r.Type) &&
		(q.Source == "" || q.Source == r.Source) &&
		(q.Account == "" || q.Account == r.Account) &&
		(q.Lead == "" || fit(q.Lead) == r.LeadEmail) &&
		(q.Campaign == "" || fit(q.Campaign) == r.CampaignID) &&
		(q.ErrorClass == "" || q.ErrorClass == r.ErrorClass) &&
		(q.Flag == "" || slices.Contains(r.Flags, q.Flag)) &&
		(q.Destination == "" || q.isAt(r))
}

func (q Query) isAt(r webhook.Record) bool {
	if q.Dead {
		return r.WaitsFor(q.Destination)
	}
	return slices.ContainsFunc(r.Destinations, func(p webhook.Progress) bool { return p.Name == q.Destination })
}

// hasID tells whether one of the ids of an event, or of a variant, is looked for.
func (q Query) hasID(ids ...string) bool { return q.ID == "" || slices.Contains(ids, fit(q.ID)) }

// requestID is the id by which the request that brought an event is looked up:
// the provider's where it sent one, else the gateway's.
func requestID(r webhook.Receipt) string {
	if r.ProviderRequestID != "" {
		return r.ProviderRequestID
	}
	return r.RequestID
}

func (q Query) index(day string) index {
	switch {
	case q.Lead != "":
		return index{"lead", "lead", "time", []string{fit(q.Lead)}}
	case q.listedState() != "":
		return stateIndex(q.listedState(), q.ErrorClass)
	}
	return index{"time", "day", "time", numbered(timeShards, func(n uint32) string { return timeShard(day, n) })}
}

func numbered(n uint32, name func(uint32) string) []string {
	out := make([]string, 0, n)
	for i := range n {
		out = append(out, name(i))
	}
	return out
}

// isCurrent tells whether the key that the index showed is still the event's. The
// index is eventually consistent: an event that died again is listed in its new
// place, or the cursor would jump there and skip what lies between.
func (q Query) isCurrent(k string, r webhook.Record) bool {
	return q.listedState() == "" || k == timeKey(at(q.Time(r)), r.ID)
}

// mayMatch tells by the index alone whether an event may be of the listing, so
// that what cannot be is not read. A key names the event's type; the indexes time
// and dead show more.
func (q Query) mayMatch(e entry) bool {
	if q.Skip != nil && q.Skip(e.id) || e.variant != "" && !(q.Variants && q.byID()) {
		return false
	}
	if typ := e.id.Type(); q.Type != "" && typ != "" && typ != q.Type {
		return false
	}
	if q.Lead != "" { // keys alone
		return true
	}
	if q.byDay() && !(q.hasID(e.text("message"), e.uuid("stats"), e.uuid("request")) && strings.Contains(e.text("lead"), q.LeadPart)) {
		return false
	}
	if e.variant != "" { // the rest is asked of its event
		return true
	}
	g := deadSummaryOf(e)
	return (q.Source == "" || q.Source == g.Source) &&
		(q.Account == "" || q.Account == g.Account) &&
		(q.Campaign == "" || fit(q.Campaign) == g.CampaignID) &&
		(q.ErrorClass == "" || q.byDay() || q.ErrorClass == g.ErrorClass) &&
		(q.Destination == "" || q.listedState() != webhook.Dead || slices.Contains(g.DeadAt, q.Destination))
}

// byID tells whether a message, a request or a lead is looked for: what a variant has
// of its own.
func (q Query) byID() bool { return q.ID != "" || q.LeadPart != "" || q.Lead != "" }

// listedState is the state whose part of the index dead is the look-up; "" for any
// other look-up.
func (q Query) listedState() webhook.State {
	switch {
	case q.byID():
	case q.Dead:
		return webhook.Dead
	case q.State == webhook.Held || q.State == webhook.Parked || q.State == webhook.Unrouted || q.State == webhook.Discarded:
		return q.State
	}
	return ""
}

// Time is by what the listing orders its events: their death where it looks for
// dead or parked ones, or for discarded ones that had died, else their receipt.
func (q Query) Time(r webhook.Record) time.Time {
	state := q.listedState()
	diedFirst := state == webhook.Discarded && !r.DiedAt.IsZero() // it keeps its place
	if state == webhook.Dead || state == webhook.Parked || diedFirst {
		return r.DiedAt
	}
	return r.ReceivedAt
}

// byDay tells whether the look-up is the time index, whose partitions are days.
func (q Query) byDay() bool { return q.listedState() == "" && q.Lead == "" }

// Ever tells whether the listing looks back without a bound.
func (q Query) Ever() bool { return q.Since.IsZero() && !q.byDay() }

// Bounds are the times between which the listing looks: since is within,
// until is not.
func (q Query) Bounds() (since, until time.Time) {
	until = q.Until
	if until.IsZero() {
		until = q.Now.Add(24 * time.Hour) // clocks of receivers may run ahead
	}
	since = q.Since
	if since.IsZero() && q.byDay() {
		since = until.AddDate(0, 0, -31)
	}
	if since.IsZero() {
		since = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return since, until
}

// Dead lists dead events that died before until, the longest dead first, with
// their index keys as cursors.
func (l *Ledger) Dead(ctx context.Context, until time.Time, after string, limit int) (records []webhook.Record, keys []string, next string, err error) {
	page, err := l.List(ctx, Query{Dead: true, Until: until, Oldest: true, After: after, Limit: limit, Now: until})
	if err != nil {
		return nil, nil, "", err
	}
	for _, r := range page.Records {
		keys = append(keys, timeKey(at(r.DiedAt), r.ID))
	}
	return page.Records, keys, page.Next, nil
}

// Recent returns the latest events received in that time, newest first.
func (l *Ledger) Recent(ctx context.Context, since, until time.Time, limit int) ([]webhook.Record, error) {
	page, err := l.List(ctx, Query{Since: since, Until: until, Limit: limit, Now: until})
	return page.Records, err
}
