package sources_test

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestSources(t *testing.T) {
	s := clitest.New(t)
	shown := strings.TrimSpace(s.OK("sources", "add", "acme", "--account", "default").Out)
	if !strings.HasPrefix(shown, s.Front.URL+"/webhooks/acme/slr_") {
		t.Fatalf("got %s", shown)
	}
	s.Said = nil // the one time that it is shown
	token := filepath.Base(shown)
	s.Secrets = append(s.Secrets, token)
	s.Fails(1, "sources rotate", "sources", "add", "acme")
	s.Fails(2, "a name is", "sources", "add", "No Good")
	s.Fails(2, "--account", "sources", "add", "x", "--account", "No Good")
	list := clitest.Lines(t, s.OK("sources", "list", "--json").Out)
	if len(list) != 2 || list[0]["name"] != "acme" || list[0]["account"] != "default" || list[0]["tokens"] != 1.0 {
		t.Errorf("got %v", list)
	}
	if at := list[0]["created_at"].(string); len(at) != len("2126-03-04T10:00:00.000Z") {
		t.Errorf("a time that is not written as the others: %s", at)
	}
	key := func(name string) string {
		return string(s.Source(name).RedactionKey)
	}
	if key("acme") != key("demo") {
		t.Error("sources of one account must share the redaction key")
	}

	renewed := filepath.Base(strings.TrimSpace(s.OK("sources", "rotate", "acme").Out))
	s.Said = nil
	s.Secrets = append(s.Secrets, renewed)
	file := s.File("reply.json", clitest.Reply(1))
	for _, valid := range []string{token, renewed} {
		s.Getenv["SMARTLEAD_TOKEN"] = valid
		s.OK("send", "--source", "acme", file)
	}
	s.Fails(1, "--finish", "sources", "rotate", "acme")
	if r := s.OK("sources", "show", "acme"); !strings.Contains(r.Out, "rotation under way: ") || !strings.Contains(r.Out, "sources rotate acme --finish") {
		t.Errorf("a source whose old URL has no end is shown as\n%s", r.Out)
	}
	s.Fails(2, "--yes", "sources", "rotate", "acme", "--finish")
	s.OK("sources", "rotate", "acme", "--finish", "--yes")
	s.OK("send", "--source", "acme", file)
	s.Getenv["SMARTLEAD_TOKEN"] = token
	s.Fails(1, "not accepted", "send", "--source", "acme", file)
	s.Fails(2, "--yes", "sources", "remove", "acme")
	s.OK("sources", "remove", "acme", "-y")
	s.Fails(4, "no source acme", "sources", "remove", "acme", "-y")
	s.Fails(4, "no source acme", "sources", "rotate", "acme")
}

func TestSignedSource(t *testing.T) {
	s := clitest.New(t)
	added := clitest.Lines(t, s.OK("sources", "add", "signed", "--hmac", "--json").Out)[0]
	hook, _ := url.Parse(added["webhook_url"].(string))
	s.Getenv["SMARTLEAD_TOKEN"] = filepath.Base(hook.Path)
	file := s.File("reply.json", clitest.Reply(1))
	s.Fails(1, "not accepted", "send", "--source", "signed", file)
	s.Getenv["SMARTLEAD_HMAC_SECRET"] = added["hmac_secret"].(string)
	s.OK("send", "--source", "signed", file)
	s.Secrets = append(s.Secrets, "typed-by-hand")
	s.Input = "typed-by-hand\n"
	s.OK("sources", "add", "relay", "--hmac-stdin")
}

// A first signing secret would lock out a sender that does not sign.
func TestRotateOfTheSigningSecret(t *testing.T) {
	s := clitest.New(t)
	file := s.File("reply.json", clitest.Reply(1))
	s.Fails(2, "sources add NAME --account default --hmac", "sources", "rotate", "demo", "--hmac")
	s.OK("send", file)

	added := clitest.Lines(t, s.OK("sources", "add", "relay", "--hmac", "--json").Out)[0]
	s.Said = nil // the one time that it is shown
	s.Secrets = append(s.Secrets, added["hmac_secret"].(string))
	if r := s.OK("sources", "rotate", "relay", "--hmac"); !strings.Contains(r.Err, "rotate relay --finish --hmac") {
		t.Errorf("the end of a rotation: %s", r.Err)
	}
	s.Fails(1, "rotate relay --finish --hmac", "sources", "rotate", "relay", "--hmac")
	if r := s.OK("sources", "rotate", "relay", "--finish"); !strings.Contains(r.Err, "nothing to finish: relay has 1 URL. ") ||
		!strings.Contains(r.Err, "--finish --hmac") {
		t.Errorf("the other rotation: %s", r.Err)
	}
	s.Terminal, s.Width = true, 300
	if r := s.OK("sources", "list"); !strings.Contains(r.Out, "signing secret under way: smartleadctl --local --state-dir "+s.Dir+" sources rotate relay --finish --hmac") {
		t.Errorf("got\n%s", r.Out)
	}
	s.Terminal = false
	s.OK("sources", "rotate", "relay", "--finish", "--hmac", "-y")
	if v := clitest.Lines(t, s.OK("sources", "list", "--json").Out)[1]; v["hmac_secrets"] != 1.0 || v["tokens"] != 1.0 {
		t.Errorf("after the rotation: %v", v)
	}
}

func TestNoHMAC(t *testing.T) {
	s := clitest.New(t)
	added := clitest.Lines(t, s.OK("sources", "add", "relay", "--hmac", "--json").Out)[0]
	hook := added["webhook_url"].(string)
	s.Getenv["SMARTLEAD_TOKEN"] = hook[strings.LastIndex(hook, "/")+1:]
	file := s.File("reply.json", clitest.Reply(1))
	s.Fails(1, "not accepted", "send", "--source", "relay", file)
	if r := s.OK("events", "refused"); !strings.Contains(r.Out, "sources rotate relay --no-hmac") {
		t.Errorf("no way out:\n%s", r.Out)
	}
	s.Fails(2, "neither", "sources", "rotate", "relay", "--no-hmac", "--finish")
	s.Fails(2, "whoever knows its URL", "sources", "rotate", "relay", "--no-hmac")
	s.OK("sources", "rotate", "relay", "--no-hmac", "-y")
	s.OK("send", "--source", "relay", file)
	if r := s.OK("sources", "rotate", "relay", "--no-hmac"); !strings.Contains(r.Err, "nothing to do") {
		t.Errorf("got %s", r.Err)
	}
	s.Fails(4, "no source absent", "sources", "remove", "absent")
}
