package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/sourcestore"
)

func (p *program) destinationsCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "destinations", Aliases: []string{"destination", "dest"},
		Short: "Keep the destinations: where events are delivered",
		Long: `Keep the destinations. Without any, events are written to the worker's log. An
event's destinations are chosen when a worker takes it first: a change counts for
events that come after it.`,
	}
	cmd.AddCommand(p.destAddCmd(), p.destListCmd(), p.destRotateCmd(), p.destTestCmd(), p.destRemoveCmd())
	return cmd
}

type destOptions struct {
	kind                                                  string
	types, campaigns, accounts, clients, flags, withFlags []string
	noSign                                                bool
	given                                                 map[string]*typeFlag // by name
}

func (p *program) destAddCmd() *cobra.Command {
	var o destOptions
	types := registry.Types
	cmd := &cobra.Command{
		Use:   "add NAME --url URL",
		Short: "Add a destination and print its signing secret, once",
		Long:  "Add a destination. It gets every event which passes the filters." + kindsHelp(types),
		Example: `  smartleadctl destinations add crm --url https://crm.example.com/hooks/smartlead
  smartleadctl destinations add slack --url https://hooks.example.com/x --type EMAIL_REPLY --type LEAD_CATEGORY_UPDATED
  smartleadctl destinations add acme --url https://acme.example.com/in --client 42 --without-flag test_event`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.addDestination(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.kind, "kind", types[0].Name, "what it is: "+strings.Join(types.Names(), ", "))
	f.StringSliceVar(&o.types, "type", nil, "only events of these types")
	f.StringSliceVar(&o.campaigns, "campaign", nil, "only of these campaign ids")
	f.StringSliceVar(&o.accounts, "account", nil, "only of these accounts")
	f.StringSliceVar(&o.clients, "client", nil, "only of these client ids")
	f.StringSliceVar(&o.withFlags, "flag", nil, "only with one of these flags")
	f.StringSliceVar(&o.flags, "without-flag", nil, "none with one of these flags")
	f.BoolVar(&o.noSign, "no-sign", false, "do not sign deliveries")
	o.given = typeFlags(f, types)
	return cmd
}

func (o destOptions) config() (destination.Config, error) {
	typ, known := registry.Types.Find(o.kind)
	if !known {
		return destination.Config{}, usage("--kind %s is no kind of destination", o.kind).
			hint("one of: %s", strings.Join(registry.Types.Names(), ", "))
	}
	for option, list := range map[string][]string{"--flag": o.withFlags, "--without-flag": o.flags} {
		for i, name := range list {
			flag, err := parseFlag(option, name)
			if err != nil {
				return destination.Config{}, err
			}
			list[i] = flag
		}
	}
	cfg := destination.Config{
		Type: typ.Name,
		Filter: destination.Filter{
			Accounts: o.accounts, ClientIDs: o.clients, CampaignIDs: o.campaigns, Flags: o.withFlags, NotFlags: o.flags,
		},
	}
	for _, name := range o.types {
		typ, err := parseType(name)
		if err != nil {
			return destination.Config{}, err
		}
		cfg.Filter.Types = append(cfg.Filter.Types, typ)
	}
	var err error
	cfg.Settings, err = o.settings(typ)
	return cfg, err
}

func (p *program) addDestination(ctx context.Context, name string, o destOptions) error {
	if err := destination.ValidateName(name); err != nil {
		return usage("%s: %v", name, err)
	}
	cfg, err := o.config()
	if err != nil {
		return err
	}
	secret := ""
	if signer, signs := cfg.Settings.(destination.Signer); signs && !o.noSign {
		if secret, err = signer.AddSigningSecret(p.Rand); err != nil {
			return err
		}
	}
	if err := cfg.Validate(); err != nil {
		return usage("%v", err)
	}
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	err = p.putDestination(ctx, s, name, cfg, false)
	if errors.Is(err, sourcestore.ErrExists) {
		return failed(nil, "destination %s exists already", name).
			hint("remove it first: %s destinations remove %s", p.self(), name)
	}
	if err != nil {
		return err
	}
	next := ""
	if typ, _ := registry.Types.Find(cfg.Type); typ.NoTest == "" {
		next = fmt.Sprintf("Try it: %s destinations test %s", p.self(), name)
	}
	return p.showSecret(name, secret, next)
}

func (p *program) putDestination(ctx context.Context, s *Stack, name string, cfg destination.Config, overwrite bool) error {
	form, err := json.Marshal(cfg)
	if err != nil {
		return fmt.Errorf("encode destination %s: %w", name, err)
	}
	return s.Store.Put(ctx, sourcestore.Destinations, name, form, overwrite)
}

func (p *program) showSecret(name, secret, next string) error {
	if p.json {
		return p.emit(struct {
			Name   string `json:"name"`
			Secret string `json:"signing_secret,omitempty"`
		}{name, secret})
	}
	if secret != "" {
		p.line("%s", secret)
		p.say("This is the signing secret of %s (Standard Webhooks). It is shown this once.", name)
	}
	if next != "" {
		p.say("%s", next)
	}
	p.say("%s", settles)
	return nil
}

func (p *program) destListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the destinations; no path, secret or header value",
		Example: "  smartleadctl destinations list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.listDestinations(cmd.Context()) },
	}
}

func (p *program) listDestinations(ctx context.Context) error {
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	entries, err := s.Store.List(ctx, sourcestore.Destinations)
	if err != nil {
		return err
	}
	t := newTable("NAME", "KIND", "TARGET", "SIGNED", "CHANGED", "~TAKES")
	for _, e := range entries {
		cfg, err := registry.Types.Parse(e.Value)
		if p.json {
			if err := p.emit(destView(e, cfg, err)); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			t.add(e.Name, "", "", "", stamp(e.UpdatedAt), "broken, its events wait: "+err.Error())
			continue
		}
		t.add(e.Name, cfg.Type, cfg.Settings.String(), signedText(cfg.Settings), stamp(e.UpdatedAt), takes(cfg.Filter))
	}
	switch {
	case p.json:
		return nil
	case len(entries) == 0:
		p.say("there is no destination: events are written to the worker's log")
		p.say("add one: %s destinations add NAME --url URL", p.self())
		return nil
	}
	return p.print(t, "")
}

// destView is a destination as JSON.
func destView(e sourcestore.Entry, cfg destination.Config, err error) map[string]any {
	view := map[string]any{}
	if err == nil {
		view = cfg.Summary()
	} else {
		view["error"] = err.Error()
	}
	view["name"], view["updated_at"] = e.Name, wire(e.UpdatedAt)
	return view
}

func signedText(settings destination.Settings) string {
	signer, signs := settings.(destination.Signer)
	if !signs {
		return ""
	}
	switch n := signer.SigningSecrets(); n {
	case 0:
		return "no"
	case 1:
		return "yes"
	default:
		return fmt.Sprintf("%d secrets", n)
	}
}

// takes says in words which events a destination gets.
func takes(f destination.Filter) string {
	var parts []string
	add := func(name string, values []string) {
		if len(values) > 0 {
			parts = append(parts, name+" "+strings.Join(values, " or "))
		}
	}
	add("type", names(f.Types))
	add("campaign", f.CampaignIDs)
	add("account", f.Accounts)
	add("client", f.ClientIDs)
	add("flag", f.Flags)
	add("without flag", f.NotFlags)
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, "; ")
}

// destination reads a destination that must exist.
func (p *program) destination(ctx context.Context, name string) (*Stack, destination.Config, error) {
	s, entry, err := p.destinationEntry(ctx, name)
	if err != nil {
		return nil, destination.Config{}, err
	}
	cfg, err := registry.Types.Parse(entry.Value)
	if err != nil {
		return nil, destination.Config{}, failed(err, "destination %s is broken", name).
			hint("remove it and add it anew: %s destinations remove %s", p.self(), name)
	}
	return s, cfg, nil
}

// destinationEntry reads the parameter of a destination that must exist,
// readable or not.
func (p *program) destinationEntry(ctx context.Context, name string) (*Stack, sourcestore.Entry, error) {
	return p.entry(ctx, sourcestore.Destinations, name, destination.ValidateName, p.noDestination)
}

func (p *program) noDestination(name string) error {
	return notFound("there is no destination %s", name).hint("which there are: %s destinations list", p.self())
}

func (p *program) destRotateCmd() *cobra.Command {
	var finish, yes bool
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Give a destination a new signing secret; the old one signs too until --finish",
		Example: `  smartleadctl destinations rotate crm
  smartleadctl destinations rotate crm --finish`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.rotateDestination(cmd.Context(), args[0], finish, yes)
		},
	}
	cmd.Flags().BoolVar(&finish, "finish", false, "sign with the newest secret only")
	addYes(cmd, &yes)
	return cmd
}

func (p *program) rotateDestination(ctx context.Context, name string, finish, yes bool) error {
	s, cfg, err := p.destination(ctx, name)
	if err != nil {
		return err
	}
	signer, signs := cfg.Settings.(destination.Signer)
	switch {
	case !signs:
		return usage("destination %s is of kind %s: it signs nothing", name, cfg.Type)
	case finish && signer.SigningSecrets() < 2:
		return p.finished(name, "nothing to finish: %s has %s", name, count(signer.SigningSecrets(), "secret", "secrets"))
	case finish:
		if err := p.confirm(yes, "stop signing for %s with its old secret", name); err != nil {
			return err
		}
		signer.DropOldSigningSecrets()
		if err := p.putDestination(ctx, s, name, cfg, true); err != nil {
			return err
		}
		return p.showSecret(name, "", "The newest secret signs alone.")
	case signer.SigningSecrets() >= 2:
		return failed(nil, "a rotation of %s is under way", name).
			hint("end it first: %s destinations rotate %s --finish", p.self(), name)
	}
	secret, err := signer.AddSigningSecret(p.Rand)
	if err != nil {
		return err
	}
	if err := p.putDestination(ctx, s, name, cfg, true); err != nil {
		return err
	}
	return p.showSecret(name, secret, fmt.Sprintf(
		"Both secrets sign until you end it: %s destinations rotate %s --finish", p.self(), name))
}

func (p *program) destRemoveCmd() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove NAME", Aliases: []string{"rm"}, Short: "Remove a destination: what still waits for it counts as settled",
		Example: "  smartleadctl destinations remove crm", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.removeDestination(cmd.Context(), args[0], yes) },
	}
	addYes(cmd, &yes)
	return cmd
}

func (p *program) removeDestination(ctx context.Context, name string, yes bool) error {
	s, _, err := p.destinationEntry(ctx, name)
	if err != nil {
		return err
	}
	if err := p.confirm(yes, "remove destination %s: events that still wait for it count as settled there", name); err != nil {
		return err
	}
	err = s.Store.Delete(ctx, sourcestore.Destinations, name)
	if errors.Is(err, sourcestore.ErrNotFound) {
		return p.noDestination(name)
	}
	if err != nil {
		return err
	}
	return p.finished(name, "destination %s is removed. %s", name, settles)
}
