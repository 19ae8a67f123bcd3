package ledgertest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"smartlead-receiver/pkg/webhook"
)

const racers = 64

var raceRules = []rule{
	{"of many claims of one event exactly one is accepted", raceClaims},
	{"of many claims of one timeless event exactly one is accepted", raceTimeless},
	{"racing timeless claims that are far apart are each their own occurrence", raceOccurrences},
	{"of many claims with two bodies one is accepted and the other body is kept", raceVariants},
	{"of many leases of a pending event exactly one is granted", racePendingLeases},
	{"of many leases of an expired one exactly one is granted", raceExpiredLeases},
	{"of many leases of a spent event exactly one marks it dead", raceDeathsByAbandonment},
	{"of many copies of a dead letter exactly one revives", raceDeadLetters},
	{"of many settlements only the holder's counts", raceSettlements},
	{"of many revivals exactly one succeeds", raceRevivals},
	{"of many writers of a document exactly one saves", raceDocuments},
}

// race runs the call many times at once and returns how often it won.
func (e *env) race(call func(i int) (won bool, err error)) int {
	e.Helper()
	var wins atomic.Int64
	var start, done sync.WaitGroup
	start.Add(1)
	errs := make(chan error, racers)
	for i := range racers {
		done.Go(func() {
			start.Wait()
			won, err := call(i)
			if won {
				wins.Add(1)
			}
			errs <- err
		})
	}
	start.Done()
	done.Wait()
	for range racers {
		e.must(<-errs)
	}
	return int(wins.Load())
}

func (e *env) raceClaim(make func(i int) webhook.Receipt) int {
	e.Helper()
	return e.race(func(i int) (bool, error) {
		r := make(i)
		c, err := e.l.Claim(e.ctx, r, fmt.Sprint("racer-", i), r.ReceivedAt.Add(grace))
		return c.Status == webhook.ClaimAccepted, errors.Join(err, c.Uncounted)
	})
}

func raceClaims(e *env) {
	equal(e, "accepted", e.raceClaim(func(int) webhook.Receipt { return receipt("A", sec(0)) }), 1)
	equal(e, "duplicates", e.get("v1:EMAIL_REPLY:A").Duplicates, racers-1)
}

func raceTimeless(e *env) {
	e.occurs(minute(-100), 1, webhook.ClaimAccepted)
	equal(e, "accepted", e.raceClaim(func(i int) webhook.Receipt { return timeless(sec(i)) }), 1)
	equal(e, "duplicates", e.get("v1:EMAIL_REPLY:A~2").Duplicates, racers-1)
	_, err := e.l.Get(e.ctx, "v1:EMAIL_REPLY:A~3")
	e.want(err, webhook.ErrNotFound)
}

func raceOccurrences(e *env) {
	// A receipt out of the unclaimed lane meets one of today.
	equal(e, "accepted", e.raceClaim(func(i int) webhook.Receipt { return timeless(minute(i % 2 * 1000)) }), 2)
	a, b := e.get("v1:EMAIL_REPLY:A"), e.get("v1:EMAIL_REPLY:A~2")
	equal(e, "duplicates of the first", a.Duplicates, racers/2-1)
	equal(e, "duplicates of the second", b.Duplicates, racers/2-1)
	equal(e, "distance", a.ReceivedAt.Sub(b.ReceivedAt).Abs(), 1000*time.Minute)
}

func raceVariants(e *env) {
	equal(e, "accepted", e.raceClaim(func(i int) webhook.Receipt { return other([]string{"B", "C"}[i%2], 0) }), 1)
	rec := e.get("v1:EMAIL_REPLY:A")
	equal(e, "variants", rec.Variants, 1)
	equal(e, "duplicates", rec.Duplicates, racers-2)
	vs := e.variants(rec.ID)
	equal(e, "stored variants", len(vs), 1)
	equal(e, "bodies kept", rec.Fingerprint != vs[0].Fingerprint, true)
}

func (e *env) raceLease(id webhook.EventID, death int, now time.Time) int {
	e.Helper()
	return e.race(func(i int) (bool, error) {
		_, err := e.l.Lease(e.ctx, webhook.LeaseRequest{
			ID: id, Death: death, Nonce: fmt.Sprint("racer-", i), Now: now, Until: now.Add(leaseTime),
			DueAt: now.Add(leaseTime + grace), Destinations: []string{"crm"}, MaxAbandoned: 3,
		})
		var not *webhook.NotLeasable
		if errors.As(err, &not) && not.Reason == webhook.LeaseRefusedBusy {
			return false, nil
		}
		return err == nil, err
	})
}

func racePendingLeases(e *env) {
	id := e.in(webhook.Pending, "A").ID
	equal(e, "leases granted", e.raceLease(id, 0, sec(10)), 1)
	equal(e, "lease number", e.get(id).LeaseNumber, 1)
}

func raceExpiredLeases(e *env) {
	id := e.in(webhook.Processing, "A").ID
	equal(e, "leases granted", e.raceLease(id, 0, sec(1000)), 1)
	rec := e.get(id)
	equal(e, "lease number", rec.LeaseNumber, 2)
	equal(e, "abandoned", rec.Abandoned, 1)
}

func raceDeathsByAbandonment(e *env) {
	id := e.in(webhook.Processing, "A").ID
	died := e.race(func(i int) (bool, error) {
		_, err := e.l.Lease(e.ctx, webhook.LeaseRequest{
			ID: id, Nonce: fmt.Sprint("racer-", i), Now: sec(1000), Until: sec(1030), DueAt: sec(1090), Destinations: []string{"crm"},
		})
		var not *webhook.NotLeasable
		if !errors.As(err, &not) {
			return false, fmt.Errorf("the lease returned %w", err)
		}
		return not.Reason == webhook.LeaseRefusedSpent, nil
	})
	equal(e, "deaths", died, 1)
	rec := e.get(id)
	equal(e, "death", rec.Death, 1)
	equal(e, "attempts remembered", len(rec.History), 1)
}

func raceDeadLetters(e *env) {
	dead := e.in(webhook.Dead, "A")
	equal(e, "leases granted", e.raceLease(dead.ID, dead.Death, sec(1000)), 1)
	equal(e, "redrives", e.get(dead.ID).Redrives, 1)
}

func raceSettlements(e *env) {
	id := e.in(webhook.Pending, "A").ID
	lease := e.leased(id, sec(10))
	won := e.race(func(i int) (bool, error) {
		mine := lease
		if i != 7 {
			mine.Nonce = fmt.Sprint("racer-", i)
		}
		err := e.l.Settle(e.ctx, mine, settlement(mine, webhook.Delivered, sec(20)))
		if errors.Is(err, webhook.ErrLeaseLost) {
			return false, nil
		}
		return err == nil, err
	})
	equal(e, "settlements", won, 1)
	equal(e, "attempts remembered", len(e.get(id).History), 1)
}

func raceRevivals(e *env) {
	dead := e.in(webhook.Dead, "A")
	won := e.race(func(i int) (bool, error) {
		_, err := e.l.Revive(e.ctx, webhook.Revival{
			ID: dead.ID, Lane: webhook.Replay, At: sec(100), DueAt: sec(160), Death: dead.Death, Redrive: true, Nonce: fmt.Sprint("racer-", i),
		})
		if errors.Is(err, webhook.ErrChanged) {
			return false, nil
		}
		return err == nil, err
	})
	equal(e, "revivals", won, 1)
	equal(e, "redrives", e.get(dead.ID).Redrives, 1)
}

func raceDocuments(e *env) {
	for seen := range 2 {
		won := e.race(func(i int) (bool, error) {
			err := e.l.SaveDocument(e.ctx, "job", "1", fmt.Append(nil, i), seen, sec(0), time.Time{})
			if errors.Is(err, webhook.ErrChanged) {
				return false, nil
			}
			return err == nil, err
		})
		equal(e, fmt.Sprintf("writers of version %d", seen+1), won, 1)
	}
}
