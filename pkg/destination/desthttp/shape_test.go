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
	} {
		_, err := destination.Types{desthttp.Type}.Parse([]byte(`{"type":"http","config":{"url":"https://x.example",` + config + `}}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}
