package redrivecmd

import (
	"context"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/stack"
)

type requestOptions struct {
	types     []string
	campaign  string
	account   string
	source    string
	class     string
	dest      string
	olderThan string
	ids       []string
	limit     int
	maxRate   float64
	canary    int
}

func (o *requestOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.types, "type", nil, "only of these types")
	f.StringVar(&o.campaign, "campaign", "", "only of this campaign id")
	f.StringVar(&o.account, "account", "", "only of this account")
	f.StringVar(&o.source, "source", "", "only received through this source")
	f.StringVar(&o.class, "error-class", "", "only with this error class, such as http_503")
	f.StringVar(&o.dest, "destination", "", "only what is dead at this destination; it goes to each that does not have it, and to none that has")
	f.StringVar(&o.olderThan, "older-than", "", "only dead for at least this long (2h, 2d3h, 1w)")
	f.StringSliceVar(&o.ids, "id", nil, "only these events; an id may be short, as tables show it")
	f.IntVar(&o.limit, "limit", 0, "events to bring back at most (0: all that match)")
	f.Float64Var(&o.maxRate, "max-rate", 0, "events a second at most (0: no limit but its own)")
	f.IntVar(&o.canary, "canary", 0, fmt.Sprintf("events to try first (0: %d)", redrive.DefaultPolicy.Canary))
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(filter.TypeNames(), cobra.ShellCompDirectiveNoFileComp))
}

// connect reads what the options ask for, and connects to the stack whose events
// they name.
func (o requestOptions) connect(ctx context.Context, s *session.Session) (redrive.Request, *stack.Stack, error) {
	request, err := o.request()
	if err != nil {
		return redrive.Request{}, nil, err
	}
	refs, err := filter.Refs(s, o.ids)
	if err != nil {
		return redrive.Request{}, nil, err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return redrive.Request{}, nil, err
	}
	if request.Filter.IDs, err = filter.IDs(ctx, s, st.Ledger, refs); err != nil {
		return redrive.Request{}, nil, err
	}
	if err := request.Validate(); err != nil {
		return redrive.Request{}, nil, problem.Usage("%v", err)
	}
	return request, st, nil
}

// request is what the options ask for, but for the events that they name.
func (o requestOptions) request() (redrive.Request, error) {
	request := redrive.Request{
		Filter: redrive.Filter{Campaign: o.campaign, Account: o.account, Source: o.source, ErrorClass: o.class, Destination: o.dest},
		Limit:  o.limit, MaxRate: o.maxRate, Canary: o.canary,
	}
	for _, name := range o.types {
		typ, err := filter.ParseType(name)
		if err != nil {
			return redrive.Request{}, err
		}
		request.Filter.Types = append(request.Filter.Types, typ)
	}
	if o.olderThan != "" {
		d, err := filter.ParseSpan(o.olderThan)
		if err != nil {
			return redrive.Request{}, problem.Usage("--older-than %s is no length of time (2h, 2d3h, 1w)", o.olderThan)
		}
		request.Filter.OlderThan = d
	}
	if math.IsNaN(o.maxRate) || math.IsInf(o.maxRate, 0) {
		return redrive.Request{}, problem.Usage("--max-rate %g is no number of events a second", o.maxRate)
	}
	if err := request.Validate(); err != nil {
		return redrive.Request{}, problem.Usage("%v", err)
	}
	return request, nil
}

// planned asks for a plan, which reads every dead event from their index.
func planned(ctx context.Context, s *session.Session, st *stack.Stack, request redrive.Request) (redrive.Plan, error) {
	p := s.Progress("dead events")
	defer p.End()
	return st.Redrive.Plan(ctx, request)
}
