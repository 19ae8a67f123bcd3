package reconcilecmd

import (
	"context"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/comparing"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/smartleadkey"
	"smartlead-receiver/pkg/smartleadapi"
)

type retriggerOptions struct {
	campaigns    []string
	since, until string
	yes          bool
	api          smartleadkey.Flags
}

func retriggerCmd(s *session.Session) *cobra.Command {
	var o retriggerOptions
	cmd := &cobra.Command{
		Use:   "retrigger",
		Short: "Let Smartlead post again what it counts as failed",
		Long: `Ask Smartlead, for each campaign, to post the events again whose delivery failed in a
time. It posts them to the webhooks of the campaign, which may lead elsewhere too, in
small batches. What is here already is a duplicate, and is not delivered again. What
Smartlead never tried to post, or believes delivered, does not come.`,
		Example: `  smartleadctl reconcile retrigger --campaign 4100001 --since 2d
  smartleadctl reconcile retrigger --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return retrigger(cmd.Context(), s, o) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.campaigns, "campaign", nil, "only this campaign id; may be repeated (default: all but drafts and archived ones)")
	f.StringVar(&o.since, "since", "7d", "deliveries that failed since: a length of time (2h, 2d3h, 1w) or a time")
	f.StringVar(&o.until, "until", "", "deliveries that failed until then")
	output.AddYes(cmd, &o.yes)
	o.api.Add(cmd)
	return cmd
}

// retriggered is what Smartlead answered for a campaign.
type retriggered struct {
	Campaign string `json:"campaign_id"`
	Count    *int   `json:"retriggered,omitempty"` // absent: Smartlead does not say
	Message  string `json:"message,omitempty"`
	Error    string `json:"error,omitempty"`
}

func retrigger(ctx context.Context, s *session.Session, o retriggerOptions) error {
	w, err := comparing.WindowOf(o.since, o.until, s.Now())
	if err != nil {
		return err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	client, err := o.api.Connect(ctx, s, st)
	if err != nil {
		return err
	}
	campaigns, err := smartleadkey.Campaigns(ctx, s.Self(), client, o.campaigns)
	if err != nil {
		return err
	}
	if len(campaigns) == 0 {
		return problem.NotFound("the API key of Smartlead leads to no campaign that has sent")
	}
	if err := s.Confirm(o.yes, "let Smartlead post again what failed since %s, for %s", output.Stamp(w.Since), output.Count(len(campaigns), "campaign", "campaigns")); err != nil {
		return err
	}
	t := output.NewTable("CAMPAIGN", ">POSTED AGAIN", "+SMARTLEAD SAYS").Early("CAMPAIGN")
	failed := 0
	for _, c := range campaigns {
		r, err := ask(ctx, client, c.ID, w)
		if err != nil {
			return err
		}
		if r.Error != "" {
			failed++
		}
		if s.JSON {
			if err := s.Emit(r); err != nil {
				return err
			}
			continue
		}
		posted := ""
		if r.Count != nil {
			posted = output.Thousands(*r.Count)
		}
		t.Add(c.ID+" "+c.Name, posted, output.OrText(r.Error, r.Message))
	}
	if !s.JSON {
		if err := s.Print(t, ""); err != nil {
			return err
		}
	}
	if failed > 0 {
		return problem.Failed(nil, "%s not retriggered", output.Count(failed, "campaign was", "campaigns were")).Hint("asking again does no harm: what comes twice is a duplicate")
	}
	s.Say("they come within minutes; then compare again: %s reconcile run", s.Self())
	return nil
}

// ask asks for one campaign; the error is the end of the context.
func ask(ctx context.Context, client *smartleadapi.Client, campaign string, w smartleadapi.Window) (retriggered, error) {
	r := retriggered{Campaign: campaign}
	got, err := client.Retrigger(ctx, campaign, w)
	if err != nil {
		r.Error = comparing.Words(err)
		return r, ctx.Err()
	}
	r.Message = got.Message
	if got.Count >= 0 {
		r.Count = &got.Count
	}
	return r, nil
}
