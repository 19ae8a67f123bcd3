package logtext

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/test/testclock"
)

const id = "v1:EMAIL_REPLY:O5KIXKIXYMNARUGNWJOADOHFESI3GAWR"

// shownOf returns what a person sees of one line, without its time.
func shownOf(t *testing.T, w *Writer, level slog.Level, msg string, attrs ...any) string {
	t.Helper()
	var b bytes.Buffer
	w.To = &b
	telemetry.NewLogger(w, slog.LevelDebug).Log(t.Context(), level, msg, attrs...) //nolint:sloglint // the text is what is tested
	if b.Len() == 0 {
		return ""
	}
	line, ended := strings.CutSuffix(b.String(), "\n")
	at, rest, _ := strings.Cut(line, "  ")
	if _, err := time.Parse(time.TimeOnly, at); err != nil || !ended || strings.Contains(rest, "\n") {
		t.Errorf("no line: %q", b.String())
	}
	return strings.Join(strings.Fields(rest), " ")
}

func TestWhatAPersonSees(t *testing.T) {
	next := testclock.Noon()
	ok := slog.Group("to_log", "result", "delivered", "status", 0, "duration_ms", 1)
	failed := slog.Group("to_crm", "result", "retry", "status", 503, "error_class", "http_503", "error", "answered 503: try later", "duration_ms", 9)
	event := func(outcome string, more ...any) []any {
		return append([]any{"event_id", id, "source", "demo", "outcome", outcome, "duration_ms", 12}, more...)
	}
	cases := map[string]struct {
		level slog.Level
		msg   string
		attrs []any
		want  string
	}{
		"delivered": {slog.LevelInfo, "event.processed", event("delivered", ok), "EMAIL_REPLY tom@acme.example.com delivered log 12 ms"},
		"one of two failed": {slog.LevelWarn, "event.processed", event("retry", "next_attempt_at", next, ok, failed),
			"EMAIL_REPLY tom@acme.example.com retry log,crm 12 ms crm: http_503: answered 503: try later; next attempt " + next.Local().Format(time.TimeOnly)},
		"dead": {slog.LevelError, "event.processed", event("dead", failed, "error", "dead letter: no queue"),
			"EMAIL_REPLY tom@acme.example.com dead crm 12 ms crm: http_503: answered 503: try later; dead letter: no queue"},
		"dead, and the cause is said": {slog.LevelError, "event.processed", event("dead", "cause", "http_503", failed),
			"EMAIL_REPLY tom@acme.example.com dead crm 12 ms crm: http_503: answered 503: try later"},
		"dead of an attempt before": {slog.LevelError, "event.processed", event("dead", "cause", "http_404", ok),
			"EMAIL_REPLY tom@acme.example.com dead log 12 ms http_404"},
		"said by its own line":  {slog.LevelInfo, "event.delivered", event("delivered"), ""},
		"accepted, on its way":  {slog.LevelInfo, "event.received", event("accepted"), ""},
		"accepted, not on it":   {slog.LevelInfo, "event.received", event("accepted", "unsent", true), "EMAIL_REPLY tom@acme.example.com accepted 12 ms"},
		"a duplicate":           {slog.LevelInfo, "event.received", event("duplicate"), "EMAIL_REPLY tom@acme.example.com duplicate 12 ms"},
		"nothing to do":         {slog.LevelInfo, "event.processed", event("finished"), ""},
		"nothing to do, failed": {slog.LevelWarn, "event.processed", event("busy", "error", "delay: refused"), "EMAIL_REPLY tom@acme.example.com busy 12 ms delay: refused"},
		"refused": {slog.LevelWarn, "request.refused", []any{"source", "demo", "outcome", "bad_request", "cause", "not_json", "error", "not JSON"},
			"request demo refused: bad_request not_json: not JSON"},
		"an element that is no event": {slog.LevelWarn, "event.received", []any{"event_id", "", "source", "demo", "outcome", "rejected", "error", "not an object", "duration_ms", 3},
			"element demo rejected 3 ms not an object"},
		"an empty array": {slog.LevelInfo, "request.empty", []any{"source", "demo", "outcome", "empty", "request_id", "x"},
			"request demo an array without an element"},
		"of the stack itself": {slog.LevelWarn, "queue does not answer", []any{"queue", "live", "failures", 3, "cut", false, "error", errors.New("refused")},
			"queue does not answer queue=live failures=3 error=refused"},
	}
	for name, c := range cases {
		w := &Writer{Lead: func(got string) string {
			if got != id {
				t.Errorf("%s: asked for the lead of %q", name, got)
			}
			return "tom@acme.example.com"
		}}
		if got := shownOf(t, w, c.level, c.msg, c.attrs...); got != c.want {
			t.Errorf("%s:\n%q, want\n%q", name, got, c.want)
		}
	}
}

func TestAllShowsWhatIsOrdinary(t *testing.T) {
	for _, msg := range []string{"event.received", "event.delivered", "event.processed"} {
		got := shownOf(t, &Writer{All: true}, slog.LevelInfo, msg, "event_id", id, "outcome", "accepted")
		if !strings.Contains(got, id) {
			t.Errorf("%s: %q", msg, got)
		}
	}
}

// Text from outside stays text, and a credential stays hidden.
func TestATerminalIsSafe(t *testing.T) {
	evil := "\x1b]0;owned\x07\u202eevil\r\nsecond line"
	w := &Writer{Lead: func(string) string { return evil }}
	group := slog.Group("to_"+evil, "result", "retry", "error_class", evil, "error", evil+" slr_euvmesw757u7bez4e62yn3hpq7fxcl3w")
	for _, msg := range []string{"event.processed", "request.refused", evil} {
		got := shownOf(t, w, slog.LevelWarn, msg, "event_id", id, "source", evil, "outcome", evil, "cause", evil, evil, evil, group)
		if strings.ContainsAny(got, "\x1b\x07\r\n\u202e") || strings.Contains(got, "slr_") || !strings.Contains(got, "evil") {
			t.Errorf("%q: %q", msg, got)
		}
	}
	var b bytes.Buffer
	w.To = &b
	if _, err := w.Write([]byte("no JSON \x1b[2J\n")); err != nil || b.String() != "no JSON [2J\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestColourTellsHowItWent(t *testing.T) {
	for want, c := range map[string]struct {
		level   slog.Level
		outcome string
	}{green: {slog.LevelInfo, "delivered"}, yellow: {slog.LevelWarn, "retry"}, red: {slog.LevelError, "dead"}} {
		got := shownOf(t, &Writer{Colour: true}, c.level, "event.processed", "event_id", id, "outcome", c.outcome)
		if !strings.Contains(got, want+c.outcome) || !strings.Contains(got, plain) {
			t.Errorf("%s: %q", c.outcome, got)
		}
	}
	if got := shownOf(t, &Writer{Colour: true}, slog.LevelInfo, "event.processed", "event_id", id, "outcome", "held"); strings.Contains(got, "\x1b") {
		t.Errorf("held: %q", got)
	}
}
