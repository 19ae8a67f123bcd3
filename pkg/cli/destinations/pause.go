package destinations

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/stack"
)

func pauseCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "pause NAME",
		Short: "Send a destination nothing until it is resumed; its events wait, and none dies of it",
		Long: `Send a destination nothing until it is resumed. Workers know within five seconds;
what they are sending at that moment they send. Its events wait, and none dies of it:
a wait is no attempt. Other destinations of the same events get them as ever.`,
		Example: "  smartleadctl destinations pause crm",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return pause(cmd.Context(), s, args[0])
		},
	}
}

func resumeCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "resume NAME",
		Short: "End a pause, or close the breaker of a destination that is well again",
		Long: `End a pause, or close the breaker of a destination that is well again. What waits is
sent when its time comes: within some ten minutes, since an event looks at a pause every
five at most, and spread so that not all comes at once.`,
		Example: "  smartleadctl destinations resume crm",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return resume(cmd.Context(), s, args[0])
		},
	}
}

// configured connects, and says so where there is no such destination.
func configured(ctx context.Context, s *session.Session, name string) (*stack.Stack, error) {
	desk, err := connect(ctx, s, name)
	if err != nil {
		return nil, err
	}
	switch there, err := desk.Exists(ctx, name); {
	case err != nil:
		return nil, err
	case !there:
		return nil, desk.Absent(name)
	}
	return desk.Stack, nil
}

func pause(ctx context.Context, s *session.Session, name string) error {
	st, err := configured(ctx, s, name)
	if err != nil {
		return err
	}
	state, did, err := gate.Pause(ctx, st.Ledger, name, s.Caller(), s.Now())
	switch {
	case err != nil:
		return err
	case !did:
		return s.Finished(name, "nothing to do: destination %s has been paused since %s", name, output.Stamp(state.Paused))
	}
	return s.Finished(name, "destination %s is paused: running workers take it up within five seconds, and end what they are sending; its events wait then until %s destinations resume %s", name, s.Self(), name)
}

func resume(ctx context.Context, s *session.Session, name string) error {
	st, err := configured(ctx, s, name)
	if err != nil {
		return err
	}
	_, did, err := gate.Resume(ctx, st.Ledger, name, s.Now())
	switch {
	case err != nil:
		return err
	case !did:
		return s.Finished(name, "nothing to do: destination %s is neither paused nor is its breaker open", name)
	}
	return s.Finished(name, "destination %s is resumed: what waits is sent within some ten minutes", name)
}

// stateText says why a destination is sent nothing; "" where it is sent all.
func stateText(state gate.State) string {
	switch {
	case !state.Paused.IsZero():
		return fmt.Sprintf("paused since %s by %s", output.Stamp(state.Paused), output.Clean(state.PausedBy))
	case state.Open:
		return fmt.Sprintf("breaker open since %s: %s", output.Stamp(state.Since), output.Clean(state.Cause))
	}
	return ""
}
