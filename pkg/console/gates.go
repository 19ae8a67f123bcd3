package console

import (
	"fmt"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/gate"
)

// gateState is what stands between a destination and its events.
type gateState struct {
	Text   string // empty: nothing does
	Since  stamp
	Pause  string // addresses of what may be done; one of them
	Resume string
}

func (q *request) gateOf(name string, s gate.State) gateState {
	at := "/destinations/" + name
	switch {
	case !s.Paused.IsZero():
		return gateState{Text: "paused by " + output.Clean(s.PausedBy), Since: q.at(s.Paused), Resume: at + "/resume"}
	case s.Open:
		return gateState{Text: "breaker open, " + output.Clean(s.Cause), Since: q.at(s.Since), Resume: at + "/resume"}
	}
	return gateState{Pause: at + "/pause"}
}

var (
	haltAction    = action{path: "/destinations/{name}/pause", name: "destinations pause", back: toDestinations, ask: askHalt, do: doHalt}
	releaseAction = action{path: "/destinations/{name}/resume", name: "destinations resume", back: toDestinations, ask: askRelease, do: doRelease}
)

func toDestinations(*request) string { return destinationsPage.path }

// gateNamed is the state of a destination that is configured.
func (q *request) gateNamed() (string, gate.State, error) {
	name := q.PathValue("name")
	if destination.ValidateName(name) != nil {
		return "", gate.State{}, problem.NotFound("there is no destination %s", output.Clean(name))
	}
	entries, err := q.st.Destinations.List(q.ctx())
	if err != nil {
		return "", gate.State{}, err
	}
	for _, e := range entries {
		if e.Name == name {
			states, err := gate.List(q.ctx(), q.st.Ledger)
			return name, states[name], err
		}
	}
	return "", gate.State{}, problem.NotFound("there is no destination %s", name)
}

func askHalt(q *request) (*question, error) {
	name, s, err := q.gateNamed()
	if err != nil {
		return nil, err
	}
	if !s.Paused.IsZero() {
		return nil, problem.Failed(nil, "destination %s is paused already, by %s", name, output.Clean(s.PausedBy))
	}
	return &question{
		Title: "Pause the destination " + name,
		Says: []string{
			"Nothing more is sent to it until you resume it; what is being sent now is sent. Workers know within five seconds.",
			"Its events wait as pending, however long it lasts: a wait is no attempt, and none dies of it. Other destinations of the same events get them as ever.",
		},
		Button: "Pause " + name, Back: destinationsPage.path,
	}, nil
}

func doHalt(q *request) (*done, error) {
	name, _, err := q.gateNamed()
	if err != nil {
		return nil, err
	}
	_, did, err := gate.Pause(q.ctx(), q.st.Ledger, name, q.Caller, q.clock.Now())
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("The destination %s is paused: within five seconds nothing more is sent to it, and its events wait.", name)
	if !did {
		text = fmt.Sprintf("The destination %s was paused meanwhile.", name)
	}
	return &done{To: destinationsPage.path, On: name, Notice: notice{Text: text}}, nil
}

func askRelease(q *request) (*question, error) {
	name, s, err := q.gateNamed()
	if err != nil {
		return nil, err
	}
	if s.Paused.IsZero() && !s.Open {
		return nil, problem.Failed(nil, "destination %s is neither paused nor is its breaker open", name)
	}
	says := []string{"Events are sent to it again. What waits comes within some ten minutes, spread."}
	if s.Open {
		says = append(says, "Its breaker is open, since nearly every delivery failed ("+output.Clean(s.Cause)+"). It closes by itself when a probe gets through; if the destination still fails, it opens again.")
	}
	return &question{Title: "Resume the destination " + name, Says: says, Button: "Resume " + name, Back: destinationsPage.path}, nil
}

func doRelease(q *request) (*done, error) {
	name, _, err := q.gateNamed()
	if err != nil {
		return nil, err
	}
	_, did, err := gate.Resume(q.ctx(), q.st.Ledger, name, q.clock.Now())
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("The destination %s is resumed: what waits comes within some ten minutes.", name)
	if !did {
		text = fmt.Sprintf("The destination %s was resumed meanwhile.", name)
	}
	return &done{To: destinationsPage.path, On: name, Notice: notice{Text: text}}, nil
}
