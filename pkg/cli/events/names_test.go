package events_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

const hana = `{"event_type":"EMAIL_REPLY","campaign_id":4100002,"campaign_name":"日本 Launch 🚀 Q3","stats_id":"stats-jp",
"to_email":"hana@nihon.example.jp","to_name":"花 田中","from_email":"mira@outbound.example","subject":"Re: ご提案について",
"event_timestamp":"2126-03-04T11:59:58.500Z","secret_key":"0b9f6a4e-the-account-key","reply_message":{"message_id":"<jp-1@nihon.example.jp>",
"html":"<style>p{}</style><p>Yes, let&#39;s talk &mdash; <b>Tuesday</b>?\u202e&#27;[31m</p><p>Hana</p><div class=\"gmail_quote\">On Mon Mira wrote:<blockquote>Hello Hana</blockquote></div>"}}`

// showing sets that a terminal of that width is there.
func showing(s *clitest.Stack, width int) { s.Terminal, s.Width = true, width }

func TestNamesStandBesideIDs(t *testing.T) {
	s := clitest.New(t)
	s.Post(hana)
	showing(s, 220)
	list := s.OK("events", "list").Out
	for _, want := range []string{"hana@nihon.example.jp 花 田中", "4100002 日本 Launch 🚀 Q3", "Re: ご提案について – Yes, let's talk — Tuesday?"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q in\n%s", want, list)
		}
	}
	show := s.OK("events", "show", "latest").Out
	for _, want := range []string{
		"hana@nihon.example.jp 花 田中", "4100002 日本 Launch 🚀 Q3", "Re: ご提案について",
		"Reply, from hana@nihon.example.jp\n  | Yes, let's talk — Tuesday?  [31m\n  |\n  | Hana\n  | … (--raw",
	} {
		if !strings.Contains(show, want) {
			t.Errorf("no %q in\n%s", want, show)
		}
	}
	if strings.Contains(show, "Hello Hana") || strings.ContainsAny(show, "\x1b\u202e") {
		t.Errorf("quoted history, or what a terminal obeys:\n%q", show)
	}
	v := clitest.Lines(t, s.OK("events", "show", "latest", "--json").Out)[0]
	if v["campaign_name"] != "日本 Launch 🚀 Q3" || v["lead_name"] != "花 田中" || !strings.HasPrefix(v["reply"].(map[string]any)["text"].(string), "Yes, let's talk") {
		t.Errorf("got %v", v)
	}
	// Scripts know the columns as they are.
	s.Terminal = false
	if piped := s.OK("events", "list").Out; strings.Contains(piped, "Launch") || !strings.Contains(piped, "TYPE") {
		t.Errorf("got\n%s", piped)
	}
}

func TestFindWhatNoIndexKnows(t *testing.T) {
	s := clitest.New(t)
	s.Post(hana)
	id := s.Post(clitest.Reply(7))
	for text, want := range map[string]string{"@nihon.example.jp": "hana@nihon.example.jp", "nihon": "hana@nihon.example.jp", "LAUNCH": "hana@nihon.example.jp", "lead7@": "lead7@acme.example.com"} {
		r := s.OK("events", "find", text, "--json")
		found := clitest.Lines(t, r.Out)
		if len(found) != 1 || found[0]["lead_email"] != want || !strings.Contains(r.Err, "looked at 2 events received since 2126-02-01") {
			t.Errorf("%s: %v\n%s", text, found, r.Err)
		}
	}
	if r := s.OK("events", "find", "example", "--limit", "1"); !strings.Contains(r.Err, "more than 1") || !strings.Contains(r.Out, id) {
		t.Errorf("got\n%s%s", r.Out, r.Err)
	}
	s.Fails(4, "of 2 events received since 2126-02-01", "events", "find", "@nowhere.example")
	s.Advance(3 * time.Hour)
	s.Fails(4, "of 0 events received since 2126-03-04 13:", "events", "find", "nihon", "--since", "2h")
	// A whole address is a key; it may be a message id, which is none.
	if r := s.Run("events", "find", "nobody@nihon.example.jp"); r.Code != 4 || strings.Contains(r.Err, "in no address") ||
		!strings.Contains(r.Err, "in no message id, stats_id or request id, of 2 events and variants received since") {
		t.Errorf("got %s", r.Err)
	}
}

// Screens as a person sees them, at the widths of terminals.
func TestScreens(t *testing.T) {
	s := clitest.New(t)
	s.TwoCauses()
	s.Post(hana)
	s.Answer.Store(503)
	s.Work()
	s.Advance(time.Hour)
	for _, width := range []int{60, 80, 120, 200} {
		showing(s, width)
		r := s.OK("events", "list")
		s.Golden(fmt.Sprintf("list-%d", width), r.Out+r.Err)
		s.Golden(fmt.Sprintf("show-%d", width), s.OK("events", "show", "latest").Out)
	}
}
