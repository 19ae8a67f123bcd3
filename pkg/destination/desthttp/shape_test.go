package desthttp_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/webhook"
)

// Programs make path, headers and body; the host stays, and what an event writes is refused
// where it would lead elsewhere.
func TestProgramsShapeARequest(t *testing.T) {
	var path, body, header string
	asked := 0
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked++
		path, body, header = r.RequestURI, string(text), r.Header.Get("X-Lead")
	})
	shape := func(lead string) webhook.Outcome {
		d := delivery()
		d.Event.Lead = &webhook.Lead{Email: lead}
		cfg := desthttp.Config{
			URL: url + "/fixed?k=1", AllowHTTP: true, AllowPrivate: true, PathProgram: `"/leads/\(.lead.email|@uri)"`,
			HeaderPrograms: map[string]string{"X-Lead": `.lead.email`}, BodyProgram: `{email: .lead.email, type: .type}`,
		}
		return open(t, cfg, destination.Deps{}).Deliver(t.Context(), d)
	}
	if out := shape("tom/../x?@acme.example"); out.Result != webhook.ResultDelivered {
		t.Fatalf("outcome %+v", out)
	}
	if path != "/leads/tom%2F..%2Fx%3F%40acme.example?k=1" || body != `{"email":"tom/../x?@acme.example","type":"EMAIL_REPLY"}` || header != "tom/../x?@acme.example" {
		t.Errorf("path %s, body %s, header %s", path, body, header)
	}
	asked = 0
	for lead, words := range map[string]string{"a\r\nX-Evil: b": "control character", "..": "leads up", strings.Repeat("x", 3000): "2048"} {
		if out := shape(lead); out.Result != webhook.ResultPermanent || out.ErrorClass != "program_failed" || !strings.Contains(out.Error, words) {
			t.Errorf("%.20q: %+v, want it refused with %q", lead, out, words)
		}
	}
	if asked != 0 {
		t.Errorf("%d requests of events that are refused", asked)
	}
	for config, want := range map[string]string{
		`"body_program":"env"`:          "config.body_program: holds the function env, which is not allowed",
		`"path_program":"1 as $x | $x"`: "config.path_program: holds a variable", `"header_programs":{"Host":".type"}`: "config.header_programs.Host: is set by the delivery",
		`"header_programs":{"X Y":".type"}`: "config.header_programs: a name holds a character",
		`"query_programs":{"k":".type"}`:    "config.query_programs.k: is in the URL's query already", `"query_programs":{"":".type"}`: "config.query_programs: a name is empty",
		`"query_programs":{"t":"env"}`: "config.query_programs.t: holds the function env",
	} {
		_, err := destination.Types{desthttp.Type}.Parse([]byte(`{"type":"http","config":{"url":"https://x.example/?k=topsecret",` + config + `}}`))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

// Programs add to the query, behind what is there, and nothing that an event writes becomes
// a member, a path or a host. What the URL holds is not shown in an answer either.
func TestProgramsAddToTheQuery(t *testing.T) {
	var uri string
	status, text := http.StatusOK, ""
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		uri = r.RequestURI
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	})
	query := func(address string, programs map[string]string, lead string) webhook.Outcome {
		d := delivery()
		d.Event.Lead = &webhook.Lead{Email: lead}
		cfg := desthttp.Config{URL: url + address, AllowHTTP: true, AllowPrivate: true, QueryPrograms: programs}
		return open(t, cfg, destination.Deps{}).Deliver(t.Context(), d)
	}
	all := map[string]string{"email": ".lead.email", "n": ".attempt + 1233567", "ok": `.type == "EMAIL_REPLY"`, "none": ".nothing", "empty": `""`, "a b&c": ".type"}
	if out := query("/in?key=s%2Fecret&x", all, "tom+1 ü@acme.example&key=evil#?/../"); out.Result != webhook.ResultDelivered {
		t.Fatalf("outcome %+v", out)
	}
	const want = "/in?key=s%2Fecret&x&a%20b%26c=EMAIL_REPLY&email=tom%2B1%20%C3%BC%40acme.example%26key%3Devil%23%3F%2F..%2F&empty=&n=1233570&ok=true"
	if uri != want {
		t.Errorf("asked for %s\nwant      %s", uri, want)
	}
	if query("", map[string]string{"t": ".type"}, "a@b.example"); uri != "/?t=EMAIL_REPLY" {
		t.Errorf("without a query and a path: %s", uri)
	}
	for program, words := range map[string]string{".lead": "the member t of the query is a list or an object", ".lead.email": "more than 1024 bytes"} {
		uri = ""
		if out := query("/", map[string]string{"t": program}, strings.Repeat("x", 2000)); out.Result != webhook.ResultPermanent || out.ErrorClass != "program_failed" || !strings.Contains(out.Error, words) || uri != "" {
			t.Errorf("%s: %+v after %s, want it refused with %q", program, out, uri, words)
		}
	}
	status, text = http.StatusBadRequest, "you asked with key=topsecret"
	if out := query("/in?key=topsecret", map[string]string{"t": ".type"}, "a@b.example"); out.Result != webhook.ResultPermanent || strings.Contains(out.Error, "topsecret") {
		t.Errorf("the answer shows the key: %+v", out)
	}
}
