package destinations_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/cli/destcare"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthubspot"
)

// Of an event that came in, an operator reads who wants it and why the others do not.
func TestWhoWantsAnEvent(t *testing.T) {
	s := clitest.New(t)
	s.OK("send", "../../../events/payloads/help/reply.json")
	s.OK("destinations", "add", "opens", "--url", s.Dest.URL, "--type", "EMAIL_OPEN", "--lead-domain", "nowhere.example", "--no-sign")
	s.OK("destinations", "add", "replies", "--url", s.Dest.URL, "--if", `.type == "EMAIL_REPLY" and (.reply.text | length) > 0`, "--no-sign")
	s.OK("destinations", "add", "failing", "--url", s.Dest.URL, "--if", `.reply.text | tonumber`, "--no-sign")
	out := s.OK("destinations", "test", "--event", "latest").Out
	for _, want := range []string{"its type is EMAIL_REPLY, and EMAIL_OPEN is wanted; its lead's domain is", "replies", "yes", "unknown", "the condition cannot be decided"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	wants := map[string]any{}
	for _, line := range clitest.Lines(t, s.OK("destinations", "test", "--event", "latest", "--json").Out) {
		wants[line["destination"].(string)] = line["wants"]
	}
	if wants["replies"] != true || wants["opens"] != false || wants["failing"] != false {
		t.Errorf("got %v", wants)
	}
	s.Fails(2, "not both", "destinations", "test")
	s.Fails(2, "not both", "destinations", "test", "replies", "--event", "latest")
	s.Fails(4, "no event", "destinations", "test", "--event", "v1:EMAIL_REPLY:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	s.Fails(2, "--if: holds the function env, which is not allowed", "destinations", "add", "x", "--url", s.Dest.URL, "--if", "env.HOME")
	s.Fails(2, "filter.lead_domains[0]: is a domain", "destinations", "add", "x", "--url", s.Dest.URL, "--lead-domain", "a@b.example")
}

// HubSpot has no use for what has no lead: nothing is sent, and nothing failed.
func TestASampleThatATypeHasNoUseFor(t *testing.T) {
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, "pat-na1-hidden")
	s.OK("destinations", "add", "hub", "--kind", "hubspot", "--token", "pat-na1-hidden", "--property", "jobtitle=.lead.title", "--note", "email-reply")
	if list := s.OK("destinations", "list", "--json").Out; !strings.Contains(list, `"properties":["jobtitle"]`) {
		t.Errorf("got %s", list)
	}
	s.Fails(2, "--property: a name is the internal one", "destinations", "set", "hub", "--property", "Job Title=.lead.title")
	if out := s.OK("destinations", "test", "hub", "--type", "CAMPAIGN_STATUS_CHANGED").Out; !strings.Contains(out, "hub has no use for CAMPAIGN_STATUS_CHANGED") {
		t.Errorf("got %s", out)
	}
	s.Fails(2, "--property jobtitle: holds", "destinations", "set", "hub", "--property", "jobtitle=env", "-y")
	s.Fails(2, "it is an event type", "destinations", "set", "hub", "--note", "nonsense")
	s.OK("destinations", "set", "hub", "--property", "jobtitle=", "--no-notes", "-y")
	if list := s.OK("destinations", "list", "--json").Out; strings.Contains(list, "jobtitle") || !strings.Contains(list, `"notes":[]`) {
		t.Errorf("got %s", list)
	}
	s.OK("destinations", "set", "hub", "--no-notes=false", "-y")
	if list := s.OK("destinations", "list", "--json").Out; !strings.Contains(list, "EMAIL_BOUNCE") {
		t.Errorf("without notes still: %s", list)
	}
	cfg := destination.Config{Type: "hubspot", Settings: &desthubspot.Config{Token: "pat-na1-hidden", NoNotes: true}}
	fields, err := destcare.FieldsOf(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields { // as a form shows it
		if f.Name == "no-notes" && (!f.Switch || f.Value != "true") || f.Name == "token" && (!f.Hidden || f.Value != "") {
			t.Errorf("the field %+v", f)
		}
	}
}

func TestASampleOfEachType(t *testing.T) {
	s := clitest.New(t)
	s.OK("destinations", "add", "two", "--url", s.Dest.URL, "--type", "EMAIL_OPEN", "--type", "EMAIL_BOUNCE", "--no-sign")
	lines := clitest.Lines(t, s.OK("destinations", "test", "two", "--each-type", "--json").Out)
	if len(lines) != 2 || lines[0]["type"] != "EMAIL_OPEN" || lines[1]["type"] != "EMAIL_BOUNCE" || lines[1]["result"] != "delivered" {
		t.Errorf("got %v", lines)
	}
	s.OK("destinations", "set", "two", "--no-filter", "-y")
	if out := s.OK("destinations", "test", "two", "--each-type").Out; strings.Count(out, "answered 200") != 15 {
		t.Errorf("got\n%s", out)
	}
	if out := s.OK("destinations", "test", "two", "--type", "open", "--json").Out; !strings.Contains(out, `"type":"EMAIL_OPEN"`) {
		t.Errorf("got %s", out)
	}
	s.Answer.Store(500)
	s.Fails(1, "did not take every sample", "destinations", "test", "two", "--each-type")
}

// A secret that is typed or piped stands in no command.
func TestASecretFromStandardInput(t *testing.T) {
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, "pat-na1-typed", "hidden-header")
	s.Fails(2, "no secret was given", "destinations", "add", "hub", "--kind", "hubspot", "--token", "-")
	s.Input = "pat-na1-typed\n"
	s.OK("destinations", "add", "hub", "--kind", "hubspot", "--token", "-")
	s.Input = "Authorization: Bearer hidden-header\n"
	var got http.Header
	crm := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer crm.Close()
	s.OK("destinations", "add", "desk", "--url", crm.URL, "--header", "X-Team: ops", "--header", "-")
	s.OK("destinations", "test", "desk")
	if got.Get("Authorization") != "Bearer hidden-header" || got.Get("X-Team") != "ops" {
		t.Errorf("sent %v", got)
	}
}
