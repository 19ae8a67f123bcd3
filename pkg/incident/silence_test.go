package incident_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/webhook"
)

// came has the source send at a time.
func (w *world) came(source string, at time.Time) {
	w.received = append(w.received, webhook.Seen{ID: webhook.EventID(fmt.Sprintf("v1:EMAIL_OPEN:%d", len(w.received))), At: at, Source: source})
}

// pass lets time go by, with a look every five minutes. Of a source that sends one event
// comes every so often; 0: none does.
func (w *world) pass(t *testing.T, watcher *incident.Watcher, source string, every, length time.Duration) (last incident.Report) {
	t.Helper()
	end, next := w.now.Add(length), w.now
	for w.now.Before(end) {
		for ; every > 0 && next.Before(w.now); next = next.Add(every) {
			w.came(source, next)
		}
		if last = watcher.Look(t.Context()); last.Err != nil {
			t.Fatal(last.Err)
		}
		w.now = w.now.Add(5 * time.Minute)
	}
	return last
}

func TestASourceThatFallsSilentIsToldOfOnce(t *testing.T) {
	const line = "no event comes in via acme ×1"
	w := newWorld()
	watcher := w.watcher(nil)
	w.pass(t, watcher, "acme", 3*time.Hour, 8*24*time.Hour)
	if r := w.pass(t, watcher, "acme", 0, 2*time.Hour); r.Silent != 0 {
		t.Errorf("silent for %d, which is usual: %v", r.Silent, w.lines(t))
	}
	if r := w.pass(t, watcher, "acme", 0, 5*time.Hour); r.Silent != 1 || strings.Join(w.lines(t), "") != "open "+line {
		t.Fatalf("%+v, %v", r, w.lines(t))
	}
	in := w.list(t)[0]
	if look := strings.Join(in.FirstLook(), " "); look != "doctor" || !strings.Contains(in.Text, "never longer than 3 hours before") {
		t.Errorf("%q, %q", look, in.Text)
	}
	// It goes on for days, and is no second one.
	if r := w.pass(t, watcher, "acme", 0, 60*time.Hour); r.Silent != 1 || strings.Join(w.lines(t), "") != "open "+line {
		t.Errorf("%+v, %v", r, w.lines(t))
	}
	if text := w.list(t)[0].Text; !strings.Contains(text, "for 2 days") {
		t.Errorf("it says %q", text)
	}
	w.came("acme", w.now.Add(-2*time.Minute))
	r := w.pass(t, watcher, "", 0, 10*time.Minute)
	if in := w.list(t)[0]; r.Silent != 0 || in.Ongoing() || in.Why != "an event came" {
		t.Errorf("%+v, closed because %q", r, in.Why)
	}
}

// What is not known to be unusual wakes nobody: the first weekend of a source.
func TestAYoungSourceMayBeSilent(t *testing.T) {
	w := newWorld()
	watcher := w.watcher(nil)
	w.pass(t, watcher, "acme", time.Hour, 3*24*time.Hour)
	w.pass(t, watcher, "acme", 0, 3*24*time.Hour)
	w.pass(t, watcher, "acme", time.Hour, 4*24*time.Hour)
	w.pass(t, watcher, "acme", 0, 5*24*time.Hour)
	if lines := w.lines(t); len(lines) != 0 {
		t.Errorf("%v", lines)
	}
}

// After requests of it failed, Smartlead may have switched the webhook off.
func TestASilenceAfterFailedRequestsIsToldOfSooner(t *testing.T) {
	for cause, text := range map[string]string{"wrong_token": "switched the webhook off", "": ""} {
		w := newWorld()
		watcher := w.watcher(nil)
		w.pass(t, watcher, "acme", time.Hour, 3*24*time.Hour)
		if cause != "" {
			w.refused = append(w.refused, webhook.RejectedRequest{At: w.now.Add(-2 * time.Minute), Source: "acme", Cause: cause})
		}
		r := w.pass(t, watcher, "acme", 0, 2*time.Hour)
		if r.Silent != len(strings.Fields(cause)) {
			t.Errorf("%q: %d are silent: %v", cause, r.Silent, w.lines(t))
		}
		for _, in := range w.list(t) {
			if in.Kind == incident.KindSilence && !strings.Contains(in.Text, text) {
				t.Errorf("it says %q", in.Text)
			}
		}
	}
}

// set sets the rule of a source.
func (w *world) set(t *testing.T, source string, rule incident.SilenceRule) {
	t.Helper()
	if err := incident.NewSilences(w, w.clock).Put(t.Context(), source, rule); err != nil {
		t.Fatal(err)
	}
}

func quiet(t *testing.T, text string) incident.QuietHours {
	t.Helper()
	q, err := incident.ParseQuiet(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestASilenceMayBeSet(t *testing.T) {
	for name, c := range map[string]struct {
		rule   incident.SilenceRule
		silent time.Duration // behind noon of a Saturday or another day, from which on it is told of; 0: never
	}{
		"a time":          {incident.SilenceRule{After: 3 * time.Hour}, 3 * time.Hour},
		"never":           {incident.SilenceRule{Never: true, After: time.Hour}, 0},
		"outside a night": {incident.SilenceRule{After: 3 * time.Hour, Quiet: quiet(t, "13:00-18:00")}, 8 * time.Hour},
	} {
		w := newWorld()
		watcher := w.watcher(nil)
		w.set(t, "acme", c.rule)
		// It never sent anything.
		for _, d := range []time.Duration{c.silent - 10*time.Minute, c.silent + 20*time.Minute} {
			r := w.pass(t, watcher, "", 0, max(d, 0)-w.now.Sub(newWorld().now))
			if want := c.silent > 0 && d > c.silent; (r.Silent == 1) != want {
				t.Errorf("%s: after %s %d are silent: %v", name, d, r.Silent, w.lines(t))
			}
		}
		w.pass(t, watcher, "", 0, 20*24*time.Hour)
		if got := len(w.lines(t)); got != map[bool]int{true: 1}[c.silent > 0] {
			t.Errorf("%s: %v", name, w.lines(t))
		}
		w.set(t, "acme", incident.SilenceRule{Never: true})
		if r := w.pass(t, watcher, "", 0, 15*time.Minute); r.Silent != 0 {
			t.Errorf("%s: nobody is to be told, and %v", name, w.lines(t))
		}
	}
}

// Whoever sends on weekdays alone is missed within the hours of a weekday.
func TestGapsAreMeasuredOutsideQuietHours(t *testing.T) {
	w := newWorld()
	watcher := w.watcher(nil)
	weekend := quiet(t, "sat,sun,20:00-06:00")
	w.set(t, "acme", incident.SilenceRule{Quiet: weekend})
	w.came("acme", w.now.Add(-time.Hour))
	w.pass(t, watcher, "", 0, 10*time.Minute)
	for range 12 * 24 {
		if weekend.Active(w.now, w.now.Add(time.Hour)) == time.Hour {
			w.came("acme", w.now)
		}
		w.pass(t, watcher, "", 0, time.Hour)
	}
	if lines := w.lines(t); len(lines) != 0 {
		t.Fatalf("while it sent: %v", lines)
	}
	for n := 1; ; n++ {
		before := w.now
		if r := w.pass(t, watcher, "", 0, time.Hour); r.Silent == 1 {
			if hours := weekend.Active(before, w.now); hours == 0 {
				t.Error("told of in quiet hours")
			}
			return
		}
		if n > 24*4 {
			t.Fatal("nobody was told")
		}
	}
}

func TestARemovedSourceIsNotMissed(t *testing.T) {
	w := newWorld()
	there := true
	watcher := incident.NewWatcher(incident.Ports{
		Ledger: w, Documents: w, Now: w.clock,
		SourceExists: func(context.Context, string) (bool, error) { return there, nil },
	})
	w.pass(t, watcher, "acme", 3*time.Hour, 8*24*time.Hour)
	if r := w.pass(t, watcher, "", 0, 10*time.Hour); r.Silent != 1 {
		t.Fatalf("%+v", r)
	}
	there = false
	r := w.pass(t, watcher, "", 0, time.Hour)
	if in := w.list(t)[0]; r.Silent != 0 || in.Why != "the source was removed" {
		t.Errorf("%+v, %q", r, in.Why)
	}
}

func TestASilencedWebhookIsAnIncidentUntilItSpeaks(t *testing.T) {
	w := newWorld()
	list := []incident.Silenced{{Source: "acme", Subject: "EMAIL_REPLY of campaign 7", Text: "webhook 1 is silent, and webhook 2 speaks"}}
	watcher := incident.NewWatcher(incident.Ports{
		Ledger: w, Documents: w, Now: w.clock,
		Silenced: func(context.Context) ([]incident.Silenced, error) { return list, nil },
	})
	r := w.pass(t, watcher, "", 0, 3*24*time.Hour)
	if got := strings.Join(w.lines(t), ""); r.Silenced != 1 || r.Silent != 0 ||
		got != "open EMAIL_REPLY of campaign 7 via acme is silenced by a webhook of the user level ×1" {
		t.Errorf("%+v, %s", r, got)
	}
	if look := strings.Join(w.list(t)[0].FirstLook(), " "); look != "scopes list --source acme" {
		t.Errorf("first look %q", look)
	}
	list = nil
	if r := w.pass(t, watcher, "", 0, 2*time.Hour); r.Silenced != 0 {
		t.Errorf("%+v, %v", r, w.lines(t))
	}
}

func TestQuietHours(t *testing.T) {
	monday := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 168 * time.Hour, "sat,sun": 120 * time.Hour, "Saturday, SUN": 120 * time.Hour, "20:00-07:00": 91 * time.Hour,
		"20:00-07:00,sat,sun": 65 * time.Hour, "12:00-13:00,12:30-14:00": 154 * time.Hour, "22:00-24:00": 154 * time.Hour, "00:00-23:00": 7 * time.Hour,
	} {
		if got := quiet(t, text).Active(monday, monday.AddDate(0, 0, 7)); got != want {
			t.Errorf("%q leaves %s a week, want %s", text, got, want)
		}
	}
	if got := quiet(t, "20:00-07:00").Active(monday.Add(19*time.Hour+30*time.Minute), monday.Add(32*time.Hour)); got != 90*time.Minute {
		t.Errorf("over a night: %s", got)
	}
	for _, text := range []string{
		"8-9", "night", "20:00", "20:00-20:00", "25:00-26:00", "00:00-24:00", "sun,mon,tue,wed,thu,fri,sat", "24:00-07:00",
		strings.Repeat("01:00-02:00,", 13),
	} {
		if _, err := incident.ParseQuiet(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// What is written every minute stays small, whatever sources there are.
func TestRhythmsAreBounded(t *testing.T) {
	w := newWorld()
	watcher := w.watcher(nil)
	for day := range 20 {
		for n := range 200 {
			w.came(fmt.Sprintf("source-%03d", n), w.now.Add(-time.Duration(200-n)*time.Minute))
		}
		w.look(t, watcher)
		w.now = w.now.Add(24*time.Hour - time.Minute)
		if size := len(w.docs["incident-watch/state"].Body); size > 24_000 {
			t.Fatalf("day %d: %d bytes", day, size)
		}
	}
}

// What an operator asked for is watched, however many sources there are, or refused.
func TestASilenceThatIsSetTakesThePlaceOfALearnedOne(t *testing.T) {
	w := newWorld()
	watcher := w.watcher(nil)
	for n := range 60 {
		w.came(fmt.Sprintf("source-%03d", n), w.now.Add(-time.Minute))
	}
	w.look(t, watcher)
	w.set(t, "late", incident.SilenceRule{After: 3 * time.Hour})
	if r := w.pass(t, watcher, "", 0, 4*time.Hour); r.Silent != 1 {
		t.Errorf("%d are silent: %v", r.Silent, w.lines(t))
	}
	for n := range 49 {
		w.set(t, fmt.Sprintf("set-%03d", n), incident.SilenceRule{After: 3 * time.Hour})
	}
	silences := incident.NewSilences(w, w.clock)
	if err := silences.Put(t.Context(), "one-more", incident.SilenceRule{After: time.Hour}); !errors.Is(err, incident.ErrTooManySilences) {
		t.Errorf("the 51st: %v", err)
	}
	for name, rule := range map[string]incident.SilenceRule{"one-more": {Never: true}, "late": {After: time.Hour}} {
		if err := silences.Put(t.Context(), name, rule); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r := w.pass(t, watcher, "", 0, 4*time.Hour); r.Silent != 50 {
		t.Errorf("%d are silent: %v", r.Silent, w.lines(t))
	}
}
