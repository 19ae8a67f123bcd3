package sources_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

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

// The first key turns every body without it into a held event, which is said, with
// what it would have meant, and asked.
func TestTheFirstKeyIsAsked(t *testing.T) {
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, "first-key-0001")
	old := s.Post(clitest.Reply(1))
	s.Advance(25 * time.Hour)
	s.Post(clitest.Reply(2))
	s.Post(strings.Replace(clitest.Reply(3), clitest.SecretKey, "first-key-0001", 1))
	s.Input = "first-key-0001\n"
	s.Fails(2, "with --yes --no-release", "sources", "trust-key", "demo")
	s.Fails(2, "Of 2 events that it received in the last 24 h, 1 would have been held", "sources", "trust-key", "demo", "--no-release")
	if n := len(s.Source("demo").BodySecrets); n != 0 {
		t.Fatalf("%d keys are trusted before anybody agreed", n)
	}
	s.OK("sources", "trust-key", "demo", "--no-release", "--yes")
	s.Input = "another-key-0002\n"
	if r := s.OK("sources", "trust-key", "demo", "--no-release"); strings.Contains(r.Err, "would have been held") {
		t.Errorf("the second key holds nothing: %s", r.Err)
	}
	if r := s.Record(old); r.State == "held" {
		t.Errorf("%s is held, which came before", old)
	}
}

func TestUntrustKey(t *testing.T) {
	s := clitest.New(t)
	s.OK("sources", "untrust-key", "demo") // there is nothing to do
	s.Secrets = append(s.Secrets, "first-key-0001", "second-key-0002")
	for _, key := range []string{"first-key-0001\n", "second-key-0002\n"} {
		s.Input = key
		s.OK("sources", "trust-key", "demo", "--yes")
	}
	s.Input = "unknown-key-0003\n"
	s.Fails(4, "sources untrust-key demo --all", "sources", "untrust-key", "demo", "--yes")
	s.Input = "first-key-0001\n"
	s.Fails(2, "--yes", "sources", "untrust-key", "demo")
	if r := s.OK("sources", "untrust-key", "demo", "--yes"); !strings.Contains(r.Err, "has 1 key") {
		t.Errorf("said %s", r.Err)
	}
	id := s.Post(strings.Replace(clitest.Reply(1), clitest.SecretKey, "first-key-0001", 1))
	if r := s.Record(id); r.State != "held" {
		t.Errorf("a body with the key is %s", r.State)
	}
	if r := s.OK("sources", "untrust-key", "demo", "--all", "--yes"); !strings.Contains(r.Err, "it trusts every body") {
		t.Errorf("said %s", r.Err)
	}
	id = s.Post(clitest.Reply(2))
	if r := s.Record(id); r.State != "pending" {
		t.Errorf("without any key on the list, a body is %s", r.State)
	}
}

// Destinations get the fingerprint of the key with every event. Who sends it in the key's
// place has his event held, and it stays so when the key is trusted, or trusted anew.
func TestAFingerprintIsNoKey(t *testing.T) {
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, "first-key-0001")
	s.Input = "first-key-0001\n"
	s.OK("sources", "trust-key", "demo", "--yes")
	mine := s.Post(clitest.Reply(1)) // held under another key
	var stored struct {
		Key string `json:"secret_key"`
	}
	if err := json.Unmarshal([]byte(s.OK("events", "show", mine, "--raw").Out), &stored); err != nil || !strings.HasPrefix(stored.Key, "redacted:hmac:") {
		t.Fatalf("stored is %q: %v", stored.Key, err)
	}
	for i, name := range []string{"secret_key", "SECRET_KEY", "secretKey"} {
		s.Post(strings.Replace(strings.Replace(clitest.Reply(2+i), clitest.SecretKey, stored.Key, 1), "secret_key", name, 1))
	}
	s.Input = clitest.SecretKey + "\n"
	if got := clitest.Lines(t, s.OK("sources", "trust-key", "demo", "--yes", "--json").Out); len(got) != 1 || got[0]["event_id"] != mine {
		t.Errorf("released %v", got)
	}
	if held := clitest.Lines(t, s.OK("events", "list", "--state", "held", "--json").Out); len(held) != 3 {
		t.Errorf("%d stay held", len(held))
	}
}
