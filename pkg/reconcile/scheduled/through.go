package scheduled

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartleadapi"
)

const (
	// batchCampaigns bounds what is compared in one go: their events are read in one pass
	// over the ledger, and a crash repeats them.
	batchCampaigns = 25
	// leastSpan is the shortest window of one comparison.
	leastSpan = 15 * time.Minute
	// patience is how many slices in succession may come no further before the campaign
	// on which they end is passed over, with its cause.
	patience = 3
	// maxEvents bounds the entries of the ledger's index that one comparison looks at.
	maxEvents = 5_000_000
)

// through goes through the campaigns behind the cursor. It tells whether the run is at its
// end; an error is of our own side.
func (w *slice) through(ctx context.Context) (ended bool, err error) {
	all, err := w.api.Campaigns(ctx)
	if err != nil {
		w.endEarly(ctx, err)
		return false, nil
	}
	rest := w.rest(all)
	for len(rest) > 0 {
		if !w.timeFor(ctx) {
			return false, nil
		}
		done, goOn, err := w.batch(ctx, rest)
		if err != nil || !goOn {
			return false, err
		}
		rest = rest[done:]
	}
	return true, nil
}

// rest returns the campaigns behind the cursor that have sent, by id.
func (w *slice) rest(all []smartleadapi.Campaign) []smartleadapi.Campaign {
	all = slices.DeleteFunc(slices.Clone(all), func(c smartleadapi.Campaign) bool {
		return c.Status == "DRAFTED" || c.Status == "ARCHIVED" || c.ID <= w.h.Run.Cursor || !validID(c.ID)
	})
	slices.SortFunc(all, func(a, b smartleadapi.Campaign) int { return strings.Compare(a.ID, b.ID) })
	all = slices.CompactFunc(all, func(a, b smartleadapi.Campaign) bool { return a.ID == b.ID })
	return all[:min(len(all), maxCampaigns)]
}

// timeFor tells whether there is time for another batch.
func (w *slice) timeFor(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > 2*w.policy.Margin)
}

// began is since when something could arrive.
func (w *slice) began() time.Time {
	switch {
	case w.policy.Past:
		return time.Time{}
	case !w.h.Began.IsZero():
		return w.h.Began
	}
	return w.h.OnSince
}

// endEarly notes why Smartlead could not be asked, and until when it is not.
func (w *slice) endEarly(ctx context.Context, err error) {
	if ctx.Err() != nil { // the time of the slice is over: the next goes on
		return
	}
	now := w.Now().UTC()
	cause := clip(err.Error(), maxCause)
	w.h.Run.Cause, w.h.Cause = cause, cause
	failed, _ := errors.AsType[*smartleadapi.Error](err)
	switch {
	case errors.Is(err, smartleadapi.ErrSpent):
	case errors.Is(err, smartleadapi.ErrKey):
		w.h.PausedUntil = now.Add(pauseKey)
	case errors.Is(err, smartleadapi.ErrRateLimited):
		wait := pauseRate
		if failed != nil {
			wait = max(wait, min(failed.RetryAfter, time.Hour))
		}
		w.h.PausedUntil = now.Add(wait)
	default:
		w.h.PausedUntil = now.Add(pauseDown)
	}
}

// batch compares the next campaigns that have the same window, and returns how many of
// rest are done, and whether the slice goes on.
func (w *slice) batch(ctx context.Context, rest []smartleadapi.Campaign) (done int, goOn bool, err error) {
	kept, window, finished, err := w.next(ctx, rest)
	if err != nil || finished > 0 {
		return finished, true, err
	}
	ids := make([]string, 0, len(kept))
	for _, k := range kept {
		ids = append(ids, k.ID)
	}
	compare := reconcile.Service{Provider: w.guard(ctx), Ledger: w.Ledger, Now: w.Now}
	report, err := compare.Run(ctx, reconcile.Request{
		Campaigns: ids, Window: window, Types: w.policy.Types, Lag: w.policy.Lag, Retention: w.policy.Retention, Began: w.began(),
		MaxEvents: maxEvents,
	})
	if ctx.Err() != nil {
		return 0, false, nil //nolint:nilerr // the time of the slice is over: the next goes on
	}
	if err != nil {
		return 0, false, err
	}
	w.alone = false
	for i, found := range report.Campaigns {
		went, err := w.settle(ctx, &kept[i], found, others(report.Campaigns, i), window, report.At, len(ids) == 1 || i == 0 && w.fresh())
		if err != nil {
			return done, false, err
		}
		switch went {
		case over:
			done++
		case again, later:
			return done, true, nil
		case stop:
			return done, false, nil
		}
	}
	return done, true, nil
}

// next loads what is kept of the next campaigns, as many as have the same window.
// finished counts those at the begin that this run is done with already.
func (w *slice) next(ctx context.Context, rest []smartleadapi.Campaign) (kept []Campaign, window smartleadapi.Window, finished int, err error) {
	most := batchCampaigns
	if w.alone {
		most = 1
	}
	for _, c := range rest[:min(len(rest), most)] {
		k, err := loadCampaign(ctx, w.Documents, c.ID)
		if err != nil {
			return nil, window, finished, err
		}
		k.ID, k.Name, k.Status = c.ID, clip(c.Name, maxName), clip(c.Status, maxName)
		of := w.window(k)
		switch {
		case k.Lease > w.h.Lease:
			return nil, window, finished, errLost
		case k.Done.Run == w.h.Run.ID || !of.Since.Before(of.Until):
			if len(kept) > 0 {
				return kept, window, 0, nil
			}
			if err := w.pass(ctx, k); err != nil {
				return nil, window, finished, err
			}
			finished++
			continue
		case finished > 0:
			return nil, window, finished, nil
		case len(kept) > 0 && of != window:
			return kept, window, 0, nil
		}
		kept, window = append(kept, k), of
	}
	return kept, window, finished, nil
}

// pass goes on behind a campaign that this run is done with.
func (w *slice) pass(ctx context.Context, k Campaign) error {
	run := w.h.Run
	run.Cursor = k.ID
	if k.Done.Run == run.ID {
		run.Campaigns++
		run.Mails += k.Done.Mails
		run.count(k.Done.Counts)
		if !k.Proven() {
			run.Unproven++
		}
		if w.unrepaired(k) {
			run.Repaired.Unfinished++
		}
	}
	w.count()
	return w.h.save(ctx)
}

func (r *Run) count(counts map[reconcile.Verdict]int) {
	if r.Counts == nil {
		r.Counts = make(map[reconcile.Verdict]int)
	}
	for v, n := range counts {
		r.Counts[v] += n
	}
}

// window is which mails of a campaign are compared next.
func (w *slice) window(k Campaign) smartleadapi.Window {
	run := w.h.Run
	of := smartleadapi.Window{Since: run.Since, Until: run.Until}
	if run.Look == First {
		of.Since = k.JudgedUntil
		if furthest := run.Until.Add(-w.policy.LookBack); of.Since.Before(furthest) {
			of.Since = furthest
		}
	}
	if k.Part != nil && k.Part.Run == run.ID {
		of.Since = k.Part.Result.Until
	}
	if k.Span > 0 && of.Since.Add(k.Span).Before(of.Until) {
		of.Until = of.Since.Add(k.Span)
	}
	return of
}

// went is what became of a campaign in a batch.
type went int

const (
	over  went = iota // this run is done with it
	again             // the rest of its window is next
	later             // it is first in the next batch
	stop              // the slice ends before it
)

// settle keeps what was found of one campaign. most: nothing else had a part of what the
// batch, or the slice, may use.
func (w *slice) settle(ctx context.Context, k *Campaign, found reconcile.Campaign, others []reconcile.Campaign, window smartleadapi.Window, at time.Time, most bool) (went, error) {
	now, run := w.Now().UTC(), w.h.Run
	if !found.Judged {
		if g := w.unread(ctx, k, found.Cause, window, most); g != over {
			if k.Span > 0 && g != later {
				return g, k.keep(ctx, w.Documents, w.h.Lease, now)
			}
			return g, nil
		}
	}
	k.LookedAt = now
	k.because(found.Cause, now)
	if found.Judged {
		w.merge(k, resultOf(found, window.Since, window.Until, at))
	} else {
		k.Part, k.Done = nil, DoneBy{Run: run.ID}
	}
	if err := k.keep(ctx, w.Documents, w.h.Lease, now); err != nil {
		return stop, err
	}
	if err := w.repair(ctx, k, Found{Campaign: found, Others: others, Run: run.ID, Lease: w.h.Lease}); err != nil {
		return stop, err
	}
	if k.Done.Run != run.ID {
		return again, nil
	}
	w.sum.Judged = append(w.sum.Judged, *k)
	run.Cause, w.h.Cause = "", ""
	return over, w.pass(ctx, *k)
}

// others are all but one.
func others(all []reconcile.Campaign, but int) []reconcile.Campaign {
	return slices.Concat(all[:but], all[but+1:])
}

// because notes why a campaign could not be read, or not whole.
func (k *Campaign) because(cause error, now time.Time) {
	if cause == nil {
		k.Cause, k.CauseSince = "", time.Time{}
		return
	}
	if k.Cause == "" {
		k.CauseSince = now
	}
	k.Cause = clip(cause.Error(), maxCause)
}

// merge takes in a result; with the end of the run's window it takes the place of the one
// before.
func (w *slice) merge(k *Campaign, r Result) {
	run := w.h.Run
	if k.Part == nil || k.Part.Run != run.ID {
		k.Part = &Part{Run: run.ID}
	}
	k.Part.Result.add(r)
	if r.Of(reconcile.Complete)+r.Of(reconcile.Extra) > 0 {
		k.Arrived = true
	}
	if r.Until.Before(run.Until) {
		return
	}
	whole := k.Part.Result
	if run.Look == Second {
		k.Second, k.First = whole, Result{}
	} else {
		k.First.add(whole)
	}
	k.Done = DoneBy{Run: run.ID, Mails: whole.Mails, Counts: make(map[reconcile.Verdict]int)}
	for _, v := range reconcile.Verdicts {
		if n := whole.Of(v); n > 0 {
			k.Done.Counts[v] = n
		}
	}
	k.Part, k.JudgedUntil = nil, run.Until
	if k.Span *= 2; k.Span >= w.policy.LookBack {
		k.Span = 0
	}
}

// unread decides on a campaign whose mails, or whose events, could not be read. over:
// it is passed over with its cause, and its window stays open.
func (w *slice) unread(ctx context.Context, k *Campaign, cause error, window smartleadapi.Window, most bool) went {
	switch {
	case errors.Is(cause, errLater):
		return later
	case errors.Is(cause, smartleadapi.ErrKey), errors.Is(cause, smartleadapi.ErrRateLimited):
		w.endEarly(ctx, cause)
		return stop
	case usedUp(cause):
		// What one slice may use is not enough: for this campaign, or for what is left.
		w.h.Run.Cause = clip(cause.Error(), maxCause)
		if !w.fresh() || !most {
			return stop
		}
		if shorter(k, window) {
			return stop
		}
	case reconcile.TooMuch(cause):
		if !most {
			w.alone = true
			return later
		}
		if shorter(k, window) {
			return again
		}
	case errors.Is(cause, smartleadapi.ErrUnavailable) && w.h.Stuck < patience:
		w.endEarly(ctx, cause)
		return stop
	}
	return over
}

// shorter halves the window of a campaign's next comparison, as far as that makes sense.
func shorter(k *Campaign, window smartleadapi.Window) bool {
	span := window.Until.Sub(window.Since) / 2
	if span < leastSpan {
		return false
	}
	k.Span = span
	return true
}

// usedUp tells whether the calls or the time of the slice were at their end.
func usedUp(cause error) bool {
	return errors.Is(cause, smartleadapi.ErrSpent) || errors.Is(cause, context.DeadlineExceeded)
}
