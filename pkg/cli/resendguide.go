package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// resendGuide is what smartlead.ResendGuide says of a type, as it is printed.
type resendGuide struct {
	Type   webhook.Type `json:"type"`
	Fires  string       `json:"fires_when"`
	Action string       `json:"action"`
	Note   string       `json:"note,omitempty"`
}

// resendGuides lists what is known about firing the types again, in their order.
func resendGuides(types []webhook.Type) []resendGuide {
	var known []resendGuide
	for _, typ := range webhook.Types {
		if !slices.Contains(types, typ) {
			continue
		}
		if g, ok := smartlead.ResendGuideFor(typ); ok {
			known = append(known, resendGuide{typ, g.FiresWhen, g.Action, g.Note})
		}
	}
	return known
}

func (p *program) resendGuideCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "resend-guide [TYPE]",
		Short: "Say how to make Smartlead send an event again when no payload is left",
		Long: `Say the smallest action that makes Smartlead send an event of this type again,
for an event of which no payload is left. Before that, see whether one is left:

  1. here: smartleadctl events find TEXT, then events replay ID
  2. at Smartlead: POST /campaigns/ID/webhooks/retrigger-failed-events, or the
     redelivery option of its webhook log; the receiver drops what it has already

A user-level webhook takes the events of client and campaign webhooks: check which
one is active before you wait for an event.`,
		Example:   "  smartleadctl resend-guide EMAIL_REPLY",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: typeNames(),
		RunE:      func(_ *cobra.Command, args []string) error { return p.resendGuide(args) },
	}
}

// refireCmd is resend-guide under its former name, which notes and scripts may
// still hold. No help lists it.
func (p *program) refireCmd() *cobra.Command {
	cmd := p.resendGuideCmd()
	cmd.Use, cmd.Hidden = "refire [TYPE]", true
	return cmd
}

func (p *program) resendGuide(args []string) error {
	types := webhook.Types
	if len(args) == 1 {
		if types = matchTypes(args[0]); len(types) == 0 {
			_, err := parseType(args[0])
			return err
		}
	}
	chosen := resendGuides(types)
	if chosen == nil {
		return notFound("nothing is known about firing %s again", join(types)).
			hint("look for its payload: %s events list --type %s", p.self(), types[0])
	}
	for i, r := range chosen {
		if p.json {
			if err := p.emit(r); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			p.line("")
		}
		p.line("%s fires when %s", r.Type, r.Fires)
		p.line("  do:   %s", r.Action)
		if r.Note != "" {
			p.line("  note: %s", r.Note)
		}
		p.line("  then: %s events list --type %s --since 15m", p.self(), r.Type)
	}
	return nil
}
