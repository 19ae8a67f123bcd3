package doctor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

// found is the finding of one check.
func found(t *testing.T, s *clitest.Stack, check string) (result, detail string) {
	t.Helper()
	for _, v := range clitest.Lines(t, s.Run("doctor", "--json").Out) {
		if v["check"] == check {
			result, _ = v["result"].(string)
			detail, _ = v["detail"].(string)
		}
	}
	if result == "" {
		t.Fatalf("there is no check %q", check)
	}
	return result, detail
}

func open(n int) string {
	return fmt.Sprintf(`{"event_type":"EMAIL_OPEN","campaign_id":7,"stats_id":"open-%d","to_email":"ann@globex.example.net","event_timestamp":"2126-03-04T11:00:00Z"}`, n)
}

func bounce(n int) string { return strings.Replace(open(n), "EMAIL_OPEN", "EMAIL_BOUNCE", 1) }

// only makes the one destination take these types.
func only(s *clitest.Stack, types ...string) {
	args := []string{"destinations", "add", fmt.Sprintf("d%d", s.Clock().UnixMilli()), "--url", s.Dest.URL, "--no-sign"}
	for _, typ := range types {
		args = append(args, "--type", typ)
	}
	s.OK(args...)
}

func TestDoctorTellsAWantedTypeFromAFilter(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, today func(s *clitest.Stack)
		result        string
		says          string
	}{
		{
			"nothing is unrouted",
			func(s *clitest.Stack) { only(s); s.Post(clitest.Reply(1)) },
			func(s *clitest.Stack) { s.Post(clitest.Reply(2)) },
			"ok", "none in the last 24 hours",
		},
		{
			"a filter leaves out what it always left out",
			func(s *clitest.Stack) { only(s, "EMAIL_REPLY"); s.Post(clitest.Reply(1)); s.Post(open(1)) },
			func(s *clitest.Stack) { s.Post(clitest.Reply(2)); s.Post(open(2)); s.Post(open(3)) },
			"ok", "no filter wants 2 of the 3 events received; in the 24 hours before, 1 of the 2 events received",
		},
		{
			"the first day of a filter",
			func(*clitest.Stack) {},
			func(s *clitest.Stack) { only(s, "EMAIL_REPLY"); s.Post(open(2)) },
			"ok", "no filter wants 1 of 1 event received; in the 24 hours before, none was received",
		},
		{
			"a type that was delivered is unrouted",
			func(s *clitest.Stack) {
				only(s, "EMAIL_REPLY", "EMAIL_BOUNCE")
				s.Post(clitest.Reply(1))
				s.Post(bounce(1))
			},
			func(s *clitest.Stack) {
				s.OK("destinations", "remove", lastAdded(s), "-y")
				only(s, "EMAIL_REPLY")
				s.Post(clitest.Reply(2))
				s.Post(bounce(2))
			},
			"note", "Delivered then and no more: EMAIL_BOUNCE",
		},
		{
			"the share grew",
			func(s *clitest.Stack) {
				only(s, "EMAIL_REPLY")
				for n := range 20 {
					s.Post(clitest.Reply(n))
				}
				s.Post(open(1))
			},
			func(s *clitest.Stack) {
				s.Post(clitest.Reply(100))
				for n := range 12 {
					s.Post(open(100 + n))
				}
			},
			"note", "no filter wants 12 of the 13 events received; in the 24 hours before, 1 of the 21 events received",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := clitest.New(t)
			only(s, "MANUAL_STEP_REACHED")
			s.OK("destinations", "remove", "crm", "-y")
			c.before(s)
			s.Work()
			s.Advance(25 * time.Hour)
			c.today(s)
			s.Work()
			s.Advance(time.Minute)
			if result, detail := found(t, s, "unrouted events"); result != c.result || !strings.Contains(detail, c.says) {
				t.Errorf("%s: %s", result, detail)
			}
		})
	}
}

// lastAdded is the name of the destination that was added last.
func lastAdded(s *clitest.Stack) string {
	var name string
	for line := range strings.Lines(s.OK("destinations", "list").Out) {
		if n, _, _ := strings.Cut(line, " "); strings.HasPrefix(n, "d") && n > name {
			name = n
		}
	}
	return name
}

func TestDoctorTellsOfRemovedDestinations(t *testing.T) {
	s := clitest.New(t)
	if result, _ := found(t, s, "removed destinations"); result != "ok" {
		t.Errorf("nothing was removed: %s", result)
	}
	id := s.DeadReplies(1)[0]
	only(s, "EMAIL_BOUNCE")
	s.OK("destinations", "remove", "crm", "-y")
	s.OK("events", "replay", id)
	s.Work()
	if result, detail := found(t, s, "removed destinations"); result != "note" || !strings.Contains(detail, "1 event was delivered to nobody: the destination was removed while it waited") {
		t.Errorf("%s: %s", result, detail)
	}
	if result, detail := found(t, s, "unrouted events"); result != "ok" {
		t.Errorf("the filter is told, too: %s", detail)
	}
	if out := s.OK("doctor").Out; !strings.Contains(out, "events replay --state unrouted --error-class destination_removed") {
		t.Errorf("no command:\n%s", out)
	}
}
