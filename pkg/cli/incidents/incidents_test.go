package incidents_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/ledger"
)

const disconnected = `{"eventType":"EMAIL_ACCOUNT_DISCONNECTED","accountId":8801,"email":"mira@outbound.example",
"error":"IMAP login failed for mira@outbound.example","title":"Account disconnected","secret_key":"` + clitest.SecretKey + `"}`

// A person finds what is wrong without knowing where to look.
func TestIncidentsOfARealStack(t *testing.T) {
	s := clitest.New(t)
	s.Sweep() // the first look
	if r := s.OK("incidents"); !strings.Contains(r.Err, "no incident goes on") || r.Out != "" {
		t.Fatalf("got %s%s", r.Out, r.Err)
	}
	dead := s.DeadReplies(2)
	s.Post(disconnected)
	s.Post(strings.Replace(clitest.Reply(0), "Yes", "No", 1)) // a variant
	s.Getenv["SMARTLEAD_TOKEN"] = "wrong-token-000"
	s.Fails(1, "events refused", "send", "--source", "nobody", s.File("reply.json", clitest.Reply(1)))
	s.Advance(3 * time.Minute)
	s.Sweep()

	list := clitest.Lines(t, s.OK("incidents", "--json").Out)
	byKind := map[string]map[string]any{}
	for _, in := range list {
		byKind[in["kind"].(string)] = in
	}
	for kind, want := range map[string]struct {
		what, look string
		count      float64
	}{
		"dead":           {"events died: http_503 at crm", "events show " + dead[1], 2},
		"provider_alert": {"Smartlead reports EMAIL_ACCOUNT_DISCONNECTED of mira@outbound.example", "events show v1:EMAIL_ACCOUNT_DISCONNECTED:", 1},
		"variant":        {"variants came via demo", "events variants " + dead[0], 1},
		"refused":        {"requests are refused: unknown_source", "events refused", 1},
		"sweep":          {"the sweeper sent messages again", "doctor", 1}, // the alert, that no worker took
	} {
		in := byKind[kind]
		if in == nil || in["what"] != want.what || !strings.Contains(in["first_look"].(string), want.look) || in["count"] != want.count || in["state"] != "open" {
			t.Errorf("%s: got %v", kind, in)
		}
	}
	if len(list) != 5 {
		t.Errorf("%d incidents: %v", len(list), list)
	}
	if text := byKind["provider_alert"]["text"]; text != "IMAP login failed for [redacted]" {
		t.Errorf("the alert says %q", text)
	}
	id := byKind["dead"]["id"].(string)
	if r := s.OK("incidents", "--kind", "dead"); !strings.Contains(r.Out, id) || !strings.Contains(r.Out, "http_503 at crm") || strings.Count(r.Out, "\n") != 2 {
		t.Errorf("got\n%s", r.Out)
	}
	if r := s.OK("incidents", "ack", id, "--note", "told the CRM"); !strings.Contains(r.Out, "acknowledged") || !strings.Contains(r.Out, "told the CRM") {
		t.Errorf("got\n%s", r.Out)
	}
	if v := clitest.Lines(t, s.OK("incidents", "list", "--open", "--source", "demo", "--json").Out); len(v) != 1 {
		t.Errorf("open ones of the source: %v", v)
	}
	s.OK("incidents", "close", id)
	s.Fails(1, "is closed", "incidents", "ack", id)
	if r := s.OK("incidents", "show", id); !strings.Contains(r.Out, "an operator closed it") {
		t.Errorf("got\n%s", r.Out)
	}
	if v := clitest.Lines(t, s.OK("incidents", "--all", "--json").Out); len(v) != 5 || v[4]["id"] != id {
		t.Errorf("closed ones come last: %v", v)
	}
	s.Fails(4, "there is no incident", "incidents", "show", "aaaaaaaaaa")
	s.Fails(2, "ten letters and digits", "incidents", "show", "v1:EMAIL_REPLY:A")
	s.Fails(2, "did you mean: --kind dead", "incidents", "--kind", "dad")
	s.Fails(2, "exclude", "incidents", "--open", "--all")
	s.Fails(2, "the id of an incident", "incidents", "show")
}

// What a sender wrote reaches a terminal as data.
func TestTextsAreData(t *testing.T) {
	s := clitest.New(t)
	store := incident.NewStore(ledger.New(awssdk.DynamoDB{Client: s.Clients.DynamoDB}, s.At.Table), s.Clock)
	in, err := store.Record(t.Context(), incident.Sighting{
		Key:  incident.Key{Kind: incident.KindError, Cause: "\x1b[31mred\n\u202etxt", Source: "demo"},
		Text: "\x1b]0;title\x07two\nlines", Count: 1, First: s.Clock(), Last: s.Clock(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"incidents"}, {"incidents", "show", in.ID}, {"incidents", "--json"}} {
		if out := s.OK(args...).Out; strings.ContainsAny(out, "\x1b\x07\u202e") || strings.Contains(out, "two\nlines") {
			t.Errorf("%v: %q", args, out)
		}
	}
}

// Every first look is a command that exists.
func TestFirstLooksExist(t *testing.T) {
	s := clitest.New(t)
	for _, kind := range incident.Kinds {
		for _, example := range []string{"", "v1:EMAIL_REPLY:A"} {
			for _, cause := range []string{"x", incident.Others} {
				in := incident.Incident{ID: "aaaaaaaaaa", Key: incident.Key{Kind: kind, Cause: cause}, Example: example}
				if r := s.OK(append(in.FirstLook(), "--help")...); !strings.Contains(r.Out, "Usage") {
					t.Errorf("%v: %s", in.FirstLook(), r.Out)
				}
				if in.What() == "" {
					t.Errorf("%s says nothing", kind)
				}
			}
		}
	}
}

// An error of a tool is one line, however often it comes and whatever it names.
func TestErrorWebhook(t *testing.T) {
	s := clitest.New(t)
	report := func(path, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Front.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(answer)
	}
	hook := "/errors/demo/" + s.Token
	for i := range 3 {
		status, answer := report(hook, fmt.Sprintf(`{"code":"E_CRM","message":"row %d of lead%d@acme.example.com failed, key whsec_%d0123456789, see %s"}`, i, i, i, s.Token))
		if status != 200 || !strings.Contains(answer, `{"status":"counted","incidents":["`) {
			t.Fatalf("%d %s", status, answer)
		}
		s.Advance(11 * time.Second)
	}
	for path, want := range map[string]int{"/errors/demo/wrong": 401, "/errors/nobody/" + s.Token: 401, "/errors/demo?token=" + s.Token: 200} {
		if status, answer := report(path, `"disk is full"`); status != want {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	list := clitest.Lines(t, s.OK("incidents", "--kind", "error", "--json").Out)
	if len(list) != 2 || list[0]["what"] != "error via demo: disk is full" {
		t.Fatalf("%v", list)
	}
	in := list[1]
	if in["count"] != 3.0 || !strings.HasPrefix(in["what"].(string), "error via demo: E_CRM: row # of [redacted] failed, key [redacted]") {
		t.Errorf("%v", in)
	}
	r := s.OK("incidents", "show", in["id"].(string))
	if !strings.Contains(r.Out, "row 2 of [redacted]") || strings.Contains(r.Out, "acme.example.com") || strings.Contains(r.Out, s.Token) {
		t.Errorf("got\n%s", r.Out)
	}
	if v := clitest.Lines(t, s.OK("events", "list", "--json").Out); len(v) != 0 {
		t.Errorf("an error is no event: %v", v)
	}
}

// A source that sends nothing for as long as an operator set is told of, also where it
// never sent anything, until it sends, or is removed.
func TestASilentSourceOfARealStack(t *testing.T) {
	s := clitest.New(t)
	s.Sweep()
	s.OK("sources", "set", "demo", "--silent-after", "1h")
	s.OK("sources", "add", "other")
	s.Said = nil
	s.OK("sources", "set", "other", "--silent-after", "2h")
	silent := func() (names []string) {
		for range 2 {
			s.Advance(6 * time.Minute)
			s.Sweep()
		}
		for _, in := range clitest.Lines(t, s.OK("incidents", "--json").Out) {
			if in["kind"] == "silence" {
				names = append(names, in["source"].(string))
			}
		}
		slices.Sort(names)
		return names
	}
	s.Advance(30 * time.Minute)
	if names := silent(); len(names) > 0 {
		t.Errorf("after less than an hour: %v", names)
	}
	s.Advance(30 * time.Minute)
	if names := silent(); !slices.Equal(names, []string{"demo"}) {
		t.Errorf("after an hour: %v", names)
	}
	if r := s.OK("incidents"); !strings.Contains(r.Out, "no event comes in via demo") {
		t.Errorf("got\n%s", r.Out)
	}
	s.Advance(50 * time.Minute)
	if names := silent(); !slices.Equal(names, []string{"demo", "other"}) {
		t.Errorf("after two hours: %v", names)
	}
	s.Post(clitest.Reply(1))
	s.OK("sources", "remove", "other", "--yes")
	if names := silent(); len(names) > 0 {
		t.Errorf("one sent, one was removed: %v", names)
	}
}

// A destination that is sent nothing is told of.
func TestADestinationThatIsSentNothing(t *testing.T) {
	s := clitest.New(t)
	s.Sweep() // the first look
	s.Answer.Store(http.StatusServiceUnavailable)
	for n := range 12 {
		s.Post(clitest.Reply(n))
		s.Work()
	}
	s.Advance(3 * time.Minute)
	s.Sweep()
	of := func(kind string) map[string]any {
		t.Helper()
		s.Advance(time.Minute)
		s.Sweep()
		for _, in := range clitest.Lines(t, s.OK("incidents", "--all", "--json").Out) {
			if in["kind"] == kind {
				return in
			}
		}
		return nil
	}
	in := of("breaker")
	if in == nil || in["state"] != "open" || in["what"] != "crm fails and is sent nothing: its breaker is open" ||
		!strings.Contains(in["text"].(string), "http_503") || !strings.HasSuffix(in["first_look"].(string), "destinations list") {
		t.Fatalf("breaker: %v", in)
	}
	s.OK("destinations", "pause", "crm")
	if in := of("pause"); in == nil || in["state"] != "open" || in["subject"] != "crm" {
		t.Errorf("pause: %v", in)
	}
	s.OK("destinations", "resume", "crm")
	if in := of("pause"); in == nil || in["state"] != "closed" {
		t.Errorf("resumed: %v", in)
	}
	s.Advance(6 * time.Minute)
	if in := of("breaker"); in == nil || in["state"] != "closed" {
		t.Errorf("closed: %v", in)
	}
}
