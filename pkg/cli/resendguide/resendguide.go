// Package resendguide says how to make Smartlead send an event again.
package resendguide

import (
	"slices"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// guide is what smartlead.ResendGuide says of a type, as it is printed.
type guide struct {
	Type   webhook.Type `json:"type"`
	Fires  string       `json:"fires_when"`
	Action string       `json:"action"`
	Note   string       `json:"note,omitempty"`
}

// guidesFor lists what is known about firing the types again, in their order.
func guidesFor(types []webhook.Type) []guide {
	var known []guide
	for _, typ := range webhook.Types {
		if !slices.Contains(types, typ) {
			continue
		}
		if g, ok := smartlead.ResendGuideFor(typ); ok {
			known = append(known, guide{typ, g.FiresWhen, g.Action, g.Note})
		}
	}
	return known
}

// New returns the command resend-guide.
func New(s *session.Session) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "resend-guide [TYPE]",
		Short: "Say how to make Smartlead send an event again when no payload is left",
		Long: `Say the smallest action that makes Smartlead send an event of this type again,
for an event of which no payload is left. Before that, see whether one is left:

  1. here: smartleadctl events find TEXT, then events replay ID
  2. at Smartlead: POST /campaigns/ID/webhooks/retrigger-failed-events, or the
     redelivery option of its webhook log; the receiver drops what it has already

With --from it reads what reconcile run --json printed, and says for each missing event
whose it is and what makes Smartlead send it for that very lead, which of most types the
lead alone can do: first see what can be brought without (reconcile repair --dry-run).
A TYPE chooses of them.

With --local it says how to post one, since Smartlead does not reach a local stack.

A user-level webhook takes the events of client and campaign webhooks: check which
one is active before you wait for an event.`,
		Example: `  smartleadctl resend-guide EMAIL_REPLY
  smartleadctl reconcile run --deep --json | smartleadctl resend-guide --from -`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: filter.TypeNames(),
		RunE:      func(_ *cobra.Command, args []string) error { return run(s, args, from) },
	}
	cmd.Flags().StringVar(&from, "from", "", "file with the output of reconcile run --json; - is stdin")
	return cmd
}

// Former is resend-guide under its former name, which notes and scripts may
// still hold. No help lists it.
func Former(s *session.Session) *cobra.Command {
	cmd := New(s)
	cmd.Use, cmd.Hidden = "refire [TYPE]", true
	return cmd
}

func run(s *session.Session, args []string, from string) error {
	types := webhook.Types
	if len(args) == 1 {
		if types = filter.MatchTypes(args[0]); len(types) == 0 {
			_, err := filter.ParseType(args[0])
			return err
		}
	}
	if from != "" && len(args) == 0 {
		types = nil
	}
	if from != "" {
		return fromFindings(s, from, types)
	}
	chosen := guidesFor(types)
	if chosen == nil {
		return problem.NotFound("nothing is known about firing %s again", output.Join(types)).
			Hint("look for its payload: %s events list --type %s", s.Self(), types[0])
	}
	for i, r := range chosen {
		if s.Target.Local { // Smartlead does not reach it
			r.Action, r.Note = "post a payload of it: "+s.Self()+" send FILE", ""
		}
		if s.JSON {
			if err := s.Emit(r); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			s.Line("")
		}
		s.Line("%s fires when %s", r.Type, r.Fires)
		s.Line("  do:   %s", r.Action)
		if r.Note != "" {
			s.Line("  note: %s", r.Note)
		}
		s.Line("  then: %s events list --type %s --since 15m", s.Self(), r.Type)
	}
	return nil
}
