package events_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/webhook"
)

func TestVariantsAndSplit(t *testing.T) {
	s := clitest.New(t)
	id := s.Post(clitest.Reply(1))
	s.Post(strings.Replace(clitest.Reply(1), "<p>Yes</p>", "<p>No</p>", 1))
	s.Post(strings.Replace(clitest.Reply(1), "<p>Yes</p>", "<p>Later</p>", 1))
	variants := clitest.Lines(t, s.OK("events", "variants", id, "--json").Out)
	if len(variants) != 2 || fmt.Sprint(variants[0]["differs"]) != "[reply_message.html]" {
		t.Fatalf("got %v", variants)
	}
	s.Fails(2, "2 variants match", "events", "split", id)
	fingerprint := variants[0]["fingerprint"].(string)
	first := strings.TrimSpace(s.OK("events", "split", id, strings.ToLower(fingerprint[:8])+"…").Out)
	if again := strings.TrimSpace(s.OK("events", "split", id, fingerprint).Out); again != first {
		t.Errorf("a repeated split made %s, then %s", first, again)
	}
	s.Work()
	if v := clitest.Lines(t, s.OK("events", "show", first, "--json").Out)[0]; v["state"] != "delivered" {
		t.Errorf("split event: %v", v["state"])
	}
	if r := s.OK("events", "split", id, fingerprint); strings.Contains(r.Err, "on its way") || !strings.Contains(r.Err, "already, delivered") {
		t.Errorf("a split of what was delivered: %s", r.Err)
	}
	if r := s.OK("events", "show", first); !strings.Contains(r.Out, "split from "+id) || strings.Contains(r.Out, "resting on") ||
		!strings.Contains(r.Out, "flag") {
		t.Errorf("a split event:\n%s", r.Out)
	}
	s.OK("events", "split", id)
	s.Fails(4, "split already", "events", "split", id)
	if r := s.OK("events", "variants", id); strings.Contains(r.Err, "make one an event") {
		t.Errorf("nothing is left to split:\n%s", r.Err)
	}
	s.Fails(4, "no such variant", "events", "split", id, "ZZZZ")
}

// A destination that takes no variants gets none.
func TestASplitEventIsFilteredByItsFlag(t *testing.T) {
	s := clitest.New(t)
	s.OK("destinations", "add", "plain", "--url", s.Dest.URL, "--no-sign", "--without-flag", "variant")
	s.OK("destinations", "add", "odd", "--url", s.Dest.URL, "--no-sign", "--flag", "variant")
	id := s.Post(clitest.Reply(1))
	s.Post(strings.Replace(clitest.Reply(1), "<p>Yes</p>", "<p>No</p>", 1))
	apart := strings.TrimSpace(s.OK("events", "split", id).Out)
	s.Work()
	for event, want := range map[string]map[string]webhook.Result{
		id:    {"crm": webhook.ResultDelivered, "odd": webhook.ResultUnrouted, "plain": webhook.ResultDelivered},
		apart: {"crm": webhook.ResultDelivered, "odd": webhook.ResultDelivered, "plain": webhook.ResultUnrouted},
	} {
		got := map[string]webhook.Result{}
		for _, d := range s.Record(event).Destinations {
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
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, "forged-key-0003")
	s.Input = clitest.SecretKey + "\n"
	s.OK("sources", "trust-key", "demo", "--no-release", "--yes")
	for n, trusted := range []bool{false, true} {
		id := s.Post(clitest.Reply(n))
		other := strings.Replace(clitest.Reply(n), "<p>Yes</p>", "<p>No</p>", 1)
		s.Post(strings.Replace(other, clitest.SecretKey, "forged-key-0003", 1))
		variant := func() string { return s.OK("events", "variants", id).Out }
		if !strings.Contains(variant(), "untrusted_sender") {
			t.Fatalf("not marked:\n%s", variant())
		}
		if trusted {
			s.Post(other)
			if strings.Contains(variant(), "untrusted_sender") {
				t.Errorf("still marked:\n%s", variant())
			}
		} else {
			s.Fails(2, "not trusted", "events", "split", id)
		}
		apart := strings.TrimSpace(s.OK(append([]string{"events", "split", id}, map[bool][]string{false: {"--yes"}}[trusted]...)...).Out)
		s.Work()
		if r := s.Record(apart); r.State != webhook.Delivered {
			t.Errorf("trusted since: %t: what was split off is %s", trusted, r.State)
		}
	}
}

// Whoever has the lead or an id of a variant in hand finds the event beside which it
// is kept, and which variant it is.
func TestAVariantIsFoundByItsOwnIDs(t *testing.T) {
	s := clitest.New(t)
	sent := `{"event_type":"EMAIL_SENT","campaign_id":7,"stats_id":"one","to_email":"ann@example.com","event_timestamp":"2126-03-04T11:00:00Z","email":{"message_id":"<first@example.com>"}}`
	id := s.Post(sent)
	s.Work()
	changed := strings.NewReplacer("ann@example.com", "robert@example.com", "first@example.com", "second@example.com").Replace(sent)
	if of := s.Post(changed); of != id {
		t.Fatalf("%s is an event of its own", of)
	}
	request := fmt.Sprintf("req-%x", len(changed))
	fingerprint := clitest.Lines(t, s.OK("events", "variants", id, "--json").Out)[0]["fingerprint"].(string)
	for _, text := range []string{"robert@example.com", request} {
		v := clitest.Lines(t, s.OK("events", "find", text, "--json").Out)
		if len(v) != 1 || v[0]["event_id"] != id || v[0]["found_by_variant"] != fingerprint {
			t.Errorf("%s: found %v", text, v)
		}
		if r := s.OK("events", "find", text); !strings.Contains(r.Out, "found by its variant "+fingerprint[:8]) {
			t.Errorf("%s: no word of the variant:\n%s", text, r.Out)
		}
	}
	if v := clitest.Lines(t, s.OK("events", "find", "ann@example.com", "--json").Out)[0]; v["found_by_variant"] != nil {
		t.Errorf("the event has this itself: %v", v)
	}
	if r := s.OK("events", "list", "--lead", "robert@example.com"); r.Out != "" {
		t.Errorf("what a replay takes is not of that lead:\n%s", r.Out)
	}
	if r := s.OK("events", "show", id); !strings.Contains(r.Out, "another body under this identity, not delivered") {
		t.Errorf("show:\n%s", r.Out)
	}
}
