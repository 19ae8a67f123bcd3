package archive

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// maxAhead bounds how far one look at the index goes where nothing was received.
const maxAhead = 30 * 24 * time.Hour

// batch is how many events are read at once.
const batch = 100

// hours is what the index shows of one hour.
type hours struct {
	begin, end time.Time
	accounts   map[string]*shown
	whole      bool // the ids of all accounts are held
}

// shown is what the index shows of an account.
type shown struct {
	sum Sum
	ids []webhook.EventID
}

// hour archives the first hour with events that was received from since on and before
// until, and returns before which nothing is left to do.
func (r *run) hour(ctx context.Context, since, until time.Time, late bool) (done time.Time, err error) {
	if furthest := since.Add(maxAhead); furthest.Before(until) {
		until = furthest
	}
	h, err := walk(ctx, r.Ledger, since, until, r.policy)
	if err != nil {
		return since, err
	}
	if len(h.accounts) == 0 {
		return until, nil
	}
	r.sum.Periods++
	for _, account := range slices.Sorted(maps.Keys(h.accounts)) {
		if err := r.account(ctx, h, account, late); err != nil {
			return since, err
		}
	}
	return h.end, nil
}

// walk reads the index of the first hour that has an event.
func walk(ctx context.Context, l Ledger, since, until time.Time, policy Policy) (hours, error) {
	h := hours{accounts: map[string]*shown{}, whole: true}
	held := 0
	for seen, err := range l.ReceivedBetween(ctx, since, until) {
		if err != nil {
			return h, err
		}
		if h.begin.IsZero() {
			h.begin = seen.At.UTC().Truncate(policy.Every)
			h.end = h.begin.Add(policy.Every)
		}
		if !seen.At.Before(h.end) {
			break
		}
		if seen.Variant {
			continue
		}
		name := folderAccount(seen.Account)
		of := h.accounts[name]
		if of == nil {
			of = &shown{}
			h.accounts[name] = of
		}
		of.sum.add(digestOf(seen.ID))
		if held++; held <= policy.Gather {
			of.ids = append(of.ids, seen.ID)
		} else if h.whole {
			h.whole = false
			for _, s := range h.accounts {
				s.ids = nil
			}
		}
	}
	if len(h.accounts) == 0 && !h.begin.IsZero() { // variants alone
		h.accounts[noAccount] = &shown{}
	}
	return h, nil
}

// idsOf hands over the events of an account, in the order of their receipt.
func (h hours) idsOf(ctx context.Context, l Ledger, account string) iter.Seq2[webhook.EventID, error] {
	return func(yield func(webhook.EventID, error) bool) {
		if h.whole {
			for _, id := range h.accounts[account].ids {
				if !yield(id, nil) {
					return
				}
			}
			return
		}
		for seen, err := range l.ReceivedBetween(ctx, h.begin, h.end) {
			if err != nil {
				yield("", err)
				return
			}
			if !seen.Variant && folderAccount(seen.Account) == account && !yield(seen.ID, nil) {
				return
			}
		}
	}
}

// account archives what is not yet of an account and an hour. Where periods were longer or
// shorter before, other objects of the folder hold some of it.
func (r *run) account(ctx context.Context, h hours, account string, late bool) error {
	there, err := list(ctx, r.Objects, folderOf(account, h.begin))
	if err != nil {
		return err
	}
	var sum Sum
	for _, o := range there {
		if !o.Begin.Before(h.begin) && o.Begin.Before(h.end) {
			sum = sum.plus(o.Sum)
		}
	}
	if sum == h.accounts[account].sum {
		return nil
	}
	has, err := heldBy(ctx, r.Objects, there)
	if err != nil {
		return err
	}
	f := &filling{run: r, account: account, begin: h.begin, late: late}
	for id, err := range h.idsOf(ctx, r.Ledger, account) {
		if err != nil {
			return err
		}
		if _, archived := has[digestOf(id)]; archived {
			continue
		}
		if f.ids = append(f.ids, id); len(f.ids) == batch {
			if err := f.read(ctx); err != nil {
				return err
			}
		}
	}
	if err := f.read(ctx); err != nil {
		return err
	}
	return f.flush(ctx)
}

// named is an object of the archive.
type named struct {
	Object
	Name
}

// list returns the objects whose keys begin so, and leaves out what is not of the archive.
func list(ctx context.Context, in Objects, prefix string) (all []named, err error) {
	for o, err := range in.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		if name, ok := ReadName(o.Key); ok {
			all = append(all, named{o, name})
		}
	}
	return all, nil
}

// heldBy reads which events objects hold: 16 bytes are held of each.
func heldBy(ctx context.Context, in Objects, objects []named) (map[digest]struct{}, error) {
	has := map[digest]struct{}{}
	for _, o := range objects {
		for line, err := range linesOf(ctx, in, o.Key) {
			if err != nil {
				return nil, err
			}
			has[digestOf(line.ID)] = struct{}{}
		}
	}
	return has, nil
}

// filling writes the objects of an account and an hour.
type filling struct {
	*run

	account string
	begin   time.Time
	late    bool
	ids     []webhook.EventID // that are read next
	part    *part
}

// read takes the next events into the object in the making. What was erased, or has
// expired meanwhile, is left out.
func (f *filling) read(ctx context.Context) error {
	if len(f.ids) == 0 {
		return nil
	}
	if !f.timeFor(ctx) {
		if err := f.flush(ctx); err != nil { // so that each run comes further
			return err
		}
		return errTime
	}
	records, err := f.Ledger.WithPayloads(ctx, f.ids)
	if unreadable := new(webhook.UnreadableError); errors.As(err, &unreadable) {
		f.sum.Unreadable += len(unreadable.Causes)
		f.st.Unreadable = f.sum.Unreadable
		f.st.UnreadableIn = f.st.UnreadableIn.with(Span{Since: f.begin, Until: f.begin.Add(f.policy.Every)})
	} else if err != nil {
		return err
	}
	for _, id := range f.ids {
		rec, ok := records[id]
		if !ok || rec.Erased() {
			continue
		}
		delete(records, id)
		if err := f.add(ctx, rec); err != nil {
			return err
		}
	}
	f.ids = f.ids[:0]
	return nil
}

func (f *filling) add(ctx context.Context, rec webhook.Record) error {
	line, err := f.lineOf(ctx, rec)
	if err != nil {
		return err
	}
	out, err := line.encode(rec, f.policy.LineText)
	if err != nil {
		return err
	}
	if f.part == nil {
		f.part = newPart()
	}
	if err := f.part.add(rec.ID, out); err != nil {
		return err
	}
	if f.part.full(f.policy) {
		return f.flush(ctx)
	}
	return nil
}

// flush writes the object. The state is written before, so that a run that was overtaken
// writes none.
func (f *filling) flush(ctx context.Context) error {
	if f.part == nil {
		return nil
	}
	if err := f.save(ctx); err != nil {
		return err
	}
	o, err := write(ctx, f.Objects, f.account, f.begin, f.part)
	if err != nil {
		return err
	}
	n := f.part.sum.N
	f.part = nil
	f.sum.Objects, f.sum.Events, f.sum.Bytes = f.sum.Objects+1, f.sum.Events+n, f.sum.Bytes+int64(o.Bytes)
	if f.late {
		f.sum.Late += n
	}
	return nil
}
