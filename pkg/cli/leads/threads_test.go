package leads_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/destslack"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// slack takes every message, and says into which thread each was to go.
type slack struct{ asked []string }

func (s *slack) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	thread := ""
	if _, after, found := strings.Cut(string(body), `"thread_ts":"`); found {
		thread, _, _ = strings.Cut(after, `"`)
	}
	s.asked = append(s.asked, thread)
	answer := `{"ok":true,"ts":"1772704800.000` + string(rune('0'+len(s.asked))) + `00","message":{"thread_ts":"` + thread + `"}}`
	return &http.Response{StatusCode: http.StatusOK, Request: r, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

// Where a lead's thread is, is forgotten with the lead: in the table itself, by the command.
func TestForgetErasesThePlaceOfAThread(t *testing.T) {
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, "xoxb-hidden")
	add := []string{"destinations", "add", "sales", "--kind", "slack", "--token", "xoxb-hidden", "--channel", "C1", "--threads"}
	s.OK(add...)
	add[2], add[8] = "again", "#c2"
	s.OK(append(add, "--type", "reply")...)
	remote := &slack{}
	channel := func(name string) func(lead string) {
		cfg := destination.Config{Type: "slack", Settings: &destslack.Config{Token: "xoxb-hidden", Channel: name, Threads: true}}
		target, err := destination.New("sales", cfg, destination.Deps{
			Transport: remote, Now: s.Clock, Documents: ledger.New(awssdk.DynamoDB{Client: s.Clients.DynamoDB}, s.At.Table),
		})
		if err != nil {
			t.Fatal(err)
		}
		return func(lead string) {
			d := webhook.Delivery{Event: webhook.Event{ID: "v1:EMAIL_REPLY:A", Type: webhook.EmailReply, Lead: &webhook.Lead{Email: lead}}, IdempotencyKey: "A"}
			if out := target.Deliver(t.Context(), d); out.Result != webhook.ResultDelivered {
				t.Fatalf("%+v", out)
			}
		}
	}
	first, second := channel("C1"), channel("#c2")
	first("Lead1@acme.example.com")
	first("lead1@acme.example.com")
	second("lead1@acme.example.com")
	first("lead2@acme.example.com")
	if got := strings.Join(remote.asked, ","); got != ",1772704800.000100,," {
		t.Fatalf("threads asked for: %s", got)
	}
	if text, _, _ := kept(t, s); strings.Contains(strings.ToLower(text), "lead1") || strings.Count(text, "slack-thread") != 3 {
		t.Errorf("the table has\n%s", text)
	}
	s.Fails(2, "for good: 0 events, 2 threads' places", "leads", "forget", "lead1@acme.example.com")
	if r := s.OK("leads", "forget", "lead1@acme.example.com", "--yes"); r.Out != "erased: 0 events, 2 threads' places\n" {
		t.Errorf("got %s", r.Out)
	}
	if text, _, _ := kept(t, s); strings.Contains(text, "1772704800.000100") || strings.Contains(text, "1772704800.000300") || !strings.Contains(text, "1772704800.000400") {
		t.Errorf("the table has\n%s", text)
	}
	s.Fails(4, "nothing is kept", "leads", "forget", "lead1@acme.example.com")
	remote.asked = nil
	first("lead1@acme.example.com")
	first("lead2@acme.example.com")
	if got := strings.Join(remote.asked, ","); got != ",1772704800.000400" {
		t.Errorf("threads asked for afterwards: %s", got)
	}
	s.OK("leads", "forget", "lead1@acme.example.com", "--yes")
	if v := clitest.Lines(t, s.OK("leads", "forgotten", "lead1@acme.example.com", "--json").Out); len(v) != 2 || v[1]["erased"].(map[string]any)["threads"] != 1.0 {
		t.Errorf("the record is %v", v)
	}
}
