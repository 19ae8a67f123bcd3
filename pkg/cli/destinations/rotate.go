package destinations

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
)

func rotateCmd(s *session.Session) *cobra.Command {
	var finish, yes bool
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Give a destination a new signing secret; the old one signs too until --finish",
		Example: `  smartleadctl destinations rotate crm
  smartleadctl destinations rotate crm --finish`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return rotate(cmd.Context(), s, args[0], finish, yes)
		},
	}
	cmd.Flags().BoolVar(&finish, "finish", false, "sign with the newest secret only")
	output.AddYes(cmd, &yes)
	return cmd
}

func rotate(ctx context.Context, s *session.Session, name string, finish, yes bool) error {
	desk, err := connect(ctx, s, name)
	if err != nil {
		return err
	}
	r, err := desk.Rotation(ctx, name)
	switch {
	case err != nil:
		return err
	case finish && !r.UnderWay():
		return s.Finished(name, "nothing to finish: %s has %s", name, output.Count(r.Secrets(), "secret", "secrets"))
	case finish:
		if err := s.Confirm(yes, "stop signing for %s with its old secret", name); err != nil {
			return err
		}
		if err := desk.Finish(ctx, r); err != nil {
			return err
		}
		return showSecret(s, name, "", "The newest secret signs alone.")
	}
	secret, err := desk.Rotate(ctx, r)
	if err != nil {
		return err
	}
	return showSecret(s, name, secret, fmt.Sprintf(
		"Both secrets sign until you end it: %s destinations rotate %s --finish", s.Self(), name))
}
