package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Message is what notices say, in one text and in one document.
type Message struct {
	ID       string // the same for the same changes
	Text     string // a line for each, and what to do; parts come from outside
	Document Document
}

// Document is what a target other than Slack gets (schema smartlead.incidents.v1).
type Document struct {
	Schema    string   `json:"schema"`
	Stack     string   `json:"stack"`
	Incidents []Change `json:"incidents"`
	More      int      `json:"more,omitempty"` // changes that are not listed
}

// Change is one change of an incident.
type Change struct {
	ID        string    `json:"id"`
	Change    string    `json:"change"` // opened, reopened, closed
	Kind      Kind      `json:"kind"`
	What      string    `json:"what"`
	Cause     string    `json:"cause"`
	Subject   string    `json:"subject,omitempty"`
	Source    string    `json:"source,omitempty"`
	Account   string    `json:"account,omitempty"`
	Text      string    `json:"text,omitempty"`
	EventID   string    `json:"event_id,omitempty"`
	Count     int       `json:"count"`
	State     State     `json:"state"`
	OpenedAt  time.Time `json:"opened_at"`
	LastAt    time.Time `json:"last_seen_at"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`
	Because   string    `json:"closed_because,omitempty"`
	FirstLook string    `json:"first_look"`
}

// Schema names the form of a Document.
const Schema = "smartlead.incidents.v1"

// MessageOf words notices of a stack. more is how many changes there are besides.
func MessageOf(stack string, notices []Notice, more int) Message {
	m := Message{Document: Document{Schema: Schema, Stack: stack, More: more, Incidents: []Change{}}}
	id := sha256.New()
	var lines []string
	for _, n := range notices {
		_, _ = fmt.Fprintf(id, "%s %s %s\n", n.ID, n.stage(), n.OpenedAt.Format(time.RFC3339Nano)) // a hash never fails
		first := "smartleadctl " + strings.Join(n.FirstLook(), " ")
		m.Document.Incidents = append(m.Document.Incidents, Change{
			ID: n.ID, Change: n.Change, Kind: n.Kind, What: n.What(), Cause: n.Cause, Subject: n.Subject, Source: n.Source,
			Account: n.Account, Text: n.Text, EventID: n.Example, Count: n.Count, State: n.State, OpenedAt: n.OpenedAt,
			LastAt: n.LastAt, ClosedAt: n.ClosedAt, Because: n.Why, FirstLook: first,
		})
		lines = append(lines, n.line(first))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more: smartleadctl incidents", more))
	}
	m.ID = "notice-" + hex.EncodeToString(id.Sum(nil)[:16])
	m.Text = strings.Join(append([]string{stack + ": " + heading(len(notices)+more)}, lines...), "\n")
	return m
}

func heading(n int) string {
	if n == 1 {
		return "an incident"
	}
	return fmt.Sprintf("%d incidents changed", n)
}

// line says one change.
func (n Notice) line(first string) string {
	if n.State == Closed {
		return fmt.Sprintf("%s: %s (%d times; %s)", n.Change, n.What(), n.Count, n.Why)
	}
	text := fmt.Sprintf("%s: %s (%d times since %s)", n.Change, n.What(), n.Count, n.OpenedAt.UTC().Format("2006-01-02 15:04Z"))
	if n.Text != "" {
		text += "\n  " + n.Text
	}
	return text + "\n  look here first: " + first
}
