package scheduled

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// Policy is what may be tuned.
type Policy struct {
	Every       time.Duration  // from the beginning of one run to that of the next; 0: nothing is compared
	SecondEvery time.Duration  // from one second look to the next
	LookBack    time.Duration  // how far back a second look goes, and a first one at most
	Lag         time.Duration  // how old a mail is before it is compared
	Types       []webhook.Type // nil: reconcile.Types
	Retention   time.Duration  // how long events are kept
	// CallsPerHour is the share of the API that runs may use, and CallsPerSlice what one
	// invocation may.
	CallsPerHour, CallsPerSlice int
	// Lease is how long a slice without a deadline holds its lease; Margin is kept back of
	// one with a deadline, for the last writes.
	Lease, Margin time.Duration
	// Past: what happened before the receiver could receive is compared, too.
	Past bool
	// RepairEvents bounds what a repair may bring back in one run.
	RepairEvents int
}

// DefaultPolicy compares each hour, and once a day the last seven.
var DefaultPolicy = Policy{
	Every: time.Hour, SecondEvery: 24 * time.Hour, LookBack: 7 * 24 * time.Hour, Lag: reconcile.DefaultLag,
	CallsPerHour: smartleadapi.Standard.HourlyHalf(), CallsPerSlice: 200,
	Lease: 10 * time.Minute, Margin: 15 * time.Second, RepairEvents: 500,
}

const (
	// fewestCalls a slice begins with: one lists the campaigns.
	fewestCalls = 5
	// pauseKey is how long Smartlead is not asked after it refused the key, and pauseRate
	// at least after it said that the rate limit is reached.
	pauseKey, pauseRate = 15 * time.Minute, 5 * time.Minute
	// pauseDown is how long it is not asked after it did not answer.
	pauseDown = 5 * time.Minute
)

// Service makes runs. It is safe for concurrent use, in several processes, too.
type Service struct {
	Ports
	policy Policy
}

// New returns the use case. It makes no call.
func New(p Ports, policy Policy) *Service { return &Service{Ports: p, policy: policy} }

// Summary is what one slice did.
type Summary struct {
	Off      string // why nothing is compared at all
	NewlyOff bool   // Off was not known before
	Waits    string // why this invocation did nothing, though something is compared; "" where it worked
	Run      Run    // that was worked on; without an ID: none
	Calls    int    // of this slice
	Ended    bool   // the run came to its end
	Judged   []Campaign
	Age      time.Duration // for how long no run has succeeded
	Drift    Drift         // of the latest run that ended
	Err      error         // of our side; the causes of Smartlead's are in Run.Cause
}

// Run makes one slice: it takes the lease, goes on with the run that is under way or
// begins one that is due, and ends in time before its context.
func (s *Service) Run(ctx context.Context) (sum Summary) {
	if s.policy.Every == 0 {
		sum.Off = "it is switched off"
		return sum
	}
	st, err := load(ctx, s.Documents)
	if err != nil {
		sum.Err = err
		return sum
	}
	now := s.Now().UTC().Truncate(time.Millisecond)
	calls := min(s.policy.CallsPerSlice, s.policy.CallsPerHour-st.CallsOfLastHour(now))
	sum.Age, sum.Drift = st.Age(now), st.Drift
	if sum.Waits = s.waits(st, now, calls); sum.Waits != "" && st.on() {
		return sum
	}
	api, err := s.Connect(ctx, calls)
	switch {
	case errors.Is(err, ErrNoKey):
		return s.off(ctx, st)
	case err != nil:
		sum.Err = err
		return sum
	}
	if !st.on() {
		st.Off, st.OnSince = "", now
	}
	if sum.Waits != "" {
		return sum
	}
	h, err := s.take(ctx, st)
	if errors.Is(err, webhook.ErrChanged) {
		sum.Waits = "another run began"
		return sum
	}
	if err != nil {
		sum.Err = err
		return sum
	}
	w := &slice{Service: s, h: h, api: api, sum: &sum, started: now, begin: h.Run.Cursor}
	w.work(ctx)
	return sum
}

// on tells whether there was a key when that was last looked at.
func (s State) on() bool { return s.Off == "" && !s.OnSince.IsZero() }

// off notes, once, that there is no key.
func (s *Service) off(ctx context.Context, st State) Summary {
	sum := Summary{Off: ErrNoKey.Error()}
	if st.Off == sum.Off {
		return sum
	}
	st.Off, st.OnSince, st.DueAt, st.AskedAt = sum.Off, time.Time{}, time.Time{}, time.Time{}
	switch err := st.save(ctx, s.Documents, s.Now()); {
	case errors.Is(err, webhook.ErrChanged): // the next invocation notes it
	case err != nil:
		sum.Err = err
	default:
		sum.NewlyOff = true
	}
	return sum
}

// waits says why nothing is to do now.
func (s *Service) waits(st State, now time.Time, calls int) string {
	switch {
	case st.HeldUntil.After(now):
		return "another run is at work"
	case st.PausedUntil.After(now):
		return "Smartlead is not asked before " + st.PausedUntil.Format(time.RFC3339)
	case st.Run == nil && st.AskedAt.IsZero() && st.DueAt.After(now):
		return "the next run is not due"
	case calls < max(fewestCalls, s.policy.CallsPerSlice/4):
		return "the calls of this hour are used up"
	}
	return ""
}

// take takes the lease: the number rises in the write that takes it.
func (s *Service) take(ctx context.Context, st State) (*held, error) {
	now := s.Now().UTC().Truncate(time.Millisecond)
	until := now.Add(s.policy.Lease)
	if deadline, ok := ctx.Deadline(); ok {
		until = now.Add(time.Until(deadline) + s.policy.Margin)
	}
	if st.Run == nil {
		st.Run = s.beginning(st, now)
		if st.Run.Look == Second {
			st.SecondAt = now
		}
		st.AskedAt = time.Time{}
	}
	st.Run.Slices++
	st.Run.Lease = st.Lease + 1 // which is taken
	st.DueAt = st.Run.StartedAt.Add(s.policy.Every)
	h := &held{State: st, docs: s.Documents, now: s.Now}
	return h, standing(s.Documents).Take(ctx, &h.State, s.Nonce(), until, now)
}

// beginning says what the next run compares.
func (s *Service) beginning(st State, now time.Time) *Run {
	r := &Run{ID: now.Format("20060102T150405.000Z"), Look: First, Until: now.Add(-s.policy.Lag), StartedAt: now, Asked: !st.AskedAt.IsZero()}
	if r.Asked || now.Sub(st.SecondAt) >= s.policy.SecondEvery {
		r.Look, r.Since = Second, r.Until.Add(-s.policy.LookBack)
	}
	return r
}

// slice is the work of one invocation.
type slice struct {
	*Service

	h       *held
	api     API
	sum     *Summary
	started time.Time
	begin   string // the cursor as the slice found it
	counted int    // calls that are noted in the state
	ended   Run    // the run, once it is at its end
	alone   bool   // the next campaign is compared without others
}

// fresh tells whether the slice has done nothing yet, so that all that it may use is left.
func (w *slice) fresh() bool { return !w.sum.Ended && w.h.Run.Cursor == w.begin }

// work goes through campaigns until the run is at its end or the slice at its bounds, and
// gives the lease back.
func (w *slice) work(ctx context.Context) {
	ended, err := w.through(ctx)
	if ended && err == nil {
		w.count()
		err = w.end(ctx)
	}
	run := w.h.Run
	if w.sum.Ended {
		run = &w.ended
	}
	if !errors.Is(err, errLost) {
		err = errors.Join(err, w.release(ctx))
	}
	if errors.Is(err, errLost) {
		w.sum.Waits, w.sum.Ended, err = errLost.Error(), false, nil
	}
	now := w.Now()
	w.sum.Run, w.sum.Calls, w.sum.Age, w.sum.Drift, w.sum.Err = *run, w.api.Calls(), w.h.Age(now), w.h.Drift, err
}

// release gives the lease back, also where the time is over; else it passes by itself.
func (w *slice) release(ctx context.Context) error {
	w.h.Stuck++
	if !w.fresh() {
		w.h.Stuck = 0
	}
	w.count()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	return standing(w.Documents).Release(last, &w.h.State, w.Now)
}

// lastWrite bounds the write that gives the lease back.
const lastWrite = 5 * time.Second

// count notes the calls that were made since the last note.
func (w *slice) count() {
	n := w.api.Calls() - w.counted
	w.counted += n
	if w.h.Run != nil {
		w.h.Run.Calls += n
	}
	now := w.Now()
	w.h.Spent = slices.DeleteFunc(w.h.Spent, func(c Spent) bool { return now.Sub(c.At) >= time.Hour })
	if i := len(w.h.Spent) - 1; i >= 0 && w.h.Spent[i].At.Equal(w.started) {
		w.h.Spent[i].Calls += n
	} else if n > 0 {
		w.h.Spent = append(w.h.Spent, Spent{At: w.started, Calls: n})
	}
}

// end closes the run: it sums up what is known of all campaigns, and keeps the run.
func (w *slice) end(ctx context.Context) error {
	drift, err := driftOf(ctx, w.Documents, w.Now(), w.h.Run.StartedAt.Add(-2*w.policy.SecondEvery))
	if err != nil {
		return err
	}
	now := w.Now().UTC()
	w.ended = *w.h.Run
	w.ended.EndedAt, w.ended.Cause = now, ""
	if w.ended.Campaigns == 0 && drift.Campaigns > 0 {
		w.ended.Cause = fmt.Sprintf("Smartlead lists no campaign to compare, and listed %d lately", drift.Campaigns)
	}
	if err := keepRunOf(ctx, w.Documents, w.ended, now); err != nil {
		return err
	}
	if w.ended.Succeeded() {
		w.h.SucceededAt = now
	}
	if w.ended.Repaired.goesOn() { // the next run sees what came of it
		w.h.SecondAt = time.Time{}
	}
	w.h.Drift, w.h.Run, w.h.Cause, w.h.PausedUntil = drift, nil, w.ended.Cause, time.Time{}
	w.sum.Ended = true
	return nil
}

// driftOf sums up what is known of all campaigns that were looked at since a time.
func driftOf(ctx context.Context, docs Documents, now, since time.Time) (Drift, error) {
	list, err := campaigns(ctx, docs)
	d := Drift{At: now.UTC(), ListedSince: since.UTC(), Counts: make(map[reconcile.Verdict]int)}
	for _, c := range list {
		if d.LeavesOut(c) {
			continue
		}
		d.Campaigns++
		if !c.Proven() {
			d.Unproven++
		}
		for _, v := range reconcile.Verdicts {
			if n := c.Now().Of(v); n > 0 {
				d.Counts[v] += n
			}
		}
	}
	return d, err
}

func campaigns(ctx context.Context, docs Documents) ([]Campaign, error) {
	return someCampaigns(ctx, docs, maxCampaigns)
}

func someCampaigns(ctx context.Context, docs Documents, most int) ([]Campaign, error) {
	found, err := docs.ListDocuments(ctx, campaignKind, most)
	if err != nil {
		return nil, fmt.Errorf("what is kept of campaigns: %w", err)
	}
	var list []Campaign
	for _, d := range found {
		if c, ok := readCampaign(d.Body, d.Version); ok && c.ID == d.Name {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Campaign) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

// Ask asks for a second look at once: the function begins it when no run is under way,
// within the interval of its schedule. It returns ErrNoKey where nothing is compared.
func (s *Service) Ask(ctx context.Context) (State, error) { return Ask(ctx, s.Documents, s.Now()) }

// Ask is Service.Ask for whoever has the documents alone.
func Ask(ctx context.Context, docs Documents, now time.Time) (State, error) {
	return change(ctx, docs, now, func(st *State) error {
		if st.Off != "" {
			return ErrNoKey
		}
		st.AskedAt = now.UTC()
		return nil
	})
}

// SetBegan notes when the receiver could first receive: what happened before is not missed.
func SetBegan(ctx context.Context, docs Documents, began, now time.Time) error {
	_, err := change(ctx, docs, now, func(st *State) error {
		st.Began = began.UTC()
		return nil
	})
	return err
}

// change writes the state under the feet of a slice, which takes it in.
func change(ctx context.Context, docs Documents, now time.Time, do func(*State) error) (State, error) {
	return standing(docs).Change(ctx, now, do)
}

// Standing returns where the schedule stands.
func Standing(ctx context.Context, docs Documents) (State, error) { return load(ctx, docs) }

// Campaigns returns what is kept of each campaign, by id.
func Campaigns(ctx context.Context, docs Documents) ([]Campaign, error) { return campaigns(ctx, docs) }

// Latest returns what is kept of so many campaigns at most, those with the last ids, which
// are the newest, by id.
func Latest(ctx context.Context, docs Documents, most int) ([]Campaign, error) {
	return someCampaigns(ctx, docs, most)
}

// Runs returns the latest runs that have ended, the latest first.
func Runs(ctx context.Context, docs Documents, limit int) ([]Run, error) {
	found, err := docs.ListDocuments(ctx, runKind, limit)
	if err != nil {
		return nil, fmt.Errorf("the latest runs: %w", err)
	}
	list := make([]Run, 0, len(found))
	for _, d := range found {
		var r Run
		if json.Unmarshal(d.Body, &r) == nil && r.ID == d.Name {
			list = append(list, r)
		}
	}
	return list, nil
}
