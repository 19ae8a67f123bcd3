package cli

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// deadReplies lets n replies die, a minute apart, and returns their ids.
func (s *station) deadReplies(n int) []string {
	s.t.Helper()
	s.answer.Store(503)
	var ids []string
	for i := range n {
		ids = append(ids, s.post(reply(i)))
		s.work()
		s.advance(time.Minute)
	}
	s.answer.Store(200)
	return ids
}

func TestStoryOfADeadEvent(t *testing.T) {
	s := newStation(t)
	id := s.deadReplies(1)[0]
	s.post(reply(0))
	s.post(strings.Replace(reply(0), "<p>Yes</p>", "<p>No</p>", 1))
	s.advance(time.Hour)
	s.golden("show-dead", s.ok("events", "show", id).out)

	v := lines(t, s.ok("events", "show", id, "--json").out)[0]
	if v["state"] != "dead" || v["error_class"] != "http_503" || len(v["history"].([]any)) != 1 ||
		v["duplicates"] != 1.0 || v["variants"] != 1.0 || v["subject"] != "Re: hello 0" {
		t.Errorf("got %v", v)
	}
	if next := fmt.Sprint(v["next"]); !strings.Contains(next, "events replay") || !strings.Contains(next, "does not mean not applied") {
		t.Errorf("what to do next: %s", next)
	}
}

func TestListsOfTheDead(t *testing.T) {
	s := newStation(t)
	s.deadReplies(2)
	s.answer.Store(410)
	s.post(`{"event_type":"EMAIL_OPEN","campaign_id":7,"stats_id":"a","to_email":"ann@globex.example.net","event_timestamp":"2126-03-04T11:00:00Z"}`)
	s.work()
	s.answer.Store(200)
	s.advance(time.Second)
	s.post(reply(9))
	s.work()
	s.advance(2 * time.Hour)
	s.golden("list", s.ok("events", "list").out)
	s.golden("dlq", s.ok("dlq", "list", "--events").out)
	s.golden("plan", s.ok("redrive", "plan").out)

	all := lines(t, s.ok("dlq", "list", "--json").out)
	if len(all) != 3 || all[0]["kind"] != "cause" || all[0]["count"] != 2.0 || all[2]["kind"] != "queue" ||
		all[2]["dead_events"] != 3.0 || all[2]["messages"] != 3.0 || all[2]["foreign"] != 0.0 {
		t.Errorf("got %v", all)
	}
	// A look gives back what it took: the next one sees the same.
	if again := lines(t, s.ok("dlq", "list", "--json").out); again[2]["looked_at"] != 3.0 {
		t.Errorf("the second look saw %v", again[2])
	}
	plan := lines(t, s.ok("redrive", "plan", "--json", "--error-class", "http_503").out)[0]
	if plan["release"] != 2.0 || plan["filtered"] != 1.0 || plan["estimate"] != nil || plan["estimate_seconds"] == nil {
		t.Errorf("plan %v", plan)
	}
}

var cursorPattern = regexp.MustCompile(`--after '([^']+)'`)

func TestPagesLoseNothing(t *testing.T) {
	s := newStation(t)
	want := map[string]bool{}
	for i := range 7 {
		want[s.post(reply(i))] = true
		if i%3 == 0 {
			s.advance(20 * time.Hour) // several days, several partitions
		}
	}
	for _, order := range [][]string{nil, {"--oldest"}} {
		got := map[string]bool{}
		after := []string{}
		for range 10 {
			args := slices.Concat([]string{"events", "list", "--limit", "2", "--json"}, order, after)
			r := s.ok(args...)
			for _, v := range lines(t, r.out) {
				id := v["event_id"].(string)
				if got[id] || !want[id] {
					t.Errorf("%s is repeated or unknown", id)
				}
				got[id] = true
			}
			next := cursorPattern.FindStringSubmatch(r.err)
			if next == nil {
				break
			}
			after = []string{"--after", next[1]}
		}
		if len(got) != len(want) {
			t.Errorf("%v: got %d events, want %d", order, len(got), len(want))
		}
	}
	if n := len(lines(t, s.ok("events", "list", "--all", "--json").out)); n != 7 {
		t.Errorf("--all lists %d events", n)
	}
	if n := len(lines(t, s.ok("events", "list", "--json", "--type", "open").out)); n != 0 {
		t.Errorf("%d opens", n)
	}
	s.fails(2, "not where a listing may continue", "events", "list", "--after", "nonsense")
}

func TestFind(t *testing.T) {
	s := newStation(t)
	id := s.post(reply(4))
	s.post(reply(5))
	for _, text := range []string{
		"lead4@acme.example.com", "Lead4@ACME.example.com ", "reply-4@acme.example.com", "<reply-4@acme.example.com>",
		"stats-4", id,
	} {
		found := lines(t, s.ok("events", "find", text, "--json").out)
		if len(found) != 1 || found[0]["event_id"] != id {
			t.Errorf("%s: %v", text, found)
		}
	}
	request := fmt.Sprintf("req-%x", len(reply(4)))
	if found := lines(t, s.ok("events", "find", request, "--json").out); len(found) == 0 {
		t.Errorf("nothing by X-Request-Id")
	}
	s.fails(4, "events refused", "events", "find", "nobody@example.com")
	s.fails(4, "", "events", "find", "v1:EMAIL_REPLY:AAAA")
	s.fails(4, "events find", "events", "show", "v1:EMAIL_REPLY:AAAA")
	s.fails(2, "not an event id", "events", "show", "reply-4")
}

func TestReplay(t *testing.T) {
	s := newStation(t)
	id := s.deadReplies(1)[0]
	s.onSleep = func(context.Context) { s.work() }
	r := s.ok("events", "replay", id, "--wait", "--json")
	if v := lines(t, r.out)[0]; v["from"] != "dead" || v["state"] != "delivered" || v["result"] != "done" {
		t.Errorf("dead: %v", v)
	}
	v := lines(t, s.ok("events", "replay", id, "--wait", "--json").out)[0]
	if v["from"] != "delivered" || v["state"] != "delivered" || v["generation"] != 1.0 {
		t.Errorf("delivered: %v", v)
	}
	if v := lines(t, s.ok("events", "show", id, "--json").out)[0]; v["idempotency_key"] != id {
		t.Errorf("a replay must keep the key: %v", v["idempotency_key"])
	}
	s.ok("events", "replay", id, "--again", "--wait")
	if v := lines(t, s.ok("events", "show", id, "--json").out)[0]; v["idempotency_key"] != id+"#2" {
		t.Errorf("--again must change the key: %v", v["idempotency_key"])
	}
	s.answer.Store(410)
	r = s.ctl("events", "replay", id, "--wait", "--json")
	if v := lines(t, r.out)[0]; r.code != 1 || v["result"] != "died again" || !strings.Contains(v["error"].(string), "410") {
		t.Errorf("exit %d: %v", r.code, v)
	}
	s.fails(4, "nothing was changed", "events", "replay", "v1:EMAIL_REPLY:AAAA", id)
	pending := s.post(reply(8))
	if v := lines(t, s.ok("events", "replay", pending, "--json").out)[0]; v["result"] != "left" {
		t.Errorf("pending: %v", v)
	}
}

func TestReplayByFilterAsks(t *testing.T) {
	s := newStation(t)
	ids := s.deadReplies(3)
	s.fails(2, "3 events again: 3 dead", "events", "replay", "--state", "dead")
	s.fails(2, "redrive start", "events", "replay", "--state", "dead", "--limit", "2", "--yes")
	s.fails(2, "one of both", "events", "replay", ids[0], "--state", "dead")
	s.fails(2, "one of both", "events", "replay")
	s.fails(4, "no event matches", "events", "replay", "--state", "held", "--yes")

	s.terminal, s.input = true, "n\n"
	s.fails(1, "nothing was changed", "events", "replay", "--state", "dead")
	s.input = "y\n"
	s.ok("events", "replay", "--state", "dead", "--since", "100h")
	s.terminal, s.input = false, strings.Join(ids, "\n")
	s.work()
	if n := len(lines(t, s.ok("events", "list", "--state", "delivered", "--json").out)); n != 3 {
		t.Errorf("%d of 3 were delivered", n)
	}
	if n := len(lines(t, s.ok("events", "replay", "-", "--yes", "--json").out)); n != 3 {
		t.Errorf("%d of 3 ids were read from stdin", n)
	}
}

func TestParkUnparkDiscard(t *testing.T) {
	s := newStation(t)
	ids := s.deadReplies(2)
	s.ok("events", "park", ids[0])
	s.fails(1, "1 of 1 event failed", "events", "park", ids[0])
	s.fails(2, "park 2 events", "events", "park", ids[0], ids[1])
	if show := s.ok("events", "show", ids[0]).out; !strings.Contains(show, "parked") || !strings.Contains(show, "To try it again") {
		t.Errorf("parked:\n%s", show)
	}
	s.ok("events", "unpark", ids[0])
	s.work()
	if v := lines(t, s.ok("events", "show", ids[0], "--json").out)[0]; v["state"] != "delivered" {
		t.Errorf("unparked: %v", v["state"])
	}
	s.fails(2, "--yes", "events", "discard", ids[1])
	s.ok("events", "discard", ids[1], "--yes")
	s.fails(1, "1 of 1", "events", "replay", ids[1])
	s.fails(1, "", "events", "discard", ids[0], "-y")
}

func TestVariantsAndSplit(t *testing.T) {
	s := newStation(t)
	id := s.post(reply(1))
	s.post(strings.Replace(reply(1), "<p>Yes</p>", "<p>No</p>", 1))
	s.post(strings.Replace(reply(1), "<p>Yes</p>", "<p>Later</p>", 1))
	variants := lines(t, s.ok("events", "variants", id, "--json").out)
	if len(variants) != 2 || fmt.Sprint(variants[0]["differs"]) != "[reply_message.html]" {
		t.Fatalf("got %v", variants)
	}
	s.fails(2, "2 variants match", "events", "split", id)
	fingerprint := variants[0]["fingerprint"].(string)
	first := strings.TrimSpace(s.ok("events", "split", id, strings.ToLower(fingerprint[:8])).out)
	if again := strings.TrimSpace(s.ok("events", "split", id, fingerprint).out); again != first {
		t.Errorf("a repeated split made %s, then %s", first, again)
	}
	s.work()
	if v := lines(t, s.ok("events", "show", first, "--json").out)[0]; v["state"] != "delivered" {
		t.Errorf("split event: %v", v["state"])
	}
	if r := s.ok("events", "split", id, fingerprint); strings.Contains(r.err, "on its way") || !strings.Contains(r.err, "already, delivered") {
		t.Errorf("a split of what was delivered: %s", r.err)
	}
	if r := s.ok("events", "show", first); !strings.Contains(r.out, "split from "+id) || strings.Contains(r.out, "resting on") ||
		!strings.Contains(r.out, "flag") {
		t.Errorf("a split event:\n%s", r.out)
	}
	s.ok("events", "split", id)
	s.fails(4, "split already", "events", "split", id)
	s.fails(4, "no such variant", "events", "split", id, "ZZZZ")
}

// A destination that takes no variants gets none.
func TestASplitEventIsFilteredByItsFlag(t *testing.T) {
	s := newStation(t)
	s.ok("destinations", "add", "plain", "--url", s.dest.URL, "--no-sign", "--without-flag", "variant")
	s.ok("destinations", "add", "odd", "--url", s.dest.URL, "--no-sign", "--flag", "variant")
	id := s.post(reply(1))
	s.post(strings.Replace(reply(1), "<p>Yes</p>", "<p>No</p>", 1))
	apart := strings.TrimSpace(s.ok("events", "split", id).out)
	s.work()
	for event, want := range map[string]map[string]webhook.Result{
		id:    {"crm": webhook.ResultDelivered, "odd": webhook.ResultUnrouted, "plain": webhook.ResultDelivered},
		apart: {"crm": webhook.ResultDelivered, "odd": webhook.ResultDelivered, "plain": webhook.ResultUnrouted},
	} {
		got := map[string]webhook.Result{}
		for _, d := range s.record(event).Destinations {
			got[d.Name] = d.Result
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", event, got, want)
		}
	}
}

// A body that is not trusted is split off only on purpose, and then delivered;
// once a trusted sender has sent it, too, nothing stands in its way.
func TestSplitOfWhatIsNotTrusted(t *testing.T) {
	s := newStation(t)
	s.secrets = append(s.secrets, "forged-key-0003")
	s.input = secretKey + "\n"
	s.ok("sources", "trust-key", "demo", "--no-release")
	for n, trusted := range []bool{false, true} {
		id := s.post(reply(n))
		other := strings.Replace(reply(n), "<p>Yes</p>", "<p>No</p>", 1)
		s.post(strings.Replace(other, secretKey, "forged-key-0003", 1))
		variant := func() string { return s.ok("events", "variants", id).out }
		if !strings.Contains(variant(), "untrusted_sender") {
			t.Fatalf("not marked:\n%s", variant())
		}
		if trusted {
			s.post(other)
			if strings.Contains(variant(), "untrusted_sender") {
				t.Errorf("still marked:\n%s", variant())
			}
		} else {
			s.fails(2, "not trusted", "events", "split", id)
		}
		apart := strings.TrimSpace(s.ok(append([]string{"events", "split", id}, map[bool][]string{false: {"--yes"}}[trusted]...)...).out)
		s.work()
		if r := s.record(apart); r.State != webhook.Delivered {
			t.Errorf("trusted since: %t: what was split off is %s", trusted, r.State)
		}
	}
}

func TestRefused(t *testing.T) {
	s := newStation(t)
	s.getenv["SMARTLEAD_TOKEN"] = "wrong-token-000"
	file := s.file("reply.json", reply(1))
	s.fails(1, "events refused", "send", "--source", "nobody", file)
	r := s.ok("events", "refused")
	if !strings.Contains(r.out, "unknown_source") || !strings.Contains(r.out, "sources list") {
		t.Errorf("got\n%s", r.out)
	}
	if v := lines(t, s.ok("events", "refused", "--json").out); len(v) != 1 || v[0]["cause"] != "unknown_source" {
		t.Errorf("got %v", v)
	}
	if r := s.ok("events", "refused", "--day", "2126-03-01"); !strings.Contains(r.err, "nothing was refused") {
		t.Errorf("got %s", r.err)
	}
	s.fails(2, "--day", "events", "refused", "--day", "yesterday")
}

func TestWhatASenderWroteIsDataOnly(t *testing.T) {
	s := newStation(t)
	evil := "\\u001b[31mred\\u0007\\u009b2J\\u202eabc"
	body := strings.NewReplacer("Re: hello 3", evil, "stats-3", "stats"+evil, "<p>Yes</p>", evil).Replace(reply(3))
	id := s.post(body)
	s.post(strings.Replace(body, "Yes", "No"+evil, 1))
	s.work()
	for _, args := range [][]string{
		{"events", "list"}, {"events", "list", "--json"}, {"events", "show", id}, {"events", "show", id, "--json"},
		{"events", "show", id, "--raw"}, {"events", "variants", id}, {"events", "find", "lead3@acme.example.com"},
		{"stats"}, {"dlq", "list"},
	} {
		s.ok(args...) // the station searches every output for control characters
	}
	s.fails(4, "", "events", "find", "\x1b[31mx\u009b")
	if raw := s.ok("events", "show", id, "--raw").out; !strings.Contains(raw, `\u009b2J`) && !strings.Contains(raw, `\u009B2J`) {
		t.Errorf("the raw body must mean the same: %s", raw)
	}
}
