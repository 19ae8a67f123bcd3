package archive

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Fault is what a comparison of the archive with the ledger finds wrong.
type Fault string

const (
	// Missing: the event is in the ledger, and not archived.
	Missing Fault = "missing"
	// Extra: the event is archived, and not in the ledger.
	Extra Fault = "extra"
	// Repeated: the event is archived more than once.
	Repeated Fault = "repeated"
	// Differs: what is archived of the event is not what the ledger has.
	Differs Fault = "differs"
	// NotErased: the event was erased in the ledger, and is archived still.
	NotErased Fault = "not_erased"
)

// Faults lists every fault.
var Faults = []Fault{Missing, Extra, Repeated, Differs, NotErased}

// leastRetention is how long the ledger keeps an event at least: what is archived and older
// may have expired there.
const leastRetention = 15 * 24 * time.Hour

// maxExamples bounds the examples of a comparison.
const maxExamples = 50

// Example is an event with a fault.
type Example struct {
	Fault   Fault
	ID      webhook.EventID
	Account string
	Hour    time.Time
}

// Comparison is what a comparison of the archive with the ledger found.
type Comparison struct {
	Since, Until time.Time
	Events       int // in the ledger
	Equal        int
	Erased       int // in the ledger, and not archived, as it should be
	Expired      int // archived, and old enough to have expired in the ledger
	Objects      int
	Faults       map[Fault]int
	Examples     []Example
}

// Whole tells whether the archive is what it should be.
func (c Comparison) Whole() bool { return len(c.Faults) == 0 }

func (c *Comparison) fault(f Fault, id webhook.EventID, account string, hour time.Time) {
	c.Faults[f]++
	if len(c.Examples) < maxExamples {
		c.Examples = append(c.Examples, Example{f, id, account, hour})
	}
}

// Compare holds the archive to the ledger, for what was received from since on and before
// until, event by event: the bodies too, unless idsAlone. Both ends are taken to the
// edges of periods. It holds an hour's ids, and reads every object of the time. looked is
// called for each event.
func (s *Service) Compare(ctx context.Context, since, until time.Time, idsAlone bool, looked func()) (Comparison, error) {
	c := &comparing{Service: s, ids: idsAlone, looked: looked, objects: map[time.Time][]named{}}
	c.Since, c.Until = since.UTC().Truncate(s.policy.Every), until.UTC().Truncate(s.policy.Every)
	c.Faults = make(map[Fault]int)
	all, err := list(ctx, s.Objects, accountPrefix)
	if err != nil {
		return c.Comparison, err
	}
	for _, o := range all {
		// An object of a longer period may begin before.
		if hour := o.Begin.Truncate(time.Hour); !hour.Before(c.Since.Truncate(time.Hour)) && o.Begin.Before(c.Until) {
			c.objects[hour] = append(c.objects[hour], o)
			c.Objects++
		}
	}
	for since := c.Since; since.Before(c.Until); {
		h, err := walk(ctx, s.Ledger, since, c.Until, Policy{Every: time.Hour, Gather: 1 << 30})
		if err != nil {
			return c.Comparison, err
		}
		if h.begin.IsZero() {
			break
		}
		if err := c.hour(ctx, h); err != nil {
			return c.Comparison, err
		}
		since = h.end
	}
	for _, hour := range slices.SortedFunc(maps.Keys(c.objects), time.Time.Compare) { // of which the ledger has nothing
		if err := c.hour(ctx, hours{begin: hour}); err != nil {
			return c.Comparison, err
		}
	}
	return c.Comparison, nil
}

type comparing struct {
	Comparison
	*Service

	ids     bool
	looked  func()
	objects map[time.Time][]named
}

// copyOf is what is archived of an event.
type copyOf struct {
	account string
	n       int
	content [sha256.Size]byte
	raw     bool // its original is there
}

func (c *comparing) hour(ctx context.Context, h hours) error {
	archived := map[webhook.EventID]copyOf{}
	for _, o := range c.objects[h.begin] {
		for text, err := range textsOf(ctx, c.Service.Objects, o.Key) {
			if err != nil {
				return err
			}
			c.looked()
			var line Line
			if err := json.Unmarshal(text, &line); err != nil {
				return fmt.Errorf("a line of %s: %w", o.Key, err)
			}
			if line.ReceivedAt.Before(c.Since) || !line.ReceivedAt.Before(c.Until) {
				continue
			}
			archived[line.ID] = copyOf{account: o.Account, n: archived[line.ID].n + 1, content: content(line, line.Raw != ""), raw: line.Raw != ""}
		}
	}
	delete(c.objects, h.begin)
	for account, of := range h.accounts {
		for ids := range slices.Chunk(of.ids, batch) {
			if err := c.batch(ctx, h.begin, account, ids, archived); err != nil {
				return err
			}
		}
	}
	for id, there := range archived { // what is left is not in the ledger
		if c.Now().Sub(h.begin) > leastRetention {
			c.Expired++
			continue
		}
		c.fault(Extra, id, there.account, h.begin)
	}
	return nil
}

// batch compares some events of an account, and takes them out of what is archived.
func (c *comparing) batch(ctx context.Context, hour time.Time, account string, ids []webhook.EventID, archived map[webhook.EventID]copyOf) error {
	read := ids
	if c.ids { // only what is not archived is to be explained
		read = slices.DeleteFunc(slices.Clone(ids), func(id webhook.EventID) bool { return archived[id].n > 0 })
	}
	records, err := c.Ledger.WithPayloads(ctx, read)
	if unreadable := new(webhook.UnreadableError); err != nil && !errors.As(err, &unreadable) {
		return err
	}
	for _, id := range ids {
		c.looked()
		there := archived[id]
		delete(archived, id)
		rec, known := records[id]
		c.Events++
		f, err := c.judge(ctx, rec, known, there, account)
		if err != nil {
			return err
		}
		switch {
		case f != "":
			c.fault(f, id, account, hour)
		case rec.Erased():
			c.Erased++
		default:
			c.Equal++
		}
	}
	return nil
}

// judge says what is wrong with what is archived of an event; "" for nothing.
func (c *comparing) judge(ctx context.Context, rec webhook.Record, known bool, there copyOf, account string) (Fault, error) {
	switch {
	case rec.Erased() && there.n > 0:
		return NotErased, nil
	case rec.Erased():
		return "", nil
	case there.n == 0:
		return Missing, nil
	case there.n > 1:
		return Repeated, nil
	case c.ids || !known: // that one has expired since, or cannot be read
		return "", nil
	case there.account != account:
		return Differs, nil
	}
	line, err := c.lineOf(ctx, rec)
	if err != nil {
		return "", err
	}
	if content(line, there.raw) != there.content {
		return Differs, nil
	}
	return "", nil
}

// content is a digest of what never changes of an event: who sent what, and when. How it
// is read may change with a version, and how it stands changes by itself.
func content(l Line, raw bool) [sha256.Size]byte {
	parts := []string{string(l.ID), l.Account, l.Source, l.LeadEmail, l.ReceivedAt.UTC().Format(time.RFC3339Nano), ""}
	if raw {
		parts[5] = l.Raw
	}
	text, _ := json.Marshal(parts) // of texts: it never fails
	return sha256.Sum256(text)
}

// Holdings sums up what objects hold.
type Holdings struct {
	Objects, Events int
	Bytes           int64 // compressed
	First, Last     time.Time
}

// Held lists what the archive holds of each account, by its objects' names alone.
func Held(ctx context.Context, in Objects) (map[string]Holdings, error) {
	all, err := list(ctx, in, accountPrefix)
	if err != nil {
		return nil, err
	}
	of := map[string]Holdings{}
	for _, o := range all {
		h := of[o.Account]
		h.Objects, h.Events, h.Bytes = h.Objects+1, h.Events+o.Sum.N, h.Bytes+int64(o.Bytes)
		if h.First.IsZero() || o.Begin.Before(h.First) {
			h.First = o.Begin
		}
		if o.Begin.After(h.Last) {
			h.Last = o.Begin
		}
		of[o.Account] = h
	}
	return of, nil
}

// Lines hands over the lines of the objects of a time, by hour and account, each until the
// next is asked for; account "" is all. It looks at no hour outside.
func Lines(ctx context.Context, in Objects, account string, since, until time.Time, do func(line []byte) error) error {
	prefix := accountPrefix
	if account != "" {
		prefix = accountFolder(account) + "/"
	}
	all, err := list(ctx, in, prefix)
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b named) int { return a.Begin.Compare(b.Begin) })
	for _, o := range all {
		if o.Begin.Before(since) || !o.Begin.Before(until) {
			continue
		}
		for text, err := range textsOf(ctx, in, o.Key) {
			if err == nil {
				err = do(text)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
