package destinations_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

// Whoever removes a destination learns how many events wait for it.
func TestRemoveCountsWhatWaits(t *testing.T) {
	s := clitest.New(t)
	s.Fails(2, "None waits for it", "destinations", "remove", "crm")
	ids := s.DeadReplies(3)
	s.OK("events", "park", ids[0])
	s.OK("events", "replay", ids[1])
	s.Post(clitest.Reply(7)) // no worker has taken it: it gets what is configured by then
	s.OK("destinations", "add", "other", "--url", s.Dest.URL, "--no-sign")
	s.Fails(2, "3 wait for it: 1 pending, 1 dead, 1 parked; 3 have no other destination", "destinations", "remove", "crm")
	s.Fails(2, "None waits for it", "destinations", "remove", "other")

	s.Answer.Store(503)
	s.Post(clitest.Reply(8)) // for both
	s.Work()
	r := s.OK("destinations", "remove", "crm", "-y")
	if want := "1 pending"; strings.Contains(r.Err, want) { // they died again
		t.Errorf("said %q:\n%s", want, r.Err)
	}
	for _, want := range []string{"5 wait for it", "4 dead, 1 parked", "3 have no other destination"} {
		if !strings.Contains(r.Err, want) {
			t.Errorf("did not say %q:\n%s", want, r.Err)
		}
	}
}
