package destinations

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/webhook"
)

func testCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "test NAME",
		Short: "Post a clearly marked sample event to a destination, from here",
		Long: `Post one sample event to a destination, signed as a real one, from this machine. It
is marked: flag test_event, account smartleadctl-test, subject "TEST". It is not in
the ledger, and the destination's filter is not applied.`,
		Example: "  smartleadctl destinations test crm",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return test(cmd.Context(), s, args[0]) },
	}
}

func test(ctx context.Context, s *session.Session, name string) error {
	st, cfg, err := get(ctx, s, name)
	if err != nil {
		return err
	}
	if typ, _ := registry.Types.Find(cfg.Type); typ.NoTest != "" {
		return problem.Usage("destination %s is of kind %s: %s", name, cfg.Type, typ.NoTest)
	}
	started := s.Now()
	out, id, err := destination.Try(ctx, name, cfg, destination.Deps{Now: s.Now, AWS: st.AWS}, s.Rand)
	if err != nil {
		return err
	}
	took := s.Now().Sub(started)
	if s.JSON {
		err = s.Emit(struct {
			Destination string `json:"destination"`
			EventID     string `json:"event_id"`
			Result      string `json:"result"`
			HTTPStatus  int    `json:"http_status,omitempty"`
			ErrorClass  string `json:"error_class,omitempty"`
			Error       string `json:"error,omitempty"`
			TookMS      int64  `json:"took_ms"`
		}{name, string(id), string(out.Result), out.Status, out.ErrorClass, out.Error, took.Milliseconds()})
		if err != nil {
			return err
		}
	}
	if out.Result != webhook.ResultDelivered {
		return problem.Failed(nil, "%s", eventview.Answered(name, out.Status, out.ErrorClass, out.Error)).
			Hint("%s", fate(out.Result))
	}
	if !s.JSON {
		s.Line("the destination %s %s after %s; webhook-id %s", name, tookText(out), output.Span(took), id)
	}
	return nil
}

// fate is what would become of a real event that is answered so.
func fate(r webhook.Result) string {
	if r == webhook.ResultPermanent {
		return "a real event would be refused for good: it is not tried again"
	}
	return "a real event would be tried again"
}

// tookText says how a destination took an event; not every type has a status.
func tookText(out webhook.Outcome) string {
	if out.Status == 0 {
		return "took it"
	}
	return fmt.Sprintf("answered %d", out.Status)
}
