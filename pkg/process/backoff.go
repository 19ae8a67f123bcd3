package process

import "time"

// backoff returns how long to wait after the n-th failed attempt (from 1):
// full jitter between nothing and base doubled n-1 times, at most longest. What
// the destination asked for is the least, also beyond longest: it knows when it
// is back, and whoever built the outcome has bounded it. Events that were refused
// together are spread over one base behind it. (AWS Architecture Blog,
// "Exponential Backoff And Jitter".)
func backoff(n int, base, longest, asked time.Duration, random func() float64) time.Duration {
	ceiling := longest
	if shift := n - 1; shift < 32 && base<<shift > 0 && base<<shift < longest {
		ceiling = base << shift
	}
	wait := time.Duration(random() * float64(ceiling))
	if asked > 0 {
		wait = max(wait, asked+time.Duration(random()*float64(min(base, longest))))
	}
	return wait
}
