package redrive

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// watch learns from the ledger what became of the released events.
func (s *Service) watch(ctx context.Context, j *Job) (Observation, error) {
	o := Observation{At: s.Now().UTC()}
	var latencies []time.Duration
	var still []inFlight
	var order order
	for chunk := range slices.Chunk(j.Watched, 100) {
		ids := make([]webhook.EventID, 0, len(chunk))
		for _, f := range chunk {
			ids = append(ids, f.ID)
		}
		records, err := s.Ledger.GetMany(ctx, ids)
		if err != nil && !errors.As(err, new(*webhook.UnreadableError)) {
			return Observation{}, err
		}
		for _, f := range chunk {
			rec, exists := records[f.ID]
			if !exists {
				continue // expired, so it was settled long ago; or this version cannot read it, and nobody waits for that
			}
			latencies = append(latencies, latenciesOf(rec, f.Seen)...)
			if next, flying := observe(j, &o, &order, rec, f); flying {
				still = append(still, next)
				if !next.Tried {
					o.Untried++
				}
			}
		}
	}
	j.Watched = still
	o.Refusing = o.Postponed > 0 && !order.delivered.After(order.postponed)
	slices.Sort(latencies)
	if n := len(latencies); n > 0 {
		o.P90 = latencies[n*9/10]
	}
	err := s.watchLive(ctx, &o, j.StartedAt)
	return o, err
}

// A replay must not hurt live traffic: samples of what was received lately say
// how it fares. The latest may not have been answered yet, so that one is taken
// of those that a destination's timeout lies behind, too.
const (
	liveReceived = 2 * time.Minute
	liveAnswered = 15 * time.Second
	liveWindow   = 30 * time.Second // of their attempts
	liveSample   = 50
)

func (s *Service) watchLive(ctx context.Context, o *Observation, started time.Time) error {
	now := o.At
	since := now.Add(-liveWindow)
	if since.Before(started) {
		since = started // what the outage did is no fault of this job
	}
	for _, until := range [...]time.Time{now, now.Add(-liveAnswered)} {
		live, err := s.DeadEvents.Recent(ctx, now.Add(-liveReceived), until, liveSample)
		if err != nil {
			return err
		}
		if o.LiveAttempts, o.LiveFailed = liveAttempts(live, since); s.policy.tooMany(o.LiveAttempts, o.LiveFailed) {
			o.LiveBad = true
			return nil
		}
	}
	return nil
}

// liveAttempts counts the attempts of live events since then, and those that failed.
func liveAttempts(records []webhook.Record, since time.Time) (attempts, failed int) {
	for _, r := range records {
		if r.Lane != webhook.Live {
			continue
		}
		for _, a := range r.History {
			if a.StartedAt.Before(since) {
				continue
			}
			attempts++
			if !a.Result.Settled() {
				failed++
			}
		}
	}
	return attempts, failed
}

// tooMany: more failed than the share that is trouble, and than chance adds to it
// (two standard deviations).
func (s Settings) tooMany(attempts, failed int) bool {
	bearable := s.CutShare * float64(attempts)
	return attempts >= s.MinAttempts && float64(failed) > bearable+2*math.Sqrt(bearable)
}

// order is when the latest attempts of their kind began.
type order struct{ delivered, postponed time.Time }

// observe counts the attempts of one released event that have ended since the
// last look, and tells whether it is still under way. The pace learns from the
// first one alone.
func observe(j *Job, o *Observation, latest *order, rec webhook.Record, f inFlight) (inFlight, bool) {
	ended := rec.LeaseNumber - f.Seen
	if rec.State == webhook.Processing {
		ended--
	}
	failed := ended
	flying := false
	switch rec.State {
	case webhook.Delivered:
		failed = max(0, ended-1)
		j.Counts.Delivered++
		o.Delivered++
		latest.delivered = later(latest.delivered, lastBegun(rec))
	case webhook.Unrouted:
		failed = max(0, ended-1)
		j.Counts.Unrouted++
	case webhook.Dead:
		j.Counts.DiedAgain++
	case webhook.Pending, webhook.Processing:
		flying = true
	case webhook.Held, webhook.Parked, webhook.Discarded: // an operator took it out of the job's hands
	}
	postponed := min(failed, postponedSince(rec, f))
	failed -= postponed
	if ended > 0 && !f.Tried {
		f.Tried = true
		o.Attempts++
		if postponed > 0 {
			o.Postponed++
			o.AskedUntil = later(o.AskedUntil, rec.NotBefore)
			latest.postponed = later(latest.postponed, lastBegun(rec))
		} else {
			o.Failed += min(1, failed)
		}
	}
	f.Seen, f.Postponed = f.Seen+ended, postponedOf(rec)
	j.Counts.Failed += failed
	j.Counts.Postponed += postponed
	return f, flying
}

// postponedSince is how many attempts since the last look the destination asked to
// make later, or were not made because it may not be sent anything now, and nothing
// else went wrong in them.
func postponedSince(rec webhook.Record, f inFlight) int {
	asked := map[string]bool{}
	for _, p := range rec.Destinations {
		asked[p.Name] = p.Postponed+p.Waits > 0
	}
	for _, a := range rec.History {
		if a.Number > f.Seen && !a.Result.Settled() && !asked[a.Destination] {
			return 0
		}
	}
	return max(0, postponedOf(rec)-f.Postponed)
}

func postponedOf(rec webhook.Record) int {
	n := 0
	for _, p := range rec.Destinations {
		n += p.Postponed + p.Waits
	}
	return n
}

// lastBegun is when the latest attempt began that the event remembers.
func lastBegun(rec webhook.Record) time.Time {
	var at time.Time
	for _, a := range rec.History {
		at = later(at, a.StartedAt)
	}
	return at
}

func latenciesOf(rec webhook.Record, seen int) []time.Duration {
	var out []time.Duration
	for _, a := range rec.History {
		if a.Number > seen && a.Result != webhook.ResultAbandoned && a.Duration > 0 {
			out = append(out, a.Duration)
		}
	}
	return out
}
