package incidents

import (
	"context"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/incident"
)

// view is an incident as JSON.
type view struct {
	ID         string `json:"id"`
	Kind       string `json:"kind"`
	State      string `json:"state"`
	What       string `json:"what"`
	Cause      string `json:"cause"`
	Subject    string `json:"subject,omitempty"`
	Source     string `json:"source,omitempty"`
	Account    string `json:"account,omitempty"`
	Text       string `json:"text,omitempty"`
	EventID    string `json:"event_id,omitempty"`
	Count      int    `json:"count"`
	AtLeast    bool   `json:"at_least,omitempty"`
	OpenedAt   string `json:"opened_at"`
	LastSeenAt string `json:"last_seen_at"`
	Openings   int    `json:"openings"`
	AckedAt    string `json:"acknowledged_at,omitempty"`
	Note       string `json:"note,omitempty"`
	ClosedAt   string `json:"closed_at,omitempty"`
	Because    string `json:"closed_because,omitempty"`
	NotifiedAt string `json:"notified_at,omitempty"`
	FirstLook  string `json:"first_look"`
}

func viewOf(s *session.Session, in incident.Incident) view {
	return view{
		ID: in.ID, Kind: string(in.Kind), State: string(in.State), What: in.What(), Cause: in.Cause, Subject: in.Subject,
		Source: in.Source, Account: in.Account, Text: in.Text, EventID: in.Example, Count: in.Count, AtLeast: in.AtLeast,
		OpenedAt: output.Wire(in.OpenedAt), LastSeenAt: output.Wire(in.LastAt), Openings: in.Openings,
		AckedAt: output.Wire(in.AckedAt), Note: in.Note, ClosedAt: output.Wire(in.ClosedAt), Because: in.Why,
		NotifiedAt: output.Wire(in.NotifiedAt), FirstLook: look(s, in),
	}
}

func show(s *session.Session, in incident.Incident) error {
	if s.JSON {
		return s.Emit(viewOf(s, in))
	}
	s.LineOf(string(in.State), "%s: %s", in.State, output.Clean(in.What()))
	var f output.Fields
	f.Add("id", in.ID)
	f.Add("kind", string(in.Kind))
	f.Add("opened", s.When(in.OpenedAt))
	f.Add("last seen", s.When(in.LastAt))
	f.Add("count", count(in))
	if in.Openings > 1 {
		f.Add("openings", output.Thousands(in.Openings))
	}
	f.Add("about", output.Clean(in.Subject))
	f.Add("source", output.Clean(in.Source))
	f.Add("account", output.Clean(in.Account))
	f.Add("latest", output.Clean(in.Text))
	f.Add("event", output.Clean(in.Example))
	if !in.AckedAt.IsZero() {
		f.Add("acknowledged", s.When(in.AckedAt))
	}
	f.Add("note", output.Clean(in.Note))
	if !in.Ongoing() {
		f.Add("closed", s.When(in.ClosedAt))
		f.Add("because", output.Clean(in.Why))
	}
	if !in.NotifiedAt.IsZero() {
		f.Add("notified", s.When(in.NotifiedAt))
	}
	s.PrintFields(f)
	if first := in.FirstLook(); first[0] != "incidents" || len(first) < 3 || first[2] != in.ID { // not this very page
		s.Line("  look here first: %s", look(s, in))
	}
	if in.State == incident.Open {
		s.Line("  somebody looks after it: %s incidents ack %s", s.Self(), in.ID)
	}
	return nil
}

func showCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "show INCIDENT", Short: "Show one incident, and where to look first",
		Example: "  smartleadctl incidents show k4zq2m7p3a", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := connect(cmd.Context(), s, args[0])
			if err != nil {
				return err
			}
			in, err := st.Incidents.Get(cmd.Context(), args[0])
			if err != nil {
				return absent(s, args[0], err)
			}
			return show(s, in)
		},
	}
}

func ackCmd(s *session.Session) *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "ack INCIDENT", Aliases: []string{"acknowledge"}, Short: "Say that somebody looks after an incident",
		Long: `Say that somebody looks after an incident. It goes on, is counted on and closed as
others are. When it is opened again, it is open.`,
		Example: `  smartleadctl incidents ack k4zq2m7p3a --note "told the CRM's support"`, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), s, args[0], incident.Acknowledged, func(ctx context.Context, store *incident.Store) (incident.Incident, error) {
				return store.Acknowledge(ctx, args[0], note)
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "who looks after it, or what is known: at most 300 bytes are kept")
	return cmd
}

func closeCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "close INCIDENT", Short: "Close an incident; what is seen later opens it again",
		Example: "  smartleadctl incidents close k4zq2m7p3a", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), s, args[0], incident.Closed, func(ctx context.Context, store *incident.Store) (incident.Incident, error) {
				return store.Close(ctx, args[0])
			})
		},
	}
}

// change makes a change and shows the incident after it.
func change(ctx context.Context, s *session.Session, id string, to incident.State, do func(context.Context, *incident.Store) (incident.Incident, error)) error {
	st, err := connect(ctx, s, id)
	if err != nil {
		return err
	}
	in, err := do(ctx, st.Incidents)
	switch {
	case err != nil:
		return absent(s, id, err)
	case in.State != to:
		return problem.Failed(nil, "incident %s is %s: %s", id, in.State, in.Why).Hint("see it: %s incidents show %s", s.Self(), id)
	}
	return show(s, in)
}
