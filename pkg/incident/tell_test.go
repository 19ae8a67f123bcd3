package incident_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/incident"
)

// target takes notices unless it is down.
type target struct {
	names []string
	down  map[string]bool
	got   []string
	asked int
}

func (s *target) Targets(context.Context) ([]string, error) { s.asked++; return s.names, nil }

func (s *target) Tell(_ context.Context, name string, notices []incident.Notice, more int) error {
	if s.down[name] {
		return errors.New("it answered 503")
	}
	var changes []string
	for _, n := range notices {
		changes = append(changes, n.Change+" "+n.Cause)
	}
	s.got = append(s.got, fmt.Sprintf("%s: %s, %d more", name, strings.Join(changes, ", "), more))
	return nil
}

func TestEachChangeIsToldUntilItIsTaken(t *testing.T) {
	w := newWorld()
	to := &target{names: []string{"http", "slack"}, down: map[string]bool{"slack": true}}
	watcher := w.watcher(to)
	w.look(t, watcher)
	if to.asked > 0 {
		t.Error("a target is looked for though nothing is to be told")
	}
	w.die(1, "http_503", "crm")
	if r := w.look(t, watcher); r.Err == nil || r.Told != 1 {
		t.Errorf("%+v", r)
	}
	to.down = nil
	for range 3 {
		if r := w.look(t, w.watcher(to)); r.Err != nil { // whichever instance
			t.Errorf("%+v", r)
		}
	}
	w.died = nil
	for range 17 {
		w.look(t, watcher)
	}
	w.die(2, "http_503", "crm")
	w.look(t, watcher)
	want := []string{
		"http: opened http_503, 0 more", "slack: opened http_503, 0 more",
		"http: closed http_503, 0 more", "slack: closed http_503, 0 more",
		"http: reopened http_503, 0 more", "slack: reopened http_503, 0 more",
	}
	if !slices.Equal(to.got, want) {
		t.Errorf("got %q", to.got)
	}
	if in := w.list(t)[0]; in.NotifiedAt.IsZero() {
		t.Error("it is not noted when it was told")
	}
}

// Many changes are one request, and what is a day old is no news.
func TestManyChangesAreOneNotice(t *testing.T) {
	w := newWorld()
	to := &target{names: []string{"slack"}, down: map[string]bool{"slack": true}}
	for n := range 30 {
		w.die(n, fmt.Sprintf("class_%02d", n), "crm")
	}
	w.look(t, w.watcher(to))
	to.down = nil
	w.look(t, w.watcher(to))
	w.look(t, w.watcher(to))
	if len(to.got) != 1 || !strings.HasSuffix(to.got[0], ", 10 more") || strings.Count(to.got[0], "opened") != 20 {
		t.Errorf("got %q", to.got)
	}
	to.names = append(to.names, "http")
	w.now = w.now.Add(24 * time.Hour)
	w.look(t, w.watcher(to))
	want := []string{"slack: opened nobody looked, 0 more", "http: opened nobody looked, 0 more"} // for a day, and that is news
	if !slices.Equal(to.got[1:], want) {
		t.Errorf("a day later: %q", to.got[1:])
	}
}

func TestMessage(t *testing.T) {
	w := newWorld()
	in := incident.Incident{
		ID: "abcdefghij", Key: incident.Key{Kind: incident.KindDead, Cause: "http_503", Subject: "crm"}, Text: "busy", Example: "v1:EMAIL_REPLY:A",
		Count: 3, State: incident.Open, OpenedAt: w.now, LastAt: w.now, Openings: 1,
	}
	m := incident.MessageOf("acme", []incident.Notice{{Incident: in, Change: "opened"}}, 2)
	want := "acme: 3 incidents changed\nopened: events died: http_503 at crm (3 times since 2126-03-04 12:00Z)\n  busy\n" +
		"  look here first: smartleadctl events show v1:EMAIL_REPLY:A\nand 2 more: smartleadctl incidents"
	if m.Text != want {
		t.Errorf("got\n%s", m.Text)
	}
	if d := m.Document; d.Schema != "smartlead.incidents.v1" || d.More != 2 || d.Incidents[0].FirstLook != "smartleadctl events show v1:EMAIL_REPLY:A" {
		t.Errorf("%+v", d)
	}
	again := incident.MessageOf("acme", []incident.Notice{{Incident: in, Change: "opened"}}, 2)
	in.Openings++
	other := incident.MessageOf("acme", []incident.Notice{{Incident: in, Change: "opened"}}, 2)
	if m.ID != again.ID || m.ID == other.ID {
		t.Errorf("ids %s, %s, %s", m.ID, again.ID, other.ID)
	}
}
