package destinations

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/sourcestore"
)

type addOptions struct {
	kind                                                  string
	names, categories, sentiments, domains                []string
	condition                                             string
	types, campaigns, accounts, clients, flags, withFlags []string
	noSign                                                bool
	limits                                                limitFlags
	given                                                 map[string]*typeFlag // by name
}

func addCmd(s *session.Session) *cobra.Command {
	var o addOptions
	types := registry.Types
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a destination; one that is signed has its secret printed, once",
		Long:  "Add a destination. It gets every event which passes the filters." + kindsHelp(types),
		Example: `  smartleadctl destinations add crm --url https://crm.example.com/hooks/smartlead
  smartleadctl destinations add slack --url https://hooks.example.com/x --type EMAIL_REPLY --type LEAD_CATEGORY_UPDATED
  smartleadctl destinations add bus --kind eventbridge --arn arn:aws:events:us-east-1:123456789012:event-bus/default
  smartleadctl destinations add acme --url https://acme.example.com/in --client 42 --without-flag test_event`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return add(cmd.Context(), s, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.kind, "kind", types[0].Name, "what it is: "+strings.Join(types.Names(), ", "))
	o.addFilters(cmd)
	o.limits.add(cmd)
	f.BoolVar(&o.noSign, "no-sign", false, "do not sign deliveries")
	o.given = typeFlags(f, types)
	return cmd
}

// invalid says what a setting lacks by the name of its flag, not of its member.
func (o addOptions) invalid(s *session.Session, command string, err error) error {
	text := strings.TrimPrefix(err.Error(), destination.ErrConfig.Error()+": ")
	text = strings.NewReplacer("limits.per_second: ", "--per-second: ", "limits.concurrency: ", "--at-once: ").Replace(text)
	for name := range o.given {
		text = strings.ReplaceAll(text, "config."+strings.ReplaceAll(name, "-", "_")+": ", "--"+name+": ")
	}
	text = strings.ReplaceAll(text, "filter.if: ", "--if: ")
	return problem.Usage("%s", text).Hint("see: %s destinations %s --help", s.Self(), command)
}

// allowNearby lets a destination of a local stack be on the machine that both are on:
// nothing else is within reach of who tries things out, and there is nobody in between.
func allowNearby(s *session.Session, settings destination.Settings) {
	if nearby, ok := settings.(destination.Nearby); ok && s.Target.Local {
		nearby.AllowNearby()
	}
}

// addFilters adds the flags that say which events a destination gets.
func (o *addOptions) addFilters(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.types, "type", nil, "only events of these types")
	f.StringSliceVar(&o.campaigns, "campaign", nil, "only of these campaign ids")
	f.StringSliceVar(&o.names, "campaign-name", nil, "only of campaigns with such a `name`; * stands for anything")
	f.StringSliceVar(&o.categories, "category", nil, "only with such a new category; * stands for anything")
	f.StringSliceVar(&o.sentiments, "sentiment", nil, "only with this sentiment of the new category, such as positive")
	f.StringSliceVar(&o.domains, "lead-domain", nil, "only of leads at this `domain`; *.example.com for those below it")
	f.StringVar(&o.condition, "if", "", "only where this `program` in the language of jq is true, such as '.bounce.class == \"hard\"'")
	f.StringSliceVar(&o.accounts, "account", nil, "only of these accounts")
	f.StringSliceVar(&o.clients, "client", nil, "only of these client ids")
	f.StringSliceVar(&o.withFlags, "flag", nil, "only with one of these flags")
	f.StringSliceVar(&o.flags, "without-flag", nil, "none with one of these flags")
}

func (o addOptions) config() (destination.Config, error) {
	typ, known := registry.Types.Find(o.kind)
	if !known {
		return destination.Config{}, problem.Usage("--kind %s is no kind of destination", o.kind).
			DidYouMean(output.Nearest(o.kind, registry.Types.Names()), "--kind %s").Hint("one of: %s", strings.Join(registry.Types.Names(), ", "))
	}
	filters, err := o.filter()
	if err != nil {
		return destination.Config{}, err
	}
	cfg := destination.Config{Type: typ.Name, Filter: filters}
	o.limits.apply(&cfg.Limits)
	cfg.Settings, err = o.settings(typ)
	return cfg, err
}

// filter is which events the flags say.
func (o addOptions) filter() (destination.Filter, error) {
	for option, list := range map[string][]string{"--flag": o.withFlags, "--without-flag": o.flags} {
		for i, name := range list {
			flag, err := filter.ParseFlag(option, name)
			if err != nil {
				return destination.Filter{}, err
			}
			list[i] = flag
		}
	}
	filters := destination.Filter{
		Accounts: o.accounts, ClientIDs: o.clients, CampaignIDs: o.campaigns, Flags: o.withFlags, NotFlags: o.flags,
		CampaignNames: o.names, Categories: o.categories, Sentiments: o.sentiments, LeadDomains: o.domains, If: o.condition,
	}
	for _, name := range o.types {
		typ, err := filter.ParseType(name)
		if err != nil {
			return destination.Filter{}, err
		}
		filters.Types = append(filters.Types, typ)
	}
	return filters, nil
}

func add(ctx context.Context, s *session.Session, name string, o addOptions) error {
	if err := destination.ValidateName(name); err != nil {
		return problem.Usage("%s: %v", name, err)
	}
	cfg, err := o.config()
	if err != nil {
		return err
	}
	allowNearby(s, cfg.Settings)
	secret := ""
	if signer, signs := cfg.Settings.(destination.Signer); signs && !o.noSign {
		if secret, err = signer.AddSigningSecret(s.Rand); err != nil {
			return err
		}
	}
	if err := cfg.Validate(); err != nil {
		return o.invalid(s, "add", err)
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	if err := checkExists(ctx, s, st, name, cfg.Settings); err != nil {
		return err
	}
	err = put(ctx, st, name, cfg, false)
	if errors.Is(err, sourcestore.ErrExists) {
		return problem.Failed(nil, "destination %s exists already", name).
			Hint("change it: %s destinations set %s --help", s.Self(), name)
	}
	if err != nil {
		return err
	}
	next := ""
	if typ, _ := registry.Types.Find(cfg.Type); typ.NoTest == "" {
		next = fmt.Sprintf("Try it: %s destinations test %s", s.Self(), name)
	}
	return showSecret(s, name, secret, next)
}
