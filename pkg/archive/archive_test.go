package archive_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// document is what a destination gets of an event, by the code of destinations.
func (w *world) document(rec webhook.Record) map[string]any {
	w.t.Helper()
	body, err := w.bodies.Load(w.t.Context(), rec.Payload)
	if err != nil {
		w.t.Fatal(err)
	}
	event, err := normalize(body, rec.Account)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := destination.Encode(rec.Complete(event, rec.LeaseNumber))
	if err != nil {
		w.t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		w.t.Fatal(err)
	}
	return doc
}

// equal holds the archive to the ledger, event by event and member by member, up to a time
// of receipt. It returns how many events and objects there are.
func (w *world) equal(until time.Time) (events, files int) {
	w.t.Helper()
	archived := map[webhook.EventID]map[string]any{}
	for key, body := range w.objects() {
		files++
		name, ok := archive.ReadName(key)
		if !ok {
			w.t.Errorf("%s is no object of the archive", key)
		}
		last := ""
		lines := unpacked(w.t, body)
		for _, line := range lines {
			id := webhook.EventID(line["event_id"].(string))
			if archived[id] != nil {
				w.t.Errorf("%s is there twice", id)
			}
			archived[id] = line
			at, err := time.Parse(time.RFC3339Nano, line["received_at"].(string))
			if err != nil || line["account"] != name.Account || !at.Truncate(w.policy.Every).Equal(name.Begin) {
				w.t.Errorf("%s of %v, received at %v, is in %s", id, line["account"], line["received_at"], key)
			}
			if order := at.Format("20060102T150405.000"); order < last {
				w.t.Errorf("%s is not sorted", key)
			} else {
				last = order
			}
		}
		if len(lines) != name.Sum.N {
			w.t.Errorf("%s has %d lines", key, len(lines))
		}
	}
	for id, rec := range w.records() {
		line := archived[id]
		delete(archived, id)
		if want := rec.ReceivedAt.Before(until) && !rec.Erased(); want != (line != nil) {
			w.t.Errorf("%s, received at %v: archived %t, want %t", id, rec.ReceivedAt, line != nil, want)
			continue
		} else if !want {
			continue
		}
		events++
		doc := w.document(rec)
		if raw := line["raw"].(string); !sameJSON(raw, doc["raw"]) {
			w.t.Errorf("%s: the original is %.200s", id, raw)
		}
		if line["state"] != string(rec.State) || line["lead_email"] != rec.LeadEmail {
			w.t.Errorf("%s: %v of %v, want %v of %v", id, line["state"], line["lead_email"], rec.State, rec.LeadEmail)
		}
		delete(doc, "raw")
		for _, own := range []string{"raw", "state", "lead_email"} {
			delete(line, own)
		}
		if !reflect.DeepEqual(line, doc) {
			w.t.Errorf("%s: archived\n%v, want\n%v", id, line, doc)
		}
	}
	for id := range archived {
		w.t.Errorf("%s is archived and not in the ledger", id)
	}
	return events, files
}

func sameJSON(text string, want any) bool {
	var got any
	return json.Unmarshal([]byte(text), &got) == nil && reflect.DeepEqual(got, want)
}

// accounts of the tests.
var accounts = []string{"acme", "default", "zeta-9"}

// fill receives so many events an hour, of several accounts, in hours that end with noon.
func (w *world) fill(hours, each int) {
	n := 0
	for h := range hours {
		for i := range each {
			n++
			at := testclock.Noon().Add(-time.Duration(h+1) * time.Hour).Add(time.Duration(i) * time.Hour / time.Duration(each)).Truncate(time.Millisecond)
			w.receive(accounts[n%len(accounts)], reply(n, fmt.Sprintf("lead%d@acme.example.com", n%50), n%97 == 0), at)
		}
	}
}

func TestTheArchiveIsTheLedgerEventByEvent(t *testing.T) {
	each := 200
	if every > 1 {
		each = 60
	}
	w := newWorld(t)
	w.fill(8, each)
	w.policy.Gather = 150 // so that an hour is walked for each account
	// The last hour is closed a margin after its end.
	sum := w.run()
	if events, files := w.equal(testclock.Noon().Add(-time.Hour)); events != 7*each || files != 7*len(accounts) || sum.Events != events || sum.Objects != files {
		t.Errorf("%d events in %d objects: %+v", events, files, sum)
	}
	w.clock = w.clock.Add(15 * time.Minute)
	w.run()
	if events, files := w.equal(testclock.Noon()); events != 8*each || files != 8*len(accounts) {
		t.Errorf("%d events in %d objects", events, files)
	}
	w.net.revive()
	if sum := w.run(); sum.Worked || w.net.calls != 1 {
		t.Errorf("nothing is to do, and %d calls did it: %+v", w.net.calls, sum)
	}
	w.pathsAreThoseOfTheTable()
}

// projected renders the folders that Athena asks for, by the table's own properties.
func projected(t *testing.T, sql string, days []time.Time) []string {
	t.Helper()
	property := func(name string) string {
		m := regexp.MustCompile(`'` + regexp.QuoteMeta(name) + `'\s*=\s*'([^']*)'`).FindStringSubmatch(sql)
		if m == nil {
			t.Fatalf("the table has no %s", name)
		}
		return m[1]
	}
	if property("projection.enabled") != "true" || property("projection.account.type") != "enum" || property("projection.day.type") != "date" ||
		property("projection.day.format") != "yyyy-MM-dd" || property("projection.hour.type") != "integer" || property("projection.hour.range") != "0,23" || property("projection.hour.digits") != "2" {
		t.Fatal("the table has another projection than this test renders")
	}
	var folders []string
	for _, account := range strings.Split(property("projection.account.values"), ",") {
		for _, day := range days {
			for hour := range 24 {
				folders = append(folders, strings.NewReplacer("${account}", account, "${day}", day.Format(time.DateOnly), "${hour}", fmt.Sprintf("%02d", hour)).
					Replace(property("storage.location.template")))
			}
		}
	}
	return folders
}

// pathsAreThoseOfTheTable reads the archive as Athena does: it asks for no folder but those
// of the projection.
func (w *world) pathsAreThoseOfTheTable() {
	w.t.Helper()
	sql, err := archive.Athena(w.place, accounts)
	if err != nil {
		w.t.Fatal(err)
	}
	noon := testclock.Noon()
	folders := projected(w.t, sql, []time.Time{noon.AddDate(0, 0, -1), noon})
	found := 0
	for key := range w.objects() {
		if slices.ContainsFunc(folders, func(f string) bool {
			rest, in := strings.CutPrefix("s3://"+w.place.Bucket+"/"+w.place.Prefix+key, f)
			return in && !strings.Contains(rest, "/")
		}) {
			found++
		}
	}
	if all := len(w.objects()); found != all || all == 0 {
		w.t.Errorf("Athena finds %d of %d objects", found, all)
	}
}

// What is claimed late for a closed hour gets another object there, at a later look.
func TestWhatIsClaimedLateIsFoundByALaterLook(t *testing.T) {
	w := newWorld(t)
	w.fill(3, 9)
	w.clock = w.clock.Add(15 * time.Minute)
	w.run()
	before := w.objects()
	edge := testclock.Noon().Add(-time.Hour)
	late := []webhook.EventID{
		w.receive("acme", reply(1001, "late@acme.example.com", false), edge), // the hour's first moment
		w.receive("acme", reply(1002, "late@acme.example.com", true), edge.Add(-time.Millisecond)),
		w.receive("new-one", reply(1003, "late@acme.example.com", false), edge.Add(-90*time.Minute)), // an account that was not there
	}
	w.clock = w.clock.Add(time.Hour)
	if sum := w.run(); sum.Late != 0 {
		t.Errorf("too early: %+v", sum)
	}
	w.clock = testclock.Noon().Add(25 * time.Hour)
	if sum := w.run(); sum.Late != 3 || sum.Objects != 3 {
		t.Errorf("%+v", sum)
	}
	if events, files := w.equal(testclock.Noon()); events != 30 || files != len(before)+3 {
		t.Errorf("%d events, %d objects", events, files)
	}
	for key, body := range before {
		if !bytes.Equal(w.objects()[key], body) {
			t.Errorf("%s was written anew", key)
		}
	}
	// Later than that: by the last look, or where an operator asks for it.
	late = append(late, w.receive("acme", reply(1004, "late@acme.example.com", false), edge))
	if _, err := archive.Ask(t.Context(), w.ledger, edge, w.clock); err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.Add(time.Second)
	if sum := w.run(); sum.Late != 1 {
		t.Errorf("asked for: %+v", sum)
	}
	late = append(late, w.receive("acme", reply(1005, "late@acme.example.com", false), edge))
	w.clock = testclock.Noon().Add(14*24*time.Hour + 6*time.Hour)
	w.net.revive()
	if sum := w.run(); sum.Late != 1 || len(late) != 5 {
		t.Errorf("the last look: %+v", sum)
	}
	w.equal(testclock.Noon())
	for _, call := range w.net.seen { // an hour that lacks nothing costs no reading
		if strings.HasPrefix(call, "GET ") && strings.Contains(call, ".gz") && !strings.Contains(call, edge.Format("/day=2006-01-02/hour=15/")) {
			t.Errorf("an hour that lacks nothing was read: %s", call)
		}
	}
}

// Where periods become shorter or longer, nothing is archived twice that was archived by
// the other ones.
func TestOtherPeriodsArchiveNothingTwice(t *testing.T) {
	w := newWorld(t)
	w.fill(3, 120)
	w.clock = w.clock.Add(15 * time.Minute)
	want := w.run().Events
	if want != 3*120 {
		t.Fatalf("%d events", want)
	}
	for _, every := range []time.Duration{10 * time.Minute, time.Hour} {
		w.policy = w.policy.EachHolding(every)
		if _, err := archive.Ask(t.Context(), w.ledger, w.clock.Add(-24*time.Hour), w.clock); err != nil {
			t.Fatal(err)
		}
		for w.run().Periods > 0 {
		}
		for _, span := range [][2]time.Duration{{150 * time.Minute, 0}, {3 * time.Hour, 30 * time.Minute}} {
			part, err := w.service().Compare(t.Context(), testclock.Noon().Add(-span[0]), testclock.Noon().Add(-span[1]), false, func() {})
			if err != nil || !part.Whole() || part.Equal < 240 {
				t.Errorf("periods of %s, from %s to %s before noon: %+v, %v", every, span[0], span[1], part, err)
			}
		}
		compared, err := w.service().Compare(t.Context(), testclock.Noon().Add(-3*time.Hour), testclock.Noon(), false, func() {})
		if err != nil || !compared.Whole() || compared.Equal != want {
			t.Errorf("periods of %s: %+v, %v", every, compared, err)
		}
	}
}
