package hooks

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/smartleadkey"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// installed are the events of a new webhook: those that the live API was seen to take.
var installed = []webhook.Type{
	webhook.EmailSent, webhook.EmailOpen, webhook.EmailLinkClick, webhook.EmailReply, webhook.EmailBounce, webhook.LeadUnsubscribed,
}

type installOptions struct {
	campaigns []string
	types     []string
	name      string
	yes       bool
	api       smartleadkey.Flags
}

func installCmd(s *session.Session) *cobra.Command {
	var o installOptions
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Have Smartlead make, or mend, the webhook of campaigns that leads here",
		Long: `Make a webhook for each named campaign that leads to this receiver, or mend the one
that does: enter the new URL where its token counts no more, and tick what is missing.
Without --yes it says what it would do.

It reads the webhook URL with its token, which sources add and sources rotate print
once: typed without echo, or as the first line of stdin. It is shown nowhere, and never
taken from a flag. Only a webhook whose URL leads to the very source of that URL is
changed, and none is deleted; where two lead there, it changes neither.

For all campaigns of an account, rather enter one webhook of the user level in
Smartlead: it needs no upkeep, and Smartlead's API has no call to list it. One of the
user level silences those of campaigns (hooks check, scopes list).

Smartlead wants categories named for a webhook, whatever its events are: all that the
account has now are. After a new category, install again. A webhook that is off may stay
off: switch it on in Smartlead. Exit code 1 when a campaign's webhook is not as it
should be.`,
		Example: `  smartleadctl sources add acme | smartleadctl hooks install --campaign 4100001 --yes
  smartleadctl hooks install --campaign 4100001 --type LEAD_CATEGORY_UPDATED`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return install(cmd.Context(), s, o) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.campaigns, "campaign", nil, "campaign id; may be repeated")
	f.StringSliceVar(&o.types, "type", nil, "also this event; may be repeated (always: "+output.Join(installed)+")")
	f.StringVar(&o.name, "name", "", "name of a new webhook (default: Receiver SOURCE)")
	output.AddYes(cmd, &o.yes)
	f.Lookup("yes").Usage = "do it, and not only say what would be done"
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(filter.TypeNames(), cobra.ShellCompDirectiveNoFileComp))
	o.api.Add(cmd)
	return cmd
}

// What is done to a campaign's webhook.
const (
	actionNone   = "nothing"
	actionCreate = "create"
	actionMend   = "mend"
	actionRefuse = "refuse"
)

// step is what is to be done for a campaign.
type step struct {
	Campaign string   `json:"campaign_id"`
	Name     string   `json:"campaign_name,omitempty"`
	Action   string   `json:"action"` // nothing, create, mend, refuse
	Hook     string   `json:"hook_id,omitempty"`
	Source   string   `json:"source"`
	NewURL   bool     `json:"new_url,omitempty"` // its URL is replaced
	Ticked   []string `json:"ticked,omitempty"`  // events that are added
	Done     bool     `json:"done"`
	Says     string   `json:"says,omitempty"`

	change smartleadapi.HookChange
}

func install(ctx context.Context, s *session.Session, o installOptions) error {
	if len(o.campaigns) == 0 {
		return problem.Usage("name the campaigns: --campaign ID").Hint("all of them: %s hooks check", s.Self())
	}
	types := slices.Clone(installed)
	for _, name := range o.types {
		typ, err := filter.ParseType(name)
		if err != nil {
			return err
		}
		types = append(types, typ)
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	client, err := o.api.Connect(ctx, s, st)
	if err != nil {
		return err
	}
	address, err := s.Secret("webhook URL, as sources add printed it")
	if err != nil {
		return err
	}
	source, err := ownURL(ctx, s, st, address)
	if err != nil {
		return err
	}
	campaigns, err := smartleadkey.Campaigns(ctx, s.Self(), client, o.campaigns)
	if err != nil {
		return err
	}
	i := installer{s: s, st: st, client: client, source: source, url: address, name: output.OrText(o.name, "Receiver "+source), types: types, seen: readSeen(ctx, s, st)}
	if i.categories, err = categoriesOf(ctx, s, client); err != nil {
		return err
	}
	var steps []step
	for _, c := range campaigns {
		x, err := i.plan(ctx, c)
		if err == nil && o.yes && x.Action != actionNone && x.Action != actionRefuse {
			i.do(ctx, &x)
			err = ctx.Err()
		}
		if err != nil {
			return smartleadkey.Advised(s.Self(), err)
		}
		steps = append(steps, x)
	}
	return showSteps(s, steps, o.yes)
}

// ownURL checks that a URL leads to this receiver, with a token that counts, and returns its
// source. No error names the URL.
func ownURL(ctx context.Context, s *session.Session, st *stack.Stack, address string) (source string, err error) {
	wrong := func(what string) error {
		return problem.Usage("%s", what).Hint("it is printed once, by %s sources add NAME or sources rotate NAME", s.Self())
	}
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || at.Fragment != "" {
		return "", wrong("what was given is no webhook URL")
	}
	if at.Scheme != "https" && !s.Target.Local {
		return "", wrong("the webhook URL must begin with https://")
	}
	_, source, where := leads(ctx, st, address)
	switch {
	case where == leadsElsewhere:
		return "", wrong("the webhook URL does not lead to this receiver")
	case where == leadsOldToken:
		return "", wrong("the token of the webhook URL does not count: source " + source + " has another")
	}
	if _, err := st.Sources.Get(ctx, source); err != nil { // leads takes a token on trust where it cannot look
		return "", err
	}
	return source, nil
}

func categoriesOf(ctx context.Context, s *session.Session, client *smartleadapi.Client) (names []string, err error) {
	all, err := client.Categories(ctx)
	if err != nil {
		return nil, smartleadkey.Advised(s.Self(), err)
	}
	for _, c := range all {
		names = append(names, c.Name)
	}
	if len(names) == 0 {
		return nil, problem.Failed(nil, "the account has no category, and Smartlead makes no webhook without one").Hint("make one in Smartlead, or enter the webhook there")
	}
	return names, nil
}

type installer struct {
	s          *session.Session
	st         *stack.Stack
	client     *smartleadapi.Client
	source     string
	url        string // with the token: it is shown nowhere
	name       string
	types      []webhook.Type
	categories []string
	seen       seen
}

// plan looks at the webhooks of a campaign, and changes nothing.
func (i installer) plan(ctx context.Context, c smartleadapi.Campaign) (step, error) {
	x := step{Campaign: c.ID, Name: c.Name, Source: i.source, Action: actionCreate}
	hooks, err := i.client.Hooks(ctx, c.ID)
	if err != nil {
		return x, err
	}
	own, elsewhere := i.own(ctx, hooks)
	switch {
	case len(own) > 1:
		x.Action, x.Says = actionRefuse, "two webhooks lead to source "+i.source+": delete one of them in Smartlead"
		return x, nil
	case len(own) == 0 && elsewhere != "":
		x.Action, x.Says = actionRefuse, "a webhook leads here already, to source "+elsewhere+": each event would come twice"
		return x, nil
	}
	x.change = smartleadapi.HookChange{Name: i.name, URL: i.url, Categories: i.categories}
	for _, t := range i.types {
		x.Ticked = append(x.Ticked, string(t))
	}
	if len(own) == 1 {
		h := own[0]
		x.Action, x.Hook, x.NewURL = actionMend, h.ID, h.URL != i.url
		x.change.ID, x.change.Name = h.ID, output.OrText(h.Name, i.name)
		known := registered(h.Events)
		x.Ticked = slices.DeleteFunc(x.Ticked, func(name string) bool { return slices.Contains(known, name) })
		x.change.Events = slices.Concat(known, x.Ticked)
		if !x.NewURL && len(x.Ticked) == 0 {
			x.Action = actionNone
			if h.Off {
				x.Says = stillOff
			}
			return x, nil
		}
	}
	if x.change.Events == nil {
		x.change.Events = x.Ticked
	}
	if others := i.seen.of(c.ID, hooks).others(); len(others) > 0 && x.Action == actionCreate {
		x.Says = others[0].String() + " brings the campaign's events already, and may silence this one"
	}
	return x, nil
}

// registered are events by the names that the registration takes. It lists some by others.
func registered(events []string) (names []string) {
	for _, name := range events {
		if typ, known := smartlead.TypeNamed(name); known {
			name = string(typ)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

const stillOff = "it is off: switch it on in Smartlead"

// own are the webhooks that lead to the source, with whatever token; elsewhere is another
// source of this receiver to which one leads.
func (i installer) own(ctx context.Context, hooks []smartleadapi.Hook) (own []smartleadapi.Hook, elsewhere string) {
	for _, h := range hooks {
		switch _, source, where := leads(ctx, i.st, h.URL); {
		case where == leadsElsewhere:
		case source == i.source:
			own = append(own, h)
		default:
			elsewhere = source
		}
	}
	return own, elsewhere
}

// do makes or mends the webhook, and looks at what became of it.
func (i installer) do(ctx context.Context, x *step) {
	id, err := i.client.SaveHook(ctx, x.Campaign, x.change)
	if err != nil {
		x.Says = wordsOf(err)
		return
	}
	x.Hook = id
	hooks, err := i.client.Hooks(ctx, x.Campaign)
	if err != nil {
		x.Says = "Smartlead took it, and it cannot be read again: " + problem.Words(err)
		return
	}
	at := slices.IndexFunc(hooks, func(h smartleadapi.Hook) bool { return h.ID == id })
	switch {
	case at < 0:
		x.Says = "Smartlead took it, and does not list it: " + i.s.Self() + " hooks check"
	case hooks[at].URL != i.url:
		x.Says = "Smartlead took it, and lists another URL for it"
	case hooks[at].Off:
		x.Says = stillOff
	case slices.ContainsFunc(x.change.Events, func(name string) bool { return !slices.Contains(registered(hooks[at].Events), name) }):
		x.Says = "Smartlead took it, and lists fewer events for it: " + i.s.Self() + " hooks check"
	default:
		x.Done = true
	}
}

// wordsOf says also what is not known: whether a request without an answer was obeyed.
func wordsOf(err error) string {
	if errors.Is(err, smartleadapi.ErrUnavailable) || errors.Is(err, smartleadapi.ErrAnswer) {
		return problem.Words(err) + "; it may have been done all the same: look before you try again"
	}
	return problem.Words(err)
}

func showSteps(s *session.Session, steps []step, did bool) error {
	left, todo := 0, 0
	t := output.NewTable("CAMPAIGN", "*ACTION", "WEBHOOK", "SOURCE", "URL", "+EVENTS ADDED", "+SAYS").Early("CAMPAIGN").Dispose("SOURCE")
	for _, x := range steps {
		switch {
		case x.Action == actionRefuse, did && x.Action != actionNone && !x.Done, x.Action == actionNone && x.Says != "":
			left++
		case !did && x.Action != actionNone:
			todo++
		}
		if s.JSON {
			if err := s.Emit(x); err != nil {
				return err
			}
			continue
		}
		entered := map[bool]string{true: "is replaced", false: "stays"}[x.NewURL]
		if x.Action == actionCreate {
			entered = "is entered"
		}
		t.Add(x.Campaign+" "+x.Name, x.Action, output.Dash(x.Hook), x.Source, entered, strings.Join(x.Ticked, ", "), x.Says)
	}
	if !s.JSON {
		if err := s.Print(t, ""); err != nil {
			return err
		}
	}
	switch {
	case left > 0:
		return problem.Failed(nil, "%s not as it should be", output.Count(left, "campaign's webhook is", "campaigns' webhooks are"))
	case todo > 0:
		s.Say("nothing was changed: repeat with --yes to do it")
	case did:
		s.Say("press Test Webhook in Smartlead while this waits for it: %s sources watch %s", s.Self(), output.Quote(steps[0].Source))
	}
	return nil
}
