package console

import (
	"context"
	"errors"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/webhook"
)

var incidentsPage = page{path: "/incidents", file: "incidents.html", title: "Incidents", bar: "Incidents", key: "i", units: 65, read: readIncidents}

// incidentsData are the incidents that go on, or all that are kept.
type incidentsData struct {
	All  bool
	Rows []incidentRow
}

// incidentRow is one line: what is wrong, since when, how often, and where to look first.
type incidentRow struct {
	What, Look, Count        string
	Mark                     jobMark
	Opened, Last             stamp
	Event                    string // address of the latest event; "" for none
	Text, Note, Why          string // text from outside; of whoever looks after it; why it is closed
	Ongoing, Acknowledged    bool
	AckAddress, CloseAddress string
}

func readIncidents(q *request) (any, error) {
	d := incidentsData{All: q.arg("all") != ""}
	list, err := q.st.Incidents.List(q.ctx(), incident.Query{Ongoing: !d.All})
	if err != nil {
		return nil, err
	}
	for _, in := range list {
		d.Rows = append(d.Rows, q.incidentRow(in))
	}
	return d, nil
}

func (q *request) incidentRow(in incident.Incident) incidentRow {
	row := incidentRow{
		What: output.Clean(in.What()), Look: q.firstLook(in), Mark: markOfIncident(in.State),
		Opened: q.at(in.OpenedAt), Last: q.at(in.LastAt), Count: timesSeen(in),
		Text: output.Clean(in.Text), Note: output.Clean(in.Note), Why: output.Clean(in.Why),
		Ongoing: in.Ongoing(), Acknowledged: in.State == incident.Acknowledged,
		AckAddress: incidentAddress(in.ID, "ack"), CloseAddress: incidentAddress(in.ID, "close"),
	}
	if in.Example != "" {
		row.Event = eventAddress(in.Example)
	}
	return row
}

// firstLook is the command to begin with.
func (q *request) firstLook(in incident.Incident) string {
	look := q.Self
	for _, word := range in.FirstLook() {
		look += " " + output.Quote(word)
	}
	return look
}

// timesSeen is how often, and that there may be more.
func timesSeen(in incident.Incident) string {
	text := output.Thousands(in.Count)
	if in.AtLeast {
		text += "+"
	}
	return text
}

func markOfIncident(s incident.State) jobMark {
	switch s {
	case incident.Acknowledged:
		return jobMark{Glyph: "◐", State: string(s), Class: "processing"}
	case incident.Closed:
		return jobMark{Glyph: "✓", State: string(s), Class: "delivered"}
	case incident.Open:
	}
	return jobMark{Glyph: "✗", State: string(s), Class: "dead"}
}

func incidentAddress(id, move string) string { return "/incidents/" + id + "/" + move }

var (
	ackAction = action{
		path: "/incidents/{id}/ack", name: "incident ack", back: toIncidents,
		do: moveIncident(incident.Acknowledged, "Acknowledged: it goes on, and somebody looks after it.", func(ctx context.Context, s *incident.Store, id string) (incident.Incident, error) {
			return s.Acknowledge(ctx, id, "")
		}),
	}
	closeAction = action{
		path: "/incidents/{id}/close", name: "incident close", back: toIncidents, ask: askClose,
		do: moveIncident(incident.Closed, "Closed. What is seen later opens it again.", func(ctx context.Context, s *incident.Store, id string) (incident.Incident, error) {
			return s.Close(ctx, id)
		}),
	}
)

func toIncidents(*request) string { return incidentsPage.path }

func askClose(q *request) (*question, error) {
	in, err := q.incident()
	if err != nil {
		return nil, err
	}
	return &question{
		Title:  "Close an incident",
		Says:   []string{output.Clean(in.What()), "It was seen " + timesSeen(in) + " times. Closing repairs nothing; what is seen later opens it again."},
		Button: "Close the incident", Back: incidentsPage.path,
	}, nil
}

func (q *request) incident() (incident.Incident, error) {
	id := q.PathValue("id")
	if !incident.ValidID(id) {
		return incident.Incident{}, absentIncident(id, incident.ErrNotFound)
	}
	in, err := q.st.Incidents.Get(q.ctx(), id)
	return in, absentIncident(id, err)
}

func absentIncident(id string, err error) error {
	if errors.Is(err, incident.ErrNotFound) {
		return problem.NotFound("there is no incident %s", output.Plain(id)).Hint("it may have been closed more than 14 days ago: see the page Incidents")
	}
	return err
}

func moveIncident(to incident.State, said string, do func(context.Context, *incident.Store, string) (incident.Incident, error)) func(*request) (*done, error) {
	return func(q *request) (*done, error) {
		if _, err := q.incident(); err != nil {
			return nil, err
		}
		in, err := do(q.ctx(), q.st.Incidents, q.PathValue("id"))
		if err != nil {
			return nil, absentIncident(q.PathValue("id"), err)
		}
		if in.State != to {
			return nil, problem.Failed(webhook.ErrChanged, "changed meanwhile: the incident is %s", in.State).Hint("see it as it stands, and decide again")
		}
		return &done{To: incidentsPage.path, On: in.ID, Notice: notice{Text: said}}, nil
	}
}
