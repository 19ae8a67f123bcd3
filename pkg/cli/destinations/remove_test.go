package destinations_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/webhook"
)

// TestHandOver removes a destination whose events another one gets.
func TestHandOver(t *testing.T) {
	s := clitest.New(t)
	ids := s.DeadReplies(3)
	s.OK("events", "park", ids[0])
	s.OK("events", "replay", ids[1])
	s.OK("destinations", "add", "other", "--url", s.Dest.URL, "--no-sign")
	s.Fails(4, "no destination nobody", "destinations", "remove", "crm", "--to", "nobody", "-y")
	s.Fails(2, "is the destination to remove", "destinations", "remove", "crm", "--to", "crm", "-y")
	s.Fails(2, "--to OTHER hands them over", "destinations", "remove", "crm")
	s.Fails(2, "hand over to other what waits for it. 3 wait for it: 1 pending, 1 dead, 1 parked", "destinations", "remove", "crm", "--to", "other")

	r := s.OK("destinations", "remove", "crm", "--to", "other", "-y")
	for _, want := range []string{
		"3 events wait now for other: 1 pending, 1 dead, 1 parked", "redrive start", "destination crm is removed",
		"destinations remove crm --to other",
	} {
		if !strings.Contains(r.Err, want) {
			t.Errorf("did not say %q:\n%s", want, r.Err)
		}
	}
	s.Fails(4, "no destination crm, and no event waits", "destinations", "remove", "crm", "--to", "other", "-y")
	s.Answer.Store(200)
	s.OK("events", "unpark", ids[0])
	s.OK("events", "replay", ids[2])
	s.Work()
	for _, id := range ids {
		v := clitest.Lines(t, s.OK("events", "show", id, "--json").Out)[0]
		if v["state"] != string(webhook.Delivered) || !strings.Contains(s.OK("events", "show", id).Out, "other") {
			t.Errorf("%s is %v, want it delivered to other:\n%s", id, v["state"], s.OK("events", "show", id).Out)
		}
	}
}

// TestHandOverOfWhatWaitsForARemovedOne hands over what was left, or what a function
// that had not heard of the removal chose the destination for.
func TestHandOverOfWhatWaitsForARemovedOne(t *testing.T) {
	s := clitest.New(t)
	s.DeadReplies(2)
	s.OK("destinations", "add", "other", "--url", s.Dest.URL, "--no-sign")
	s.OK("destinations", "remove", "crm", "-y")
	v := clitest.Lines(t, s.OK("destinations", "remove", "crm", "--to", "other", "-y", "--json").Out)[0]
	if v["handed_over"] != 2.0 || v["removed"] != false || v["left"] != 0.0 || v["to"] != "other" {
		t.Errorf("got %v, want two events handed over, and nothing removed", v)
	}
}

// What the other destination had before, or refused for good, does not wait for it.
func TestHandOverToOneThatHadIt(t *testing.T) {
	for answer, want := range map[int32]string{200: "other had 2 events before, or did not want them", 400: "other refused 2 events for good before"} {
		s := clitest.New(t)
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(answer)) }))
		t.Cleanup(other.Close)
		s.OK("destinations", "add", "other", "--url", other.URL, "--no-sign")
		s.DeadReplies(2)
		r := s.OK("destinations", "remove", "crm", "--to", "other", "-y")
		if !strings.Contains(r.Err, want) || strings.Contains(r.Err, "wait now for other") {
			t.Errorf("want %q:\n%s", want, r.Err)
		}
	}
}
