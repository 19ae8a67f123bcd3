// Package reconcilecmd compares what arrived with what Smartlead says happened.
package reconcilecmd

import (
	"context"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/comparing"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/smartleadkey"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/smartleadapi"
)

// New returns the command reconcile and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reconcile",
		Short: "Compare what arrived with what Smartlead says happened",
	}
	cmd.AddCommand(runCmd(s), reportCmd(s), statusCmd(s), nowCmd(s), retriggerCmd(s), repairCmd(s), repairsCmd(s), setKeyCmd(s))
	return cmd
}

// options are what is compared, and how Smartlead is asked.
type options struct {
	comparing.Options

	api smartleadkey.Flags
}

func (o *options) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.Campaigns, "campaign", nil, "only this campaign id; may be repeated (default: all but drafts and archived ones)")
	f.StringVar(&o.Since, "since", comparing.DefaultSince, "mails that were sent since: a length of time (2h, 2d3h, 1w) or a time")
	f.StringVar(&o.Until, "until", "", "mails that were sent until then")
	f.StringSliceVar(&o.Types, "type", nil, "only events of this type; may be repeated: "+output.Join(comparing.Types))
	f.BoolVar(&o.Deep, "deep", false, "also compare further replies of each thread, categories, untracked replies, and counts of deliveries")
	f.IntVar(&o.Threads, "threads", comparing.DefaultThreads, "with --deep: leads whose message history is read at most, two calls each")
	f.StringVar(&o.Lag, "lag", comparing.DefaultLag, "how long after a fact its event may still come")
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(output.Names(comparing.Types), cobra.ShellCompDirectiveNoFileComp))
	o.api.Add(cmd)
}

// comparison is what a command says of a comparison.
type comparison struct{ comparing.Comparison }

// tool connects to the stack and to Smartlead. end ends what it says of its progress.
func (o options) tool(ctx context.Context, s *session.Session) (t comparing.Tool, end func(), err error) {
	if _, err := o.Request(s.Now()); err != nil {
		return t, nil, err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return t, nil, err
	}
	client, err := o.api.Connect(ctx, s, st)
	if err != nil {
		return t, nil, err
	}
	w := &watch{s: s}
	return comparing.Tool{Stack: st, Client: client, Now: s.Now, Self: s.Self(), Local: s.Target.Local, Watch: w}, w.end, nil
}

func compare(ctx context.Context, s *session.Session, o options) (comparison, error) {
	t, end, err := o.tool(ctx, s)
	if err != nil {
		return comparison{}, err
	}
	defer end()
	c, err := t.Compare(ctx, o.Options)
	return comparison{c}, err
}

// watch shows how far a comparison is.
type watch struct {
	s *session.Session
	p *output.Progress
}

func (w *watch) Doing(what string) {
	w.end()
	if what != "" {
		w.p = w.s.Doing(what)
	}
}

func (w *watch) Add(n int) { w.p.Add(n) }

func (w *watch) Say(line string) { w.s.Say("%s", line) }

func (w *watch) end() {
	if w.p != nil {
		w.p.End()
	}
	w.p = nil
}

// outcome is how a comparison ends: well where nothing is missing and all was read.
func (c comparison) outcome(s *session.Session) error {
	missing, unread := 0, 0
	var cause error
	for _, campaign := range c.Results() {
		missing += campaign.Of(reconcile.Missing)
		if campaign.Cause != nil {
			unread++
			cause = campaign.Cause
		}
	}
	switch {
	case missing > 0:
		return problem.Failed(nil, "%s missing", output.Count(missing, "event is", "events are")).
			Hint("is the webhook on, and are the events ticked? %s hooks check", s.Self()).
			Hint("bring them, by Smartlead as far as it posts again, else made of what its API says; see first what that would do: %s reconcile repair --dry-run", s.Self()).
			Hint("what makes it send a single one: %s reconcile run --json | %s resend-guide --from -", s.Self(), s.Self())
	case unread == len(c.Results()):
		return smartleadkey.Advised(s.Self(), cause)
	case unread > 0:
		return problem.Failed(nil, "%s could not be read whole, so nobody can say that nothing is missing", c.unread(unread))
	}
	return nil
}

// unread names what could not be read.
func (c comparison) unread(n int) string {
	if n == 1 && c.Inbox != nil && c.Inbox.Cause != nil {
		return "the " + comparing.Inbox
	}
	return output.Count(n, "campaign", "campaigns")
}

// window says in words which mails were compared.
func window(w smartleadapi.Window) string {
	return "sent from " + output.Stamp(w.Since) + " to " + output.Stamp(w.Until)
}

func setKeyCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "set-key",
		Short: "Keep the key of Smartlead's API in the stack",
		Long: `Read the key of Smartlead's API from the terminal without echo, or the first line of
stdin, and keep it in the stack as a SecureString. Whoever may read that parameter
needs no key of his own; of the functions, the one that compares may, and does so by
itself from then on (reconcile status). ` + smartleadkey.Variable + `, where it is set, goes
before it.`,
		Example: `  smartleadctl reconcile set-key
  printf %s "$KEY" | smartleadctl reconcile set-key`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, err := s.Connect(cmd.Context())
			if err != nil {
				return err
			}
			key, err := s.Secret("API key of Smartlead")
			if err != nil {
				return err
			}
			// First since when anything could arrive: what happened before is not missing.
			if err := scheduled.SetBegan(cmd.Context(), st.Ledger, comparing.Tool{Stack: st, Local: s.Target.Local, Watch: &watch{s: s}}.Began(cmd.Context()), s.Now()); err != nil {
				return err
			}
			if err := st.APIKey.Put(cmd.Context(), key); err != nil {
				return err
			}
			if _, err := st.Sources.ErasureKey(cmd.Context()); err != nil {
				return problem.Failed(err, "the API key is kept, and the key of the records of who was erased is not: no event is made by itself").
					Hint("run it again")
			}
			return s.Finished("smartlead-api-key", "the key of Smartlead's API is kept in the stack, which compares from now on: %s reconcile status. Try it: %s hooks check", s.Self(), s.Self())
		},
	}
}
