package destinations

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/stack"
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

// samples are the types of which a sample is delivered.
func (o testOptions) samples(takes []webhook.Type) ([]webhook.Type, error) {
	switch {
	case o.each && len(o.types) > 0:
		return nil, problem.Usage("--each-type and --type are not for one test")
	case o.each && len(takes) > 0:
		return takes, nil
	case o.each:
		return webhook.Types, nil
	case len(o.types) == 0:
		return []webhook.Type{webhook.EmailReply}, nil
	}
	var types []webhook.Type
	for _, name := range o.types {
		typ, err := filter.ParseType(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(types, typ) {
			types = append(types, typ)
		}
	}
	return types, nil
}

func test(ctx context.Context, s *session.Session, name string, o testOptions) error {
	st, cfg, err := get(ctx, s, name)
	if err != nil {
		return err
	}
	if typ, _ := registry.Types.Find(cfg.Type); typ.NoTest != "" {
		return problem.Usage("destination %s is of kind %s: %s", name, cfg.Type, typ.NoTest)
	}
	types, err := o.samples(cfg.Filter.Types)
	if err != nil {
		return err
	}
	if err := checkExists(ctx, s, st, name, cfg.Settings); err != nil {
		return err
	}
	var failed error
	for _, typ := range types {
		out, err := sample(ctx, s, st, name, cfg, typ, len(types) > 1)
		if err != nil {
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
		failed = problem.Failed(nil, "%s", text).Hint("%s", fate(out.Result))
	}
	return failed
}

// sample delivers one and shows what became of it.
func sample(ctx context.Context, s *session.Session, st *stack.Stack, name string, cfg destination.Config, typ webhook.Type, many bool) (webhook.Outcome, error) {
	started := s.Now()
	out, id, err := destination.Try(ctx, name, cfg, destination.Deps{Now: s.Now, AWS: st.AWS}, typ, s.Rand)
	if err != nil {
		return out, err
	}
	took := s.Now().Sub(started)
	if s.JSON {
		return out, s.Emit(struct {
			Destination string `json:"destination"`
			EventID     string `json:"event_id"`
			Type        string `json:"type"`
			Result      string `json:"result"`
			HTTPStatus  int    `json:"http_status,omitempty"`
			ErrorClass  string `json:"error_class,omitempty"`
			Error       string `json:"error,omitempty"`
			TookMS      int64  `json:"took_ms"`
		}{name, string(id), string(typ), string(out.Result), out.Status, out.ErrorClass, out.Error, took.Milliseconds()})
	}
	switch kind := map[bool]string{true: string(typ) + ": "}[many]; out.Result {
	case webhook.ResultUnrouted:
		s.Line("%sthe destination %s has no use for a %s: a real event would not go there", kind, name, typ)
	case webhook.ResultDelivered:
		s.Line("%sthe destination %s %s after %s; webhook-id %s", kind, name, tookText(out), output.Span(took), id)
	case webhook.ResultRetry, webhook.ResultPermanent, webhook.ResultRemoved, webhook.ResultAbandoned, webhook.ResultWaiting: // the caller says what failed
	}
	return out, nil
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
