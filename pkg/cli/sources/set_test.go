package sources_test

import (
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestSetNothing(t *testing.T) {
	s := clitest.New(t)
	s.Fails(2, "nothing to set", "sources", "set", "demo")
	s.Fails(2, "nothing to set", "sources", "set", "demo", "--yes")
	s.Fails(4, "no source absent", "sources", "set", "absent", "--level", "user")
	for _, wrong := range [][]string{
		{"--level", "team"}, {"--window", "10s"}, {"--window", "8d"}, {"--status-window", "often"}, {"--window", "61.5s"},
		{"--old-url-ends", "yesterday"}, {"--silent-after", "10m"}, {"--silent-after", "15d"}, {"--silent-after", "soon"}, {"--quiet-hours", "night"},
	} {
		if r := s.Run(append([]string{"sources", "set", "demo"}, wrong...)...); r.Code != 2 {
			t.Errorf("%v: exit %d\n%s", wrong, r.Code, r.Err)
		}
	}
	s.Fails(1, "rotate first", "sources", "set", "demo", "--old-url-ends", "1d")
}

func TestSetIsShown(t *testing.T) {
	s := clitest.New(t)
	s.OK("sources", "set", "demo", "--level", "campaign", "--window", "6h", "--status-window", "5m")
	for _, command := range [][]string{{"sources", "list", "--json"}, {"sources", "show", "demo", "--json"}} {
		v := clitest.Lines(t, s.OK(command...).Out)[0]
		if v["expected_level"] != "campaign" || v["window_seconds"] != 21600.0 || v["status_window_seconds"] != 300.0 || v["require_secret_key"] != nil {
			t.Errorf("%v: %v", command, v)
		}
	}
	s.Golden("show", s.OK("sources", "show", "demo").Out)
	s.OK("sources", "set", "demo", "--level", "any", "--window", "default")
	if v := clitest.Lines(t, s.OK("sources", "show", "demo", "--json").Out)[0]; v["expected_level"] != nil || v["window_seconds"] != nil || v["status_window_seconds"] != 300.0 {
		t.Errorf("what was not named changed, or what was did not: %v", v)
	}
}

// What is set of a silence goes with its source, and nothing else of it changes.
func TestASilenceIsSetAndForgotten(t *testing.T) {
	s := clitest.New(t)
	s.OK("sources", "add", "acme")
	s.Said = nil
	show := func() (map[string]any, string) {
		return clitest.Lines(t, s.OK("sources", "show", "acme", "--json").Out)[0], s.OK("sources", "show", "acme").Out
	}
	before, text := show()
	if before["silent_after_minutes"] != nil || !strings.Contains(text, "told of when it is unusual") {
		t.Errorf("%v\n%s", before, text)
	}
	s.OK("sources", "set", "acme", "--silent-after", "6h", "--quiet-hours", "20:00-07:00,sat,sun")
	after, text := show()
	if after["silent_after_minutes"] != 360.0 || after["quiet_hours"] != "20:00-07:00,sat,sun" || after["updated_at"] != before["updated_at"] ||
		!strings.Contains(text, "told of after 6 h; quiet hours (UTC) 20:00-07:00,sat,sun") {
		t.Errorf("%v\n%s", after, text)
	}
	s.OK("sources", "set", "acme", "--silent-after", "never")
	if v, text := show(); v["silence_untold"] != true || v["quiet_hours"] == nil || !strings.Contains(text, "told to nobody") {
		t.Errorf("%v\n%s", v, text)
	}
	s.OK("sources", "set", "acme", "--silent-after", "learned", "--quiet-hours", "none")
	if v, _ := show(); v["silence_untold"] != nil || v["quiet_hours"] != nil || v["silent_after_minutes"] != nil {
		t.Errorf("%v", v)
	}
	s.OK("sources", "set", "acme", "--silent-after", "6h")
	s.OK("sources", "remove", "acme", "--yes")
	s.OK("sources", "add", "acme")
	s.Said = nil
	if v, _ := show(); v["silent_after_minutes"] != nil {
		t.Errorf("another source of the name begins with %v", v)
	}
}

// The list of keys may be emptied; what is required stays required.
func TestARequiredSecretKeyHoldsWithoutAList(t *testing.T) {
	s := clitest.New(t)
	held := func() int {
		return len(clitest.Lines(t, s.OK("events", "list", "--state", "held", "--json").Out))
	}
	s.Fails(2, "hold every body of demo", "sources", "set", "demo", "--require-secret-key")
	s.OK("sources", "set", "demo", "--require-secret-key", "--yes")
	s.OK("send", s.File("one.json", clitest.Reply(1)))
	if n := held(); n != 1 {
		t.Fatalf("%d held without a list", n)
	}
	s.Terminal, s.Width = true, 300
	if r := s.OK("sources", "list"); !strings.Contains(r.Out, "none: all held") {
		t.Errorf("got\n%s", r.Out)
	}
	s.Terminal = false
	s.Input = clitest.SecretKey + "\n"
	s.OK("sources", "trust-key", "demo", "--yes") // no list yet, and yet nothing new is held
	s.OK("send", s.File("two.json", clitest.Reply(2)))
	if n := held(); n != 0 {
		t.Errorf("%d held under a trusted key", n)
	}
	if r := s.OK("sources", "untrust-key", "demo", "--all", "--yes"); !strings.Contains(r.Err, "every body is held") {
		t.Errorf("said %s", r.Err)
	}
	s.OK("send", s.File("three.json", clitest.Reply(3)))
	if n := held(); n != 1 {
		t.Errorf("%d held after the list was emptied", n)
	}
	s.Fails(2, "trust every body", "sources", "set", "demo", "--require-secret-key=false")
	s.OK("sources", "set", "demo", "--require-secret-key=false", "--yes")
	s.OK("send", s.File("four.json", clitest.Reply(4)))
	if n := held(); n != 1 {
		t.Errorf("%d held when nothing is required", n)
	}
}

func TestARequiredSignatureCannotBeTakenAway(t *testing.T) {
	s := clitest.New(t)
	s.Fails(2, "no signing secret", "sources", "set", "demo", "--require-signature")
	s.OK("sources", "add", "relay", "--hmac")
	s.Said = nil
	s.OK("sources", "set", "relay", "--require-signature")
	s.Fails(1, "--require-signature=false", "sources", "rotate", "relay", "--no-hmac", "--yes")
	s.OK("sources", "set", "relay", "--require-signature=false")
	s.OK("sources", "rotate", "relay", "--no-hmac", "--yes")
}

// Two of the same status are one event within the source's window.
func TestTheWindowOfASource(t *testing.T) {
	s := clitest.New(t)
	file := s.File("status.json", `{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":7,"previous_status":"ACTIVE","current_status":"PAUSED"}`)
	status := func() any {
		v := clitest.Lines(t, s.OK("send", file, "--json").Out)[0]
		return v["status"]
	}
	want := func(when string, want any) {
		t.Helper()
		if got := status(); got != want {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
	want("the first", "accepted")
	s.Advance(10 * time.Minute)
	want("within the receiver's own window", "duplicate")
	s.OK("sources", "set", "demo", "--status-window", "5m")
	want("beyond the source's window", "accepted")
	s.OK("sources", "set", "demo", "--status-window", "2h")
	s.Advance(time.Hour)
	want("within a longer one", "duplicate")
}

func TestTheRequestIDOfASourceIsTrustedWhenSet(t *testing.T) {
	s := clitest.New(t)
	s.Fails(2, "delivered once more", "sources", "set", "demo", "--trust-request-id")
	s.OK("sources", "set", "demo", "--trust-request-id", "--yes")
	if v := clitest.Lines(t, s.OK("sources", "show", "demo", "--json").Out)[0]; v["trust_request_id"] != true {
		t.Errorf("got %v", v)
	}
	s.OK("sources", "set", "demo", "--trust-request-id", "--level", "user") // nothing to ask: it is so already
	s.OK("sources", "set", "demo", "--trust-request-id=false", "--yes")
	if v := clitest.Lines(t, s.OK("sources", "show", "demo", "--json").Out)[0]; v["trust_request_id"] != false || v["expected_level"] != "user" {
		t.Errorf("got %v", v)
	}
}

func TestTheEndOfARotationUnderWay(t *testing.T) {
	s := clitest.New(t)
	s.OK("sources", "rotate", "demo")
	s.Said = nil
	file := s.File("reply.json", clitest.Reply(1))
	s.OK("sources", "set", "demo", "--old-url-ends", "1h")
	s.OK("send", file)
	s.OK("sources", "set", "demo", "--old-url-ends", "never")
	s.Advance(time.Hour)
	s.OK("send", file)
	s.OK("sources", "set", "demo", "--old-url-ends", "1h")
	s.Advance(time.Hour)
	s.Fails(1, "not accepted", "send", file)
}

// An event of a source with a retention of its own is kept that long, and not as long
// as the stack keeps others.
func TestTheRetentionOfASource(t *testing.T) {
	s := clitest.New(t)
	for _, wrong := range []string{"14", "3651", "soon", "-1"} {
		s.Fails(2, "--retention-days", "sources", "set", "demo", "--retention-days="+wrong)
	}
	kept := func(n int) time.Duration {
		t.Helper()
		id := s.Post(clitest.Reply(n))
		s.Work()
		r := s.Record(id)
		return r.ExpiresAt.Sub(s.Clock()).Round(time.Hour)
	}
	const day = 24 * time.Hour
	if got := kept(1); got != 90*day {
		t.Errorf("by default: %s", got)
	}
	for days, n := range map[string]int{"30": 2, "400": 3} {
		s.OK("sources", "set", "demo", "--retention-days", days)
		want, _ := time.ParseDuration(days + "h")
		if got := kept(n); got != want*24 {
			t.Errorf("%s days: %s", days, got)
		}
	}
	if v := clitest.Lines(t, s.OK("sources", "show", "demo", "--json").Out)[0]; v["retention_days"] == nil {
		t.Errorf("got %v", v)
	}
	s.OK("sources", "set", "demo", "--retention-days", "default")
	if got := kept(4); got != 90*day {
		t.Errorf("by default again: %s", got)
	}
}
