package destinations

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/destcare"
	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/webhook"
)

type testOptions struct {
	event string
	types []string
	each  bool
}

func testCmd(s *session.Session) *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test NAME",
		Short: "Deliver a marked sample event, or say with --event which destinations want an event",
		Long: `Deliver one sample event to a destination, signed as a real one, from this machine
and with your rights, which are not the worker's. It is marked: flag test_event,
account smartleadctl-test, subject "TEST". It is not in the ledger, and the
destination's filter is not applied. --type chooses what it is, --each-type delivers
one of every type that the filter names, or of all.

With --event and without a NAME nothing is delivered: it says of an event in the
ledger which destinations want it now, and of the others why they do not.`,
		Example: `  smartleadctl destinations test crm
  smartleadctl destinations test crm --each-type
  smartleadctl destinations test --event latest`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (o.event == "") == (len(args) == 0) {
				return problem.Usage("a destination's NAME is needed, or --event ID, and not both")
			}
			if o.event != "" {
				return routes(cmd.Context(), s, o.event)
			}
			return test(cmd.Context(), s, args[0], o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.event, "event", "", "say which destinations want this event (`ID`), and why the others do not")
	f.StringSliceVar(&o.types, "type", nil, "deliver a sample of this type (default EMAIL_REPLY)")
	f.BoolVar(&o.each, "each-type", false, "deliver a sample of each type that the destination takes")
	return cmd
}

func test(ctx context.Context, s *session.Session, name string, o testOptions) error {
	desk, err := connect(ctx, s, name)
	if err != nil {
		return err
	}
	stored, err := desk.GetToTry(ctx, name)
	if err != nil {
		return err
	}
	types, err := destcare.Samples(o.types, o.each, stored.Config.Filter.Types)
	if err != nil {
		return err
	}
	if err := desk.CheckExists(ctx, name, stored.Config.Settings); err != nil {
		return err
	}
	var failed error
	for _, typ := range types {
		tried, err := desk.Try(ctx, stored, typ)
		if err != nil {
			return err
		}
		out := tried.Outcome
		if err := showTried(s, name, tried, len(types) > 1); err != nil {
			return err
		}
		if out.Result == webhook.ResultDelivered || out.Result == webhook.ResultUnrouted {
			continue
		}
		text := eventview.Answered(name, out.Status, out.ErrorClass, out.Error)
		if len(types) > 1 {
			s.Say("%s: %s", typ, text)
			text = fmt.Sprintf("the destination %s did not take every sample", name)
		}
		failed = problem.Failed(nil, "%s", text).Hint("%s", destcare.Fate(out.Result))
	}
	return failed
}

// showTried shows what became of a sample.
func showTried(s *session.Session, name string, t destcare.Tried, many bool) error {
	out := t.Outcome
	if s.JSON {
		return s.Emit(struct {
			Destination string `json:"destination"`
			EventID     string `json:"event_id"`
			Type        string `json:"type"`
			Result      string `json:"result"`
			HTTPStatus  int    `json:"http_status,omitempty"`
			ErrorClass  string `json:"error_class,omitempty"`
			Error       string `json:"error,omitempty"`
			TookMS      int64  `json:"took_ms"`
		}{name, string(t.ID), string(t.Type), string(out.Result), out.Status, out.ErrorClass, out.Error, t.Took.Milliseconds()})
	}
	switch kind := map[bool]string{true: string(t.Type) + ": "}[many]; out.Result {
	case webhook.ResultUnrouted:
		s.Line("%sthe destination %s has no use for %s: a real event would not go there", kind, name, t.Type)
	case webhook.ResultDelivered:
		s.Line("%sthe destination %s %s after %s; webhook-id %s", kind, name, destcare.TookText(out), output.Span(t.Took), t.ID)
	case webhook.ResultRetry, webhook.ResultPermanent, webhook.ResultRemoved, webhook.ResultAbandoned, webhook.ResultWaiting: // the caller says what failed
	}
	return nil
}
