package archivecmd

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
)

type span struct{ since, until string }

func (o *span) add(cmd *cobra.Command, since string) {
	cmd.Flags().StringVar(&o.since, "since", since, "received since: a length of time (2h, 2d3h, 1w) or a time")
	cmd.Flags().StringVar(&o.until, "until", "", "received before (default: the end of what is archived)")
}

// times returns the ends, the later of which is at most that of what is archived.
func (o span) times(f found, now time.Time) (since, until time.Time, err error) {
	if since, err = filter.ParseTime("--since", o.since, now); err != nil {
		return since, until, err
	}
	if until, err = filter.ParseTime("--until", o.until, now); err != nil {
		return since, until, err
	}
	if end := f.state.ArchivedUntil(); until.IsZero() || until.After(end) {
		until = end
	}
	if began := f.state.Began; since.Before(began) {
		since = began
	}
	return since, until, nil
}

func verifyCmd(s *session.Session) *cobra.Command {
	var o span
	var ids bool
	cmd := &cobra.Command{
		Use: "verify", Aliases: []string{"check"}, Short: "Compare the archive with the ledger, event by event",
		Long: `Compare the archive with the ledger, event by event, for what was received in a time and
should be archived: is each event there, once, as it was received? It reads every event
and every object of that time; --ids compares which events there are, and no bodies.

  missing     in the ledger, and not archived
  extra       archived, and not in the ledger
  repeated    archived more than once
  differs     archived with another body, lead, source or time of receipt
  not_erased  erased in the ledger, and archived still

What was received more than 15 days ago may have expired in the ledger: of that, nothing
is extra. Exit code 1 where something is wrong.`,
		Example: `  smartleadctl archive verify
  smartleadctl archive verify --since 30d --ids --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return verify(cmd.Context(), s, o, ids) },
	}
	o.add(cmd, "7d")
	cmd.Flags().BoolVar(&ids, "ids", false, "compare which events there are, and not what they hold")
	return cmd
}

type exampleView struct {
	Fault   string `json:"fault"`
	EventID string `json:"event_id"`
	Account string `json:"account"`
	Hour    string `json:"hour"`
}

type verifyView struct {
	Since    string         `json:"since"`
	Until    string         `json:"until"`
	Whole    bool           `json:"whole"`
	IDsAlone bool           `json:"ids_alone"`
	Events   int            `json:"events"`
	Equal    int            `json:"equal"`
	Erased   int            `json:"erased"`
	Expired  int            `json:"expired"`
	Objects  int            `json:"objects"`
	Faults   map[string]int `json:"faults"`
	Examples []exampleView  `json:"examples"`
}

func verify(ctx context.Context, s *session.Session, o span, ids bool) error {
	f, err := find(ctx, s)
	if err != nil {
		return err
	}
	since, until, err := o.times(f, s.Now())
	if err != nil {
		return err
	}
	if !since.Before(until) {
		return problem.NotFound("nothing of that time is archived: the archive goes from %s to %s", output.Stamp(f.state.Began), output.Stamp(f.state.ArchivedUntil()))
	}
	progress := s.Progress("events and objects")
	c, err := f.at.Compare(ctx, since, until, ids, func() { progress.Add(1) })
	progress.End()
	if err != nil {
		return err
	}
	v := verifyView{
		Since: output.Wire(c.Since), Until: output.Wire(c.Until), Whole: c.Whole(), IDsAlone: ids, Events: c.Events, Equal: c.Equal,
		Erased: c.Erased, Expired: c.Expired, Objects: c.Objects, Faults: map[string]int{}, Examples: []exampleView{},
	}
	wrong := 0
	for _, fault := range archive.Faults {
		v.Faults[string(fault)] = c.Faults[fault]
		wrong += c.Faults[fault]
	}
	for _, e := range c.Examples {
		v.Examples = append(v.Examples, exampleView{string(e.Fault), string(e.ID), e.Account, output.Wire(e.Hour)})
	}
	if err := show(s, v); err != nil || wrong == 0 {
		return err
	}
	return advice(s, c, wrong)
}

func show(s *session.Session, v verifyView) error {
	if s.JSON {
		return s.Emit(v)
	}
	s.Line("%s received from %s to %s, %s: %s equal", output.Count(v.Events, "event", "events"), v.Since, v.Until, output.Count(v.Objects, "object", "objects"), output.Thousands(v.Equal))
	if v.Erased > 0 {
		s.Line("%s in the ledger, and not archived", output.Count(v.Erased, "event is erased", "events are erased"))
	}
	if v.Expired > 0 {
		s.Line("%s in the ledger", output.Count(v.Expired, "archived event has expired", "archived events have expired"))
	}
	t := output.NewTable("FAULT", "ACCOUNT", "HOUR", "EVENT")
	for _, e := range v.Examples {
		t.Add(e.Fault, output.Clean(e.Account), e.Hour, s.ID(e.EventID))
	}
	if t.Len() == 0 {
		return nil
	}
	return s.Print(t, "")
}

func advice(s *session.Session, c archive.Comparison, wrong int) error {
	e := problem.Failed(nil, "%s wrong", output.Count(wrong, "event is", "events are"))
	if c.Faults[archive.Missing] > 0 {
		e = e.Hint("what is missing is archived by: %s archive again --since %s", s.Self(), c.Since.Format(time.DateOnly))
	}
	if c.Faults[archive.NotErased] > 0 {
		e = e.Hint("what is archived of an erased lead goes by: %s leads forget ADDRESS", s.Self())
	}
	if c.Faults[archive.Repeated]+c.Faults[archive.Extra]+c.Faults[archive.Differs] > 0 {
		e = e.Hint("who reads the archive takes an event_id once; docs/DESTINATIONS.md says what may differ, and how it can come")
	}
	return e
}

func readCmd(s *session.Session) *cobra.Command {
	var o span
	var account string
	cmd := &cobra.Command{
		Use: "read", Aliases: []string{"cat"}, Short: "Print what is archived, one event a line",
		Long: `Print what is archived of a time, one event a line, as JSON: what Athena reads. Hours are
printed whole. A line's state is that of the event when it was archived.`,
		Example: `  smartleadctl archive read --since 2h
  smartleadctl archive read --since 2026-11-01 --until 2026-12-01 --account acme | gzip > november.ndjson.gz`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return read(cmd.Context(), s, o, account) },
	}
	o.add(cmd, "24h")
	cmd.Flags().StringVar(&account, "account", "", "of this account")
	return cmd
}

func read(ctx context.Context, s *session.Session, o span, account string) error {
	if err := auth.ValidateName(account); account != "" && err != nil {
		return problem.Usage("--account %s: %v", output.Plain(account), err)
	}
	f, err := find(ctx, s)
	if err != nil {
		return err
	}
	since, until, err := o.times(f, s.Now())
	if err != nil {
		return err
	}
	n := 0
	err = archive.Lines(ctx, f.at.Objects, account, since.Truncate(f.stack.Every), until, func(line []byte) error {
		n++
		_, err := s.Out.Write(append(output.EscapeJSON(line), '\n'))
		return err
	})
	if err == nil && n == 0 {
		s.Say("nothing of that time is archived: the archive goes from %s to %s", output.Stamp(f.state.Began), output.Stamp(f.state.ArchivedUntil()))
	}
	return err
}
