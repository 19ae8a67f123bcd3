package events_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

// With a rate a replay of what a filter matches has a pace, and one that stopped goes on
// with the rest.
func TestReplayAtAPace(t *testing.T) {
	s := clitest.New(t)
	var ids []string
	for n := range 12 {
		ids = append(ids, s.Post(clitest.Reply(n)))
	}
	s.Work()
	s.Advance(time.Minute)
	s.OnSleep = func(context.Context) { s.Advance(time.Second); s.Work() }
	s.Fails(2, "12 events again, at most 2 a second: 12 delivered", "events", "replay", "--state", "delivered", "--rate", "2")
	s.Fails(2, "the rate is 1 to 50", "events", "replay", "--state", "delivered", "--rate", "51", "--yes")
	s.Fails(2, "--rate is for filters", "events", "replay", ids[0], "--rate", "2")
	s.Fails(2, "leave out --wait", "events", "replay", "--state", "delivered", "--rate", "2", "--wait")
	s.Fails(2, "is no time", "events", "replay", "--state", "delivered", "--rate", "2", "--unmoved-since", "soon", "--yes")

	s.Answer.Store(410) // every attempt is the last: it stops where five died
	r := s.Run("events", "replay", "--state", "delivered", "--rate", "2", "--yes", "--json")
	v := clitest.Lines(t, r.Out)[0]
	if r.Code != 1 || v["events"] != 12.0 || v["died"].(float64) < 5 || v["died"].(float64) > 7 || !strings.Contains(r.Err, "--unmoved-since") {
		t.Fatalf("exit %d: %v\n%s", r.Code, v, r.Err)
	}
	s.Answer.Store(200)
	r = s.OK("events", "replay", "--state", "delivered", "--rate", "2", "--yes", "--unmoved-since", v["unmoved_since"].(string))
	if left := 12 - int(v["sent"].(float64)); !strings.Contains(r.Out, "sent: "+string(rune('0'+left))+" delivered") {
		t.Errorf("%d were left:\n%s", left, r.Out)
	}
	s.Fails(4, "no event matches", "events", "replay", "--state", "delivered", "--rate", "2", "--yes", "--unmoved-since", v["unmoved_since"].(string))
}
