// Package verify_test runs the examples of docs/VERIFY.md against requests that
// the real HTTP destination signed.
package verify_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/webhook"
)

const examples = "../../docs/verify"

// request is a delivery as it arrives.
type request struct {
	header http.Header
	body   []byte
}

func (r *request) content() []byte {
	return append([]byte(r.header.Get(desthttp.HeaderID)+"."+r.header.Get(desthttp.HeaderTimestamp)+"."), r.body...)
}

func (r *request) signWith(key, text []byte) {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	r.header.Set(desthttp.HeaderSignature, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// keyOf returns the key that a verifier would make of a secret, or of what stands
// in its place.
func keyOf(secret string) []byte {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return []byte(secret)
	}
	return key
}

func secret(fill byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
}

// The texts have what is easily lost between bytes and JSON: letters beyond
// ASCII, an escape, HTML, numbers that JavaScript rounds.
func delivery() webhook.Delivery {
	return webhook.Delivery{
		Event: webhook.Event{
			Schema: webhook.Schema, ID: "v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", Type: webhook.EmailReply,
			Account: "main", Source: "main", Attempt: 2,
			Reply: &webhook.Reply{HTML: "<p>Grüße &amp; 👋</p>", Text: "two\nlines \u2028"},
			Raw:   json.RawMessage(`{"sl_email_lead_map_id": 12345678901234567890, "x": 1.0}`),
		},
		IdempotencyKey: "v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567#1",
	}
}

// capture returns the request that the HTTP destination makes at that time.
func capture(t *testing.T, at time.Time, secrets ...string) request {
	t.Helper()
	var got request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = request{header: r.Header.Clone(), body: body}
	}))
	t.Cleanup(server.Close)
	if outcome := open(t, server.URL, at, secrets...).Deliver(t.Context(), delivery()); outcome.Result != webhook.ResultDelivered {
		t.Fatalf("outcome %+v", outcome)
	}
	return got
}

func open(t *testing.T, url string, at time.Time, secrets ...string) *destination.Target {
	t.Helper()
	transport := destination.NewTransport(destination.Private)
	t.Cleanup(transport.CloseIdleConnections)
	target, err := destination.New("crm", destination.Config{
		Type: desthttp.Type.Name, Settings: &desthttp.Config{URL: url, Secrets: secrets, AllowHTTP: true, AllowPrivate: true},
	}, destination.Deps{Transport: transport, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// checks are made when they are used, because an example compares a timestamp
// with the clock of the machine. The example knows secret b alone.
var checks = []struct {
	name    string
	make    func(*testing.T) request
	genuine bool
}{
	{"as delivered", delivered(0, 'b'), true},
	{"a minute late", delivered(-time.Minute, 'b'), true},
	{"rotation, the old secret known", delivered(0, 'b', 'c'), true},
	{"rotation, the new secret known", delivered(0, 'a', 'b'), true},
	{"rotation, neither secret known", delivered(0, 'a', 'c'), false},
	{"another secret", delivered(0, 'a'), false},
	{"not signed", delivered(0), false},
	{"six minutes late", delivered(-6*time.Minute, 'b'), false},
	{"an hour early", delivered(time.Hour, 'b'), false},
	{"another timestamp", header(desthttp.HeaderTimestamp, func(at string) string { return at[:len(at)-1] + string('0'+(at[len(at)-1]-'0'+1)%10) }), false},
	{"a timestamp that is no number", header(desthttp.HeaderTimestamp, func(string) string { return "soon" }), false},
	{"another id", header(desthttp.HeaderID, func(id string) string { return id + "1" }), false},
	{"an empty signature", header(desthttp.HeaderSignature, func(string) string { return "" }), false},
	{"a signature that is none", header(desthttp.HeaderSignature, func(string) string { return "v1,äöü v1 ," }), false},
	{"a signature of another version", header(desthttp.HeaderSignature, func(s string) string { return strings.Replace(s, "v1,", "v2,", 1) }), false},
	{"one bit of the body", body(func(b []byte) []byte { b[len(b)/2] ^= 1; return b }), false},
	{"the same JSON in other bytes", body(func(b []byte) []byte { return append(b, ' ') }), false},
	{"an empty body", body(func([]byte) []byte { return []byte{} }), false},
	{"without an id", changed(func(r *request) { r.header.Del(desthttp.HeaderID) }), false},
	{"without a timestamp", changed(func(r *request) { r.header.Del(desthttp.HeaderTimestamp) }), false},
	{"the body alone is signed", changed(func(r *request) { r.signWith(keyOf(secret('b')), r.body) }), false},
	{"signed with the text of the secret", changed(func(r *request) { r.signWith([]byte(secret('b')), r.content()) }), false},
}

func delivered(after time.Duration, fills ...byte) func(*testing.T) request {
	return func(t *testing.T) request {
		var secrets []string
		for _, fill := range fills {
			secrets = append(secrets, secret(fill))
		}
		return capture(t, time.Now().Add(after), secrets...)
	}
}

func changed(change func(*request)) func(*testing.T) request {
	return func(t *testing.T) request {
		r := capture(t, time.Now(), secret('b'))
		change(&r)
		return r
	}
}

func header(name string, change func(string) string) func(*testing.T) request {
	return changed(func(r *request) { r.header.Set(name, change(r.header.Get(name))) })
}

func body(change func([]byte) []byte) func(*testing.T) request {
	return changed(func(r *request) { r.body = change(r.body) })
}

func TestExamplesTellGenuineFromForged(t *testing.T) {
	for _, e := range runners {
		t.Run(e.name, func(t *testing.T) {
			accepts := e.start(t, secret('b'))
			for _, c := range checks {
				if got := accepts(t, c.make(t)); got != c.genuine {
					t.Errorf("%s: accepted is %t, want %t", c.name, got, c.genuine)
				}
			}
		})
	}
}

// A copy in which nobody has put a secret must accept nothing, least of all
// what an outsider signed with no secret at all.
func TestExamplesWithoutASecretAcceptNothing(t *testing.T) {
	for _, known := range []string{"", "whsec_", "whsec_REPLACE_ME"} {
		forge := changed(func(r *request) { r.signWith(keyOf(known), r.content()) })
		for _, e := range runners {
			t.Run(e.name+" "+known, func(t *testing.T) {
				if e.refusesToStart != nil {
					e.refusesToStart(t, known)
					return
				}
				if accepts := e.start(t, known); accepts(t, forge(t)) {
					t.Error("a forged request is accepted")
				}
			})
		}
	}
}

// What the destination makes of the answers: an accepted delivery is delivered,
// a refused one is dead at once, and visible.
func TestDestinationUnderstandsTheExamples(t *testing.T) {
	for _, e := range runners {
		if e.serve == nil {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			url := e.serve(t, secret('b'))
			if out := open(t, url, time.Now(), secret('b')).Deliver(t.Context(), delivery()); out.Result != webhook.ResultDelivered {
				t.Errorf("the right secret: %+v", out)
			}
			out := open(t, url, time.Now(), secret('a')).Deliver(t.Context(), delivery())
			if out.Result != webhook.ResultPermanent || out.ErrorClass != "http_401" {
				t.Errorf("the wrong secret: %+v", out)
			}
		})
	}
}

var block = regexp.MustCompile("(?s)<!-- (verify/[a-z0-9.]+) -->\n```[a-z]+\n(.*?)```\n")

// The document shows each file as it is.
func TestDocumentShowsTheFiles(t *testing.T) {
	text, err := os.ReadFile("../../docs/VERIFY.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, match := range block.FindAllStringSubmatch(string(text), -1) {
		file, err := os.ReadFile(filepath.Join("../../docs", match[1]))
		if err != nil {
			t.Fatal(err)
		}
		shown[filepath.Base(match[1])] = true
		if match[2] != string(file) {
			t.Errorf("docs/VERIFY.md does not show %s as it is: copy the file into its block", match[1])
		}
	}
	files, err := os.ReadDir(examples)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !shown[file.Name()] {
			t.Errorf("docs/VERIFY.md does not show %s", file.Name())
		}
	}
	for _, e := range runners {
		if !shown[e.file] {
			t.Errorf("%s is run, and not shown", e.file)
		}
	}
	if len(shown) != len(runners) {
		t.Errorf("%d examples are shown, %d are run", len(shown), len(runners))
	}
}
