package local_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"smartlead-receiver/test/speed"
)

// The HTTP contract, row by row, through the front.
func TestHTTPContract(t *testing.T) {
	dest := newRecorder(t)
	s := start(t, "--destination", dest.URL)
	base, token := strings.TrimSuffix(s.WebhookURL, "/"+s.token()), s.token()
	health := strings.TrimSuffix(base, "/webhooks/demo") + "/healthz"
	array := "[" + s.reply(101) + ",null,{}," + s.reply(102) + "]"
	typeless := `{"what":"nobody knows"}`

	for _, c := range []struct {
		name, method, url, body string
		header                  http.Header
		status                  int
		results                 string // statuses of the elements
	}{
		{"new", "POST", s.WebhookURL, s.reply(1), nil, 200, "accepted"},
		{"duplicate", "POST", s.WebhookURL, s.reply(1), nil, 200, "duplicate"},
		{"changed duplicate", "POST", s.WebhookURL, strings.Replace(s.reply(1), ">Yes<", ">No<", 1), nil, 200, "variant"},
		{"array", "POST", s.WebhookURL, array, nil, 200, "accepted rejected accepted accepted"},
		{"empty array", "POST", s.WebhookURL, "[]", nil, 200, ""},
		{"no type", "POST", s.WebhookURL, typeless, nil, 200, "accepted"},
		{"unknown type", "POST", s.WebhookURL, `{"event_type":"CAMPAIGN_COMPLETED","campaign_id":9}`, nil, 200, "accepted"},
		{"token in the query", "POST", base + "?token=" + token, s.reply(1), nil, 200, "duplicate"},
		{"token as bearer", "POST", base, s.reply(1), http.Header{"Authorization": {"Bearer " + token}}, 200, "duplicate"},
		{"another content type", "POST", s.WebhookURL, s.reply(1), http.Header{"Content-Type": {"application/octet-stream"}}, 200, "duplicate"},
		{"no content type", "POST", s.WebhookURL, s.reply(1), http.Header{"Content-Type": nil}, 200, "duplicate"},
		{"test from the dashboard", "POST", s.WebhookURL, strings.Replace(s.reply(55), secretKey, "secretkey", 1), nil, 200, "accepted"},
		{"byte order mark", "POST", s.WebhookURL, "\xef\xbb\xbf" + s.reply(1), nil, 200, "duplicate"},
		{"not JSON", "POST", s.WebhookURL, "hello", nil, 400, ""},
		{"cut off", "POST", s.WebhookURL, s.reply(1)[:200], nil, 400, ""},
		{"scalar", "POST", s.WebhookURL, "42", nil, 400, ""},
		{"empty", "POST", s.WebhookURL, "", nil, 400, ""},
		{"UTF-16", "POST", s.WebhookURL, "\xff\xfe{\x00}\x00", nil, 400, ""},
		{"ten megabytes of brackets", "POST", s.WebhookURL, strings.Repeat("[", 5<<20), nil, 400, ""},
		{"a hostile number", "POST", s.WebhookURL, `{"event_type":"EMAIL_OPEN","x":1e999999,"stats_id":"h1","event_timestamp":1e999999}`, nil, 200, "accepted"},
		{"wrong token", "POST", base + "/slr_wrong", s.reply(2), nil, 401, ""},
		{"no token", "POST", base, s.reply(2), nil, 401, ""},
		{"unknown source", "POST", strings.Replace(s.WebhookURL, "/demo/", "/other/", 1), s.reply(2), nil, 401, ""},
		{"too large", "POST", s.WebhookURL, `{"event_type":"EMAIL_REPLY","reply_body":"` + strings.Repeat("x", 7<<20) + `"}`, nil, 413, ""},
		{"far too large", "POST", s.WebhookURL, strings.Repeat("x", 11<<20), nil, 413, ""},
		{"ready", "GET", s.WebhookURL, "", nil, 200, ""},
		{"ready, head", "HEAD", s.WebhookURL, "", nil, 200, ""},
		{"ready, wrong token", "GET", base + "/slr_wrong", "", nil, 401, ""},
		{"another method", "PUT", s.WebhookURL, s.reply(2), nil, 405, ""},
		{"deleting", "DELETE", s.WebhookURL, "", nil, 405, ""},
		{"health", "GET", health, "", nil, 200, ""},
		{"gzip", "POST", s.WebhookURL, compressed(t, s.reply(1), "gzip"), coded("gzip"), 200, "duplicate"},
		{"gzip, a new event", "POST", s.WebhookURL, compressed(t, s.reply(61), "gzip"), coded("GZIP"), 200, "accepted"},
		{"zlib", "POST", s.WebhookURL, compressed(t, s.reply(1), "zlib"), coded("deflate"), 200, "duplicate"},
		{"bare deflate", "POST", s.WebhookURL, compressed(t, s.reply(1), "flate"), coded("deflate"), 200, "duplicate"},
		{"brotli", "POST", s.WebhookURL, compressed(t, s.reply(1), "br"), coded("br"), 200, "duplicate"},
		{"zstd", "POST", s.WebhookURL, compressed(t, s.reply(1), "zstd"), coded("zstd"), 200, "duplicate"},
		{"two codings", "POST", s.WebhookURL, compressed(t, s.reply(1), "br", "gzip"), coded("br, gzip"), 200, "duplicate"},
		{"identity", "POST", s.WebhookURL, s.reply(1), coded("identity"), 200, "duplicate"},
		{"decompressed on its way", "POST", s.WebhookURL, s.reply(1), coded("gzip"), 200, "duplicate"},
		{"unknown coding", "POST", s.WebhookURL, compressed(t, s.reply(1), "gzip"), coded("compress"), 415, ""},
		{"damaged", "POST", s.WebhookURL, compressed(t, s.reply(1), "gzip")[:99], coded("gzip"), 400, ""},
		{"a bomb", "POST", s.WebhookURL, compressed(t, strings.Repeat(" ", 200<<20), "gzip"), coded("gzip"), 413, ""},
		{"a bomb of a stranger", "POST", base + "/slr_wrong", compressed(t, strings.Repeat(" ", 200<<20), "gzip"), coded("gzip"), 401, ""},
		{"a slash at the end", "POST", s.WebhookURL + "/", s.reply(1), nil, 200, "duplicate"},
		{"a slash at the end, ready", "GET", s.WebhookURL + "/", "", nil, 200, ""},
		{"doubled slashes", "POST", strings.Replace(s.WebhookURL, "/webhooks/demo/", "//webhooks//demo//", 1), s.reply(1), nil, 200, "duplicate"},
		{"token in the query, a slash before", "POST", base + "/?token=" + token, s.reply(1), nil, 200, "duplicate"},
		{"escapes, upper case", "POST", base + "/" + strings.Replace(token, "_", "%5F", 1), s.reply(1), nil, 200, "duplicate"},
		{"escapes, lower case, and a slash", "POST", base + "/" + strings.Replace(token, "_", "%5f", 1) + "/", s.reply(1), nil, 200, "duplicate"},
		{"wrong token, a slash at the end", "POST", base + "/slr_wrong/", s.reply(2), nil, 401, ""},
		{"a part too many", "POST", s.WebhookURL + "/more", s.reply(2), nil, 404, ""},
		{"a part too many, wrong token", "POST", base + "/slr_wrong/more", s.reply(2), nil, 404, ""},
		{"a misspelt path", "POST", strings.Replace(s.WebhookURL, "/webhooks/", "/webhook/", 1), s.reply(2), nil, 404, ""},
		{"no such path", "GET", strings.TrimSuffix(health, "healthz") + "elsewhere", "", nil, 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := s.do(c.method, c.url, c.body, c.header)
			if err != nil {
				t.Fatal(err)
			}
			if a.status != c.status || a.statuses() != c.results {
				t.Errorf("got %d %q, want %d %q; body %.200s", a.status, a.statuses(), c.status, c.results, a.body)
			}
			if got := a.header.Get("Content-Type"); got != "application/json" && c.method != "HEAD" {
				t.Errorf("content type %q", got)
			}
			if c.method != "HEAD" && !json.Valid([]byte(a.body)) {
				t.Errorf("the answer is not JSON: %.200s", a.body)
			}
		})
	}
	s.sameFromOutside(base, token)
	s.refusalsAreKept()
}

func coded(name string) http.Header { return http.Header{"Content-Encoding": {name}} }

// compressed applies codings in a row.
func compressed(t *testing.T, body string, names ...string) string {
	t.Helper()
	for _, name := range names {
		var out bytes.Buffer
		var w io.WriteCloser
		var err error
		switch name {
		case "gzip":
			w = gzip.NewWriter(&out)
		case "zlib":
			w = zlib.NewWriter(&out)
		case "flate":
			w, err = flate.NewWriter(&out, flate.DefaultCompression)
		case "br":
			w = brotli.NewWriter(&out)
		case "zstd":
			w, err = zstd.NewWriter(&out)
		default:
			err = fmt.Errorf("no coding %s", name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		body = out.String()
	}
	return body
}

// sameFromOutside: nobody learns which check failed.
func (s *stack) sameFromOutside(base, token string) {
	s.t.Helper()
	bodies := map[string]bool{}
	for _, url := range []string{base + "/slr_wrong", base, strings.Replace(s.WebhookURL, "/demo/", "/other/", 1), strings.Replace(s.WebhookURL, "/demo/", "/DEMO!/", 1),
		base + "/slr_wrong/", strings.Replace(s.WebhookURL, "/demo/", "/other//", 1) + "/"} {
		a, err := s.do(http.MethodPost, url, "{}", nil)
		if err != nil {
			s.t.Fatal(err)
		}
		bodies[fmt.Sprint(a.status, a.body)] = true
	}
	if len(bodies) != 1 || strings.Contains(fmt.Sprint(bodies), token) {
		s.t.Errorf("refusals differ: %v", bodies)
	}
}

func (s *stack) refusalsAreKept() {
	s.t.Helper()
	out := s.ctl("events", "refused", "--limit", "200")
	for _, cause := range []string{"wrong_token", "unknown_source", "not_json", "encoding", "rejected_elements", "wrong_path", "unknown_coding", "damaged_coding", "too_large"} {
		if !strings.Contains(out, cause) {
			s.t.Errorf("%s is not in the list of refused requests:\n%s", cause, out)
		}
	}
	if strings.Contains(out, secretKey) || strings.Contains(out, s.token()) {
		s.t.Errorf("a secret in the list of refused requests:\n%s", out)
	}
}

// A body of noise, as large as Lambda takes, is stored apart, delivered and
// shown.
func TestLargestBody(t *testing.T) {
	dest := newRecorder(t)
	s := start(t, "--destination", dest.URL)
	noise := make([]byte, 4_200_000) // 5.6 MB as base64 text
	_, _ = rand.Read(noise)
	text := base64.StdEncoding.EncodeToString(noise)
	body := strings.Replace(s.reply(7), `"text":"Yes"`, `"text":"`+text+`"`, 1)
	began := time.Now()
	a := s.post(body)
	if a.status != 200 || a.statuses() != "accepted" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	t.Logf("%d bytes acknowledged in %s", len(body), time.Since(began).Round(time.Millisecond))
	eventually(t, 20*time.Second, "delivered", func() (bool, string) {
		_, deliveries, tries := dest.counts()
		return deliveries == 1, fmt.Sprint(tries, " tries")
	})
	if !strings.Contains(dest.bodies[0], text) {
		t.Error("the delivered event lacks the text")
	}
	if raw := s.ctl("events", "show", a.Results[0].EventID, "--raw"); !strings.Contains(raw, text) || strings.Contains(raw, secretKey) {
		t.Error("the shown body is not the original without its secrets")
	}
}

func TestDeliveryIsSignedAndNormalized(t *testing.T) {
	var header http.Header
	dest := newRecorder(t)
	inner := dest.Config.Handler
	dest.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		inner.ServeHTTP(w, r)
	})
	s := start(t, "--destination", dest.URL)
	began := time.Now()
	id := s.post(s.reply(9)).Results[0].EventID
	eventually(t, 5*time.Second, "delivered", func() (bool, string) { _, n, _ := dest.counts(); return n == 1, "" })
	speed.AtMost(t, "the way from the POST to the destination", time.Since(began), time.Second)
	var ev map[string]any
	if err := json.Unmarshal([]byte(dest.bodies[0]), &ev); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]any{
		"schema": "smartlead.event.v1", "event_id": id, "type": "EMAIL_REPLY", "account": "default", "source": "demo",
		"campaign_id": "4100001", "occurred_at": "2026-03-04T17:29:11.618Z", "occurred_at_source": "event", "attempt": 1.0,
	} {
		if ev[field] != want {
			t.Errorf("%s: got %v, want %v", field, ev[field], want)
		}
	}
	if header.Get("Webhook-Id") != id || !strings.HasPrefix(header.Get("Webhook-Signature"), "v1,") || header.Get("Webhook-Timestamp") == "" {
		t.Errorf("headers %v", header)
	}
}

// A source that demands a signature takes the event signed in either form.
func TestSignedSource(t *testing.T) {
	s := start(t)
	out := s.ctl("sources", "add", "signed", "--hmac", "--json")
	var added struct {
		WebhookURL string `json:"webhook_url"`
		Secret     string `json:"hmac_secret"`
	}
	if err := json.Unmarshal([]byte(firstLine(out)), &added); err != nil || added.Secret == "" {
		t.Fatalf("%v: %s", err, out)
	}
	body := s.reply(11)
	mac := hmac.New(sha256.New, []byte(added.Secret))
	mac.Write([]byte(body))
	sum := hex.EncodeToString(mac.Sum(nil))
	eventually(t, 10*time.Second, "the new source works", func() (bool, string) {
		a, err := s.do(http.MethodPost, added.WebhookURL, body, http.Header{"X-Smartlead-Signature": {"sha256=" + sum}})
		return err == nil && a.status == 200, fmt.Sprint(a.status, a.body, err)
	})
	for signature, want := range map[string]int{sum: 200, strings.ToUpper(sum): 200, "sha256=00": 401, "": 401} {
		a, err := s.do(http.MethodPost, added.WebhookURL, body, http.Header{"X-Smartlead-Signature": {signature}})
		if err != nil || a.status != want {
			t.Errorf("signature %.20q: got %d, want %d (%v)", signature, a.status, want, err)
		}
	}
	// What is signed is what travels: the compressed bytes.
	packed := compressed(t, body, "gzip")
	mac.Reset()
	mac.Write([]byte(packed))
	for signature, want := range map[string]int{hex.EncodeToString(mac.Sum(nil)): 200, sum: 401} {
		a, err := s.do(http.MethodPost, added.WebhookURL, packed, http.Header{"X-Smartlead-Signature": {signature}, "Content-Encoding": {"gzip"}})
		if err != nil || a.status != want {
			t.Errorf("gzip, signature %.20q: got %d, want %d (%v)", signature, a.status, want, err)
		}
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
