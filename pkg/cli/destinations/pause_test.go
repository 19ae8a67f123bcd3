package destinations_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestPauseAndResume(t *testing.T) {
	s := clitest.New(t)
	s.OK("destinations", "add", "erp", "--url", s.Dest.URL, "--no-sign")
	s.Fails(4, "no destination other", "destinations", "pause", "other")
	s.Fails(4, "no destination other", "destinations", "resume", "other")
	if r := s.OK("destinations", "resume", "erp"); !strings.Contains(r.Err, "nothing to do") {
		t.Errorf("got %s", r.Err)
	}
	if r := s.OK("destinations", "pause", "erp"); !strings.Contains(r.Err, "its events wait then until") {
		t.Errorf("got %s", r.Err)
	}
	if r := s.OK("destinations", "pause", "erp"); !strings.Contains(r.Err, "nothing to do: destination erp has been paused since") {
		t.Errorf("got %s", r.Err)
	}
	if list := s.OK("destinations", "list").Out; !strings.Contains(list, "paused since") {
		t.Errorf("got\n%s", list)
	}
	view := listed(t, s, "erp")
	if view["paused_at"] == nil || view["paused_by"] == nil {
		t.Errorf("got %v", view)
	}
	if r := s.OK("destinations", "resume", "erp"); !strings.Contains(r.Err, "is resumed") {
		t.Errorf("got %s", r.Err)
	}
	if list := s.OK("destinations", "list").Out; strings.Contains(list, "paused") {
		t.Errorf("got\n%s", list)
	}
	// A pause goes with its destination.
	s.OK("destinations", "pause", "erp")
	s.OK("destinations", "remove", "erp", "-y")
	s.OK("destinations", "add", "erp", "--url", s.Dest.URL, "--no-sign")
	if list := s.OK("destinations", "list").Out; strings.Contains(list, "paused") {
		t.Errorf("got\n%s", list)
	}
}

func TestLimits(t *testing.T) {
	s := clitest.New(t)
	s.Fails(2, "--per-second: is between 0.01 and 1000", "destinations", "add", "erp", "--url", s.Dest.URL, "--no-sign", "--per-second", "5000")
	s.Fails(2, "--at-once: is between 1 and 1000", "destinations", "add", "erp", "--url", s.Dest.URL, "--no-sign", "--at-once", "-1")
	s.OK("destinations", "add", "erp", "--url", s.Dest.URL, "--no-sign", "--per-second", "5")
	if list := s.OK("destinations", "list").Out; !strings.Contains(list, "5 a second") {
		t.Errorf("got\n%s", list)
	}
	if r := s.OK("destinations", "set", "erp", "--at-once", "2", "--breaker=false"); !strings.Contains(r.Err, "limits: 5 a second, 2 at once, no breaker, was 5 a second") {
		t.Errorf("got %s", r.Err)
	}
	s.OK("destinations", "set", "erp", "--url", s.Dest.URL+"/new", "-y") // leaves them as they are
	view := listed(t, s, "erp")
	limits, _ := view["limits"].(map[string]any)
	if limits["per_second"] != 5.0 || limits["concurrency"] != 2.0 || limits["no_breaker"] != true {
		t.Errorf("got %v", view)
	}
	if r := s.OK("destinations", "set", "erp", "--per-second", "0", "--at-once", "0", "--breaker"); !strings.Contains(r.Err, "limits: none") {
		t.Errorf("got %s", r.Err)
	}
}

// listed is a destination as list --json shows it.
func listed(t *testing.T, s *clitest.Stack, name string) map[string]any {
	t.Helper()
	for _, line := range clitest.Lines(t, s.OK("destinations", "list", "--json").Out) {
		if line["name"] == name {
			return line
		}
	}
	t.Fatalf("%s is not listed", name)
	return nil
}
