package console

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

// storyStep is one line of an event's story.
type storyStep struct {
	At    stamp
	Gap   string // since the step before
	Long  bool   // the gap is long
	Glyph string
	State string // for its colour
	Text  string
	Took  string      // or what else is known of its time
	Said  string      // what a destination answered, or what failed
	Link  string      // to more on this page
	Fold  []storyStep // further attempts like this one

	time time.Time
}

// longGap is how long a wait is drawn as one.
const longGap = time.Minute

// story is what happened to an event, the oldest first. The ledger keeps counts, and
// no times, of some of it: those stand where their latest time is, or at the end.
func (q *request) story(r webhook.Record, variants []variantView) []storyStep {
	steps := []storyStep{received(r)}
	for _, a := range r.History {
		steps = append(steps, attempt(a))
	}
	add := func(t time.Time, s storyStep) {
		if !t.IsZero() {
			s.time = t
			steps = append(steps, s)
		}
	}
	if !r.FirstDied.Equal(r.DiedAt) {
		add(r.FirstDied, storyStep{Glyph: "✗", State: "dead", Text: "died for the first time"})
	}
	if r.Death > 0 {
		add(r.DiedAt, storyStep{Glyph: "✗", State: "dead", Text: fmt.Sprintf("dead, at attempt %d", r.Death)})
	}
	add(r.DeliveredAt, storyStep{Glyph: "✓", State: "delivered", Text: "delivered: every destination is settled"})
	switch r.State {
	case webhook.Parked:
		add(r.UpdatedAt, storyStep{Glyph: "P", State: "parked", Text: "parked: set aside"})
	case webhook.Discarded:
		add(r.UpdatedAt, storyStep{Glyph: "–", State: "discarded", Text: "discarded by an operator"})
	case webhook.Unrouted:
		add(r.UpdatedAt, storyStep{Glyph: "⊘", State: "unrouted", Text: "unrouted: " + eventview.Nobody(r)})
	case webhook.Pending, webhook.Processing, webhook.Delivered, webhook.Dead, webhook.Held:
	}
	if r.Duplicates > 0 {
		add(r.LastSeenAt, storyStep{Glyph: "≡", Text: output.Count(r.Duplicates, "duplicate", "duplicates") + ", the latest then"})
	}
	for _, v := range variants {
		step := storyStep{Glyph: "≠", Text: "a variant: " + v.What, Link: "#v-" + v.Fingerprint}
		if v.Webhook {
			step.Glyph, step.Text = "≡", "its webhook came after all, and changed nothing"
		}
		add(v.at, step)
	}
	add(r.ErasedAt, storyStep{Glyph: "–", State: "discarded", Text: "erased, with all that named the lead"})
	slices.SortStableFunc(steps, func(a, b storyStep) int { return a.time.Compare(b.time) })
	steps = folded(steps)
	q.measure(steps)
	return append(steps, q.counted(r)...)
}

func received(r webhook.Record) storyStep {
	s := storyStep{time: r.ReceivedAt, Glyph: "○", Text: "received through " + r.Source + ", and claimed"}
	if id := cmp.Or(r.ProviderRequestID, r.RequestID); r.Synthesized() {
		s.Text = "made by a repair in the name of " + r.Source + ", and claimed: no webhook had brought it"
	} else if id != "" {
		s.Text += ", request " + output.Clean(id)
	}
	if r.State == webhook.Held {
		s.Glyph, s.State = "!", "held"
		s.Text += "; held, because its secret_key is not trusted"
	}
	if r.OccurredAtSource == webhook.TimeFromEvent {
		s.Took = "occurred " + output.Span(r.ReceivedAt.Sub(r.OccurredAt)) + " before"
	}
	return s
}

func attempt(a webhook.Attempt) storyStep {
	s := storyStep{time: a.StartedAt, Glyph: "✗", State: "dead", Text: fmt.Sprintf("%s #%d", cmp.Or(a.Destination, "attempt"), a.Number)}
	switch {
	case a.Result == webhook.ResultAbandoned:
		s.Text += " was abandoned: its worker never said how it ended"
		return s
	case a.Result == webhook.ResultUnrouted:
		s.Glyph, s.State, s.Text = "⊘", "unrouted", a.Destination+" does not want it: its filter or its kind"
		return s
	case a.Result == webhook.ResultRemoved:
		s.Glyph, s.State, s.Text = "⊘", "unrouted", a.Destination+" was removed"
		return s
	case a.Result == webhook.ResultDelivered:
		s.Glyph, s.State = "✓", "delivered"
	}
	if a.Status != 0 {
		s.Text += fmt.Sprintf(" %d", a.Status)
	}
	if a.Result == webhook.ResultPermanent {
		s.Text += ", refused for good"
	}
	s.Took = output.Span(a.Duration)
	if a.ErrorClass != "" || a.Error != "" {
		s.Said = eventview.FailureText(a.ErrorClass, a.Error, 0)
	}
	return s
}

// unfolded is how many attempts that failed alike stand one by one.
const unfolded = 3

// folded lays attempts that failed alike into the first of them; the last stands by
// itself.
func folded(steps []storyStep) []storyStep {
	var out []storyStep
	for i := 0; i < len(steps); {
		end := i + 1
		for end < len(steps) && steps[i].Glyph == "✗" && steps[i].Took != "" && steps[end].Took != "" && steps[end].Said == steps[i].Said && steps[end].Glyph == "✗" {
			end++
		}
		if run := steps[i:end]; len(run) > unfolded {
			first := run[0]
			first.Fold = slices.Clone(run[1 : len(run)-1])
			out = append(out, first, run[len(run)-1])
		} else {
			out = append(out, run...)
		}
		i = end
	}
	return out
}

// measure writes the times and the gaps between steps.
func (q *request) measure(steps []storyStep) {
	var before time.Time
	for i := range steps {
		s := &steps[i]
		s.At = q.at(s.time)
		if !before.IsZero() && !s.time.IsZero() {
			s.Gap, s.Long = "+"+output.Span(s.time.Sub(before)), s.time.Sub(before) >= longGap
		}
		before = s.time
		for j := range s.Fold {
			s.Fold[j].At = q.at(s.Fold[j].time)
		}
	}
}

// counted is what the ledger knows without a time, and what comes next.
func (q *request) counted(r webhook.Record) []storyStep {
	var all []storyStep
	add := func(on bool, glyph, text string) {
		if on {
			all = append(all, storyStep{Glyph: glyph, Text: text})
		}
	}
	add(len(r.History) == webhook.MaxHistory, "…", fmt.Sprintf("only the latest %d attempts are kept", webhook.MaxHistory))
	add(r.Redrives > 0, "↻", "redriven "+output.Count(r.Redrives, "time", "times"))
	add(r.Generation > 0, "↻", "replayed after it was settled "+output.Count(r.Generation, "time", "times"))
	add(r.Sweeps > 0, "↻", "sent by the sweeper "+output.Count(r.Sweeps, "time", "times")+" since the latest lease")
	add(r.State == webhook.Processing, "◐", fmt.Sprintf("attempt %d is under way", r.LeaseNumber))
	add(r.State == webhook.Pending && r.NotBefore.After(q.clock.Now()), "○", "tried again "+q.clock.Ago(r.NotBefore))
	add(r.State == webhook.Dead && r.DueAt.IsZero(), "✗", "its dead letter was sent to the dead letter queue")
	return all
}
