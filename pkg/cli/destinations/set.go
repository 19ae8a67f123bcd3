package destinations

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/destcare"
	"smartlead-receiver/pkg/cli/output"
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
are delivered to where it is then. It asks before events go elsewhere.

` + inputHelp,
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
	filters, err := o.filters.Filter()
	if err != nil {
		return err
	}
	desk, err := connect(ctx, s, name)
	if err != nil {
		return err
	}
	stored, err := desk.GetToChange(ctx, name)
	if err != nil {
		return err
	}
	before, after := stored.Config, stored.Config
	given, err := o.typed(s)
	if err != nil {
		return err
	}
	if after.Settings, err = given.Changed(before); err != nil {
		return err
	}
	desk.AllowNearby(after.Settings)
	if noFilter {
		after.Filter = destination.Filter{}
	}
	destcare.Overlay(&after.Filter, filters)
	o.limits.apply(&after.Limits)
	if err := after.Validate(); err != nil {
		return o.invalid(s, "set", err)
	}
	changes, redirects, err := destcare.Differences(before, after)
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
		if err := desk.CheckExists(ctx, name, after.Settings); err != nil {
			return err
		}
	}
	if redirects {
		if err := s.Confirm(yes, "change which events go to destination %s, or where they go", name); err != nil {
			return err
		}
	}
	if err := desk.Put(ctx, name, after); err != nil {
		return err
	}
	return s.Finished(name, "%s. %s", done, wording.Settles)
}
