package destinations

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/destcare"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/sourcestore"
)

func listCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the destinations; no path, secret or header value",
		Example: "  smartleadctl destinations list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), s) },
	}
}

func list(ctx context.Context, s *session.Session) error {
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	entries, err := st.Destinations.List(ctx)
	if err != nil {
		return err
	}
	gates, err := gate.List(ctx, st.Ledger)
	if err != nil {
		return err
	}
	t := output.NewTable("NAME", "KIND", "TARGET", "SIGNED", "CHANGED", "LIMITS", "STATE", "+TAKES").Dispose("CHANGED", "SIGNED", "LIMITS")
	for _, e := range entries {
		cfg, err := registry.Types.Parse(e.Value)
		if s.JSON {
			if err := s.Emit(viewOf(e, cfg, gates[e.Name], err)); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			t.Add(e.Name, "", "", "", output.Stamp(e.UpdatedAt), "", "", "broken, its events wait: "+err.Error())
			continue
		}
		t.Add(e.Name, cfg.Type, cfg.Settings.String(), signedText(cfg.Settings), output.Stamp(e.UpdatedAt),
			limited(cfg.Limits), stateText(gates[e.Name]), wording.Takes(cfg.Filter))
	}
	switch {
	case s.JSON:
		return nil
	case len(entries) == 0:
		s.Say("there is no destination: events are written to the worker's log")
		s.Say("add one: %s destinations add NAME --url URL", s.Self())
		return nil
	}
	return s.Print(t, "")
}

// viewOf is a destination as JSON.
func viewOf(e sourcestore.Entry, cfg destination.Config, state gate.State, err error) map[string]any {
	view := map[string]any{}
	if err == nil {
		view = cfg.Summary()
	} else {
		view["error"] = err.Error()
	}
	if !state.Paused.IsZero() {
		view["paused_at"], view["paused_by"] = output.Wire(state.Paused), state.PausedBy
	}
	if state.Open {
		view["breaker_open_since"], view["breaker_cause"] = output.Wire(state.Since), state.Cause
		view["breaker_next_probe"] = output.Wire(state.NextProbe)
	}
	view["name"], view["updated_at"] = e.Name, output.Wire(e.UpdatedAt)
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

// limited is destcare.LimitsText where there is a limit.
func limited(l destination.Limits) string {
	if l.IsZero() {
		return ""
	}
	return destcare.LimitsText(l)
}
