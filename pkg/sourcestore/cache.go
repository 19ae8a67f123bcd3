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

// cache keeps one loaded value. Lambda freezes the process between requests, so
// nothing refreshes in the background: the first request after the TTL loads
// for all, the others go on with the copy.
type cache[T any] struct {
	load     func(context.Context) (T, error)
	settings Settings

	mu       sync.Mutex
	value    T
	loaded   bool
	at       time.Time // of the latest successful load
	failed   time.Time // of the latest failure since then
	inFlight chan struct{}
	lastErr  error
}

// get returns the value: fresh, or the last good one when the store fails. It
// returns webhook.ErrUnavailable, wrapped, when nothing was ever loaded, and
// the context's error when that ends first with nothing to serve.
func (c *cache[T]) get(ctx context.Context) (T, error) {
	c.mu.Lock()
	now := c.now()
	if c.loaded && !c.due(now) {
		defer c.mu.Unlock()
		return c.value, nil
	}
	follower := c.inFlight != nil
	if !follower {
		c.inFlight = make(chan struct{})
		go c.refresh(context.WithoutCancel(ctx), c.inFlight)
	}
	if c.loaded && follower && within(now, c.at, maxStale) {
		defer c.mu.Unlock()
		return c.value, nil
	}
	inFlight := c.inFlight
	c.mu.Unlock()

	select {
	case <-inFlight:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded {
		return c.value, nil
	}
	cause := c.lastErr
	if cause == nil {
		cause = context.Cause(ctx)
	}
	var none T
	return none, fmt.Errorf("%w: %w", webhook.ErrUnavailable, cause)
}

// due tells whether the copy is to be renewed now. The caller holds mu.
func (c *cache[T]) due(now time.Time) bool {
	if within(now, c.at, c.settings.TTL) {
		return false
	}
	return c.failed.IsZero() || !within(now, c.failed, retryAfterFailure)
}

// refresh loads once, on its own deadline: the request that started it may end
// while others wait.
func (c *cache[T]) refresh(ctx context.Context, inFlight chan struct{}) {
	c.mu.Lock()
	timeout := loadTimeout
	if c.loaded {
		timeout = refreshTimeout
	}
	c.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	value, err := c.load(ctx)
	if err != nil {
		c.settings.OnError(err)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed, c.lastErr = c.now(), err
	} else {
		c.value, c.loaded, c.at = value, true, c.now()
		c.failed, c.lastErr = time.Time{}, nil
	}
	c.inFlight = nil
	close(inFlight)
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
