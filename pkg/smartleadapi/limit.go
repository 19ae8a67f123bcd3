package smartleadapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Plan is what a key of Smartlead may call
// (api.smartlead.ai/guides/rate-limits, which other pages contradict).
type Plan struct{ PerSecond, PerMinute, PerHour int }

// The plans that the guide names. An older page allows ten calls in two seconds, which
// four fifths of Standard keep within.
var (
	Standard = Plan{PerSecond: 10, PerMinute: 60, PerHour: 1000}
	Pro      = Plan{PerSecond: 20, PerMinute: 120, PerHour: 3000}
)

// share of a plan is used, as the guide advises: other programs have the same key.
const share = 0.8

// Half is the part of that share which the schedule takes, and which people's commands
// take: neither has to wait for the other, or to know of it.
const Half = 0.5

// HourlyHalf is how many calls an hour half of the share is.
func (p Plan) HourlyHalf() int { return max(1, int(Half*share*float64(p.PerHour))) }

// longestPause bounds how long an answer can make the client wait before its next call.
const longestPause = 15 * time.Minute

// limiter keeps calls within a share of a plan: in no second, minute and hour more than
// that, because a bucket's size and what flows into it in the time are the share
// together. It is safe for concurrent use.
type limiter struct {
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration)

	maxWait time.Duration // longest wait before a call; 0: as long as it takes
	buckets []*rate.Limiter
	mu      sync.Mutex
	until   time.Time // no call before that: an answer said so
}

func newLimiter(o Options) *limiter {
	of := share
	if o.Share > 0 {
		of *= o.Share
	}
	p := o.Plan
	second, minute, hour := max(1, int(of*float64(p.PerSecond)/2)), of*float64(p.PerMinute), of*float64(p.PerHour)
	return &limiter{now: o.Now, sleep: o.Sleep, maxWait: o.MaxWait, buckets: []*rate.Limiter{
		rate.NewLimiter(rate.Limit(max(of*float64(p.PerSecond)-float64(second), 0.1)), second),
		bucket(minute, time.Minute),
		bucket(hour, time.Hour),
	}}
}

// bucket holds half of n, and the other half flows in over the time.
func bucket(n float64, per time.Duration) *rate.Limiter {
	size := max(1, int(n/2))
	return rate.NewLimiter(rate.Limit(max(n-float64(size), 1)/per.Seconds()), size)
}

// wait returns once the next call may be made, or with the end of the context. Where that
// is later than the client waits, it returns how long it would be.
func (l *limiter) wait(ctx context.Context) (tooLong time.Duration, err error) {
	now := l.now()
	l.mu.Lock()
	delay := max(0, l.until.Sub(now))
	l.mu.Unlock()
	reserved := make([]*rate.Reservation, 0, len(l.buckets))
	for _, b := range l.buckets {
		r := b.ReserveN(now, 1)
		delay = max(delay, r.DelayFrom(now))
		reserved = append(reserved, r)
	}
	if l.maxWait > 0 && delay > l.maxWait {
		for _, r := range reserved {
			r.CancelAt(now)
		}
		return delay, nil
	}
	if delay > 0 {
		l.sleep(ctx, delay)
	}
	return 0, ctx.Err()
}

// learn takes from an answer that nothing is left, and until when: X-RateLimit-Remaining
// and -Reset, which may be missing.
func (l *limiter) learn(h http.Header) {
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err != nil || left > 0 {
		return
	}
	l.pause(resetIn(h.Get("X-RateLimit-Reset"), l.now()))
}

// pause lets no call begin for a while.
func (l *limiter) pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := l.now().Add(min(d, longestPause)); until.After(l.until) {
		l.until = until
	}
}

// resetIn reads X-RateLimit-Reset, whose unit no page says: a time since 1970, in
// seconds or milliseconds, or the seconds to wait.
func resetIn(text string, now time.Time) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	switch {
	case err != nil || n < 0:
		return 0
	case n > 1e12:
		return max(0, time.UnixMilli(n).Sub(now))
	case n > 1e9:
		return max(0, time.Unix(n, 0).Sub(now))
	}
	return time.Duration(min(n, 24*3600)) * time.Second
}

// retryAfter reads the header of that name: seconds, or a time (RFC 9110, section 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 32); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
