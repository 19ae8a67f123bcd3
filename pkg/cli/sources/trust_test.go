package sources_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestTrustKeyReleasesWhatThatKeyIsIn(t *testing.T) {
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, "first-key-0001", "second-key-0002")
	s.Input = "first-key-0001\n"
	s.Fails(2, "--yes", "sources", "trust-key", "demo")
	if r := s.OK("sources", "trust-key", "demo", "--yes"); !strings.Contains(r.Err, "first key") {
		t.Errorf("the first key changes what is held, which must be said: %s", r.Err)
	}
	mine := s.Post(strings.Replace(clitest.Reply(1), clitest.SecretKey, "second-key-0002", 1))
	forged := s.Post(strings.Replace(clitest.Reply(2), clitest.SecretKey, "third-key-0003", 1))
	if held := clitest.Lines(t, s.OK("events", "list", "--state", "held", "--json").Out); len(held) != 2 {
		t.Fatalf("%d events are held", len(held))
	}
	s.Fails(1, "1 of 1", "events", "replay", mine)
	s.Input = "second-key-0002\n"
	r := s.OK("sources", "trust-key", "demo", "--yes", "--json")
	if got := clitest.Lines(t, r.Out); len(got) != 1 || got[0]["event_id"] != mine || !strings.Contains(r.Err, "1 event stays held") {
		t.Errorf("released %v, said %s", got, r.Err)
	}
	s.Work()
	if v := clitest.Lines(t, s.OK("events", "show", mine, "--json").Out)[0]; v["state"] != "delivered" {
		t.Errorf("state %v", v["state"])
	}
	if show := s.OK("events", "show", forged).Out; !strings.Contains(show, "trust-key demo") || !strings.Contains(show, "If it is forged") {
		t.Errorf("held:\n%s", show)
	}
	s.OK("events", "release", forged)
	s.Fails(1, "1 of 1", "events", "release", forged)
	s.Input = "secretkey\n"
	s.Fails(2, "cannot be trusted", "sources", "trust-key", "demo", "--yes")
	s.Input = "\n"
	s.Fails(2, "no secret", "sources", "trust-key", "demo", "--yes")
}

// Nothing is announced before it is done.
func TestTrustKeyWithoutAKey(t *testing.T) {
	s := clitest.New(t)
	if r := s.Run("sources", "trust-key", "demo", "--yes"); r.Code != 2 || strings.Contains(r.Err, "first key") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
}
