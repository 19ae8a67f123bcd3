package events_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

// An event may be named as a table shows it, everywhere.
func TestAnEventIsNamedShort(t *testing.T) {
	s := clitest.New(t)
	ids := s.DeadReplies(3)
	short := output.ShortID(ids[1])
	_, hash, _ := strings.Cut(short, ":")
	whole := strings.TrimPrefix(ids[1], "v1:EMAIL_REPLY:")
	for _, name := range []string{
		ids[1], short, "v1:" + short, ids[1][:len(ids[1])-1], strings.TrimPrefix(ids[1], "v1:"), hash, hash[:6], whole, "EMAIL_R…:" + hash,
	} {
		if v := clitest.Lines(t, s.OK("events", "show", name, "--json").Out)[0]; v["event_id"] != ids[1] {
			t.Errorf("%s shows %v", name, v["event_id"])
		}
		if v := clitest.Lines(t, s.OK("events", "find", name, "--json").Out); len(v) != 1 || v[0]["event_id"] != ids[1] {
			t.Errorf("%s finds %v", name, v)
		}
	}
	if v := clitest.Lines(t, s.OK("events", "show", "latest", "--json").Out)[0]; v["event_id"] != ids[2] {
		t.Errorf("the latest is %v", v["event_id"])
	}
	if v := clitest.Lines(t, s.OK("redrive", "plan", "--id", short, "--json").Out)[0]; v["release"] != 1.0 {
		t.Errorf("a redrive of %s: %v", short, v)
	}
	s.OK("events", "variants", short)
	s.OK("events", "park", short)
	if got := s.Record(ids[1]).State; got != webhook.Parked {
		t.Errorf("parked: it is %s", got)
	}
	// Named twice, it is moved once.
	if n := len(clitest.Lines(t, s.OK("events", "unpark", short, hash, ids[1], "--json").Out)); n != 1 {
		t.Errorf("%d were moved", n)
	}
	s.OK("events", "replay", output.ShortID(ids[0]))
	s.OK("events", "discard", "--yes", output.ShortID(ids[2]))
}

func TestAShortIDThatNamesNoneOrMany(t *testing.T) {
	s := clitest.New(t)
	id := s.Post(clitest.Reply(1))
	s.Fails(4, "no event has the id EMAIL_REPLY:AAAAAAAA among those received since 2126-02-", "events", "show", "EMAIL_REPLY:AAAAAAAA")
	s.Fails(4, "(1 event)", "events", "show", "AAAAAA")
	s.Fails(2, "at least 6 characters", "events", "show", "AAAAA")
	s.Fails(2, "not an event id", "events", "show", strings.TrimPrefix(id, "v1:EMAIL_")+"~1")
	s.Fails(4, "no event has the id", "events", "show", "EMAIL_OPEN:"+strings.TrimPrefix(id, "v1:EMAIL_REPLY:")[:8])
}

// What two events share names neither; the occurrences of one are told apart.
func TestAmbiguousIDs(t *testing.T) {
	s := clitest.New(t)
	open := `{"event_type":"EMAIL_OPEN","campaign_id":7,"to_email":"ann@globex.example.net"}`
	first := s.Post(open)
	s.Advance(48 * time.Hour)
	second := s.Post(open)
	if second != first+"~2" {
		t.Fatalf("the second is %s", second)
	}
	for name, want := range map[string]string{output.ShortID(first): first, output.ShortID(second): second} {
		if v := clitest.Lines(t, s.OK("events", "show", name, "--json").Out)[0]; v["event_id"] != want {
			t.Errorf("%s shows %v", name, v["event_id"])
		}
	}
	hash := strings.TrimPrefix(first, "v1:EMAIL_OPEN:")
	twins := []string{"v1:EMAIL_OPEN:" + hash[:6] + "A" + hash[7:], "v1:EMAIL_OPEN:" + hash[:6] + "B" + hash[7:]}
	for _, id := range twins {
		s.Copy(first, id)
	}
	r := s.Run("events", "show", hash[:6])
	if r.Code != 4 || !strings.Contains(r.Err, "may be any of 3 events") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
	for _, id := range append(twins, first) {
		if !strings.Contains(r.Err, fmt.Sprintf("%s  delivered", id)) && !strings.Contains(r.Err, fmt.Sprintf("%s  pending", id)) {
			t.Errorf("%s is not named in\n%s", id, r.Err)
		}
	}
}
