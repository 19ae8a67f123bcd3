// Package outsider holds the receiver to a promise: while a source has a list of
// trusted body secrets, nobody who merely knows its URL delays, suppresses, flags or
// alters what a trusted sender sends.
//
// Two deployments get the same requests of a trusted sender at the same times; one of
// them gets an outsider's, too. What the destination is told, what the sender is
// answered and what the ledger says of the trusted events is the same in both.
package outsider

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// stories say who sends what, in order: T and V are the trusted sender's event and
// another body under its identity; O and P are the outsider's forms of these, F the
// outsider's form of a later event of the same kind. A dot lets the worker work, a
// plus lets time go by until an event asks whether a newer one was delivered.
var stories = []string{"OT", "TO", "PT", "TP", "O.T", "T.O.T", "OPTOT", "TPV", "PVT", "F.T+", "OPV.T", "+O+T"}

// sender is one event with its outsider.
type sender struct {
	name      string
	source    string
	requestID string
	batch     bool
	trusted   string // bodies, without a secret
	changed   string
	later     string
	disguise  disguise
}

// body is what a letter of a story sends.
func (s sender) body(letter rune) string {
	var body string
	switch letter {
	case 'T':
		body = with(s.trusted, key(secret))
	case 'V':
		body = with(s.changed, key(secret))
	case 'O':
		body = s.disguise.wear(s.trusted)
	case 'P':
		body = s.disguise.wear(s.changed)
	case 'F':
		body = s.disguise.wear(s.later)
	}
	if s.batch {
		return "[" + body + "," + body + "]"
	}
	return body
}

// tell lets all of them go through a story, and returns what each trusted sender was
// answered. Under "ids" stands which events they are.
func (w *world) tell(story string, senders []sender, outsiders bool) map[string][]string {
	w.Helper()
	answers := map[string][]string{}
	for _, letter := range story + "." {
		switch letter {
		case '.':
			w.pump()
			continue
		case '+':
			w.pass(90 * time.Second)
			continue
		}
		for _, s := range senders {
			trusted := letter == 'T' || letter == 'V'
			if !trusted && !outsiders {
				continue
			}
			results := w.post(s.source, s.requestID, s.body(letter))
			if trusted {
				answers[s.name] = append(answers[s.name], fmt.Sprint(results))
				for _, r := range results {
					answers["ids"] = append(answers["ids"], string(r.EventID)+" "+s.name)
				}
			}
		}
		w.pass(time.Second)
	}
	return answers
}

func TestOutsiderChangesNothing(t *testing.T) {
	alone, beside := newWorld(t), newWorld(t)
	seen := make(map[webhook.Type]bool)
	cases := 0
	for _, story := range stories {
		senders := sendersOf(t, story, seen)
		cases += len(senders)
		want, got := alone.tell(story, senders, false), beside.tell(story, senders, true)
		for _, s := range senders {
			if !slices.Equal(want[s.name], got[s.name]) {
				t.Errorf("%s: the trusted sender was answered %v, and without the outsider %v", s.name, got[s.name], want[s.name])
			}
		}
		names := map[string]string{}
		for _, line := range want["ids"] {
			id, name, _ := strings.Cut(line, " ")
			names[id] = name
		}
		for id, name := range names {
			compare(t, name, webhook.EventID(id), alone, beside)
		}
	}
	for key, bodies := range beside.delivered {
		for _, body := range bodies {
			if alone.delivered[key] == nil && !isTest(body) {
				t.Errorf("an outsider's event was delivered: %s", body)
			}
		}
	}
	for _, typ := range webhook.Types {
		if !seen[typ] {
			t.Errorf("no event of type %s was sent", typ)
		}
	}
	if len(alone.delivered) < cases {
		t.Errorf("%d events delivered in %d cases: the comparison shows nothing", len(alone.delivered), cases)
	}
}

func compare(t *testing.T, name string, id webhook.EventID, alone, beside *world) {
	t.Helper()
	want, got := alone.delivered[string(id)], beside.delivered[string(id)]
	if !slices.Equal(got, want) {
		t.Errorf("%s: the destination was told\n    %s\nand without the outsider\n    %s", name, inWords(got), inWords(want))
		return
	}
	if want, got := alone.told(id), beside.told(id); want != got {
		t.Errorf("%s: the ledger says\n    %s\nand without the outsider\n    %s", name, got, want)
	}
}

// whole tells whether every combination is to be tried: it takes some minutes.
func whole() bool { return os.Getenv("OUTSIDER") == "whole" }

var total int

// sendersOf makes the senders of a story: every payload with every disguise, or a part
// of these, so that each payload wears each disguise in one story.
func sendersOf(t *testing.T, story string, seen map[webhook.Type]bool) []sender {
	t.Helper()
	var senders []sender
	at := slices.Index(stories, story)
	for i, file := range payloads(t) {
		for j, d := range disguises {
			if !whole() && (i+j+at)%len(stories) != 0 {
				continue
			}
			total++
			s := sender{source: []string{"strict", "header"}[(i+j)%3/2], batch: (i+j/2)%2 == 1, disguise: d}
			s.requestID = fmt.Sprintf("req-%d", total)
			s.trusted = numbered(t, file, total, nil)
			s.changed = numbered(t, file, total, map[string]any{"note": "sent again"})
			s.later = numbered(t, file, total, map[string]any{"event_timestamp": "2126-03-04T12:30:00.000Z"})
			s.name = fmt.Sprintf("%s/%s/%s/%s", story, file, d.name, s.source)
			if s.batch {
				s.name += "/batch"
			}
			batch, err := smartlead.Parse([]byte(s.trusted), smartlead.Options{})
			if err != nil || len(batch.Elements) != 1 {
				t.Fatalf("%s: %v", file, err)
			}
			seen[batch.Elements[0].Event.Type] = true
			senders = append(senders, s)
		}
	}
	return senders
}

// payloads are the bodies of every type, in the dialects that differ in what names them.
func payloads(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{
		"help/*", "apiflat/category", "apiflat/linkedin*", "apiflat/reply", "apiflat/unsubscribed", "alert/*", "envelope/bounce*",
		"nested/opened", "nested/unsubscribed", "unknown/[ew]*", "unknown/no-type",
	} {
		files, err := filepath.Glob("../../events/payloads/" + pattern + ".json")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		all = append(all, files...)
	}
	return all
}

// numbered is a payload under an identity of its own: another campaign, and where the
// body has an id, another one.
func numbered(t *testing.T, file string, n int, change map[string]any) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	delete(body, "secret_key")
	maps.Copy(body, change)
	body["campaign_id"] = 7_000_000 + n
	for _, id := range []string{"id", "event_id"} {
		if body[id] != nil {
			body[id] = fmt.Sprintf("evt-%d", n)
		}
	}
	out, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
