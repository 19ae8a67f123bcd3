package events

import (
	"context"
	"errors"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/operator"
)

// pacedView is what a replay with a pace did, as JSON.
type pacedView struct {
	Events    int       `json:"events"`
	Sent      int       `json:"sent"`
	Delivered int       `json:"delivered"`
	Unrouted  int       `json:"unrouted"`
	Died      int       `json:"died"`
	UnderWay  int       `json:"under_way"`
	Left      int       `json:"left"`
	Changed   int       `json:"changed"`
	Failed    int       `json:"failed"`
	Since     time.Time `json:"unmoved_since"` // with it, a further replay goes on
}

// replayPaced replays what a filter matches at a pace.
func replayPaced(ctx context.Context, s *session.Session, o replayOptions, args []string) error {
	switch {
	case len(args) > 0:
		return problem.Usage("--rate is for filters; events that are named are sent at once")
	case o.wait:
		return problem.Usage("--rate waits for what it sends: leave out --wait")
	case !(o.rate >= operator.MinRate && o.rate <= operator.MaxRate): // NaN, too
		return problem.Usage("--rate: %v", operator.ErrRate)
	}
	if o.limit == operator.MaxReplay {
		o.limit = operator.MaxPaced
	}
	o.limit = min(o.limit, operator.MaxPaced)
	records, st, err := chosen(ctx, s, o, nil)
	if err != nil {
		return err
	}
	since := operator.LastMoved(records)
	if o.unmoved != "" {
		if since, err = time.Parse(time.RFC3339Nano, o.unmoved); err != nil {
			return problem.Usage("--unmoved-since %s is no time as a replay that was cut off prints it", o.unmoved)
		}
		records = operator.Unmoved(records, since)
	}
	if len(records) == 0 {
		return problem.NotFound("no event matches: nothing was sent")
	}
	if err := s.Confirm(o.yes, "send %s again, at most %g a second: %s", output.Count(len(records), "event", "events"), o.rate, byState(records)); err != nil {
		return err
	}
	p, told := s.Progress("events"), 0
	report, err := st.Operator.ReplayPaced(ctx, operator.Paced{Events: records, Rate: o.rate, Again: o.again, Confirmed: true}, func(r operator.PacedReport) {
		p.Add(r.Tried() - told)
		told = r.Tried()
	})
	p.End()
	if shown := showPaced(s, report, since); shown != nil {
		return shown
	}
	return pacedEnd(s, report, err, since)
}

func showPaced(s *session.Session, r operator.PacedReport, since time.Time) error {
	v := pacedView{
		Events: r.Total, Sent: r.Sent, Delivered: r.Delivered, Unrouted: r.Unrouted, Died: r.Died, UnderWay: r.UnderWay,
		Left: r.Left, Changed: r.Changed, Failed: r.Failed, Since: since.UTC(),
	}
	if s.JSON {
		return s.Emit(v)
	}
	s.Line("%s of %s sent: %d delivered, %d unrouted, %d died, %d under way", output.Thousands(v.Sent), output.Count(v.Events, "event", "events"),
		v.Delivered, v.Unrouted, v.Died, v.UnderWay)
	if v.Left+v.Changed+v.Failed > 0 {
		s.Line("not sent: %d on their way already, %d moved by somebody else, %d failed", v.Left, v.Changed, v.Failed)
	}
	return nil
}

// pacedEnd is how the command ends, and how to go on.
func pacedEnd(s *session.Session, r operator.PacedReport, err error, since time.Time) error {
	goOn := "go on with the rest: the same command with --unmoved-since " + since.UTC().Format("2006-01-02T15:04:05.000Z")
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		s.Say("%s", goOn)
		return err
	case err != nil:
		return problem.Failed(err, "%d of %s had their turn", r.Tried(), output.Count(r.Total, "event", "events")).Hint("%s", goOn)
	case r.Failed+r.Died > 0:
		hint := "see why: " + s.Self() + " events show "
		for _, f := range r.Failures[:1] {
			hint += string(f.Seen.ID)
		}
		return problem.Failed(nil, "%d of %s failed", r.Failed+r.Died, output.Count(r.Total, "event", "events")).Hint("%s", hint)
	}
	return nil
}
