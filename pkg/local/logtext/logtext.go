// Package logtext shows the functions' log lines to a person at a terminal: one
// short line an event. It reads the JSON lines of pkg/telemetry, so that it shows
// nothing that those would hide.
package logtext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"smartlead-receiver/pkg/telemetry"
)

// Writer takes one JSON object a Write. It is safe for concurrent use.
type Writer struct {
	To     io.Writer
	Colour bool
	All    bool                        // also what is of no interest while all goes well
	Lead   func(eventID string) string // whose event it is; empty: unknown

	mu sync.Mutex
}

const (
	maxValue = 200 // of each text that is shown, in bytes
	maxCause = 300
)

// Write shows one line, or nothing. It never fails on a line's content.
func (w *Writer) Write(line []byte) (int, error) {
	l, err := read(line)
	shown := telemetry.Clean(string(line), 8*maxValue)
	if err == nil {
		if !w.All && l.ordinary() {
			return len(line), nil
		}
		shown = w.show(l)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := io.WriteString(w.To, shown+"\n"); err != nil {
		return 0, err
	}
	return len(line), nil
}

// line is a log line: its members in their order, and those of the functions'
// lines by name.
type line struct {
	Time      time.Time `json:"timestamp"`
	Level     string
	Msg       string
	EventID   string `json:"event_id"`
	Source    string
	Outcome   string
	Cause     string
	Error     string
	Unsent    bool      // accepted, and left to the sweeper
	Millis    int64     `json:"duration_ms"`
	NextTry   time.Time `json:"next_attempt_at"`
	Destined  string    `json:"destination"`
	members   []member
	delivered []attempt
}

type member struct {
	name  string
	value json.RawMessage
}

// attempt is one destination's part of an event's line.
type attempt struct {
	Destination string `json:"-"`
	Result      string
	Status      int
	ErrorClass  string `json:"error_class"`
	Error       string
}

// destinationPrefix is that of the members of a line that tell of a destination.
const destinationPrefix = "to_"

func read(text []byte) (line, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return line{}, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return line{}, err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return line{}, err
		}
		m := member{name: fmt.Sprint(name)}
		if err := decoder.Decode(&m.value); err != nil {
			return line{}, err
		}
		if to, found := strings.CutPrefix(m.name, destinationPrefix); found {
			a := attempt{Destination: to}
			if json.Unmarshal(m.value, &a) == nil {
				l.delivered = append(l.delivered, a)
				continue
			}
		}
		l.members = append(l.members, m)
	}
	return l, nil
}

// The functions' lines of an event.
const (
	received  = "event.received"
	logged    = "event.delivered" // by the destination "log"; the event's own line follows
	processed = "event.processed"
	refused   = "request.refused"
	empty     = "request.empty"
)

// withoutWork are the outcomes of a message that brought nothing to do.
var withoutWork = []string{"early", "busy", "finished", "stale_dead_letter", "not_in_ledger"}

// ordinary tells whether the line says only what another one says, or that there
// was nothing to do.
func (l line) ordinary() bool {
	switch l.Msg {
	case logged:
		return true
	case received:
		return l.Outcome == "accepted" && !l.Unsent
	case processed:
		return l.Level == "INFO" && slices.Contains(withoutWork, l.Outcome)
	}
	return false
}

func (w *Writer) show(l line) string {
	at := l.Time.Local().Format(time.TimeOnly)
	switch l.Msg {
	case received, processed:
		return at + "  " + w.event(l)
	case empty:
		return at + "  " + strings.TrimRight(fmt.Sprintf("%-21s  %-28s  %s", "request", clean(l.Source), w.outcome(l.Level, "an array without an element")), " ")
	case refused:
		return at + "  " + strings.TrimRight(fmt.Sprintf("%-21s  %-28s  %s  %s",
			"request", clean(l.Source), w.outcome(l.Level, "refused: "+l.Outcome), cause(l.Cause, l.Error)), " ")
	}
	return at + "  " + w.other(l)
}

// event is type, lead, outcome, destinations, milliseconds, and what went wrong.
func (w *Writer) event(l line) string {
	name, lead := typeOf(l.EventID), ""
	if l.EventID == "" { // an element of an array that is no event
		name, lead = "element", l.Source
	} else if w.Lead != nil {
		lead = w.Lead(l.EventID)
	}
	if lead == "" {
		lead = l.EventID // the only name that is left
	}
	var to, wrong []string
	for _, a := range l.delivered {
		to = append(to, clean(a.Destination))
		if a.ErrorClass != "" || a.Error != "" {
			wrong = append(wrong, clean(a.Destination)+": "+cause(a.ErrorClass, a.Error))
		}
	}
	if len(wrong) == 0 && l.Cause != "" { // it died of an attempt before this one
		wrong = append(wrong, clean(l.Cause))
	}
	if l.Error != "" {
		wrong = append(wrong, clean(l.Error))
	}
	if !l.NextTry.IsZero() {
		wrong = append(wrong, "next attempt "+l.NextTry.Local().Format(time.TimeOnly))
	}
	return strings.TrimRight(fmt.Sprintf("%-21s  %-28s  %s  %-8s  %4d ms  %s",
		clean(name), clean(lead), w.outcome(l.Level, l.Outcome), strings.Join(to, ","), l.Millis, strings.Join(wrong, "; ")), " ")
}

// typeOf returns the type of event that an event's id names: v1:TYPE:….
func typeOf(eventID string) string {
	_, rest, _ := strings.Cut(eventID, ":")
	name, _, _ := strings.Cut(rest, ":")
	return name
}

// other is a line of no event: its text, and the members that say something.
func (w *Writer) other(l line) string {
	parts := []string{w.outcome(l.Level, l.Msg)}
	for _, m := range l.members {
		switch m.name {
		case "timestamp", "level", "msg":
			continue
		}
		value := strings.Trim(string(m.value), `"`)
		if value == "" || value == "0" || value == "false" || value == "null" {
			continue
		}
		var text string
		if json.Unmarshal(m.value, &text) == nil {
			value = text
		}
		parts = append(parts, clean(m.name)+"="+clean(value))
	}
	return strings.Join(parts, "  ")
}

func cause(class, text string) string {
	class, text = clean(class), telemetry.Clean(text, maxCause)
	if class == "" || text == "" || strings.HasPrefix(text, class) {
		return class + strings.TrimPrefix(text, class)
	}
	return class + ": " + text
}

func clean(text string) string { return telemetry.Clean(text, maxValue) }

// Colours of a terminal (ECMA-48, SGR).
const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	green  = "\x1b[32m"
	plain  = "\x1b[0m"
)

// outcome is padded before it is coloured, so that columns keep their width.
func (w *Writer) outcome(level, outcome string) string {
	text := fmt.Sprintf("%-10s", clean(outcome))
	if !w.Colour {
		return text
	}
	switch {
	case level == "ERROR":
		return red + text + plain
	case level == "WARN":
		return yellow + text + plain
	case strings.HasPrefix(outcome, "delivered"):
		return green + text + plain
	}
	return text
}
