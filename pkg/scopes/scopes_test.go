package scopes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// table keeps documents under their versions, as the ledger does, and counts calls.
type table struct {
	documents     map[string]webhook.Document
	loads, saves  int
	fail          error
	beforeTheSave func()
	longest       int // bytes
}

func (f *table) LoadDocument(_ context.Context, kind, name string) ([]byte, int, error) {
	f.loads++
	if f.fail != nil {
		return nil, 0, f.fail
	}
	d, ok := f.documents[kind+" "+name]
	if !ok {
		return nil, 0, webhook.ErrNotFound
	}
	return d.Body, d.Version, nil
}

func (f *table) SaveDocument(_ context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error {
	f.saves++
	if f.beforeTheSave != nil {
		f.beforeTheSave()
	}
	if f.documents[kind+" "+name].Version != seen {
		return webhook.ErrChanged
	}
	if !expiresAt.After(now) {
		return errors.New("it expires at once")
	}
	f.longest = max(f.longest, len(body))
	f.documents[kind+" "+name] = webhook.Document{Name: name, Version: seen + 1, Body: body}
	return nil
}

func (f *table) ListDocuments(context.Context, string, int) (list []webhook.Document, err error) {
	for _, d := range f.documents {
		list = append(list, d)
	}
	return list, nil
}

type world struct {
	*testing.T
	*table
	*Recorder
	at time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, table: &table{documents: map[string]webhook.Document{}}, at: testclock.Noon()}
	w.Recorder = w.instance()
	return w
}

// instance is another container over the same table.
func (w *world) instance() *Recorder { return NewRecorder(w.table, func() time.Time { return w.at }) }

// see notes one scope as the receiver does.
func (w *world) see(r *Recorder, s webhook.Scope) (second bool) {
	w.Helper()
	if r.Known(s) {
		return false
	}
	found, err := r.Record(w.Context(), []webhook.Scope{s})
	if err != nil {
		w.Fatal(err)
	}
	return len(found) > 0
}

func (w *world) list() []Entry {
	w.Helper()
	all, err := List(w.Context(), w.table)
	if err != nil {
		w.Fatal(err)
	}
	return all
}

func user(hook string) webhook.Scope {
	return webhook.Scope{
		Account: "acme", Source: "all", Campaign: "4100001", Type: webhook.EmailReply, Hook: hook, Name: "All replies", Level: "user", Checked: true,
	}
}

// What is known costs no call, and one write a day for all instances.
func TestAKnownHookCostsNoCall(t *testing.T) {
	w := newWorld(t)
	for range 1000 {
		w.see(w.Recorder, user("1"))
	}
	if w.loads != 1 || w.saves != 1 {
		t.Errorf("%d looks and %d writes for one hook", w.loads, w.saves)
	}
	w.see(w.instance(), user("1"))
	if w.loads != 2 || w.saves != 1 {
		t.Errorf("another instance: %d looks and %d writes", w.loads, w.saves)
	}
	w.at = w.at.Add(Refresh)
	w.see(w.Recorder, user("1"))
	w.see(w.instance(), user("1"))
	if w.loads != 4 || w.saves != 2 {
		t.Errorf("a day later: %d looks and %d writes", w.loads, w.saves)
	}
	if all := w.list(); len(all) != 1 || all[0].Days != 2 || all[0].LastSeen() != w.at || all[0].Name != "All replies" || all[0].Account != "acme" {
		t.Errorf("got %+v", all)
	}
}

func TestASecondHookIsToldOnce(t *testing.T) {
	w := newWorld(t)
	campaign := user("2")
	campaign.Source, campaign.Level = "one-campaign", "campaign"
	other, moved := user("3"), user("1")
	other.Type = webhook.EmailOpen
	moved.Source = "new-url"
	for _, step := range []struct {
		name   string
		scope  webhook.Scope
		second bool
	}{
		{"the first", user("1"), false},
		{"of another type", other, false},
		{"the same through another URL", moved, false},
		{"one without an id", user(""), false},
		{"the second", campaign, true},
		{"again", campaign, false},
	} {
		if got := w.see(w.instance(), step.scope); got != step.second {
			t.Errorf("%s: second is %t", step.name, got)
		}
	}
	w.at = w.at.Add(Lately)
	if w.see(w.instance(), user("4")) {
		t.Error("those before are silent, and the next one is told as a second")
	}
}

// Of two instances that write at once, neither loses what the other saw.
func TestTwoInstancesAtOnce(t *testing.T) {
	w := newWorld(t)
	other := w.instance()
	w.beforeTheSave = func() {
		w.beforeTheSave = nil
		w.see(other, user("2"))
	}
	if !w.see(w.Recorder, user("1")) {
		t.Error("the one that came later is not told as a second")
	}
	if all := w.list(); len(all) != 2 {
		t.Errorf("got %+v", all)
	}
}

func TestAFailureIsToldAndNotedLater(t *testing.T) {
	w := newWorld(t)
	w.fail = webhook.ErrUnavailable
	if _, err := w.Record(t.Context(), []webhook.Scope{user("1")}); !errors.Is(err, webhook.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	w.fail = nil
	w.see(w.Recorder, user("1"))
	if all := w.list(); len(all) != 1 {
		t.Errorf("got %+v", all)
	}
}

// Whatever is sent, an instance looks at a bounded pace, and a document is bounded.
func TestHostileScopesAreBounded(t *testing.T) {
	w := newWorld(t)
	hostile := func(i int) webhook.Scope {
		return webhook.Scope{
			Account: "acme", Source: "open", Campaign: "1", Type: webhook.EmailOpen,
			Hook: fmt.Sprintf("%d", i), Name: strings.Repeat("ü", 5000), Level: "user",
		}
	}
	for i := range 10_000 {
		w.see(w.Recorder, hostile(i))
	}
	if w.loads > lookBurst {
		t.Errorf("%d looks at once", w.loads)
	}
	for i := range 10_000 {
		w.at = w.at.Add(time.Second)
		w.see(w.Recorder, hostile(20_000+i))
	}
	if most := lookBurst + 10_000/int(lookEvery/time.Second) + 1; w.loads > most {
		t.Errorf("%d looks in 10,000 s, want %d at most", w.loads, most)
	}
	if all := w.list(); len(all) != maxEntries || w.longest > maxBytes {
		t.Errorf("%d entries, of which the longest document has %d bytes", len(all), w.longest)
	}
	for i := range 100 { // each byte of these takes six in JSON
		fat := hostile(i)
		fat.Name, fat.Hook = strings.Repeat("<", maxName), fmt.Sprintf("%s%d", strings.Repeat("&", maxID-3), i)
		w.see(w.instance(), fat)
	}
	if all := w.list(); len(all) == 0 || w.longest > maxBytes {
		t.Errorf("%d entries, and a document of %d bytes", len(all), w.longest)
	}
	w.looks = w.instance().looks
	many := make([]webhook.Scope, 5000) // one request
	for i := range many {
		many[i] = hostile(90_000 + i)
		many[i].Campaign = fmt.Sprint(i)
	}
	before := w.loads
	if _, err := w.Record(t.Context(), many); err != nil || w.loads-before != maxLooks {
		t.Errorf("%v, %d looks for one request", err, w.loads-before)
	}
	long := hostile(1)
	long.Hook = strings.Repeat("9", maxID+1)
	if !w.Known(long) {
		t.Error("an id that is none is looked for")
	}
	long = hostile(1)
	long.Campaign = strings.Repeat("9", maxID+1)
	if !w.Known(long) {
		t.Error("a campaign that is none is looked for")
	}
	for i := range maxKnown + 10 {
		w.remember(hostile(i))
	}
	if n := len(w.known); n > maxKnown {
		t.Errorf("an instance remembers %d", n)
	}
}

// Who merely has the URL of a source without a list takes no place of a checked sender.
func TestAnUncheckedSenderTakesNoPlaceOfAChecked(t *testing.T) {
	w := newWorld(t)
	for i := range maxEntries - 1 {
		w.see(w.instance(), user(fmt.Sprint(i)))
	}
	open := user("first-open")
	open.Checked = false
	w.see(w.instance(), open)
	for i := range 100 {
		w.at = w.at.Add(time.Second)
		open.Hook = fmt.Sprintf("open-%d", i)
		w.see(w.instance(), open)
	}
	unchecked := 0
	for _, e := range w.list() {
		if !e.Checked {
			unchecked++
			if e.Hook != "open-99" {
				t.Errorf("%s stayed in the place of a later one", e.Hook)
			}
		}
	}
	if n := len(w.list()); n != maxEntries || unchecked != 1 {
		t.Errorf("%d entries, %d of them unchecked", n, unchecked)
	}
	w.see(w.instance(), user("one-more"))
	w.see(w.instance(), open) // no place any more
	for _, e := range w.list() {
		if !e.Checked {
			t.Errorf("%s took a place", e.Hook)
		}
	}
}

func TestWhatIsNotSeenAnyMoreGoes(t *testing.T) {
	w := newWorld(t)
	w.see(w.Recorder, user("1"))
	w.at = w.at.Add(Keep + time.Hour)
	w.see(w.Recorder, user("2"))
	if all := w.list(); len(all) != 1 || all[0].Hook != "2" {
		t.Errorf("got %+v", all)
	}
}

func TestADamagedDocumentIsWrittenAnew(t *testing.T) {
	w := newWorld(t)
	w.see(w.Recorder, user("1"))
	for name, d := range w.table.documents {
		d.Body = []byte("{}")
		w.table.documents[name] = d
	}
	if all := w.list(); len(all) != 0 {
		t.Fatalf("got %+v", all)
	}
	w.see(w.instance(), user("2"))
	if all := w.list(); len(all) != 1 || all[0].Hook != "2" {
		t.Errorf("got %+v", all)
	}
}
