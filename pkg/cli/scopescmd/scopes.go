// Package scopescmd shows which webhook at Smartlead sends what.
package scopescmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/scopes"
)

type options struct {
	source, campaign string
}

// New returns the command scopes and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use: "scopes", Aliases: []string{"scope"},
		Short: "Show which webhook at Smartlead sends what",
	}
	cmd.AddCommand(listCmd(s))
	return cmd
}

func listCmd(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List which webhook sends what: source, campaign, type, webhook and level",
		Long: `List which webhook at Smartlead sends which type of which campaign through which
source, with its level, and when it was first and last seen. Events of a sender that is
not trusted, and those of the button Test Webhook, are not in it.

It is written once a day, not once an event: the last time may be a day ago for a
webhook that sends now. Events are not counted here: smartleadctl stats. What was not
seen for 90 days goes. What is configured at Smartlead, set beside it: hooks check.`,
		Example: `  smartleadctl scopes list
  smartleadctl scopes list --source acme --campaign 4100001`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), s, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.source, "source", "", "what comes through this source")
	f.StringVar(&o.campaign, "campaign", "", "what is of this campaign id")
	return cmd
}

// view is an entry as JSON.
type view struct {
	Account   string `json:"account"`
	Source    string `json:"source"`
	Campaign  string `json:"campaign_id"`
	Type      string `json:"type"`
	Hook      string `json:"webhook_id"`
	Name      string `json:"webhook_name"`
	Level     string `json:"level"`
	FirstSeen string `json:"first_seen"`
	LastSeen  string `json:"last_seen"`
	Days      int    `json:"days"`
}

func list(ctx context.Context, s *session.Session, o options) error {
	if err := auth.ValidateName(o.source); o.source != "" && err != nil {
		return problem.Usage("--source %s: %v", o.source, err)
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	entries, err := scopes.List(ctx, st.Ledger)
	if err != nil {
		return err
	}
	t := output.NewTable("SOURCE", "CAMPAIGN", "TYPE", "WEBHOOK", "~NAME", "LEVEL", "FIRST SEEN", "LAST SEEN", ">DAYS").Dispose("FIRST SEEN", "DAYS", "NAME")
	for _, e := range entries {
		if o.source != "" && e.Source != o.source || o.campaign != "" && e.Campaign != o.campaign {
			continue
		}
		v := view{
			Account: e.Account, Source: e.Source, Campaign: e.Campaign, Type: string(e.Type), Hook: e.Hook, Name: e.Name, Level: e.Level,
			FirstSeen: output.Wire(e.FirstSeen()), LastSeen: output.Wire(e.LastSeen()), Days: e.Days,
		}
		if s.JSON {
			if err := s.Emit(v); err != nil {
				return err
			}
			continue
		}
		t.Add(v.Source, output.Dash(v.Campaign), v.Type, output.Dash(v.Hook), output.Clean(v.Name), output.Dash(v.Level),
			output.Stamp(e.FirstSeen()), output.Stamp(e.LastSeen()), fmt.Sprint(v.Days))
	}
	switch {
	case s.JSON:
	case t.Len() == 0 && len(entries) > 0:
		s.Say("nothing of it: %s scopes list shows all", s.Self())
	case t.Len() == 0:
		s.Say("nothing is recorded yet: the first event of a trusted sender is")
	default:
		return s.Print(t, "")
	}
	return nil
}
