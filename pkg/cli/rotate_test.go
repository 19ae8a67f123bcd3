package cli

import (
	"strings"
	"testing"
)

// A first signing secret would lock out a sender that does not sign.
func TestRotateOfTheSigningSecret(t *testing.T) {
	s := newTestStack(t)
	file := s.file("reply.json", reply(1))
	s.fails(2, "sources add NAME --account default --hmac", "sources", "rotate", "demo", "--hmac")
	s.ok("send", file)

	added := lines(t, s.ok("sources", "add", "relay", "--hmac", "--json").out)[0]
	s.said = nil // the one time that it is shown
	s.secrets = append(s.secrets, added["hmac_secret"].(string))
	if r := s.ok("sources", "rotate", "relay", "--hmac"); !strings.Contains(r.err, "rotate relay --finish --hmac") {
		t.Errorf("the end of a rotation: %s", r.err)
	}
	s.fails(1, "rotate relay --finish --hmac", "sources", "rotate", "relay", "--hmac")
	if r := s.ok("sources", "rotate", "relay", "--finish"); !strings.Contains(r.err, "nothing to finish: relay has 1 URL. ") ||
		!strings.Contains(r.err, "--finish --hmac") {
		t.Errorf("the other rotation: %s", r.err)
	}
	s.terminal, s.width = true, 300
	if r := s.ok("sources", "list"); !strings.Contains(r.out, "signing secret under way: sources rotate relay --finish --hmac") {
		t.Errorf("got\n%s", r.out)
	}
	s.terminal = false
	s.ok("sources", "rotate", "relay", "--finish", "--hmac", "-y")
	if v := lines(t, s.ok("sources", "list", "--json").out)[1]; v["hmac_secrets"] != 1.0 || v["tokens"] != 1.0 {
		t.Errorf("after the rotation: %v", v)
	}
}

func TestNoHMAC(t *testing.T) {
	s := newTestStack(t)
	added := lines(t, s.ok("sources", "add", "relay", "--hmac", "--json").out)[0]
	hook := added["webhook_url"].(string)
	s.getenv["SMARTLEAD_TOKEN"] = hook[strings.LastIndex(hook, "/")+1:]
	file := s.file("reply.json", reply(1))
	s.fails(1, "not accepted", "send", "--source", "relay", file)
	if r := s.ok("events", "refused"); !strings.Contains(r.out, "sources rotate relay --no-hmac") {
		t.Errorf("no way out:\n%s", r.out)
	}
	s.fails(2, "neither", "sources", "rotate", "relay", "--no-hmac", "--finish")
	s.fails(2, "whoever knows its URL", "sources", "rotate", "relay", "--no-hmac")
	s.ok("sources", "rotate", "relay", "--no-hmac", "-y")
	s.ok("send", "--source", "relay", file)
	if r := s.ok("sources", "rotate", "relay", "--no-hmac"); !strings.Contains(r.err, "nothing to do") {
		t.Errorf("got %s", r.err)
	}
	s.fails(4, "no source absent", "sources", "remove", "absent")
}
