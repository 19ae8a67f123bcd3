package destinations

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/destcare"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
)

type addOptions struct {
	kind    string
	filters destcare.Filters
	noSign  bool
	limits  limitFlags
	given   map[string]*typeFlag // by name
}

func addCmd(s *session.Session) *cobra.Command {
	var o addOptions
	types := registry.Types
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a destination; one that is signed has its secret printed, once",
		Long:  "Add a destination. It gets every event which passes the filters." + kindsHelp(types) + "\n\n" + inputHelp,
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

// invalid says what a setting lacks by the name of its flag.
func (o addOptions) invalid(s *session.Session, command string, err error) error {
	return destcare.Invalid(err, slices.Collect(maps.Keys(o.given))).Hint("see: %s destinations %s --help", s.Self(), command)
}

// typed are the settings that were given. One whose value is "-" is read as a secret is:
// what stands in a command is seen by whoever lists processes, and stays in the shell's
// history.
func (o addOptions) typed(s *session.Session) (destcare.Given, error) {
	given := destcare.Given{}
	for _, name := range slices.Sorted(maps.Keys(o.given)) {
		f := o.given[name]
		if len(f.values) == 0 {
			continue
		}
		given[name] = slices.Clone(f.values)
		for i, value := range f.values {
			if value != "-" {
				continue
			}
			secret, err := s.Secret("--" + name)
			if err != nil {
				return nil, err
			}
			given[name][i] = secret
		}
	}
	return given, nil
}

// addFilters adds the flags that say which events a destination gets.
func (o *addOptions) addFilters(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.filters.Types, "type", nil, "only events of these types")
	f.StringSliceVar(&o.filters.Campaigns, "campaign", nil, "only of these campaign ids")
	f.StringSliceVar(&o.filters.CampaignNames, "campaign-name", nil, "only of campaigns with such a `name`; * stands for anything")
	f.StringSliceVar(&o.filters.Categories, "category", nil, "only with such a new category; * stands for anything")
	f.StringSliceVar(&o.filters.Sentiments, "sentiment", nil, "only with this sentiment of the new category, such as positive")
	f.StringSliceVar(&o.filters.LeadDomains, "lead-domain", nil, "only of leads at this `domain`; *.example.com for those below it")
	f.StringVar(&o.filters.If, "if", "", "only where this `program` in the language of jq is true, such as '.bounce.class == \"hard\"'")
	f.StringSliceVar(&o.filters.Accounts, "account", nil, "only of these accounts")
	f.StringSliceVar(&o.filters.Clients, "client", nil, "only of these client ids")
	f.StringSliceVar(&o.filters.WithFlags, "flag", nil, "only with one of these flags")
	f.StringSliceVar(&o.filters.WithoutFlags, "without-flag", nil, "none with one of these flags")
}

func (o addOptions) config(s *session.Session) (destination.Config, error) {
	typ, err := destcare.Kind(o.kind)
	if err != nil {
		return destination.Config{}, err
	}
	cfg := destination.Config{Type: typ.Name}
	if cfg.Filter, err = o.filters.Filter(); err != nil {
		return destination.Config{}, err
	}
	o.limits.apply(&cfg.Limits)
	given, err := o.typed(s)
	if err != nil {
		return destination.Config{}, err
	}
	cfg.Settings, err = given.New(typ)
	return cfg, err
}

func add(ctx context.Context, s *session.Session, name string, o addOptions) error {
	if err := destination.ValidateName(name); err != nil {
		return problem.Usage("%s: %v", name, err)
	}
	cfg, err := o.config(s)
	if err != nil {
		return err
	}
	desk := deskOf(s, nil)
	desk.AllowNearby(cfg.Settings)
	secret := ""
	if !o.noSign {
		if secret, err = desk.Sign(cfg); err != nil {
			return err
		}
	}
	if err := cfg.Validate(); err != nil {
		return o.invalid(s, "add", err)
	}
	if desk.Stack, err = s.Connect(ctx); err != nil {
		return err
	}
	if err := desk.CheckExists(ctx, name, cfg.Settings); err != nil {
		return err
	}
	if err := desk.Add(ctx, name, cfg); err != nil {
		return err
	}
	next := ""
	if typ, _ := registry.Types.Find(cfg.Type); typ.NoTest == "" {
		next = fmt.Sprintf("Try it: %s destinations test %s", s.Self(), name)
	}
	return showSecret(s, name, secret, next)
}
