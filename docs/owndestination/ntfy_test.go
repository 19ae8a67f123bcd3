package owndestination_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"smartlead-receiver/docs/owndestination"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

// server answers each request with a status.
type server struct {
	status int
	key    string
	text   string
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	s.key, s.text = r.Header.Get("Idempotency-Key"), string(text)
	return &http.Response{StatusCode: s.status, Request: r, Body: http.NoBody}, err
}

func TestTheExampleDelivers(t *testing.T) {
	cfg, err := destination.Types{owndestination.Type}.Parse([]byte(`{"type":"ntfy","config":{"topic_url":"https://ntfy.sh/topic"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for status, want := range map[int]webhook.Result{200: webhook.ResultDelivered, 404: webhook.ResultPermanent, 503: webhook.ResultRetry} {
		s := &server{status: status}
		target, err := destination.New("phone", cfg, destination.Deps{Transport: s})
		if err != nil {
			t.Fatal(err)
		}
		out := target.Deliver(t.Context(), webhook.Delivery{IdempotencyKey: "k", Event: webhook.Event{Type: webhook.EmailReply, Lead: &webhook.Lead{Email: "a@b.example"}}})
		if out.Result != want || s.key != "k" || s.text != "EMAIL_REPLY of a@b.example" {
			t.Errorf("%d: %+v, sent %q under %q", status, out, s.text, s.key)
		}
	}
}

// The document shows nothing that the example does not hold.
func TestTheDocumentShowsTheExample(t *testing.T) {
	document, err := os.ReadFile("../DESTINATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("ntfy.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(document), "```go\n")
	code, _, closed := strings.Cut(after, "```")
	if !found || !closed || !strings.Contains(string(example), code) {
		t.Errorf("the code of docs/DESTINATIONS.md is not in ntfy.go:\n%s", code)
	}
}
