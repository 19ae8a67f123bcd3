package destcare

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
)

// Filters are those of a destination as they were typed.
type Filters struct {
	Types, Campaigns, CampaignNames, Categories, Sentiments, LeadDomains []string
	Accounts, Clients, WithFlags, WithoutFlags                           []string
	If                                                                   string
}

// Filter is which events they say.
func (f Filters) Filter() (destination.Filter, error) {
	out := destination.Filter{
		Accounts: f.Accounts, ClientIDs: f.Clients, CampaignIDs: f.Campaigns, CampaignNames: f.CampaignNames,
		Categories: f.Categories, Sentiments: f.Sentiments, LeadDomains: f.LeadDomains, If: f.If,
	}
	for _, list := range []struct {
		option string
		names  []string
		to     *[]string
	}{{"--flag", f.WithFlags, &out.Flags}, {"--without-flag", f.WithoutFlags, &out.NotFlags}} {
		for _, name := range list.names {
			flag, err := filter.ParseFlag(list.option, name)
			if err != nil {
				return destination.Filter{}, err
			}
			*list.to = append(*list.to, flag)
		}
	}
	for _, name := range f.Types {
		typ, err := filter.ParseType(name)
		if err != nil {
			return destination.Filter{}, err
		}
		out.Types = append(out.Types, typ)
	}
	return out, nil
}

// Given are the settings of a type as they were typed: the values of each of its flags.
// They may hold credentials.
type Given map[string][]string

// Kind is a type of destination by its name.
func Kind(name string) (destination.Type, error) {
	typ, known := registry.Types.Find(name)
	if !known {
		return typ, problem.Usage("--kind %s is no kind of destination", output.Plain(name)).
			DidYouMean(output.Nearest(name, registry.Types.Names()), "--kind %s").Hint("one of: %s", strings.Join(registry.Types.Names(), ", "))
	}
	return typ, nil
}

// New are the settings of a type that were typed.
func (g Given) New(t destination.Type) (destination.Settings, error) {
	settings := t.New()
	own := flag.NewFlagSet(t.Name, flag.ContinueOnError)
	settings.Flags(own)
	return settings, g.give(own, t)
}

// Changed are the settings of a destination with those that were typed.
func (g Given) Changed(before destination.Config) (destination.Settings, error) {
	typ, own, settings, err := opened(before)
	if err != nil {
		return nil, err
	}
	return settings, g.give(own, typ)
}

// opened are the flags of a destination, with its settings behind them.
func opened(cfg destination.Config) (destination.Type, *flag.FlagSet, destination.Settings, error) {
	typ, _ := registry.Types.Find(cfg.Type)
	form, err := json.Marshal(cfg.Settings)
	if err != nil {
		return typ, nil, nil, fmt.Errorf("encode the settings: %w", err)
	}
	settings := typ.New()
	own := flag.NewFlagSet(typ.Name, flag.ContinueOnError)
	settings.Flags(own) // sets the defaults, so that the former values come after
	if err := json.Unmarshal(form, settings); err != nil {
		return typ, nil, nil, fmt.Errorf("decode the settings: %w", err)
	}
	return typ, own, settings, nil
}

// give sets the flags of the type that were given.
func (g Given) give(own *flag.FlagSet, t destination.Type) error {
	for _, name := range slices.Sorted(maps.Keys(g)) {
		for _, value := range g[name] {
			if own.Lookup(name) == nil {
				return problem.Usage("--%s is not for --kind %s", name, t.Name)
			}
			if err := own.Set(name, value); err != nil {
				return problem.Usage("--%s: %v", name, err)
			}
		}
	}
	return nil
}

// Field is a setting of a type that an operator may type.
type Field struct {
	Name    string // of its flag
	Usage   string
	Switch  bool   // it is on or off
	Repeats bool   // it may be given several times
	Value   string // as it stands; empty where it is the default, or hidden
	Default string // what sets it back
	Hidden  bool   // it has, or may have, a value that may be a credential, and is never shown
	Plain   bool   // what is typed there may be shown again
}

// FieldsOf are the settings of a type, as they stand in a destination; of a new one, the
// configuration has the type's settings without any value.
func FieldsOf(cfg destination.Config) ([]Field, error) {
	_, own, settings, err := opened(cfg)
	if err != nil {
		return nil, err
	}
	summary := settings.Summary()
	var all []Field
	own.VisitAll(func(f *flag.Flag) {
		_, usage := flag.UnquoteUsage(f)
		b, isBool := f.Value.(interface{ IsBoolFlag() bool })
		field := Field{Name: f.Name, Usage: usage, Switch: isBool && b.IsBoolFlag(), Default: f.DefValue}
		_, isOne := f.Value.(flag.Getter) // what a function takes has no value of its own
		field.Repeats = !field.Switch && !isOne
		// A summary holds what may be shown, by the name that it is stored under.
		_, summed := summary[strings.ReplaceAll(f.Name, "-", "_")]
		value := f.Value.String()
		field.Plain = field.Switch || summed
		field.Hidden = !field.Plain && (field.Repeats || value != f.DefValue)
		if field.Plain && value != f.DefValue {
			field.Value = value
		}
		all = append(all, field)
	})
	return all, nil
}

// Invalid says what a setting lacks by the name of its flag, not of its member.
func Invalid(err error, names []string) *problem.Error {
	text := strings.TrimPrefix(err.Error(), destination.ErrConfig.Error()+": ")
	text = strings.NewReplacer("limits.per_second: ", "--per-second: ", "limits.concurrency: ", "--at-once: ", "config.properties.", "--property ", "config.properties: ", "--property: ").Replace(text)
	for _, name := range names {
		text = strings.ReplaceAll(text, "config."+strings.ReplaceAll(name, "-", "_")+": ", "--"+name+": ")
	}
	return problem.Usage("%s", strings.ReplaceAll(text, "filter.if: ", "--if: "))
}

// Overlay puts the filters that are given in the place of the former ones.
func Overlay(f *destination.Filter, given destination.Filter) {
	to, from := reflect.ValueOf(f).Elem(), reflect.ValueOf(given)
	for i := range from.NumField() {
		if !from.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
}

// Differences says what a change changes, without what may be a credential, and
// whether events then go elsewhere.
func Differences(before, after destination.Config) (changes []string, redirects bool, err error) {
	was, now := before.Summary(), after.Summary()
	for _, said := range []string{"filter", "limits"} { // in words of their own
		delete(was, said)
		delete(now, said)
	}
	names := slices.Sorted(maps.Keys(now))
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if _, both := now[name]; !both {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if old, changed := was[name], now[name]; !reflect.DeepEqual(old, changed) {
			changes = append(changes, fmt.Sprintf("%s: %s, was %s", name, shown(changed), shown(old)))
		}
	}
	if old, changed := wording.Takes(before.Filter), wording.Takes(after.Filter); old != changed {
		changes, redirects = append(changes, fmt.Sprintf("takes: %s, took %s", changed, old)), true
	}
	if old, changed := LimitsText(before.Limits), LimitsText(after.Limits); old != changed {
		changes = append(changes, fmt.Sprintf("limits: %s, was %s", changed, old))
	}
	hidden, elsewhere, err := hiddenChanges(before.Settings, after.Settings)
	if before.Settings.String() != after.Settings.String() {
		elsewhere = true
	} else {
		changes = append(changes, hidden...)
	}
	return changes, redirects || elsewhere, err
}

func shown(v any) string {
	if v == nil {
		return "the default"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return output.Clean(fmt.Sprint(v))
	}
	return output.Clean(strings.Trim(string(text), `"`))
}

// hiddenChanges are those of members that no summary shows whole, because they may
// hold credentials, such as a URL's path.
func hiddenChanges(before, after destination.Settings) (changes []string, elsewhere bool, err error) {
	var forms [2]map[string]json.RawMessage
	for i, settings := range []destination.Settings{before, after} {
		text, err := json.Marshal(settings)
		if err != nil {
			return nil, false, fmt.Errorf("encode the settings: %w", err)
		}
		if err := json.Unmarshal(text, &forms[i]); err != nil {
			return nil, false, fmt.Errorf("decode the settings: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(forms[1])) {
		_, summed := after.Summary()[name]
		sameSummary := reflect.DeepEqual(before.Summary()[name], after.Summary()[name])
		if string(forms[0][name]) == string(forms[1][name]) || (summed && !sameSummary) {
			continue
		}
		changes = append(changes, name+": another, which is not shown")
		elsewhere = elsewhere || !summed
	}
	return changes, elsewhere, nil
}

// LimitsText says how much a destination is sent.
func LimitsText(l destination.Limits) string {
	var parts []string
	if l.PerSecond > 0 {
		parts = append(parts, fmt.Sprintf("%g a second", l.PerSecond))
	}
	if l.Concurrency > 0 {
		parts = append(parts, fmt.Sprintf("%d at once", l.Concurrency))
	}
	if l.NoBreaker {
		parts = append(parts, "no breaker")
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
