package sources

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/pflag"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// silenceOptions are what is set of the silence of a source. It is kept beside the
// source, which is sealed, where the sweeper can read it.
type silenceOptions struct{ after, quiet string }

const (
	silentAfter = "silent-after"
	quietHours  = "quiet-hours"
)

func (o *silenceOptions) addTo(f *pflag.FlagSet) {
	f.StringVar(&o.after, silentAfter, "", "without an event for so long, an incident is opened: 1h to 14d, learned (the default), or never")
	f.StringVar(&o.quiet, quietHours, "", "when nobody expects an event, in UTC: 20:00-07:00,sat,sun, or none")
}

// changeOf returns what the flags make of a rule.
func (o *silenceOptions) changeOf(named func(flag string) bool) (func(*incident.SilenceRule), error) {
	var after time.Duration
	switch {
	case !named(silentAfter), o.after == "learned", o.after == "never":
	default:
		d, err := filter.ParseSpan(o.after)
		if err != nil || d < incident.MinSilence || d > incident.MaxSilence || d != d.Truncate(time.Minute) {
			return nil, problem.Usage("--%s is a length of time in whole minutes, 1h to 14d, learned or never", silentAfter)
		}
		after = d
	}
	text := o.quiet
	if text == "none" {
		text = ""
	}
	quiet, err := incident.ParseQuiet(text)
	if err != nil {
		return nil, problem.Usage("--%s: %v", quietHours, err)
	}
	return func(rule *incident.SilenceRule) {
		if named(silentAfter) {
			rule.After, rule.Never = after, o.after == "never"
		}
		if named(quietHours) {
			rule.Quiet = quiet
		}
	}, nil
}

// setSilence changes the rule of a source.
func setSilence(ctx context.Context, s *session.Session, st *stack.Stack, name string, change func(*incident.SilenceRule)) error {
	rule, err := st.Silences.Get(ctx, name)
	if err != nil {
		return err
	}
	change(&rule)
	err = st.Silences.Put(ctx, name, rule)
	if errors.Is(err, webhook.ErrChanged) {
		return problem.Failed(err, "what is set of the silence of %s was changed by somebody else meanwhile", name).
			Hint("see what it is now, and run this again: %s sources show %s", s.Self(), name)
	}
	return err
}

// forgetSilence takes back what was set of a source that is removed, so that another one
// of the name begins without it.
func forgetSilence(ctx context.Context, st *stack.Stack, name string) error {
	rule, err := st.Silences.Get(ctx, name)
	if err != nil || rule.SetAt.IsZero() {
		return err
	}
	return st.Silences.Put(ctx, name, incident.SilenceRule{})
}

// silenceView is a rule as JSON.
type silenceView struct {
	SilentAfterMinutes int    `json:"silent_after_minutes,omitempty"` // 0: learned
	SilenceUntold      bool   `json:"silence_untold,omitempty"`
	QuietHours         string `json:"quiet_hours,omitempty"`
}

func silenceOf(rule incident.SilenceRule) silenceView {
	return silenceView{int(rule.After / time.Minute), rule.Never, rule.Quiet.String()}
}

func silenceText(rule incident.SilenceRule) string {
	text := "told of when it is unusual"
	switch {
	case rule.Never:
		return "told to nobody"
	case rule.After > 0:
		text = "told of after " + output.Span(rule.After)
	}
	if quiet := rule.Quiet.String(); quiet != "" {
		text += "; quiet hours (UTC) " + quiet
	}
	return text
}
