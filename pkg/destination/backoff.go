package destination

import "time"

// Backoff returns how long to wait before the next attempt, after attempt many
// (from 1). The wait is drawn from zero to base doubled with each attempt, at
// most limit: full jitter, so that events which failed together do not come
// back together. A destination's Retry-After is the floor, above limit too, and
// the drawn wait is added to it for the same reason. rnd returns a number in
// [0, 1).
func Backoff(attempt int, base, limit, retryAfter time.Duration, rnd func() float64) time.Duration {
	ceiling := min(max(base, 0), max(limit, 0))
	for i := 1; i < attempt && ceiling < limit; i++ {
		if ceiling > limit/2 || ceiling == 0 {
			ceiling = limit
			break
		}
		ceiling *= 2
	}
	return max(retryAfter, 0) + time.Duration(rnd()*float64(ceiling))
}
