// Package gate stands before each destination and says whether it may be sent
// something now: not while an operator has paused it, not while it fails again and
// again (its breaker is open), not above its rate, and not more at once than it
// bears. What may not be sent waits, and its wait is no attempt (webhook.ResultWaiting).
//
// All workers share what they know by three small documents beside the events. The
// state of all destinations is read in one query every few seconds while events are
// delivered, and written when it changes. Of a rate, half is split among the workers
// without a word; the rest is a line of which a worker reserves places, up to fourteen
// with one write. Where the table does not answer, the gate goes by what it knew last, and
// otherwise lets pass: it protects destinations, and is no reason not to deliver.
package gate

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Documents keeps small pieces of state under a version that every write must have
// seen; ledger.Ledger does.
type Documents interface {
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
	ListDocuments(ctx context.Context, kind string, limit int) ([]webhook.Document, error)
}

// The kinds of documents, each named by destination.
const (
	KindState = "gate"
	KindLine  = "gate-line"
	KindSlots = "gate-slots"
)

// Options of a Gate. Documents is required.
type Options struct {
	Documents Documents
	Workers   int // how many worker instances there may be at once, which a rate is split among; 0: 1
	Now       func() time.Time
	Random    func() float64 // 0 ≤ n < 1
	Sleep     func(context.Context, time.Duration)
	Holder    string // names this instance among the workers; "" for a random one
	// Changed, where it is not nil, is told of each breaker that this instance opened or
	// closed.
	Changed func(ctx context.Context, destination string, s State)
}

// Gate is one instance's view of the gates of all destinations. It is safe for
// concurrent use.
type Gate struct {
	Options

	mu      sync.Mutex
	states  map[string]State
	read    time.Time // when states were read, or tried to be
	reading chan struct{}
	local   map[string]*local
}

// New returns a gate that has read nothing yet.
func New(o Options) *Gate {
	if o.Workers < 1 {
		o.Workers = 1
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Holder == "" {
		o.Holder = randomName()
	}
	return &Gate{Options: o, local: map[string]*local{}}
}

func randomName() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	name := make([]byte, 12)
	for i := range name {
		name[i] = letters[rand.IntN(len(letters))] //nolint:gosec // a name, no secret
	}
	return string(name)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Guard stands before next, the destination of that name. What next is given has
// passed the gate.
func (g *Gate) Guard(name string, limits Limits, next webhook.Destination) webhook.Destination {
	return &guarded{gate: g, name: name, limits: limits, next: next}
}

type guarded struct {
	gate   *Gate
	name   string
	limits Limits
	next   webhook.Destination
}

// Deliver implements webhook.Destination. Its order is that of a door: is it open; is
// there room; is it this event's turn.
func (d *guarded) Deliver(ctx context.Context, delivery webhook.Delivery) webhook.Outcome {
	g := d.gate
	state := g.state(ctx, d.name)
	now := g.Now()
	if !state.Paused.IsZero() {
		return wait(webhook.WaitPaused, spread(g.Random, doubled(pauseFirst, pauseLongest, delivery.Waits)))
	}
	if state.Open && d.limits.NoBreaker {
		state = g.switchOff(ctx, d.name, now)
	}
	l := g.localOf(d.name)
	if state.Open && now.Before(state.NextProbe) {
		return wait(webhook.WaitOpen, g.untilProbe(state, now))
	}
	release, ok := g.enter(ctx, l, d.name, d.limits, state)
	if !ok {
		return wait(webhook.WaitTooMany, spread(g.Random, doubled(roomFirst, roomLongest, delivery.Waits)))
	}
	defer release()
	// Only who has room takes the probe: nobody else may try while it is held.
	probe := state.Open && g.takeProbe(ctx, d.name, now)
	if state.Open && !probe {
		return wait(webhook.WaitOpen, g.untilProbe(state, now))
	}
	if !probe && !delivery.Turn && d.limits.PerSecond > 0 {
		if cause, when := g.turn(ctx, l, d.name, d.limits.PerSecond); cause != "" {
			return wait(cause, when)
		}
	}
	out := d.next.Deliver(ctx, delivery)
	if !d.limits.NoBreaker {
		g.note(ctx, l, d.name, state, probe, out)
	}
	return out
}

func wait(cause string, d time.Duration) webhook.Outcome {
	return webhook.Outcome{Result: webhook.ResultWaiting, ErrorClass: cause, RetryAfter: d}
}

// Waits of an event before a gate.
const (
	roomFirst    = 2 * time.Second  // while as many are being sent as may be at once: doubling
	roomLongest  = 40 * time.Second // so that the message waits it out in its queue
	pauseFirst   = 30 * time.Second // while it is paused: doubling
	pauseLongest = 5 * time.Minute
)

// doubled is the wait after n waits: each look costs writes.
func doubled(first, longest time.Duration, n int) time.Duration {
	if n > 8 {
		return longest
	}
	return min(first<<n, longest)
}

// spread adds up to half, so that those who wait together do not come together.
func spread(random func() float64, d time.Duration) time.Duration {
	return d + time.Duration(random()*float64(d)/2)
}

// localOf is what this instance alone knows of a destination.
func (g *Gate) localOf(name string) *local {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.local[name]
	if l == nil {
		l = &local{}
		g.local[name] = l
	}
	return l
}

// local is what an instance alone knows of a destination: its own outcomes, the places
// in the line that it holds, and what it is sending.
type local struct {
	mu       sync.Mutex
	outcomes []outcome   // of the latest window
	places   []time.Time // in the line, the next one first
	far      []time.Time // when those may come back for whom the line is too long
	share    bucket      // of the half of the rate that is split
	running  int
	slots    int       // that this instance may use at once, of a limited destination
	slotsTo  time.Time // until then
	slotsAt  time.Time // when the table was asked for more, the last time
	ramp     int       // how many at once, behind a breaker that has closed; 0: any number
	rampOf   int       // the epoch that the ramp belongs to
}
