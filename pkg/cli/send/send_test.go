package send_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/cli/payload"
)

func TestSend(t *testing.T) {
	s := clitest.New(t)
	file := s.File("two.json", `[`+clitest.Reply(1)+`,5]`)
	r := s.Run("send", file, "--json")
	got := clitest.Lines(t, r.Out)
	if r.Code != 1 || len(got) != 2 || got[0]["status"] != "accepted" || got[0]["http_status"] != 200.0 || got[1]["status"] != "rejected" {
		t.Errorf("exit %d: %v", r.Code, got)
	}
	s.Input = clitest.Reply(1)
	if r := s.OK("send", "-"); !strings.Contains(r.Out, "duplicate") {
		t.Errorf("stdin: %s", r.Out)
	}
	if r := s.OK("send", s.File("empty.json", "[]")); r.Out != "" || !strings.Contains(r.Err, "an empty array has no event") {
		t.Errorf("an empty array: %s%s", r.Out, r.Err)
	}
	s.Fails(1, "cannot be read", "send", s.Dir+"/absent.json")
	s.Fails(2, "SMARTLEAD_TOKEN", "send", "--source", "acme", file)
	s.Getenv["SMARTLEAD_TOKEN"] = "slr_a-token-of-nobody"
	s.Secrets = append(s.Secrets, "slr_a-token-of-nobody")
	s.Fails(1, "does not answer", "send", "--source", "acme", "--url", "http://127.0.0.1:1", file)
	s.Fails(1, "not accepted", "send", "--source", "acme", file)
}

// A body that cannot reach the receiver is in no list of what was refused.
func TestBodiesOverTheLimit(t *testing.T) {
	s := clitest.New(t)
	file := s.File("large.json", strings.Replace(clitest.Reply(1), "<p>Yes</p>", strings.Repeat("x", payload.MaxInvocation), 1))
	for _, args := range [][]string{{"send", file}, {"identify", file}} {
		r := s.Run(args...)
		if r.Code != 1 || !strings.Contains(r.Out, "larger than the receiver takes: 6 MB") || strings.Contains(r.Err, "events refused") {
			t.Errorf("%v: exit %d: %.300s%s", args, r.Code, r.Out, r.Err)
		}
	}
}

func TestSendCompressed(t *testing.T) {
	s := clitest.New(t)
	file := s.File("reply.json", clitest.Reply(1))
	if v := clitest.Lines(t, s.OK("send", "--json", "--encoding", "gzip", file).Out); v[0]["status"] != "accepted" {
		t.Errorf("got %v", v)
	}
	if v := clitest.Lines(t, s.OK("send", "--json", file).Out); v[0]["status"] != "duplicate" {
		t.Errorf("the same, not compressed: %v", v)
	}
	s.Fails(2, "--encoding", "send", "--encoding", "lzma", file)
}
