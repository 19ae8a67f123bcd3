package notice_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/notice"
)

// stored are targets as they are stored.
type stored map[string][]byte

func (s stored) Destinations(context.Context) (map[string][]byte, error) { return s, nil }

// endpoint takes requests and answers with a status.
type endpoint struct {
	*httptest.Server
	status int
	got    []*http.Request
	bodies []string
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{status: http.StatusOK}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.got, e.bodies = append(e.got, r), append(e.bodies, string(body))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(e.status)
	}))
	t.Cleanup(e.Close)
	return e
}

func target(t *testing.T, name, url string) notice.Target {
	t.Helper()
	secret, err := notice.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	to, err := notice.NewTarget(name, url, []string{secret}, true)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func sender(t *testing.T, targets ...notice.Target) *notice.Sender {
	t.Helper()
	s := stored{}
	for _, to := range targets {
		form, err := to.Encode()
		if err != nil {
			t.Fatal(err)
		}
		s[to.Name] = form
	}
	return notice.NewSender(s, destination.Deps{})
}

var message = notice.Message{ID: "notice-1", Text: "acme: <!channel> & <https://evil.example|here>", Document: map[string]int{"more": 1}}

func TestSlackGetsTextThatMeansNothing(t *testing.T) {
	e := newEndpoint(t)
	s := sender(t, target(t, notice.Slack, e.URL+"/services/T0/B0/hidden"))
	if err := s.Send(t.Context(), notice.Slack, message); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(e.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got["text"] != "acme: &lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;" || got["unfurl_links"] != false || len(got) != 3 {
		t.Errorf("got %v", got)
	}
	long := message
	long.Text = strings.Repeat("é<", 10_000)
	if err := s.Send(t.Context(), notice.Slack, long); err != nil || len(e.bodies[1]) > 20_000 {
		t.Errorf("a long text is %d bytes (%v)", len(e.bodies[1]), err)
	}
}

func TestHTTPGetsTheDocumentSigned(t *testing.T) {
	e := newEndpoint(t)
	s := sender(t, target(t, notice.HTTP, e.URL))
	if err := s.Send(t.Context(), notice.HTTP, message); err != nil {
		t.Fatal(err)
	}
	h := e.got[0].Header
	if e.bodies[0] != `{"more":1}` || h.Get("webhook-id") != "notice-1" || !strings.HasPrefix(h.Get("webhook-signature"), "v1,") || h.Get("content-type") != "application/json" {
		t.Errorf("%s %v", e.bodies[0], h)
	}
	if names, err := s.Targets(t.Context()); err != nil || len(names) != 1 || names[0] != notice.HTTP {
		t.Errorf("%v %v", names, err)
	}
}

// What is not 2xx was not told; the error holds no part of the URL but its host, and a
// redirect is not followed.
func TestWhatIsNotTakenIsAnError(t *testing.T) {
	for _, status := range []int{302, 400, 410, 500, 503} {
		e := newEndpoint(t)
		e.status = status
		err := sender(t, target(t, notice.Slack, e.URL+"/services/hidden-path")).Send(t.Context(), notice.Slack, message)
		if err == nil || strings.Contains(err.Error(), "hidden-path") || len(e.got) != 1 {
			t.Errorf("%d: %v, %d requests", status, err, len(e.got))
		}
	}
}

func TestTargetsAreGuarded(t *testing.T) {
	for url, nearby := range map[string]bool{
		"http://hooks.example/hidden-path":                 false,
		"https://127.0.0.1/hidden-path":                    false,
		"https://localhost/hidden-path":                    false,
		"https://10.0.0.8/hidden-path":                     false,
		"https://169.254.169.254/hidden-path":              true,
		"https://[fd00:ec2::254]/hidden-path":              true,
		"ftp://hooks.example/hidden-path":                  true,
		"hidden-path":                                      true,
		"":                                                 true,
		"https://hooks.example/hidden-path\x00":            true,
		"https:///hidden-path":                             true,
		"https://hooks.example/hidden-path#other":          true,
		"http://169.254.170.2/v2/credentials/#hidden-path": true,
	} {
		if _, err := notice.NewTarget(notice.Slack, url, nil, nearby); err == nil || strings.Contains(err.Error(), "hidden-path") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := notice.NewTarget("mail", "https://hooks.example", nil, false); err == nil {
		t.Error("there is a target mail")
	}
	to, err := notice.NewTarget(notice.Slack, "https://hooks.example/hidden-path", nil, false)
	if err != nil || to.String() != "https://hooks.example" {
		t.Errorf("%s %v", to, err)
	}
	// A stored one is judged again, and where its name leads when it is connected.
	if _, err := notice.Decode(notice.Slack, []byte(`{"url":"https://10.0.0.8/hidden-path"}`)); err == nil {
		t.Error("a stored address is not judged")
	}
	if _, err := notice.Decode(notice.Slack, []byte(`hidden-path`)); err == nil || strings.Contains(err.Error(), "hidden-path") {
		t.Errorf("%v", err)
	}
}
