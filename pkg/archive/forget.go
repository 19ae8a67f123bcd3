package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"smartlead-receiver/pkg/turn"
	"smartlead-receiver/pkg/webhook"
)

// Erasable are objects of which some may be deleted, which the archiver cannot do.
type Erasable interface {
	Objects
	// Delete deletes an object for good; one that is not there is deleted.
	Delete(ctx context.Context, key string) error
}

// Erasure takes a lead out of the archive: it writes each object that holds the lead anew
// without it, under the name of what is left, and then deletes it. It works under the
// archiver's own lease, so that nothing that was read before is written after it.
//
// An Erasure remembers which objects it has read for an address: objects never change.
type Erasure struct {
	Documents turn.Documents
	Open      func(Place) Erasable
	Now       func() time.Time
	Nonce     func() (string, error)
	Sleep     func(ctx context.Context, d time.Duration)

	mu      sync.Mutex
	address string
	lines   map[string]int // of the lead, by bucket and key, as far as they were read
}

// ErrBusy: the archiver has been at work for longer than an erasure waits for it.
var ErrBusy = errors.New("the archiver is at work")

const (
	// eraseLease is for how long an erasure takes the lease at once.
	eraseLease = 10 * time.Minute
	// patience is how long it waits for the archiver, longer than a run takes, and nap how
	// long until it looks again.
	patience, nap = 12 * time.Minute, 5 * time.Second
	// readers is how many objects are read at a time, and chunk between two looks at the
	// lease.
	readers, chunk = 8, 200
)

// Holds counts the lines of a lead in every place where events were archived. It reads
// every object; looked is called for each. A place that cannot be read keeps no other from
// it: what was counted stands beside the error. An earlier place whose bucket was deleted
// holds nothing.
func (e *Erasure) Holds(ctx context.Context, address string, looked func()) (n int, err error) {
	st, err := Standing(ctx, e.Documents)
	if err != nil {
		return 0, err
	}
	for _, place := range st.AllPlaces() {
		found, failed := e.find(ctx, e.Open(place), address, looked, func() error { return nil })
		if failed != nil && !emptied(st, place, failed) {
			err = errors.Join(err, at(place, failed))
		}
		for _, f := range found {
			n += f.lines
		}
	}
	return n, err
}

// Forget takes the lines of a lead out of the archive, and counts them: also where it
// returns an error, after which it may be repeated, as after a crash at any point. The
// lead's events must be erased in the ledger before. It waits for a run of the archiver,
// and returns ErrBusy, wrapped, where that goes on for too long. A place that cannot be
// reached keeps no other from it.
func (e *Erasure) Forget(ctx context.Context, address string, looked func()) (n int, err error) {
	st, err := Standing(ctx, e.Documents)
	if err != nil || len(st.AllPlaces()) == 0 {
		return 0, err
	}
	if st, err = e.take(ctx); err != nil {
		return 0, err
	}
	hold := func() error {
		if st.HeldUntil.Sub(e.Now()) > eraseLease/2 {
			return nil
		}
		st.HeldUntil = e.Now().Add(eraseLease)
		return standing(e.Documents).Hold(ctx, &st, e.Now)
	}
	for _, place := range st.AllPlaces() {
		taken, failed := e.forgetIn(ctx, e.Open(place), address, looked, hold)
		n += taken
		if failed != nil && !emptied(st, place, failed) {
			err = errors.Join(err, at(place, failed))
		}
		if errors.Is(failed, turn.ErrLost) || ctx.Err() != nil {
			break
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	return n, errors.Join(err, standing(e.Documents).Release(last, &st, e.Now))
}

// emptied tells whether a place holds nothing any more because its bucket was deleted. The
// present place has a bucket, or something is wrong.
func emptied(st State, place Place, err error) bool {
	return place != st.Place && errors.Is(err, webhook.ErrNoBucket)
}

// at says in which place something failed.
func at(place Place, err error) error {
	return fmt.Errorf("s3://%s/%s: %w", place.Bucket, place.Prefix, err)
}

// take takes the archiver's lease.
func (e *Erasure) take(ctx context.Context) (State, error) {
	for waited := time.Duration(0); ; waited += nap {
		st, err := Standing(ctx, e.Documents)
		if err != nil {
			return st, err
		}
		now := e.Now()
		if !st.HeldUntil.After(now) {
			nonce, err := e.Nonce()
			if err != nil {
				return st, err
			}
			err = standing(e.Documents).Take(ctx, &st, nonce, now.Add(eraseLease), now)
			if !errors.Is(err, webhook.ErrChanged) {
				return st, err
			}
		}
		if waited >= patience {
			return st, fmt.Errorf("%w until %s", ErrBusy, st.HeldUntil.UTC().Format(time.RFC3339))
		}
		if e.Sleep(ctx, nap); ctx.Err() != nil {
			return st, ctx.Err()
		}
	}
}

// holding is an object with lines of the lead.
type holding struct {
	named

	lines int
}

func (e *Erasure) forgetIn(ctx context.Context, in Erasable, address string, looked func(), hold func() error) (n int, err error) {
	found, err := e.find(ctx, in, address, looked, hold)
	if err != nil {
		return 0, err
	}
	for _, f := range found {
		if err := hold(); err != nil {
			return n, err
		}
		if err := without(ctx, in, f.named, address); err != nil {
			return n, err
		}
		n += f.lines
	}
	return n, nil
}

// without writes an object anew without the lines of a lead, and deletes it.
func without(ctx context.Context, in Erasable, o named, address string) error {
	p := newPart()
	for text, err := range textsOf(ctx, in, o.Key) {
		if err != nil {
			return err
		}
		line, of, err := whose(text, address)
		if err != nil {
			return fmt.Errorf("a line of %s: %w", o.Key, err)
		}
		if of {
			continue
		}
		if err := p.add(line.ID, append(text, '\n')); err != nil {
			return err
		}
	}
	if p.sum.N > 0 {
		if _, err := write(ctx, in, o.Account, o.Begin, p); err != nil {
			return err
		}
	}
	return in.Delete(ctx, o.Key)
}

// whose reads a line, and tells whether it is of the lead.
func whose(text []byte, address string) (line known, of bool, err error) {
	if err := json.Unmarshal(text, &line); err != nil {
		return line, false, err
	}
	of = strings.EqualFold(line.LeadEmail, address) || strings.EqualFold(strings.TrimSpace(line.Lead.Email), address)
	return line, of, nil
}

// find lists the objects with lines of a lead, and reads those that were not read.
func (e *Erasure) find(ctx context.Context, in Objects, address string, looked func(), hold func() error) (found []holding, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.address != address || e.lines == nil {
		e.address, e.lines = address, map[string]int{}
	}
	var some []named
	flush := func() error {
		counts, err := e.read(ctx, in, some, address, looked)
		if err != nil {
			return err
		}
		for i, o := range some {
			if counts[i] > 0 {
				found = append(found, holding{o, counts[i]})
			}
		}
		some = some[:0]
		return hold()
	}
	for o, err := range in.List(ctx, accountPrefix) {
		if err != nil {
			return nil, err
		}
		name, ok := ReadName(o.Key)
		if !ok {
			continue
		}
		if some = append(some, named{o, name}); len(some) == chunk {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	return found, flush()
}

// read counts the lines of the lead in each object, several objects at a time.
func (e *Erasure) read(ctx context.Context, in Objects, objects []named, address string, looked func()) ([]int, error) {
	counts, errs := make([]int, len(objects)), make([]error, len(objects))
	place := in.Place()
	places := make(chan struct{}, readers)
	var wg sync.WaitGroup
	for i, o := range objects {
		id := place.Bucket + "/" + place.Prefix + o.Key
		if n, before := e.lines[id]; before {
			counts[i] = n
			continue
		}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			counts[i], errs[i] = countIn(ctx, in, o, address)
			looked()
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for i, o := range objects {
		e.lines[place.Bucket+"/"+place.Prefix+o.Key] = counts[i]
	}
	return counts, nil
}

func countIn(ctx context.Context, in Objects, o named, address string) (n int, err error) {
	for text, err := range textsOf(ctx, in, o.Key) {
		if errors.Is(err, webhook.ErrNotFound) { // it went meanwhile
			return 0, nil
		}
		if err != nil {
			return n, err
		}
		_, of, err := whose(text, address)
		if err != nil {
			return n, fmt.Errorf("a line of %s: %w", o.Key, err)
		}
		if of {
			n++
		}
	}
	return n, nil
}
