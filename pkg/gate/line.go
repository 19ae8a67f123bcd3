package gate

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// A rate is kept by a line with a place every 1/rate seconds (GCRA). Reserving a place
// costs a write, so that a worker takes up to placesAtOnce where the line is long. Half
// of a rate above one a second is split among the workers and costs nothing; of a slower
// one nothing is split, since a split one comes in bursts.
const (
	placesAtOnce = 14
	slowAtOnce   = 10 // of a line with a place a second or fewer, where one that is not used is missed
	// Of moments to come back, which promise nothing, it takes more.
	farAtOnce = 50
	// longestLine is how far ahead a place may be: as long as a message can wait in its
	// queue for exactly that moment.
	longestLine = 55 * time.Second
	// farLongest bounds for how long those are sent away for whom the line is too long.
	farLongest = 6 * time.Hour
	// A place that is so near is waited for here, since a wait of the event costs writes.
	waitHere = 300 * time.Millisecond
	// A place that was not used in time is lost.
	placeLate = time.Second
	// What comes by the sweeper comes so much later than it was asked to.
	sweeperLate = 2 * time.Minute
)

// line is the document.
type line struct {
	Next time.Time `json:"next"`         // the first place that is free
	Far  time.Time `json:"far,omitzero"` // when those who were sent away may come back
}

// bucket is a token bucket of one instance.
type bucket struct {
	tokens float64
	at     time.Time
}

// take takes a token of a bucket that holds one second's at most, and one at least.
func (b *bucket) take(now time.Time, perSecond float64) bool {
	full := max(1, perSecond)
	if passed := now.Sub(b.at); b.at.IsZero() {
		b.tokens = 0 // an instance begins empty: there may be many that begin
	} else if passed > 0 {
		b.tokens = min(full, b.tokens+passed.Seconds()*perSecond)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// turn lets an event pass, or says for what it waits and how long. Where the table does
// not answer it passes.
func (g *Gate) turn(ctx context.Context, l *local, name string, perSecond float64) (cause string, d time.Duration) {
	now := g.Now()
	shared := perSecond
	l.mu.Lock()
	if perSecond > 1 {
		shared = perSecond / 2
		if l.share.take(now, (perSecond-shared)/float64(g.Workers)) {
			l.mu.Unlock()
			return "", 0
		}
	}
	place, held := pop(&l.places, now.Add(-placeLate))
	back, away := time.Time{}, false
	if !held {
		back, away = pop(&l.far, now.Add(longestLine))
	}
	l.mu.Unlock()
	if !held && !away {
		r, err := g.reserve(ctx, name, shared, now)
		if err != nil {
			return "", 0
		}
		l.mu.Lock()
		l.places, l.far = append(l.places, r.places...), append(l.far, r.far...)
		place, held = pop(&l.places, now.Add(-placeLate))
		if !held {
			back, away = pop(&l.far, now.Add(longestLine))
		}
		l.mu.Unlock()
	}
	if !held {
		if !away { // others took what was reserved, or many reserve at once
			back = now.Add(sweeperLate)
		}
		return webhook.WaitLine, max(back.Sub(now)-sweeperLate, longestLine+5*time.Second)
	}
	ahead := place.Sub(now)
	if ahead <= 0 {
		return "", 0
	}
	if ahead <= waitHere {
		g.Sleep(ctx, ahead)
		return "", 0
	}
	return webhook.WaitTurn, ahead
}

// pop takes the first moment of a list, but none before the earliest.
func pop(list *[]time.Time, earliest time.Time) (time.Time, bool) {
	for len(*list) > 0 {
		first := (*list)[0]
		*list = (*list)[1:]
		if !first.Before(earliest) {
			return first, true
		}
	}
	return time.Time{}, false
}

// reservation is what one write brings: places in the line, or, where it is too long,
// moments to come back.
type reservation struct{ places, far []time.Time }

// reserve takes places at the end of the line. Where too many do so at once it takes
// none.
func (g *Gate) reserve(ctx context.Context, name string, perSecond float64, now time.Time) (reservation, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*stateTimeout)
	defer cancel()
	step := time.Duration(float64(time.Second) / perSecond)
	for range 6 {
		body, version, err := g.Documents.LoadDocument(ctx, KindLine, name)
		if err != nil && !errors.Is(err, webhook.ErrNotFound) {
			return reservation{}, err
		}
		var doc line
		_ = json.Unmarshal(body, &doc) // one that cannot be read is a line with nobody in it
		r := doc.reserve(now, step)
		if body, err = json.Marshal(doc); err != nil {
			return reservation{}, err
		}
		err = g.Documents.SaveDocument(ctx, KindLine, name, body, version, now, now.Add(24*time.Hour))
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, webhook.ErrChanged) {
			return reservation{}, err
		}
	}
	return reservation{}, nil
}

// reserve is what one reservation does to the line: one place where it is short, more
// where it is long.
func (doc *line) reserve(now time.Time, step time.Duration) (r reservation) {
	short := !doc.Next.After(now)
	if short || doc.Next.Sub(now) > farLongest { // of a clock that is wrong
		doc.Next = now
	}
	n := placesAtOnce
	if step >= time.Second {
		n = slowAtOnce
	}
	if short {
		n = 1
	}
	for len(r.places) < n && doc.Next.Sub(now) <= longestLine {
		r.places = append(r.places, doc.Next)
		doc.Next = doc.Next.Add(step)
	}
	if len(r.places) > 0 {
		return r
	}
	if floor := now.Add(longestLine); doc.Far.Before(floor) || doc.Far.Sub(now) > farLongest {
		doc.Far = floor
	}
	for range farAtOnce {
		doc.Far = doc.Far.Add(step)
		r.far = append(r.far, doc.Far)
	}
	return r
}
