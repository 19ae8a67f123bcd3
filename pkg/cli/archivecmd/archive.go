// Package archivecmd shows the archive in S3, compares it with the ledger, and reads it.
package archivecmd

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/stack"
)

// New returns the command archive and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "archive",
		Short: "See the archive in S3, compare it with the ledger, and read it",
	}
	cmd.AddCommand(statusCmd(s), verifyCmd(s), readCmd(s), againCmd(s), athenaCmd(s))
	return cmd
}

// found is a stack with its archive.
type found struct {
	stack *stack.Stack
	state archive.State
	at    stack.Archive
}

// find connects, and returns where the archive stands. It returns a not-found problem
// where there is none.
func find(ctx context.Context, s *session.Session) (found, error) {
	st, err := s.Connect(ctx)
	if err != nil {
		return found{}, err
	}
	state, err := archive.Standing(ctx, st.Ledger)
	if err != nil {
		return found{}, err
	}
	if state.Place.Bucket == "" {
		return found{}, none(s, st)
	}
	return found{st, state, st.ArchiveAt(state.Place)}, nil
}

func none(s *session.Session, st *stack.Stack) error {
	switch {
	case st.ArchiveBucket != "":
		return problem.NotFound("nothing is archived yet: the first run is within five minutes")
	case s.Target.Local:
		return problem.NotFound("nothing is archived").Hint("start the local stack with an archive: make run ARGS='--archive 1m'")
	}
	return problem.NotFound("nothing is archived").Hint("deploy with Archive=on: docs/DESTINATIONS.md says what for")
}

type placeView struct {
	Bucket string `json:"bucket"`
	Prefix string `json:"prefix"`
}

type accountView struct {
	Account string `json:"account"`
	Objects int    `json:"objects"`
	Events  int    `json:"events"`
	Bytes   int64  `json:"bytes"` // compressed
	First   string `json:"first_hour"`
	Last    string `json:"last_hour"`

	first, last time.Time
}

type statusView struct {
	On          bool          `json:"on"`
	Place       placeView     `json:"place"`
	Earlier     []placeView   `json:"earlier_places"`
	Since       string        `json:"archived_since"`
	Until       string        `json:"archived_until"`
	Behind      float64       `json:"behind_s"`
	Lacking     float64       `json:"lacking_s"`       // for how long something has been lacking
	LookedAgain string        `json:"looked_again_to"` // what was received before it was looked at again, for what came late
	LookedLast  string        `json:"looked_last_to"`  // and for the last time
	Cause       string        `json:"cause"`
	Unreadable  int           `json:"unreadable"`
	Accounts    []accountView `json:"accounts"`
	Objects     int           `json:"objects"`
	Events      int           `json:"events"`
	Bytes       int64         `json:"bytes"`
	RunAt       string        `json:"run_at"`
	AskedAgain  string        `json:"asked_again_since,omitempty"`
	AtWorkUntil string        `json:"at_work_until,omitempty"`
}

func statusCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show what is archived, how far, and where",
		Long: `Show what is archived of each account, up to which hour, and how far that is behind the
hours that are closed. An hour is archived a quarter of an hour after its end, and looked
at again after a day and after two weeks, for what was claimed late. The counts are those
of the objects that are there, by their names.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return status(cmd.Context(), s) },
	}
}

func status(ctx context.Context, s *session.Session) error {
	f, err := find(ctx, s)
	if err != nil {
		return err
	}
	v, err := view(ctx, f, s.Now())
	if err != nil {
		return err
	}
	if s.JSON {
		return s.Emit(v)
	}
	s.Line("archived until %s, in s3://%s/%s", output.Stamp(f.state.ArchivedUntil()), v.Place.Bucket, v.Place.Prefix)
	switch {
	case !v.On:
		s.Line("off: nothing is added any more")
	case v.Behind > 0:
		s.Line("behind by %s: what is closed is archived by the next runs", output.Span(time.Duration(v.Behind)*time.Second))
	default:
		s.Line("all that is closed is archived, but what was claimed late (as one that was split off): that is a day later, or by archive again")
	}
	if v.Cause != "" {
		s.Line("the latest run ended early, first at %s: %s", output.Stamp(f.state.CauseSince), output.Clean(v.Cause))
	}
	if v.Unreadable > 0 {
		s.Line("%s: a newer version wrote them, and this one leaves them out", output.Count(v.Unreadable, "event could not be read", "events could not be read"))
	}
	for _, p := range v.Earlier {
		s.Line("earlier in s3://%s/%s: what is there stays, and leads forget reaches it", p.Bucket, p.Prefix)
	}
	t := output.NewTable("ACCOUNT", ">EVENTS", ">OBJECTS", ">KB", "FIRST", "LAST")
	for _, a := range v.Accounts {
		t.Add(output.Clean(a.Account), output.Thousands(a.Events), output.Thousands(a.Objects), output.Thousands(int(a.Bytes+999)/1000), output.Stamp(a.first), output.Stamp(a.last))
	}
	if t.Len() == 0 {
		return nil
	}
	s.Line("")
	return s.Print(t, "")
}

func view(ctx context.Context, f found, now time.Time) (statusView, error) {
	st := f.state
	policy := archive.DefaultPolicy.EachHolding(f.stack.Every)
	v := statusView{
		On: f.stack.ArchiveBucket != "", Place: placeView(st.Place), Earlier: []placeView{}, Accounts: []accountView{},
		Since: output.Wire(st.Began), Until: output.Wire(st.ArchivedUntil()), Cause: st.Cause, Unreadable: st.Unreadable,
		Behind: policy.Behind(st, now).Seconds(), Lacking: policy.Age(st, now).Seconds(), RunAt: output.Wire(st.UpdatedAt), AskedAgain: output.Wire(st.Asked),
	}
	if st.HeldUntil.After(now) {
		v.AtWorkUntil = output.Wire(st.HeldUntil)
	}
	if len(st.Looks) > 2 {
		v.LookedAgain, v.LookedLast = output.Wire(st.Looks[1].Until), output.Wire(st.Looks[2].Until)
	}
	for _, p := range st.AllPlaces()[1:] {
		v.Earlier = append(v.Earlier, placeView(p))
	}
	held, err := archive.Held(ctx, f.at.Objects)
	if err != nil {
		return v, err
	}
	for _, name := range slices.Sorted(maps.Keys(held)) {
		h := held[name]
		v.Accounts = append(v.Accounts, accountView{name, h.Objects, h.Events, h.Bytes, output.Wire(h.First), output.Wire(h.Last), h.First, h.Last})
		v.Objects, v.Events, v.Bytes = v.Objects+h.Objects, v.Events+h.Events, v.Bytes+h.Bytes
	}
	return v, nil
}

func againCmd(s *session.Session) *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use: "again", Short: "Let the archiver look again, for what is not archived",
		Long: `Let the archiver look again at all since then, and archive what is not: an event
that was claimed later than two weeks after its receipt, or that archive verify found
missing. It begins within five minutes. What is archived is not written again.`,
		Example: `  smartleadctl archive again --since 30d`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since == "" {
				return problem.Usage("archive again needs --since: from when on").Hint("for example: %s archive again --since 30d", s.Self())
			}
			at, err := filter.ParseTime("--since", since, s.Now())
			if err != nil {
				return err
			}
			f, err := find(cmd.Context(), s)
			if err != nil {
				return err
			}
			if f.stack.ArchiveBucket == "" {
				return problem.Failed(nil, "the archive is off, so that nobody looks").Hint("deploy with Archive=on")
			}
			if _, err := archive.Ask(cmd.Context(), f.stack.Ledger, at, s.Now()); err != nil {
				return err
			}
			return s.Finished("archive", "asked for: all since %s is looked at within five minutes. Then: %s archive verify", output.Stamp(at), s.Self())
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "received since: a length of time (2h, 2d3h, 1w) or a time")
	return cmd
}

func athenaCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "athena", Short: "Print the table's definition for Athena",
		Long: `Print the statement that defines the archive as a table of Athena, with the bucket, the
prefix and the accounts of this stack. Folders are computed from it, so that no partition
is ever added; an account that comes later is found once the table is defined anew.`,
		Example: `  smartleadctl archive athena > archive.sql`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := find(cmd.Context(), s)
			if err != nil {
				return err
			}
			held, err := archive.Held(cmd.Context(), f.at.Objects)
			if err != nil {
				return err
			}
			if len(held) == 0 {
				return problem.NotFound("no account is archived yet").Hint("how far it is: %s archive status", s.Self())
			}
			sql, err := archive.Athena(f.state.Place, slices.Collect(maps.Keys(held)))
			if err != nil {
				return err
			}
			if s.JSON {
				return s.Emit(map[string]string{"sql": sql})
			}
			_, err = s.Out.Write([]byte(sql))
			return err
		},
	}
}
