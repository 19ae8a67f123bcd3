package events

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/webhook"
)

func splitCmd(s *session.Session) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "split ID [FINGERPRINT]",
		Short: "Make a variant an event of its own, and deliver it",
		Long: `Make another body that came under an event's identity an event of its own, and
deliver it. The beginning of a fingerprint is enough; without one, the event must
have one variant that was not split yet. Repeating a split changes nothing. A body
whose secret_key is not trusted is delivered only after a confirmation, unless the
same body came from a trusted sender since.`,
		Example: "  smartleadctl events split EMAIL_REPLY:3PSO7TVY 4KJ2",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			fingerprint := ""
			if len(args) == 2 {
				fingerprint = args[1]
			}
			return split(cmd.Context(), s, args[0], fingerprint, yes)
		},
	}
	output.AddYes(cmd, &yes)
	return cmd
}

func split(ctx context.Context, s *session.Session, arg, fingerprint string, yes bool) error {
	rec, list, st, err := variantsOf(ctx, s, arg)
	if err != nil {
		return err
	}
	v, err := chooseVariant(s, rec, list, fingerprint)
	if err != nil {
		return err
	}
	if operator.Untrusted(v) {
		if err := s.Confirm(yes, "deliver a body whose secret_key is not trusted"); err != nil {
			return err
		}
	}
	made, err := st.Operator.Split(ctx, v, true)
	var held *operator.SplitHeldError
	if errors.As(err, &held) {
		return problem.Failed(held.Err, "it is an event of its own, %s, and is held", held.ID).
			Hint("deliver it: %s events release %s", s.Self(), output.Quote(string(held.ID)))
	}
	if err != nil {
		return err
	}
	if s.JSON {
		return s.Emit(struct {
			EventID     string `json:"event_id"`
			SplitFrom   string `json:"split_from"`
			Fingerprint string `json:"fingerprint"`
			At          string `json:"at"`
		}{string(made.ID), string(rec.ID), v.Fingerprint, output.Wire(made.At)})
	}
	s.Line("%s", made.ID)
	switch {
	case made.UnderWay:
		s.Say("it is an event of its own now and on its way: %s events show %s", s.Self(), output.Quote(string(made.ID)))
		if st.ArchiveBucket != "" {
			s.Say("the archive may have gone by when it was received, and has it a day later. Sooner: %s archive again --since %s", s.Self(), output.Wire(v.Receipt.ReceivedAt))
		}
	case made.Event.State == "":
		s.Say("it was split before, and the event has expired since")
	default:
		s.Say("it is an event of its own already, %s", eventview.Headline(s.Clock, made.Event))
	}
	return nil
}

// maxOrigins bounds the occurrences of a timeless identity that are tried.
const maxOrigins = 1000

// splitFrom is the event of the natural key that this one was split from; ""
// where it is none of them.
func splitFrom(key string, rec webhook.Record) webhook.EventID {
	if key == rec.Key {
		return ""
	}
	for n := range maxOrigins {
		id := webhook.NewEventID(key, n+1)
		if ledger.SplitID(webhook.Variant{ID: id, Fingerprint: rec.Fingerprint}) == rec.ID {
			return id
		}
	}
	return ""
}

func chooseVariant(s *session.Session, rec webhook.Record, list []webhook.Variant, fingerprint string) (webhook.Variant, error) {
	v, err := operator.ChooseVariant(list, strings.TrimSuffix(fingerprint, "…")) // as a narrow terminal shows it
	var several *operator.AmbiguousError
	switch {
	case errors.Is(err, operator.ErrAllSplit):
		return v, problem.NotFound("every variant of event %s is split already", rec.ID).
			Hint("as what: %s events variants %s", s.Self(), output.Quote(string(rec.ID)))
	case errors.Is(err, operator.ErrNoVariant):
		return v, problem.NotFound("event %s has no such variant", rec.ID).
			Hint("which it has: %s events variants %s", s.Self(), output.Quote(string(rec.ID)))
	case errors.As(err, &several):
		e := problem.Usage("%d variants match: name one by its fingerprint", len(several.Matches))
		for _, m := range several.Matches {
			e = e.Hint("%s, received %s", m.Fingerprint, output.Stamp(m.Receipt.ReceivedAt))
		}
		return v, e
	}
	return v, err
}
