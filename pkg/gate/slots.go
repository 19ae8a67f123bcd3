package gate

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// A limit of deliveries at once is shared by slots that a worker leases for some time: a
// write when it needs more than it has, and one to keep them. A worker that stops loses
// them with the time.
const (
	slotsFor = 45 * time.Second
	// So much longer nobody else has them: what was begun at the end still runs. A
	// destination's longest timeout is a minute.
	slotsTail  = 65 * time.Second
	slotsRenew = 15 * time.Second // before their end
	roomTries  = 10               // looks at this instance's own slots, before the event waits
	roomLook   = 100 * time.Millisecond
	roomAsk    = 2 * time.Second // between two looks for more, where there was none
)

// slots is the document.
type slots struct {
	Held map[string]held `json:"held"` // by instance
}

type held struct {
	N     int       `json:"n"`
	Until time.Time `json:"until"`
}

// enter takes a slot, or says that there is none. release gives it back. A destination
// without a limit has slots without end, but behind a breaker that has just closed.
func (g *Gate) enter(ctx context.Context, l *local, name string, limits Limits, state State) (release func(), ok bool) {
	for range roomTries {
		if l.enter(g.Now(), limits, state) || limits.Concurrency > 0 && g.more(ctx, l, name, limits.Concurrency) && l.enter(g.Now(), limits, state) {
			return l.leave, true
		}
		if ctx.Err() != nil {
			break
		}
		g.Sleep(ctx, roomLook)
	}
	return nil, false
}

// enter takes a slot of those that this instance has.
func (l *local) enter(now time.Time, limits Limits, state State) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if state.Epoch != l.rampOf { // the breaker opened or closed
		l.rampOf, l.ramp = state.Epoch, 0
		if !limits.NoBreaker && !state.Open && state.Epoch > 0 && now.Sub(state.Since) < 2*openLongest {
			l.ramp, l.outcomes = 1, l.outcomes[:0]
		}
	}
	if limits.NoBreaker {
		l.ramp = 0 // no outcome is counted, which would raise it
	}
	if l.ramp > 0 && l.running >= l.ramp {
		return false
	}
	if limits.Concurrency > 0 && (l.running >= l.slots || !now.Before(l.slotsTo)) {
		return false
	}
	l.running++
	return true
}

func (l *local) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
}

// more leases one slot more for this instance, or keeps those that it has. Where the
// table does not answer an instance that has none takes one: it is no reason not to
// deliver.
func (g *Gate) more(ctx context.Context, l *local, name string, limit int) bool {
	now := g.Now()
	l.mu.Lock()
	running, mine, left := l.running, l.slots, l.slotsTo.Sub(now)
	if left <= 0 {
		mine = 0
	}
	// What it has it keeps while it may begin deliveries with it: one may begin while this
	// is written.
	want := max(running+1, mine)
	holds := l.ramp > 0 && running >= l.ramp
	asked := l.slotsAt.After(now.Add(-roomAsk)) && !l.slotsAt.After(now)
	if holds || asked || mine > running && left > slotsRenew {
		l.mu.Unlock()
		return false
	}
	l.slotsAt = now
	l.mu.Unlock()
	got, until, err := g.lease(ctx, name, limit, want, now)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.slots, l.slotsTo = max(mine, 1), now.Add(5*time.Second)
		return true
	}
	l.slots, l.slotsTo = got, until.Add(-slotsTail)
	if got > mine {
		l.slotsAt = time.Time{} // there may be more
	}
	return got > running
}

// lease writes how many slots this instance holds, want or as many as others leave, and
// until when nobody else has them.
func (g *Gate) lease(ctx context.Context, name string, limit, want int, now time.Time) (int, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*stateTimeout)
	defer cancel()
	for range 6 {
		body, version, err := g.Documents.LoadDocument(ctx, KindSlots, name)
		if err != nil && !errors.Is(err, webhook.ErrNotFound) {
			return 0, time.Time{}, err
		}
		var doc slots
		_ = json.Unmarshal(body, &doc) // one that cannot be read is one that nobody holds
		free, had := limit, doc.Held[g.Holder]
		maps.DeleteFunc(doc.Held, func(holder string, h held) bool { return !now.Before(h.Until) || holder == g.Holder })
		for _, h := range doc.Held {
			free -= h.N
		}
		got := max(0, min(want, free))
		if got == 0 || got == had.N && had.Until.Sub(now) > slotsTail+slotsRenew {
			return got, had.Until, nil
		}
		if doc.Held == nil {
			doc.Held = map[string]held{}
		}
		until := now.Add(slotsFor + slotsTail)
		doc.Held[g.Holder] = held{N: got, Until: until}
		if body, err = json.Marshal(doc); err != nil {
			return 0, time.Time{}, err
		}
		err = g.Documents.SaveDocument(ctx, KindSlots, name, body, version, now, now.Add(24*time.Hour))
		if err == nil {
			return got, until, nil
		}
		if !errors.Is(err, webhook.ErrChanged) {
			return 0, time.Time{}, err
		}
	}
	return 0, time.Time{}, nil
}
