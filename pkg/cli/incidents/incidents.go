// Package incidents says what is wrong, since when, how often, whether it goes on, and
// where to look first.
package incidents

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/stack"
)

// New returns the command incidents, which lists, and those below it.
func New(s *session.Session) *cobra.Command {
	var o listOptions
	cmd := listCmd(s, &o, "incidents")
	cmd.Short = "Say what is wrong, since when, how often, and where to look first"
	cmd.Long = `Say what is wrong, since when, how often, whether it goes on, and where to look first:
alerts of Smartlead, refused requests, outages, deaths by cause and destination, variants,
redrives, what the sweeper repaired, and what tools report to the error webhook.

The sweeper looks once a minute at what is a minute old. It opens an incident when
something is seen, and closes it when that has been quiet for long, or is gone; seen
again, it is opened again. Incidents are kept for 14 days after they were last seen.`
	cmd.AddCommand(listCmd(s, &listOptions{}, "list"), showCmd(s), ackCmd(s), closeCmd(s))
	return cmd
}

type listOptions struct {
	open, all           bool
	since, kind, source string
}

func listCmd(s *session.Session, o *listOptions, use string) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: "List incidents, those that go on first",
		Long: `List the incidents that go on; --all has those that are closed, too.`,
		Example: `  smartleadctl incidents
  smartleadctl incidents --all --since 2d --kind dead`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), s, *o) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.open, "open", false, "only those that nobody acknowledged")
	flags.BoolVar(&o.all, "all", false, "those that are closed, too")
	flags.StringVar(&o.since, "since", "", "seen since: a length of time (2h, 2d3h, 1w), a day or a time")
	flags.StringVar(&o.kind, "kind", "", "only of this kind: "+output.Join(incident.Kinds))
	flags.StringVar(&o.source, "source", "", "only of this source")
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(output.Names(incident.Kinds), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// query reads the flags.
func (o listOptions) query(s *session.Session) (incident.Query, error) {
	q := incident.Query{Ongoing: !o.all, Kind: incident.Kind(o.kind), Source: o.source}
	if o.open && o.all {
		return q, problem.Usage("--open and --all exclude each other")
	}
	if names := output.Names(incident.Kinds); o.kind != "" && !contains(names, o.kind) {
		return q, problem.Usage("--kind %s is no kind of incident", output.Plain(o.kind)).
			DidYouMean(output.Nearest(o.kind, names), "--kind %s").Hint("the kinds: %s", strings.Join(names, ", "))
	}
	var err error
	q.Since, err = filter.ParseTime("--since", o.since, s.Now())
	return q, err
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func list(ctx context.Context, s *session.Session, o listOptions) error {
	q, err := o.query(s)
	if err != nil {
		return err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	all, err := st.Incidents.List(ctx, q)
	if err != nil {
		return err
	}
	t := output.NewTable("INCIDENT", "*STATE", "OPENED", "LAST SEEN", ">COUNT", "~WHAT", "LOOK HERE FIRST").
		Early("LOOK HERE FIRST").Dispose("LOOK HERE FIRST", "OPENED", "COUNT")
	n := 0
	for _, in := range all {
		if o.open && in.State != incident.Open {
			continue
		}
		n++
		if s.JSON {
			if err := s.Emit(viewOf(s, in)); err != nil {
				return err
			}
			continue
		}
		t.Add(in.ID, string(in.State), output.Stamp(in.OpenedAt), s.Ago(in.LastAt), count(in), in.What(), look(s, in))
	}
	switch {
	case s.JSON:
		return nil
	case n == 0:
		s.Say("no incident%s", map[bool]string{true: "", false: " goes on; --all has those that are closed"}[o.all])
		return nil
	}
	return s.Print(t, "")
}

// count is how often, and that there may be more.
func count(in incident.Incident) string {
	text := output.Thousands(in.Count)
	if in.AtLeast {
		text += "+"
	}
	return text
}

// look is the command to begin with.
func look(s *session.Session, in incident.Incident) string {
	words := []string{s.Self()}
	for _, word := range in.FirstLook() {
		words = append(words, output.Quote(word))
	}
	return strings.Join(words, " ")
}

// connect finds the stack for a command over one incident.
func connect(ctx context.Context, s *session.Session, id string) (*stack.Stack, error) {
	if !incident.ValidID(id) {
		return nil, problem.Usage("%s is no id of an incident: it has ten letters and digits", output.Plain(id)).
			Hint("which there are: %s incidents --all", s.Self())
	}
	return s.Connect(ctx)
}

// absent says so of an incident that is not there.
func absent(s *session.Session, id string, err error) error {
	if errors.Is(err, incident.ErrNotFound) {
		return problem.NotFound("there is no incident %s", id).Hint("which there are: %s incidents --all", s.Self())
	}
	return err
}
