// Package reconcilecmd compares what arrived with what Smartlead says happened.
package reconcilecmd

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/smartleadkey"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/stack"
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

// options are what is compared, as it was typed.
type options struct {
	campaigns    []string
	since, until string
	types        []string
	lag          string
	deep         bool
	threads      int
	api          smartleadkey.Flags
}

func (o *options) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.campaigns, "campaign", nil, "only this campaign id; may be repeated (default: all but drafts and archived ones)")
	f.StringVar(&o.since, "since", "7d", "mails that were sent since: a length of time (2h, 2d3h, 1w) or a time")
	f.StringVar(&o.until, "until", "", "mails that were sent until then")
	f.StringSliceVar(&o.types, "type", nil, "only events of this type; may be repeated: "+output.Join(allTypes))
	f.BoolVar(&o.deep, "deep", false, "also compare further replies of each thread, categories, untracked replies, and counts of deliveries")
	f.IntVar(&o.threads, "threads", 100, "with --deep: leads whose message history is read at most, two calls each")
	f.StringVar(&o.lag, "lag", "10h", "how long after a fact its event may still come")
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(output.Names(allTypes), cobra.ShellCompDirectiveNoFileComp))
	o.api.Add(cmd)
}

// allTypes are what can be compared.
var allTypes = slices.Concat(reconcile.Types, reconcile.FurtherTypes)

// inboxName is how what belongs to no campaign is shown.
const inboxName = "master inbox"

// comparison is the report with the names of the campaigns.
type comparison struct {
	reconcile.Report
	names map[string]string
	calls int

	st     *stack.Stack
	client *smartleadapi.Client
}

func compare(ctx context.Context, s *session.Session, o options) (comparison, error) {
	r, err := o.request(s.Now())
	if err != nil {
		return comparison{}, err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return comparison{}, err
	}
	client, err := o.api.Connect(ctx, s, st)
	if err != nil {
		return comparison{}, err
	}
	campaigns, err := smartleadkey.Campaigns(ctx, s, client, o.campaigns)
	if err != nil {
		return comparison{}, err
	}
	if len(campaigns) == 0 {
		return comparison{}, problem.NotFound("the API key of Smartlead leads to no campaign that has sent")
	}
	c := comparison{names: map[string]string{}, st: st, client: client}
	for _, campaign := range campaigns {
		r.Campaigns = append(r.Campaigns, campaign.ID)
		c.names[campaign.ID] = campaign.Name
	}
	r.Retention, r.Began = st.Retention, began(ctx, s, st)
	p, threads := s.Doing("reading campaigns"), false
	defer func() { p.End() }()
	service := reconcile.Service{
		Provider: client, Ledger: st.Ledger, Now: s.Now, Heard: func(string) { p.Add(1) },
		Asked: func() {
			if !threads {
				p.End()
				p, threads = s.Doing("reading message histories"), true
			}
			p.Add(1)
		},
		People: client, Inbox: client, Payloads: st.Ledger, Bodies: st.Bodies, Summary: client, Refusals: st.Ledger,
	}
	c.Report, err = service.Run(ctx, r)
	c.calls = client.Calls()
	return c, err
}

// request is what is compared.
func (o options) request(now time.Time) (reconcile.Request, error) {
	var r reconcile.Request
	var err error
	if r.Window, err = windowOf(o.since, o.until, now); err != nil {
		return r, err
	}
	if r.Lag, err = filter.ParseSpan(o.lag); err != nil || r.Lag <= 0 {
		return r, problem.Usage("--lag %s is no length of time, such as 10h", output.Plain(o.lag))
	}
	for _, name := range o.types {
		typ, err := filter.ParseType(name)
		if err != nil {
			return r, err
		}
		if !slices.Contains(allTypes, typ) {
			return r, problem.Usage("Smartlead tells nothing of %s that could be compared", typ).Hint("one of: %s", output.Join(allTypes))
		}
		r.Types = append(r.Types, typ)
	}
	if o.threads < 0 {
		return r, problem.Usage("--threads is at least 0")
	}
	if o.deep {
		r.Threads, r.Counts = o.threads, true
		if r.Types == nil {
			r.Types = allTypes
		}
	}
	return r, nil
}

// windowOf is the time between two that were typed; without until, that up to now.
func windowOf(since, until string, now time.Time) (w smartleadapi.Window, err error) {
	if w.Since, err = filter.ParseTime("--since", since, now); err != nil {
		return w, err
	}
	if w.Until, err = filter.ParseTime("--until", until, now); err != nil {
		return w, err
	}
	if w.Until.IsZero() {
		w.Until = now.UTC()
	}
	if !w.Since.Before(w.Until) {
		return w, problem.Usage("--since is not before --until")
	}
	return w, nil
}

// results are those of the campaigns and, where it was compared, of the inbox.
func (c comparison) results() []reconcile.Campaign {
	if c.Inbox == nil {
		return c.Campaigns
	}
	return append(slices.Clone(c.Campaigns), *c.Inbox)
}

// title names a campaign, or the inbox.
func title(campaign reconcile.Campaign) string {
	if campaign.ID == "" {
		return inboxName
	}
	return "campaign " + output.Clean(campaign.ID)
}

// began is when the first source was made: nothing can have arrived before. A local stack
// makes its source anew with its data, and who may not read sources does not know.
func began(ctx context.Context, s *session.Session, st *stack.Stack) (first time.Time) {
	if s.Target.Local {
		return time.Time{}
	}
	listed, err := st.Sources.List(ctx)
	if err != nil {
		s.Say("the sources cannot be read: what happened before the first of them counts as missing")
		return time.Time{}
	}
	for _, l := range listed {
		if l.Err == nil && (first.IsZero() || l.Source.CreatedAt.Before(first)) {
			first = l.Source.CreatedAt
		}
	}
	return first
}

// outcome is how a comparison ends: well where nothing is missing and all was read.
func (c comparison) outcome(s *session.Session) error {
	missing, unread := 0, 0
	var cause error
	for _, campaign := range c.results() {
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
			Hint("let Smartlead post failed events again: %s reconcile retrigger", s.Self()).
			Hint("what makes it send a single one: %s reconcile run --json | %s resend-guide --from -", s.Self(), s.Self())
	case unread == len(c.results()):
		return smartleadkey.Advised(s, cause)
	case unread > 0:
		return problem.Failed(nil, "%s could not be read whole, so nobody can say that nothing is missing", c.unread(unread))
	}
	return nil
}

// unread names what could not be read.
func (c comparison) unread(n int) string {
	if n == 1 && c.Inbox != nil && c.Inbox.Cause != nil {
		return "the " + inboxName
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
			if err := scheduled.SetBegan(cmd.Context(), st.Ledger, began(cmd.Context(), s, st), s.Now()); err != nil {
				return err
			}
			if err := st.APIKey.Put(cmd.Context(), key); err != nil {
				return err
			}
			return s.Finished("smartlead-api-key", "the key of Smartlead's API is kept in the stack, which compares from now on: %s reconcile status. Try it: %s hooks check", s.Self(), s.Self())
		},
	}
}
