package console

import (
	"context"
	"sync"
	"time"
)

// background does what no page waits for. It is safe for concurrent use.
type background struct {
	mu    sync.Mutex
	ended bool
	stops map[*context.CancelFunc]struct{}
	all   sync.WaitGroup
}

// longest bounds what is done in the background.
const longest = 3 * time.Minute

// start does something that outlasts the request that asked for it, and ends with the
// console.
func (b *background) start(ctx context.Context, do func(context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), longest)
	if b.stops == nil {
		b.stops = map[*context.CancelFunc]struct{}{}
	}
	b.stops[&stop] = struct{}{}
	b.all.Go(func() {
		defer func() {
			stop()
			b.mu.Lock()
			delete(b.stops, &stop)
			b.mu.Unlock()
		}()
		do(ctx)
	})
}

// end stops everything, and waits for its end.
func (b *background) end() {
	b.mu.Lock()
	b.ended = true
	for stop := range b.stops {
		(*stop)()
	}
	b.mu.Unlock()
	b.all.Wait()
}

// keptValue is what was found out in the background, for every tab. It is found out anew
// where somebody asks and it is older than lasts. It is safe for concurrent use.
type keptValue[T any] struct {
	lasts time.Duration

	mu      sync.Mutex
	value   T
	err     error
	of      any       // what it was found out of: a stack that was started anew is another one
	at      time.Time // zero: never
	aged    bool      // something has changed since
	looking chan struct{}
}

// now returns what is known, and begins to look where that is too old, or anew is asked
// for. Looking is closed when the look under way ends; nil: there is none.
func (k *keptValue[T]) now(q *request, anew bool, look func(context.Context, *request) (T, error)) (value T, at time.Time, looking <-chan struct{}, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.of != any(q.st) {
		var none T
		k.value, k.err, k.at = none, nil, time.Time{}
	}
	old := k.at.IsZero() || k.aged || q.clock.Now().Sub(k.at) >= k.lasts
	if (old || anew) && k.looking == nil {
		k.aged = false
		done := make(chan struct{})
		k.looking = done
		own := q.unattended()
		q.background.start(q.ctx(), func(ctx context.Context) {
			found, err := look(ctx, own.now(ctx))
			k.mu.Lock()
			defer k.mu.Unlock()
			k.value, k.err, k.of, k.at, k.looking = found, err, own.st, own.Now(), nil
			close(done)
		})
	}
	return k.value, k.at, k.looking, k.err
}

// old has the next who asks look again.
func (k *keptValue[T]) old() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.aged = true
}

// tell takes what a page has found out by itself.
func (k *keptValue[T]) tell(q *request, value T) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.value, k.err, k.of, k.at, k.aged = value, nil, q.st, q.clock.Now(), false
}
