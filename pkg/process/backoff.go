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

// comeBack bounds the wait of a message that came for the n-th time while the
// destinations could not be read, or the ledger not be asked: short at first, because
// many new workers at once are refused by a store that grants few calls a second; long
// later, because the queue gives a message up that came too often (maxReceiveCount in
// template.yaml): 150 receipts are some ten hours.
const (
	comeBackFirst   = 4 * time.Second
	comeBackLongest = 5 * time.Minute
)

// comeBack returns that wait: half of it fixed, so that a store that is down is left
// alone, and half of it by chance, so that those who were refused together do not
// come together.
func comeBack(n int, random func() float64) time.Duration {
	ceiling := comeBackLongest
	if shift := max(n-1, 0); shift < 32 && comeBackFirst<<shift < comeBackLongest {
		ceiling = comeBackFirst << shift
	}
	return ceiling/2 + time.Duration(random()*float64(ceiling/2))
}
