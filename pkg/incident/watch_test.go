package incident_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// world is a ledger that shows what a test says, and keeps documents.
type world struct {
	now      time.Time
	docs     map[string]webhook.Document
	saves    int
	lose     int  // the number of the save that is applied and whose answer is lost
	down     bool // documents cannot be read
	before   func(kind string)
	received []webhook.Seen
	died     []webhook.DeadSummary
	refused  []webhook.RejectedRequest
	records  map[webhook.EventID]webhook.Record
	gates    []incident.Gate
}

func newWorld() *world {
	return &world{now: testclock.Noon(), docs: map[string]webhook.Document{}, records: map[webhook.EventID]webhook.Record{}}
}

var errDown = fmt.Errorf("down: %w", webhook.ErrUnavailable)

func (w *world) LoadDocument(_ context.Context, kind, name string) ([]byte, int, error) {
	d, ok := w.docs[kind+"/"+name]
	switch {
	case w.down:
		return nil, 0, errDown
	case !ok:
		return nil, 0, webhook.ErrNotFound
	}
	return d.Body, d.Version, nil
}

func (w *world) SaveDocument(_ context.Context, kind, name string, body []byte, seen int, _, _ time.Time) error {
	if do := w.before; do != nil {
		w.before = nil
		do(kind)
	}
	if w.docs[kind+"/"+name].Version != seen {
		return webhook.ErrChanged
	}
	w.docs[kind+"/"+name] = webhook.Document{Name: name, Version: seen + 1, Body: slices.Clone(body)}
	if w.saves++; w.saves == w.lose {
		return errDown
	}
	return nil
}

func (w *world) ListDocuments(_ context.Context, kind string, _ int) ([]webhook.Document, error) {
	var list []webhook.Document
	for name, d := range w.docs {
		if strings.HasPrefix(name, kind+"/") {
			list = append(list, d)
		}
	}
	return list, nil
}

func span[T any](list []T, at func(T) time.Time, since, until time.Time) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, one := range list {
			if t := at(one); !t.Before(since) && t.Before(until) && !yield(one, nil) {
				return
			}
		}
	}
}

func (w *world) ReceivedBetween(_ context.Context, since, until time.Time) iter.Seq2[webhook.Seen, error] {
	return span(w.received, func(s webhook.Seen) time.Time { return s.At }, since, until)
}

func (w *world) DiedBetween(_ context.Context, since, until time.Time) iter.Seq2[webhook.DeadSummary, error] {
	return span(w.died, func(d webhook.DeadSummary) time.Time { return d.DiedAt }, since, until)
}

func (w *world) EachRejected(_ context.Context, since, until time.Time) iter.Seq2[webhook.RejectedRequest, error] {
	return span(w.refused, func(r webhook.RejectedRequest) time.Time { return r.At }, since, until)
}

func (w *world) WithPayloads(_ context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	found := map[webhook.EventID]webhook.Record{}
	for _, id := range ids {
		if rec, ok := w.records[id]; ok {
			found[id] = rec
		}
	}
	return found, nil
}

func (w *world) clock() time.Time { return w.now }

func (w *world) watcher(tell incident.Teller) *incident.Watcher {
	return incident.NewWatcher(incident.Ports{
		Ledger: w, Documents: w, Now: w.clock, Tell: tell,
		Gates: func(context.Context) ([]incident.Gate, error) { return w.gates, nil },
		Alert: func(r webhook.Record) (incident.Alert, error) {
			return incident.Alert{Subject: "mira@outbound.example", Text: "token of " + string(r.ID)}, nil
		},
	})
}

func (w *world) list(t *testing.T) []incident.Incident {
	t.Helper()
	list, err := incident.NewStore(w, w.clock).List(t.Context(), incident.Query{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// lines are the incidents in short.
func (w *world) lines(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, in := range w.list(t) {
		lines = append(lines, fmt.Sprintf("%s %s %s×%d", in.State, in.What(), map[bool]string{true: ">"}[in.AtLeast], in.Count))
	}
	slices.Sort(lines)
	return lines
}

// die lets an event die at a destination, two minutes ago.
func (w *world) die(n int, class, destination string) {
	id := webhook.EventID(fmt.Sprintf("v1:EMAIL_REPLY:%03d", n))
	at := w.now.Add(-2 * time.Minute).Add(time.Duration(n) * time.Millisecond)
	w.died = append(w.died, webhook.DeadSummary{ID: id, ErrorClass: class, DiedAt: at})
	w.records[id] = webhook.Record{
		ID: id, State: webhook.Dead, ErrorClass: class,
		Destinations: []webhook.Progress{{Name: "ok", Result: webhook.ResultDelivered}, {Name: destination, Result: webhook.ResultPermanent}},
	}
}

func (w *world) look(t *testing.T, watcher *incident.Watcher, saw ...incident.Sighting) incident.Report {
	t.Helper()
	r := watcher.Look(t.Context(), saw...)
	w.now = w.now.Add(time.Minute)
	return r
}

func TestEachThingIsOneLine(t *testing.T) {
	w := newWorld()
	w.die(1, "http_503", "crm")
	w.die(2, "http_503", "crm")
	w.die(3, "http_410", "sheet")
	at := w.now.Add(-3 * time.Minute)
	w.received = []webhook.Seen{
		{ID: "v1:EMAIL_REPLY:A", Type: webhook.EmailReply, At: at},
		{ID: "v1:EMAIL_ACCOUNT_DISCONNECTED:B", Type: webhook.EmailAccountDisconnected, At: at},
		{ID: "v1:EMAIL_ACCOUNT_DISCONNECTED:C", Type: webhook.EmailAccountDisconnected, At: at},
		{ID: "v1:EMAIL_ACCOUNT_DISCONNECTED:D", Type: webhook.EmailAccountDisconnected, At: at},
		{ID: "v1:EMAIL_REPLY:A", Type: webhook.EmailReply, At: at, Source: "demo", Variant: true},
	}
	w.records["v1:EMAIL_ACCOUNT_DISCONNECTED:B"] = webhook.Record{ID: "b", State: webhook.Delivered}
	w.records["v1:EMAIL_ACCOUNT_DISCONNECTED:C"] = webhook.Record{ID: "c", State: webhook.Held} // nobody trusts it
	w.records["v1:EMAIL_ACCOUNT_DISCONNECTED:D"] = webhook.Record{ID: "d", State: webhook.Delivered}
	w.refused = []webhook.RejectedRequest{
		{At: at, Cause: "wrong_token", Source: "demo"},
		{At: at, Cause: "unknown_source", Source: "aaa"},
		{At: at, Cause: "unknown_source", Source: "bbb"},
	}
	watcher := w.watcher(nil)
	swept := incident.Sighting{Key: incident.Key{Kind: incident.KindSweep, Cause: "sent again"}, Count: 7, First: w.now, Last: w.now}
	if r := w.look(t, watcher, swept); r.Err != nil || r.Opened != 7 {
		t.Fatalf("%+v", r)
	}
	want := []string{
		"open Smartlead reports EMAIL_ACCOUNT_DISCONNECTED of mira@outbound.example ×2",
		"open events died: http_410 at sheet ×1",
		"open events died: http_503 at crm ×2",
		"open requests are refused: unknown_source ×2",
		"open requests are refused: wrong_token of demo ×1",
		"open the sweeper sent messages again ×7",
		"open variants came via demo ×1",
	}
	if got := w.lines(t); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	for range 3 { // nothing is counted twice
		if r := w.look(t, watcher); r.Err != nil || r.Opened != 0 {
			t.Fatalf("%+v", r)
		}
	}
	if got := w.lines(t); !slices.Equal(got, want) {
		t.Errorf("after three more looks\n%s", strings.Join(got, "\n"))
	}
}

// Whatever write is applied and not answered, and whoever goes on, each death counts
// once.
func TestALostAnswerCountsNothingTwice(t *testing.T) {
	for lose := 1; lose <= 6; lose++ {
		w := newWorld()
		w.lose = lose
		for n := range 3 {
			w.die(n, fmt.Sprintf("class_%d", n), "crm")
		}
		for range 3 {
			w.look(t, w.watcher(nil)) // an instance of its own each time
		}
		for _, in := range w.list(t) {
			if in.Count != 1 {
				t.Errorf("save %d is lost: %s counts %d", lose, in.What(), in.Count)
			}
		}
		if n := len(w.list(t)); n != 3 {
			t.Errorf("save %d is lost: %d incidents, want 3", lose, n)
		}
	}
}

func TestTwoSweepersCountOnce(t *testing.T) {
	w := newWorld()
	w.die(1, "http_503", "crm")
	first, second := w.watcher(nil), w.watcher(nil)
	w.before = func(string) { // the other one is faster
		if r := second.Look(t.Context()); r.Err != nil || r.Opened != 1 {
			t.Errorf("%+v", r)
		}
	}
	seen := incident.Sighting{Key: incident.Key{Kind: incident.KindOutage, Cause: "queue"}, Count: 1, First: w.now, Last: w.now}
	if r := first.Look(t.Context(), seen); !r.Skipped || r.Opened != 0 {
		t.Errorf("%+v", r)
	}
	w.now = w.now.Add(time.Minute)
	if r := first.Look(t.Context()); r.Err != nil { // what it alone saw is not lost
		t.Errorf("%+v", r)
	}
	want := []string{"open events died: http_503 at crm ×1", "open outage: queue ×1"}
	if got := w.lines(t); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestAnOutageIsSeenAfterwards(t *testing.T) {
	w := newWorld()
	watcher := w.watcher(nil)
	w.look(t, watcher)
	w.down = true
	failed := incident.Sighting{Key: incident.Key{Kind: incident.KindOutage, Cause: "ledger"}, Count: 8}
	for range 15 {
		failed.First, failed.Last = w.now, w.now
		if r := w.look(t, watcher, failed); !errors.Is(r.Err, webhook.ErrUnavailable) {
			t.Fatalf("%+v", r)
		}
	}
	w.down = false
	w.look(t, watcher)
	want := []string{"open outage: ledger ×120", "open outage: nobody looked ×1"}
	if got := w.lines(t); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	for range 31 {
		w.look(t, watcher)
	}
	for _, in := range w.list(t) {
		if in.State != incident.Closed || in.Why != "quiet for 30 minutes" {
			t.Errorf("%+v", in)
		}
	}
}

func TestWhatIsNotDeadAnyMoreIsOver(t *testing.T) {
	w := newWorld()
	watcher := w.watcher(nil)
	w.die(1, "http_503", "crm")
	w.die(2, "http_410", "crm")
	w.look(t, watcher)
	w.died = w.died[1:] // brought back
	for range 17 {
		w.look(t, watcher)
	}
	want := []string{"closed events died: http_503 at crm ×1", "open events died: http_410 at crm ×1"}
	if got := w.lines(t); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	w.die(3, "http_503", "crm")
	w.look(t, watcher)
	if in := w.list(t)[0]; in.Openings != 2 || in.Count != 1 || in.State != incident.Open || !in.ClosedAt.IsZero() {
		t.Errorf("opened again: %+v", in)
	}
}

// A flood of mailboxes is a hundred lines and one more.
func TestWhatIsBeyondTheLimitIsOneIncident(t *testing.T) {
	w := newWorld()
	watcher := w.watcher(nil)
	for n := range 5 {
		for i := range 40 {
			w.received = append(w.received, webhook.Seen{
				ID: webhook.EventID(fmt.Sprintf("v1:LINKEDIN_DISCONNECTED:%d-%d", n, i)), Type: webhook.LinkedInDisconnected,
				Account: fmt.Sprintf("account-%d-%d", n, i), At: w.now.Add(-2 * time.Minute),
			})
		}
		if r := w.look(t, watcher); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	sum, others := 0, 0
	for _, in := range w.list(t) {
		sum += in.Count
		if in.Cause == incident.Others {
			others = in.Count
		}
	}
	if n := len(w.list(t)); n != 101 || sum != 200 || others != 100 {
		t.Errorf("%d incidents count %d, %d of them on the others", n, sum, others)
	}
}

func TestTooManyDeathsToReadCountWhereTheOthersAre(t *testing.T) {
	w := newWorld()
	for n := range 300 {
		w.die(n, "http_503", "crm")
	}
	w.look(t, w.watcher(nil))
	if got := w.lines(t); !slices.Equal(got, []string{"open events died: http_503 at crm ×300"}) {
		t.Errorf("got %v", got)
	}
}

func TestAcknowledgeAndClose(t *testing.T) {
	w := newWorld()
	watcher, store := w.watcher(nil), incident.NewStore(w, w.clock)
	w.die(1, "http_503", "crm")
	w.look(t, watcher)
	id := w.list(t)[0].ID
	in, err := store.Acknowledge(t.Context(), id, strings.Repeat("é", 300))
	if err != nil || in.State != incident.Acknowledged || len(in.Note) != incident.MaxNote {
		t.Fatalf("%+v %v", in, err)
	}
	w.die(2, "http_503", "crm")
	w.look(t, watcher)
	if in, _ := store.Get(t.Context(), id); in.State != incident.Acknowledged || in.Count != 2 {
		t.Errorf("%+v", in)
	}
	w.die(3, "http_503", "crm") // before it is closed, and seen after
	if in, err := store.Close(t.Context(), id); err != nil || in.State != incident.Closed {
		t.Fatalf("%+v %v", in, err)
	}
	w.look(t, watcher)
	if in, _ := store.Get(t.Context(), id); in.State != incident.Closed || in.Count != 3 {
		t.Errorf("what was seen before it was closed opens it again: %+v", in)
	}
	if _, err := store.Close(t.Context(), "aaaaaaaaaa"); !errors.Is(err, incident.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestForgetTakesAnAddressOut(t *testing.T) {
	w := newWorld()
	store := incident.NewStore(w, w.clock)
	key := incident.Key{Kind: incident.KindError, Cause: "failed for tom@acme.example.com", Source: "demo"}
	in, err := store.Record(t.Context(), incident.Sighting{Key: key, Text: "Tom@acme.example.com", Count: 1, First: w.now, Last: w.now})
	if err != nil {
		t.Fatal(err)
	}
	mentions := func(text string) bool { return strings.Contains(strings.ToLower(text), "tom@acme.example.com") }
	looked := 0
	for _, want := range []int{1, 0} {
		if n, err := store.Forget(t.Context(), mentions, func() { looked++ }); err != nil || n != want {
			t.Fatalf("%d, %v, want %d", n, err, want)
		}
	}
	in, err = store.Get(t.Context(), in.ID)
	if err != nil || looked != 2 || mentions(fmt.Sprint(in)) || in.Count != 1 || in.Source != "demo" {
		t.Errorf("%+v %v", in, err)
	}
}
