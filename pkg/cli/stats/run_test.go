package stats_test

import (
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestStats(t *testing.T) {
	s := clitest.New(t)
	for i := range 4 {
		s.Post(clitest.Reply(i))
		s.Advance(30 * time.Minute)
	}
	s.Work()
	v := clitest.Lines(t, s.OK("stats", "--json").Out)[0]
	if v["count"] != 4.0 || len(v["hours"].(map[string]any)) != 2 {
		t.Errorf("got %v", v)
	}
	if r := s.OK("stats", "--max", "1"); !strings.Contains(r.Err, "newest") {
		t.Errorf("a partial count must say so: %s", r.Err)
	}
	s.Fails(2, "31 days", "stats", "--since", "90d")
}
