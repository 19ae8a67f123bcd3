package destinations

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/params"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
)

func setCmd(s *session.Session) *cobra.Command {
	var o addOptions
	var noFilter, yes bool
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Change a destination; what is not given stays",
		Long: `Change where a destination is or which events it gets. What is not given stays,
its signing secrets too. A filter that is given takes the place of the former one of
its kind; --no-filter drops all of them first. Events that wait for the destination
are delivered to where it is then. It asks before events go elsewhere.`,
		Example: `  smartleadctl destinations set crm --url https://crm.example.com/hooks/new
  smartleadctl destinations set slack --type EMAIL_REPLY --timeout 5s
  smartleadctl destinations set crm --no-filter`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return set(cmd.Context(), s, args[0], o, noFilter, yes)
		},
	}
	o.addFilters(cmd)
	o.limits.add(cmd)
	cmd.Flags().BoolVar(&noFilter, "no-filter", false, "drop the filters that there are")
	o.given = typeFlags(cmd.Flags(), registry.Types)
	output.AddYes(cmd, &yes)
	return cmd
}

func set(ctx context.Context, s *session.Session, name string, o addOptions, noFilter, yes bool) error {
	filters, err := o.filter()
	if err != nil {
		return err
	}
	st, before, err := getToChange(ctx, s, name)
	if err != nil {
		return err
	}
	after := before
	if after.Settings, err = o.changed(before); err != nil {
		return err
	}
	allowNearby(s, after.Settings)
	if noFilter {
		after.Filter = destination.Filter{}
	}
	overlay(&after.Filter, filters)
	o.limits.apply(&after.Limits)
	if err := after.Validate(); err != nil {
		return o.invalid(s, "set", err)
	}
	changes, redirects, err := differences(before, after)
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		return s.Finished(name, "nothing to change: destination %s is so already", name)
	}
	done := "destination " + name + " is changed"
	if s.JSON {
		done += ": " + strings.Join(changes, "; ")
	} else {
		s.Say("destination %s", name)
		for _, c := range changes {
			s.Say("  %s", c)
		}
	}
	if before.Settings.String() != after.Settings.String() {
		if err := checkExists(ctx, s, st, name, after.Settings); err != nil {
			return err
		}
	}
	if redirects {
		if err := s.Confirm(yes, "change which events go to destination %s, or where they go", name); err != nil {
			return err
		}
	}
	if err := put(ctx, st, name, after, true); err != nil {
		return err
	}
	return s.Finished(name, "%s. %s", done, params.Settles)
}

// changed are the settings of a destination with those that are given.
func (o addOptions) changed(before destination.Config) (destination.Settings, error) {
	typ, _ := registry.Types.Find(before.Type)
	form, err := json.Marshal(before.Settings)
	if err != nil {
		return nil, fmt.Errorf("encode the settings: %w", err)
	}
	settings := typ.New()
	own := flag.NewFlagSet(typ.Name, flag.ContinueOnError)
	settings.Flags(own) // sets the defaults, so that the former values come after
	if err := json.Unmarshal(form, settings); err != nil {
		return nil, fmt.Errorf("decode the settings: %w", err)
	}
	return settings, o.give(own, typ)
}

// overlay puts the filters that are given in the place of the former ones.
func overlay(f *destination.Filter, given destination.Filter) {
	to, from := reflect.ValueOf(f).Elem(), reflect.ValueOf(given)
	for i := range from.NumField() {
		if !from.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
}

// differences says what a change changes, without what may be a credential, and
// whether events then go elsewhere.
func differences(before, after destination.Config) (changes []string, redirects bool, err error) {
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
	if old, changed := limitsText(before.Limits), limitsText(after.Limits); old != changed {
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
