package desthttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/webhook"
)

func TestHTTPShowsAnAnswerButNothingSecret(t *testing.T) {
	cfg := desthttp.Config{
		Secrets: []string{secret('a')},
		Headers: map[string]string{"Authorization": "Bearer headersecret"},
	}
	const ours = `/hooks/pathsecret123?key=querysecret`
	for name, c := range map[string]struct {
		answer string
		shown  bool
	}{
		"a reason":              {`{"error":"contact is missing"}`, true},
		"control characters":    {"contact is\x1b[31m\r\n\tmissing\u202e", true},
		"invalid UTF-8":         {"contact is\xff\xfe missing", true},
		"long":                  {"contact is missing " + strings.Repeat("ä", 4000), true},
		"our path":              {"contact is missing: Cannot POST /hooks/pathsecret123", false},
		"a part of our path":    {"contact is missing: …pathsecret12", false},
		"our query":             {"contact is missing: key=querysecret", false},
		"our header":            {"contact is missing: headersecret", false},
		"our password":          {"contact is missing: passw0rd", false},
		"our signing secret":    {"contact is missing: " + secret('a'), false},
		"our event":             {`contact is missing: {"schema":"smartlead.event.v1","reply":{}}`, false},
		"a secret far into it":  {"contact is missing " + strings.Repeat(" ", 2000) + "querysecret", false},
		"nothing to speak of":   {"", false},
		"only white space, too": {" \n", false},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = io.WriteString(w, c.answer)
			})
			cfg.URL = strings.Replace(url, "://", "://u:passw0rd@", 1) + ours
			out := newHTTP(t, cfg).Deliver(t.Context(), delivery())
			if shown := strings.Contains(out.Error, "contact is") && strings.Contains(out.Error, "missing"); shown != c.shown {
				t.Errorf("error %q", out.Error)
			}
			if len(out.Error) > 300 || !utf8.ValidString(out.Error) || strings.ContainsAny(out.Error, "\x1b\r\n\t\u202e\ufffd") {
				t.Errorf("error %q", out.Error)
			}
			if !strings.Contains(out.Error, "422") {
				t.Errorf("no status in %q", out.Error)
			}
		})
	}
}

func TestHTTPRefusesAnEventThatIsNoJSON(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	bad := delivery()
	bad.Event.Raw = json.RawMessage(`{`)
	out := newHTTP(t, desthttp.Config{URL: url}).Deliver(t.Context(), bad)
	if out.Result != webhook.ResultPermanent || out.ErrorClass != "encode" {
		t.Errorf("outcome %+v", out)
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestHTTPDoesNotQuoteAnErrorThatNamesAURL(t *testing.T) {
	for _, err := range []error{
		errors.New("proxy http://user:passw0rd@proxy refused"),
		fmt.Errorf("wrapped: %w", context.DeadlineExceeded),
	} {
		d := open(t, desthttp.Config{URL: "https://crm.example/x?k=querysecret"}, destination.Deps{Transport: failing{err}})
		out := d.Deliver(t.Context(), delivery())
		if out.Result != webhook.ResultRetry || strings.Contains(out.Error, "secret") || strings.Contains(out.Error, "passw0rd") || !strings.Contains(out.Error, "crm.example") {
			t.Errorf("outcome %+v", out)
		}
	}
}
