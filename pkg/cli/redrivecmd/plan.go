package redrivecmd

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/redrive"
)

func planCmd(s *session.Session) *cobra.Command {
	var o requestOptions
	cmd := &cobra.Command{
		Use:     "plan",
		Short:   "Say what a redrive would do; nothing is changed",
		Example: "  smartleadctl redrive plan --error-class http_503 --older-than 10m",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request, st, err := o.connect(cmd.Context(), s)
			if err != nil {
				return err
			}
			plan, err := planned(cmd.Context(), s, st, request)
			if err != nil {
				return err
			}
			return showPlan(s, plan, given(cmd))
		},
	}
	o.flags(cmd)
	return cmd
}

// planView is a plan as JSON. NoEstimate hides the plan's own member, which
// counts nanoseconds.
type planView struct {
	redrive.Plan
	NoEstimate *int    `json:"estimate,omitempty"`
	Seconds    float64 `json:"estimate_seconds"`
}

// given is the command's own flags as they were given, for another command line; ""
// where none was.
func given(cmd *cobra.Command) string {
	var line strings.Builder
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Changed {
			return
		}
		values := []string{f.Value.String()}
		if list, several := f.Value.(pflag.SliceValue); several {
			values = list.GetSlice()
		}
		for _, value := range values {
			line.WriteString(" --" + f.Name + " " + output.Quote(value))
		}
	})
	return line.String()
}

// showPlan prints a plan, and the start that does it: under the same flags, because
// one without them brings back all that is dead.
func showPlan(s *session.Session, plan redrive.Plan, flags string) error {
	if s.JSON {
		return s.Emit(planView{Plan: plan, Seconds: plan.Estimate.Seconds()})
	}
	if plan.Release+plan.Park == 0 {
		s.Line("Nothing: of %s, none matches.", output.Count(plan.Dead, "dead event", "dead events"))
		return nil
	}
	var f output.Fields
	f.Add("bring back", output.Count(plan.Release, "dead event", "dead events"))
	f.Add("takes", "about "+output.Span(plan.Estimate)+" if the destination keeps up")
	f.Add("oldest death", s.When(plan.Oldest))
	if plan.Park > 0 {
		f.Add("park", output.Count(plan.Park, "event", "events")+" that were redriven too often before")
	}
	if plan.Filtered > 0 {
		f.Add("leave dead", output.Count(plan.Filtered, "event", "events")+" that the filter leaves out")
	}
	if plan.Limited > 0 {
		f.Add("beyond --limit", output.Count(plan.Limited, "event", "events"))
	}
	s.Line("A redrive would")
	s.PrintFields(f)
	t := output.NewTable("BY", "VALUE", ">EVENTS")
	breakdown(t, "type", plan.ByType)
	breakdown(t, "error class", plan.ByClass)
	breakdown(t, "destination", plan.ByDest)
	breakdown(t, "source", plan.BySource)
	breakdown(t, "campaign", plan.ByCamp)
	breakdown(t, "time since death", plan.ByAge)
	s.Line("")
	if err := s.Print(t, "  "); err != nil {
		return err
	}
	s.Line("")
	s.Wrap("  ", eventview.NotApplied)
	s.Say("start it: %s redrive start%s", s.Self(), flags)
	return nil
}

// maxBreakdown bounds the values of one kind that a plan lists.
const maxBreakdown = 10

func breakdown[K ~string](t *output.Table, by string, counts map[K]int) {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	rest := 0
	for i, k := range keys {
		if i >= maxBreakdown {
			rest += counts[k]
			continue
		}
		t.Add(by, output.OrText(string(k), "none"), output.Thousands(counts[k]))
	}
	if rest > 0 {
		t.Add(by, "others", output.Thousands(rest))
	}
}
