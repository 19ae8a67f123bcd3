package redrive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// A View is a redrive for the eye: what the latest tick saw, and how it came there.
// It is a document of its own beside the job, at most MaxView long, so that whoever
// watches reads 2 units and not the job with the thousands of events that it
// watches. Nothing depends on it: one that is lost, or was written a tick late, is
// made good by the next tick.
type View struct {
	JobID     string        `json:"job"`
	Version   int           `json:"of"` // of the job, as of which this is
	State     State         `json:"state"`
	Reason    string        `json:"reason"`
	Counts    Counts        `json:"counts"`
	InFlight  int           `json:"in_flight"`
	Rate      float64       `json:"rate"`    // events a second that may be released
	Ceiling   float64       `json:"ceiling"` // which the pace does not pass
	Phase     Phase         `json:"phase"`
	P90       time.Duration `json:"p90,omitempty"` // of the latest attempts that ended
	HoldUntil time.Time     `json:"hold_until,omitzero"`
	StartedAt time.Time     `json:"started_at"`
	UpdatedAt time.Time     `json:"updated_at"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
	Decisions []Entry       `json:"decisions,omitempty"` // the latest, as the job's log has them
	Samples   []Sample      `json:"samples,omitempty"`   // oldest first
}

// Bounds of a view. A strongly consistent read of it costs 2 units, and a write at
// most 8.
const (
	MaxView      = 8000 // bytes; an item's other attributes have the rest of 8 KiB
	MaxSamples   = 180
	maxDecisions = 12
	maxReason    = 160
)

// Sample is what happened from the sample before it to its own end. Of samples
// that were merged it is the sum, under the latest rate.
type Sample struct {
	End       time.Duration // since the job's start
	State     State         // running, holding or paused
	Rate      float64       // events a second that might be released, as of its end
	Released  int
	Delivered int
	Attempts  int // first attempts that ended
	Failed    int // of them
	// Of live events in the half minute before each look; looks overlap.
	LiveAttempts, LiveFailed int
}

// sampleStates are the states of a sample as they are written.
var sampleStates = []State{Running, Holding, Paused}

// MarshalJSON writes a sample as a list of numbers, because there are many: the end
// in milliseconds, the state, tenths of a rate, then the counts.
func (s Sample) MarshalJSON() ([]byte, error) {
	return json.Marshal([]int64{
		s.End.Milliseconds(), int64(max(0, slices.Index(sampleStates, s.State))), int64(10*s.Rate + 0.5), int64(s.Released),
		int64(s.Delivered), int64(s.Attempts), int64(s.Failed), int64(s.LiveAttempts), int64(s.LiveFailed),
	})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Sample) UnmarshalJSON(text []byte) error {
	var n []int64
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	if len(n) != 9 || n[1] < 0 || n[1] >= int64(len(sampleStates)) {
		return errors.New("redrive: no sample")
	}
	*s = Sample{
		End: time.Duration(n[0]) * time.Millisecond, State: sampleStates[n[1]], Rate: float64(n[2]) / 10, Released: int(n[3]),
		Delivered: int(n[4]), Attempts: int(n[5]), Failed: int(n[6]), LiveAttempts: int(n[7]), LiveFailed: int(n[8]),
	}
	return nil
}

// before is the sample that covers s and the later one.
func (s Sample) before(later Sample) Sample {
	later.Released += s.Released
	later.Delivered += s.Delivered
	later.Attempts += s.Attempts
	later.Failed += s.Failed
	later.LiveAttempts += s.LiveAttempts
	later.LiveFailed += s.LiveFailed
	return later
}

// add appends a sample. When there are too many, neighbours are merged two by two,
// so that the latest are the finest; those of one state first, so that a short hold
// is still seen.
func (v *View) add(s Sample) {
	v.Samples = append(v.Samples, s)
	if len(v.Samples) > MaxSamples {
		v.merge(func(a, b Sample) bool { return a.State == b.State })
	}
	if len(v.Samples) > MaxSamples {
		v.merge(func(_, _ Sample) bool { return true })
	}
}

func (v *View) merge(may func(a, b Sample) bool) {
	merged := v.Samples[:0]
	for i := 0; i < len(v.Samples); i++ {
		s := v.Samples[i]
		if i+1 < len(v.Samples) && may(s, v.Samples[i+1]) {
			s = s.before(v.Samples[i+1])
			i++
		}
		merged = append(merged, s)
	}
	v.Samples = merged
}

// describe takes over what the job says of itself.
func (v *View) describe(j Job, ceiling float64) {
	if v.JobID != j.ID {
		*v = View{JobID: j.ID}
	}
	v.Version, v.State, v.Reason, v.Counts, v.InFlight = j.version, j.State, excerpt(j.Reason), j.Counts, j.InFlight()
	v.Rate, v.Ceiling, v.Phase, v.HoldUntil = j.Pace.Rate, ceiling, j.Pace.Phase, j.Pace.HoldUntil
	v.StartedAt, v.UpdatedAt, v.EndedAt = j.StartedAt, j.UpdatedAt, j.EndedAt
	v.Decisions = slices.Clone(j.Log[max(0, len(j.Log)-maxDecisions):])
	for i := range v.Decisions {
		v.Decisions[i].Reason = excerpt(v.Decisions[i].Reason)
	}
}

func excerpt(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}

// encode writes a view within its bound.
func (v *View) encode() ([]byte, error) {
	for {
		body, err := json.Marshal(v)
		if err != nil || len(body) <= MaxView {
			return body, err
		}
		switch {
		case len(v.Samples) > 1:
			v.merge(func(_, _ Sample) bool { return true })
		case len(v.Decisions) > 0:
			v.Decisions = v.Decisions[1:]
		default:
			return nil, fmt.Errorf("redrive: a view of %d bytes", len(body))
		}
	}
}

const viewKind = "redrive-view"

// View returns what is to be seen of the current or latest job, by one read of at
// most 2 units. It may be a tick behind the job, and further where the function does
// not run or a write was lost: UpdatedAt says of when it is. It returns ErrNoJob
// where none was ever seen.
func (s *Service) View(ctx context.Context) (View, error) {
	v, _, err := s.loadView(ctx)
	if err == nil && v.JobID == "" {
		return View{}, ErrNoJob
	}
	return v, err
}

// Ended returns a redrive of the history. It returns ErrNoJob where there is none of
// that id.
func (s *Service) Ended(ctx context.Context, id string) (Job, error) {
	return s.load(ctx, historyKind, id)
}

// Shown is what is to be seen of a job whose view is gone: no samples.
func (j Job) Shown() View {
	var v View
	v.describe(j, j.Request.MaxRate)
	return v
}

// loadView returns an empty view where there is none, or none that can be read.
func (s *Service) loadView(ctx context.Context) (View, int, error) {
	body, version, err := s.Documents.LoadDocument(ctx, viewKind, currentName)
	if err != nil && !errors.Is(err, webhook.ErrNotFound) {
		return View{}, 0, err
	}
	var v View
	if json.Unmarshal(body, &v) != nil {
		v = View{}
	}
	return v, version, nil
}

// showJob writes what an operator did into the view. A tick that writes it at the
// same time wins; the job is what counts.
func (s *Service) showJob(ctx context.Context, j Job) {
	v, version, err := s.loadView(ctx)
	if err != nil {
		return
	}
	if v.JobID == j.ID && v.State == Paused { // no tick has seen the pause
		v.add(Sample{End: j.UpdatedAt.Sub(j.StartedAt), State: Paused, Rate: 0})
	}
	_ = s.saveView(ctx, &v, version, j)
}

func (s *Service) saveView(ctx context.Context, v *View, seen int, j Job) error {
	v.describe(j, s.settings(j.Request, j.Counts.Planned).Ceiling)
	body, err := v.encode()
	if err != nil {
		return err
	}
	return s.Documents.SaveDocument(ctx, viewKind, currentName, body, seen, s.Now(), time.Time{})
}

// recorder keeps the view over the ticks of one run.
type recorder struct {
	*Service
	view    View
	version int
	loaded  bool
}

// note adds a tick to the view. A view that an operator's command has written for a
// later state of the job stays. What fails is loaded anew by the next tick.
func (r *recorder) note(ctx context.Context, j Job, o Observation) error {
	var err error
	if !r.loaded {
		if r.view, r.version, err = r.loadView(ctx); err != nil {
			return err
		}
	}
	r.loaded = false
	if r.view.JobID == j.ID && r.view.Version > j.version {
		return nil
	}
	before := r.view.Counts
	if r.view.JobID != j.ID {
		before = Counts{}
		r.view = View{JobID: j.ID}
	}
	r.view.P90 = o.P90
	r.view.add(Sample{
		End: o.At.Sub(j.StartedAt), State: sampleState(j.State), Rate: j.Pace.Rate,
		Released: j.Counts.Released - before.Released, Delivered: j.Counts.Delivered - before.Delivered,
		Attempts: o.Attempts, Failed: o.Failed, LiveAttempts: o.LiveAttempts, LiveFailed: o.LiveFailed,
	})
	err = r.saveView(ctx, &r.view, r.version, j)
	if errors.Is(err, webhook.ErrChanged) {
		return nil
	}
	if err == nil {
		r.loaded, r.version = true, r.version+1
	}
	return err
}

func sampleState(s State) State {
	if slices.Contains(sampleStates, s) {
		return s
	}
	return Running
}
