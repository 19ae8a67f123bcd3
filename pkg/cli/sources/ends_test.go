package sources_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestTheOldURLEndsByItself(t *testing.T) {
	s := clitest.New(t)
	shown := func(args ...string) string {
		r := s.OK(args...)
		s.Said = nil // the one time that it is shown
		token := filepath.Base(strings.TrimSpace(r.Out))
		s.Secrets = append(s.Secrets, token)
		return token
	}
	file := s.File("reply.json", clitest.Reply(1))
	old := shown("sources", "add", "acme")
	s.Fails(2, "goes with neither", "sources", "rotate", "acme", "--finish", "--old-ends", "1d")
	s.Fails(2, "not in the future", "sources", "rotate", "acme", "--old-ends", "2020-01-01")
	s.Fails(2, "neither a length", "sources", "rotate", "acme", "--old-ends", "soon")
	renewed := shown("sources", "rotate", "acme", "--old-ends", "1d")
	end := clitest.Start.Add(24 * time.Hour)
	for _, token := range []string{old, renewed} {
		s.Getenv["SMARTLEAD_TOKEN"] = token
		s.OK("send", "--source", "acme", file)
	}
	for _, command := range [][]string{{"sources", "list", "--json"}, {"sources", "show", "acme", "--json"}} {
		v := clitest.Lines(t, s.OK(command...).Out)[0]
		ends, _ := v["ends"].([]any)
		if len(ends) != 1 {
			t.Fatalf("%v: %v", command, v)
		}
		if one := ends[0].(map[string]any); one["secret"] != "url" || !strings.HasPrefix(one["ends_at"].(string), end.Format(time.DateOnly)) {
			t.Errorf("%v: %v", command, one)
		}
	}
	if r := s.OK("sources", "show", "acme"); !strings.Contains(r.Out, "the old URL ends "+end.Format(time.DateOnly)) {
		t.Errorf("before the end:\n%s", r.Out)
	}
	s.Advance(24 * time.Hour)
	s.OK("send", "--source", "acme", file)
	s.Getenv["SMARTLEAD_TOKEN"] = old
	s.Fails(1, "not accepted", "send", "--source", "acme", file)
	if r := s.OK("events", "refused"); !strings.Contains(r.Out, "expired_token") || !strings.Contains(r.Out, "which has ended") {
		t.Errorf("refused as\n%s", r.Out)
	}
	if r := s.OK("sources", "show", "acme"); !strings.Contains(r.Out, "the old URL is refused since "+end.Format(time.DateOnly)) {
		t.Errorf("after the end:\n%s", r.Out)
	}
	shown("sources", "rotate", "acme") // no rotation is under way any more
	if v := clitest.Lines(t, s.OK("sources", "list", "--json").Out)[0]; v["tokens"] != 2.0 || v["ends"] != nil {
		t.Errorf("after the next rotation: %v", v)
	}
	s.Fails(4, "no source absent", "sources", "show", "absent")
}

func TestTheOldSigningSecretEndsByItself(t *testing.T) {
	s := clitest.New(t)
	added := clitest.Lines(t, s.OK("sources", "add", "relay", "--hmac", "--json").Out)[0]
	renewed := clitest.Lines(t, s.OK("sources", "rotate", "relay", "--hmac", "--old-ends", "2h", "--json").Out)[0]
	s.Said = nil
	s.Getenv["SMARTLEAD_TOKEN"] = filepath.Base(added["webhook_url"].(string))
	file := s.File("reply.json", clitest.Reply(1))
	s.Getenv["SMARTLEAD_HMAC_SECRET"] = added["hmac_secret"].(string)
	s.OK("send", "--source", "relay", file)
	s.Advance(2 * time.Hour)
	s.Fails(1, "not accepted", "send", "--source", "relay", file)
	s.Getenv["SMARTLEAD_HMAC_SECRET"] = renewed["hmac_secret"].(string)
	s.OK("send", "--source", "relay", file)
	if r := s.OK("events", "refused"); !strings.Contains(r.Out, "expired_signature") {
		t.Errorf("refused as\n%s", r.Out)
	}
}

func TestATrustedKeyEndsByItself(t *testing.T) {
	s := clitest.New(t)
	s.Input = clitest.SecretKey + "\n"
	s.OK("sources", "trust-key", "demo", "--no-release", "--yes")
	s.Fails(2, "with one key", "sources", "untrust-key", "demo", "--all", "--at", "1h")
	s.OK("sources", "untrust-key", "demo", "--at", "1h")
	held := func() int {
		return len(clitest.Lines(t, s.OK("events", "list", "--state", "held", "--json").Out))
	}
	s.OK("send", s.File("one.json", clitest.Reply(1)))
	if n := held(); n != 0 {
		t.Fatalf("%d held before the end", n)
	}
	s.Advance(time.Hour)
	s.OK("send", s.File("two.json", clitest.Reply(2)))
	if n := held(); n != 1 {
		t.Errorf("%d held after the end", n)
	}
	s.OK("sources", "untrust-key", "demo", "--at", "never")
	s.OK("send", s.File("three.json", clitest.Reply(3)))
	if n := held(); n != 1 {
		t.Errorf("%d held after the end was taken away", n)
	}
	s.Input = "another-key-0001\n"
	s.Secrets = append(s.Secrets, "another-key-0001")
	s.Fails(4, "not on the list", "sources", "untrust-key", "demo", "--at", "1h")
}
