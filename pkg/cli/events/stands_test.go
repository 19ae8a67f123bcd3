package events_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

// What a destination asked to make later is no attempt of the budget, and yet it was
// tried.
func TestAPostponedAttemptIsShown(t *testing.T) {
	s := clitest.New(t)
	limited := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(limited.Close)
	s.OK("destinations", "add", "limited", "--url", limited.URL, "--no-sign")
	id := s.Post(clitest.Reply(1))
	s.Work()
	shown := s.OK("events", "show", id).Out
	if !regexp.MustCompile(`limited +postponed, is retried +0 and 1 postponed`).MatchString(shown) || !strings.Contains(shown, "it is tried again in ") {
		t.Errorf("postponed:\n%s", shown)
	}
	v := clitest.Lines(t, s.OK("events", "show", id, "--json").Out)[0]
	for _, d := range v["destinations"].([]any) {
		if d := d.(map[string]any); d["name"] == "limited" && (d["postponed"] != 1.0 || d["attempts"] != 0.0) {
			t.Errorf("as JSON: %v", d)
		}
	}
	s.Advance(time.Hour)
	if shown := s.OK("events", "show", id).Out; !strings.Contains(shown, "its next attempt was due 4") || strings.Contains(shown, "tried again") {
		t.Errorf("behind its due time:\n%s", shown)
	}
}
