// Package hooks shows which webhooks Smartlead has, whether they lead here and whether they
// speak, and has one of this receiver made or mended.
package hooks

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/smartleadkey"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// New returns the command hooks and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "hooks",
		Aliases: []string{"hook"},
		Short:   "See which webhooks Smartlead has and whether they lead here, or have one made",
	}
	cmd.AddCommand(checkCmd(s), installCmd(s))
	return cmd
}

// summarySpan is over what time Smartlead's own deliveries are counted.
const summarySpan = 7 * 24 * time.Hour

func checkCmd(s *session.Session) *cobra.Command {
	var campaigns []string
	var api smartleadkey.Flags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Compare the webhooks of each campaign with this receiver",
		Long: `Show the webhooks that Smartlead has for each campaign: whether they lead to this
receiver, with a token that counts, whether they are on, and which events are not
ticked. Where Smartlead tells it, also how many of its deliveries failed in seven days.
Of an address only the host is shown, and of ours the source.

What is configured there is set beside what was seen here (scopes list): a webhook that
fell silent while another one speaks, one that was switched off, an event that nobody
brings. Smartlead's API lists the webhooks of campaigns alone. One of the user or of a
client is known only by what it brings; it brings the events of a campaign that has no
webhook, and may silence those that are listed.

It changes nothing; hooks install does. Exit code 1 when something is to be done.`,
		Example: `  smartleadctl hooks check
  smartleadctl hooks check --campaign 4100001`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return check(cmd.Context(), s, campaigns, api) },
	}
	cmd.Flags().StringSliceVar(&campaigns, "campaign", nil, "only this campaign id; may be repeated (default: all but drafts and archived ones)")
	api.Add(cmd)
	return cmd
}

// checked is a webhook, or a campaign without any.
type checked struct {
	Campaign string   `json:"campaign_id"`
	Name     string   `json:"campaign_name,omitempty"`
	Hook     string   `json:"hook_id,omitempty"`
	HookName string   `json:"hook_name,omitempty"`
	Host     string   `json:"host,omitempty"`
	Source   string   `json:"source,omitempty"`
	Leads    string   `json:"leads"` // here, here_old_token, elsewhere, nowhere
	On       bool     `json:"on"`
	Unticked []string `json:"unticked,omitempty"`
	LastSeen string   `json:"last_seen,omitempty"` // when it last brought something of the campaign; may be a day behind
	Others   []other  `json:"others,omitempty"`    // what brings the campaign's events and is none of its webhooks
	Problems []string `json:"problems,omitempty"`
	Advice   string   `json:"advice,omitempty"`
	Failed   *int     `json:"failed_deliveries,omitempty"`

	lastSeen time.Time
}

// Where a webhook leads.
const (
	leadsHere      = "here"
	leadsOldToken  = "here_old_token"
	leadsElsewhere = "elsewhere"
	leadsNowhere   = "nowhere"
)

func check(ctx context.Context, s *session.Session, named []string, api smartleadkey.Flags) error {
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	client, err := api.Connect(ctx, s, st)
	if err != nil {
		return err
	}
	campaigns, err := smartleadkey.Campaigns(ctx, s.Self(), client, named)
	if err != nil {
		return err
	}
	c := checker{s: s, st: st, client: client, seen: readSeen(ctx, s, st)}
	p := s.Doing("reading webhooks")
	var all []checked
	for _, campaign := range campaigns {
		p.Add(1)
		found, err := c.campaign(ctx, campaign)
		if err != nil {
			p.End()
			return smartleadkey.Advised(s.Self(), err)
		}
		all = append(all, found...)
	}
	p.End()
	return show(s, all)
}

type checker struct {
	s      *session.Session
	st     *stack.Stack
	client *smartleadapi.Client
	seen   seen

	noSummary bool // the account has none: it is not asked again
}

func (c *checker) campaign(ctx context.Context, campaign smartleadapi.Campaign) ([]checked, error) {
	hooks, err := c.client.Hooks(ctx, campaign.ID)
	if err != nil {
		return nil, err
	}
	heard := c.seen.of(campaign.ID, hooks)
	of := checked{Campaign: campaign.ID, Name: campaign.Name, Others: heard.others()}
	if len(hooks) == 0 {
		of.Leads = leadsNowhere
		of.Advice = heard.withoutHook()
		return []checked{of}, nil
	}
	if !c.noSummary {
		now := c.s.Now()
		d, err := c.client.Deliveries(ctx, campaign.ID, smartleadapi.Window{Since: now.Add(-summarySpan), Until: now})
		if err == nil {
			of.Failed = &d.Failed
		} else if c.noSummary = true; ctx.Err() != nil {
			return nil, err
		}
	}
	var all []checked
	for _, h := range hooks {
		all = append(all, c.hook(ctx, of, h, heard))
	}
	for i := range all {
		c.judge(&all[i], all, heard)
	}
	return all, nil
}

func (c *checker) hook(ctx context.Context, of checked, h smartleadapi.Hook, heard heard) checked {
	of.Hook, of.HookName, of.On = h.ID, h.Name, !h.Off
	of.Host, of.Source, of.Leads = leads(ctx, c.st, h.URL)
	if of.Leads == leadsElsewhere {
		return of
	}
	of.lastSeen = heard.last(h.ID)
	of.LastSeen = output.Wire(of.lastSeen)
	of.Unticked = unticked(h.Events)
	return of
}

// judge says what is to be done about a webhook of a campaign, whose webhooks all are.
func (c *checker) judge(h *checked, all []checked, heard heard) {
	if h.Leads == leadsElsewhere {
		return
	}
	missing := slices.DeleteFunc(heard.nobodyBrings(h.Unticked), func(name string) bool {
		return slices.ContainsFunc(all, func(o checked) bool {
			return o.Hook != h.Hook && o.On && o.Leads == leadsHere && !slices.Contains(o.Unticked, name)
		})
	})
	h.Problems, h.Advice = c.advice(*h, missing, heard)
}

// leads tells where a URL leads, without its token.
func leads(ctx context.Context, st *stack.Stack, address string) (host, source, where string) {
	at, err := url.Parse(address)
	if err != nil {
		return "", "", leadsElsewhere
	}
	own, err := url.Parse(st.APIURL)
	if err != nil || !strings.EqualFold(at.Host, own.Host) {
		return at.Host, "", leadsElsewhere
	}
	rest, ours := strings.CutPrefix(at.Path, strings.TrimSuffix(own.Path, "/")+"/webhooks/")
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	if !ours || auth.ValidateName(parts[0]) != nil {
		return at.Host, "", leadsElsewhere
	}
	token := at.Query().Get("token")
	if len(parts) > 1 {
		token = parts[1]
	}
	kept, err := st.Sources.Get(ctx, parts[0])
	if err == nil && !slices.Contains(kept.Tokens, auth.NewDigest(token)) {
		return at.Host, parts[0], leadsOldToken
	}
	return at.Host, parts[0], leadsHere
}

// unticked are the types that Smartlead's statistics tell of, and that the webhook does
// not send. Either report of a first mail will do.
func unticked(events []string) (names []string) {
	ticked := make(map[webhook.Type]bool)
	for _, name := range events {
		if typ, known := smartlead.TypeNamed(name); known {
			ticked[typ] = true
		}
	}
	ticked[webhook.EmailSent] = ticked[webhook.EmailSent] || ticked[webhook.FirstEmailSent]
	for _, typ := range reconcile.Types {
		if !ticked[typ] {
			names = append(names, string(typ))
		}
	}
	return names
}

// The problems of a webhook, for a script.
const (
	problemToken    = "old_token"
	problemOff      = "off"
	problemSilenced = "silenced"
	problemSilent   = "silent"
	problemUnticked = "unticked"
)

func (c *checker) advice(h checked, missing []string, heard heard) (problems []string, advice string) {
	var parts []string
	say := func(name, todo string) {
		problems, parts = append(problems, name), append(parts, todo)
	}
	install := c.s.Self() + " hooks install --campaign " + output.Quote(h.Campaign)
	if h.Leads == leadsOldToken {
		say(problemToken, "its token counts no more: paste a new URL ("+c.s.Self()+" sources rotate "+output.Quote(h.Source)+"), or let "+install+" enter it")
	}
	if !h.On {
		todo := "it is off, as after five failures in a row: switch it on in Smartlead once all is well here (" + c.s.Self() + " doctor), and post the failed events again (reconcile retrigger)"
		say(problemOff, todo)
	}
	if h.On && h.Leads == leadsHere { // else it is silent for that
		if name, words := heard.silence(h.Hook); name != "" {
			say(name, words)
		}
	}
	if h.On && h.Leads == leadsHere && len(problems) == 0 && h.Failed != nil && *h.Failed > 0 {
		parts = append(parts, "deliveries failed: see what was lost of them ("+c.s.Self()+" reconcile run)")
	}
	if len(missing) > 0 {
		say(problemUnticked, "tick "+strings.Join(missing, ", ")+" ("+install+" can), or leave it if nobody uses them")
	}
	return problems, strings.Join(parts, "; ")
}

func show(s *session.Session, all []checked) error {
	here := map[string]bool{}
	todo := 0
	t := output.NewTable("CAMPAIGN", "WEBHOOK", "LEADS", "HOST", "SOURCE", "ON", ">FAILED", "LAST SEEN", "+ADVICE").Early("CAMPAIGN", "WEBHOOK").Dispose("HOST", "FAILED", "LAST SEEN")
	for _, h := range all {
		here[h.Campaign] = here[h.Campaign] || h.Leads == leadsHere && h.On
		if len(h.Problems) > 0 {
			todo++
		}
		if s.JSON {
			if err := s.Emit(h); err != nil {
				return err
			}
			continue
		}
		on, failed := "", ""
		if h.Hook != "" {
			on = map[bool]string{true: "yes", false: "no"}[h.On]
		}
		if h.Failed != nil {
			failed = output.Thousands(*h.Failed)
		}
		t.Add(h.Campaign+" "+h.Name, h.HookName, strings.ReplaceAll(h.Leads, "_", " "), h.Host, h.Source, on, failed, output.Stamp(h.lastSeen), h.Advice)
	}
	if !s.JSON && t.Len() > 0 {
		if err := s.Print(t, ""); err != nil {
			return err
		}
	}
	silent := 0
	for _, is := range here {
		if !is {
			silent++
		}
	}
	if silent > 0 && !s.JSON {
		s.Line("%s no webhook of their own that leads here: their events come by one of the user or the client, which the API does not list, or not at all (%s scopes list, %s reconcile run)",
			output.Count(silent, "campaign has", "campaigns have"), s.Self(), s.Self())
	}
	if todo > 0 {
		return problem.Failed(nil, "%s attention", output.Count(todo, "webhook needs", "webhooks need"))
	}
	return nil
}
