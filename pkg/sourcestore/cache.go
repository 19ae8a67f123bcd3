package sourcestore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// retryAfterFailure is how long a failed refresh is not repeated while an older
// copy is served, so that an outage of the store does not slow down every
// request.
const retryAfterFailure = 5 * time.Second

// maxStale is the age up to which a request is served the copy while another one
// renews it. Beyond, it waits for the outcome.
const maxStale = 10 * time.Minute

// A load has loadTimeout while there is no copy to fall back on, else
// refreshTimeout.
const (
	loadTimeout    = 5 * time.Second
	refreshTimeout = time.Second
)

// cache keeps one loaded value. Nothing runs beyond the request that caused it:
// Lambda freezes the process between requests, and a load that went on would
// wait, when the process is woken, for an answer over a connection that is gone.
// So the first request after the TTL loads for all, within its own time; the
// others go on with the copy, or wait where there is none.
type cache[T any] struct {
	load     func(context.Context) (T, error)
	settings Settings

	mu     sync.Mutex
	value  T
	loaded bool
	at     time.Time // of the latest successful load
	failed time.Time // of the latest failure since then
	flight *flight
}

// flight is a load under way.
type flight struct {
	done chan struct{}
	// err is why the store failed, once done is closed: nil also where the
	// request that loaded had no time left, so that the next one loads.
	err error
}

// get returns the value: fresh, or the last good one when the store fails. It
// returns webhook.ErrUnavailable, wrapped, when nothing was ever loaded, also
// when the context ends first.
func (c *cache[T]) get(ctx context.Context) (T, error) {
	for {
		c.mu.Lock()
		now := c.now()
		if c.loaded && (!c.due(now) || c.flight != nil && within(now, c.at, maxStale)) {
			defer c.mu.Unlock()
			return c.value, nil
		}
		f := c.flight
		if f == nil {
			f = &flight{done: make(chan struct{})}
			c.flight = f
			c.mu.Unlock()
			return c.outcome(c.refresh(ctx, f))
		}
		c.mu.Unlock()

		select {
		case <-f.done:
			if f.err != nil {
				return c.outcome(f.err)
			}
		case <-ctx.Done():
			return c.outcome(context.Cause(ctx))
		}
	}
}

// outcome is the copy, or the cause that there is none.
func (c *cache[T]) outcome(cause error) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded {
		return c.value, nil
	}
	return c.value, fmt.Errorf("%w: %w", webhook.ErrUnavailable, cause)
}

// due tells whether the copy is to be renewed now. The caller holds mu.
func (c *cache[T]) due(now time.Time) bool {
	if within(now, c.at, c.settings.TTL) {
		return false
	}
	return c.failed.IsZero() || !within(now, c.failed, retryAfterFailure)
}

// refresh loads once, within the time of the request that asked.
func (c *cache[T]) refresh(ctx context.Context, f *flight) error {
	c.mu.Lock()
	timeout := loadTimeout
	if c.loaded {
		timeout = refreshTimeout
	}
	c.mu.Unlock()
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	value, err := c.load(bounded)
	if err != nil {
		c.settings.OnError(err)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.value, c.loaded, c.at, c.failed = value, true, c.now(), time.Time{}
	case ctx.Err() == nil:
		c.failed, f.err = c.now(), err
	}
	c.flight = nil
	close(f.done)
	return err
}

// now is wall-clock time: the monotonic clock may stand still while the process
// is frozen, and a copy would then seem young after an hour.
func (c *cache[T]) now() time.Time { return c.settings.Now().Round(0) }

// within tells whether at is less than d ago. A time in the future is not: the
// clock was set back, and the age is unknown.
func within(now, at time.Time, d time.Duration) bool {
	age := now.Sub(at)
	return age >= 0 && age < d
}
