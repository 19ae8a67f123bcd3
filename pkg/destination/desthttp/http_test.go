package desthttp_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/speed"
	"smartlead-receiver/test/testclock"
)

const eventID = "v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

func delivery() webhook.Delivery {
	return webhook.Delivery{
		Event: webhook.Event{
			Schema: webhook.Schema, ID: eventID, Type: webhook.EmailReply, Account: "acme", Source: "main",
			Attempt: 3, Reply: &webhook.Reply{HTML: "<p>Ja & nein</p>"}, Raw: json.RawMessage(`{"a":1}`),
		},
		IdempotencyKey: eventID + "#1",
	}
}

func secret(fill byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(fill), 32)))
}

func newHTTP(t *testing.T, cfg desthttp.Config) *destination.Target {
	t.Helper()
	cfg.AllowNearby()
	transport := destination.NewTransport(destination.Private)
	t.Cleanup(transport.CloseIdleConnections)
	return open(t, cfg, destination.Deps{Transport: transport})
}

func open(t *testing.T, cfg desthttp.Config, deps destination.Deps) *destination.Target {
	t.Helper()
	d, err := destination.New("crm", destination.Config{Type: desthttp.Type.Name, Settings: &cfg}, deps)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func TestHTTPDeliversTheSignedEvent(t *testing.T) {
	var got *http.Request
	var body []byte
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	})
	d := newHTTP(t, desthttp.Config{
		URL: url + "/hook?key=1", Secrets: []string{secret('a'), secret('b')},
		Headers: map[string]string{"Authorization": "Bearer x"},
	})
	out := d.Deliver(t.Context(), delivery())
	if out.Result != webhook.ResultDelivered || out.Error != "" || out.Status != http.StatusAccepted {
		t.Fatalf("outcome %+v", out)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "webhook-id": eventID + "#1", "Idempotency-Key": eventID + "#1",
		"webhook-attempt": "3", "User-Agent": "smartlead-receiver/1", "Authorization": "Bearer x",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q", name, got.Header.Get(name))
		}
	}
	if got.Method != http.MethodPost || got.URL.RequestURI() != "/hook?key=1" {
		t.Errorf("%s %s", got.Method, got.URL.RequestURI())
	}
	for _, fill := range []byte("ab") { // both keys verify on their own
		wh, err := standardwebhooks.NewWebhook(secret(fill))
		if err != nil {
			t.Fatal(err)
		}
		if err := wh.Verify(body, got.Header); err != nil {
			t.Errorf("key %c: %v", fill, err)
		}
	}
	other, err := standardwebhooks.NewWebhook(secret('c'))
	if err != nil {
		t.Fatal(err)
	}
	if other.Verify(body, got.Header) == nil {
		t.Error("a foreign key verifies")
	}
	var event webhook.Event
	if err := json.Unmarshal(body, &event); err != nil || event.ID != eventID || event.Attempt != 3 {
		t.Errorf("event %+v, error %v", event, err)
	}
	if !strings.Contains(string(body), `"schema":"smartlead.event.v1"`) || !strings.Contains(string(body), "<p>Ja & nein</p>") {
		t.Errorf("body %s", body)
	}
}

func TestHTTPWithoutSecretsDoesNotSign(t *testing.T) {
	var header http.Header
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { header = r.Header })
	newHTTP(t, desthttp.Config{URL: url}).Deliver(t.Context(), delivery())
	if header.Get("webhook-id") == "" || header.Values("webhook-signature") != nil {
		t.Errorf("headers %v", header)
	}
}

func TestHTTPOutcomeOfAStatus(t *testing.T) {
	retry, permanent, delivered := webhook.ResultRetry, webhook.ResultPermanent, webhook.ResultDelivered
	want := map[int]webhook.Result{
		200: delivered, 201: delivered, 202: delivered, 204: delivered, 299: delivered,
		301: permanent, 302: permanent, 304: permanent, 307: permanent, 308: permanent,
		400: permanent, 401: permanent, 403: permanent, 404: permanent, 405: permanent, 409: permanent, 410: permanent,
		413: permanent, 422: permanent, 451: permanent,
		408: retry, 425: retry, 429: retry, 500: retry, 501: retry, 502: retry, 503: retry, 504: retry, 599: retry,
	}
	var status atomic.Int32
	var elsewhere atomic.Bool
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere.Store(true)
			return
		}
		if s := status.Load(); s >= 300 && s < 400 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(int(status.Load()))
	})
	d := newHTTP(t, desthttp.Config{URL: url})
	for s, result := range want {
		status.Store(int32(s))
		out := d.Deliver(t.Context(), delivery())
		if out.Result != result || out.Status != s {
			t.Errorf("%d: %+v", s, out)
		}
		if result == delivered {
			continue
		}
		if out.ErrorClass != fmt.Sprintf("http_%d", s) || !strings.Contains(out.Error, fmt.Sprint(s)) {
			t.Errorf("%d: class %q, error %q", s, out.ErrorClass, out.Error)
		}
	}
	if elsewhere.Load() {
		t.Error("a redirect was followed")
	}
}

func TestHTTPRetryAfter(t *testing.T) {
	now := testclock.Noon()
	var status int
	var value string // lines are separated by |
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Retry-After"] = strings.Split(value, "|")
		w.WriteHeader(status)
	})
	d := open(t, desthttp.Config{URL: url, AllowHTTP: true, AllowPrivate: true}, destination.Deps{Now: func() time.Time { return now }})
	for _, c := range []struct {
		status int
		value  string
		want   time.Duration
	}{
		{429, "120", 2 * time.Minute},
		{503, " 5 ", 5 * time.Second},
		{503, now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{503, now.Add(-time.Hour).Format(http.TimeFormat), 0},
		{503, "999999999", destination.MaxRetryAfter},
		{503, "99999999999999999999999", destination.MaxRetryAfter},
		{503, now.AddDate(5, 0, 0).Format(http.TimeFormat), destination.MaxRetryAfter},
		{503, "-5", 0}, {503, "soon", 0}, {503, "", 0}, {503, "0", 0}, {503, "-0.5", 0}, {503, "+5", 0}, {503, "1e9", 0}, {503, "0x10", 0}, {503, "5s", 0}, {503, "1,5", 0},
		{503, "1.5", 2 * time.Second}, {503, "0.1", time.Second}, {503, "7.", 7 * time.Second}, {503, "007", 7 * time.Second},
		{503, "1.2.3", 0}, {503, ".", 0}, {503, "NaN", 0}, {503, "Inf", 0},
		{503, "\t 5\t", 5 * time.Second}, {503, strings.Repeat("9", 400), destination.MaxRetryAfter},
		{503, now.Add(90 * time.Second).Format(time.ANSIC), 90 * time.Second},
		{503, now.Add(90 * time.Second).Format(time.RFC3339), 0},
		{503, now.Format(http.TimeFormat), 0},
		{503, "30|120", 2 * time.Minute}, {503, "120|30", 2 * time.Minute}, {503, "soon|30", 30 * time.Second},
		{503, "10|" + now.Add(90*time.Second).Format(http.TimeFormat), 90 * time.Second},
		{408, "5", 5 * time.Second}, {500, "5", 5 * time.Second},
		{400, "120", 0}, {200, "120", 0},
	} {
		status, value = c.status, c.value
		if out := d.Deliver(t.Context(), delivery()); out.RetryAfter != c.want {
			t.Errorf("%d %q: %s, want %s", c.status, c.value, out.RetryAfter, c.want)
		}
	}
}

// rawServer answers each connection as told.
func rawServer(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer(conn)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

func readRequest(conn net.Conn) { _, _ = conn.Read(make([]byte, 64<<10)) }

func TestHTTPFailuresBelowHTTP(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := "http://" + closed.Addr().String()
	closed.Close()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	hung := rawServer(t, func(conn net.Conn) { readRequest(conn); <-release })
	closing := rawServer(t, readRequest)
	resetting := rawServer(t, func(conn net.Conn) {
		readRequest(conn)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	})
	garbage := rawServer(t, func(conn net.Conn) {
		readRequest(conn)
		_, _ = conn.Write([]byte("220 \x1b[31mmail.example\r\n\r\n"))
	})
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})

	for class, url := range map[string]string{
		"connection_refused": refusing,
		"timeout":            hung,
		"connection_closed":  closing,
		"connection_reset":   resetting,
		"network":            garbage,
		"dns":                "http://does-not-exist.invalid",
		"tls":                untrusted.URL,
	} {
		t.Run(class, func(t *testing.T) { failsWith(t, url, class) })
	}
	t.Run("plain HTTP where TLS is expected", func(t *testing.T) {
		failsWith(t, strings.Replace(plain, "http://", "https://", 1), "tls")
	})
	t.Run("the worker stops", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		out := newHTTP(t, desthttp.Config{URL: hung}).Deliver(ctx, delivery())
		if out.Result != webhook.ResultRetry || out.ErrorClass != "canceled" {
			t.Errorf("outcome %+v", out)
		}
	})
}

func failsWith(t *testing.T, url, class string) {
	t.Helper()
	cfg := desthttp.Config{URL: strings.Replace(url, "://", "://user:passw0rd@", 1) + "/in/pathsecret?key=querysecret"}
	if class == "timeout" {
		cfg.Timeout = destination.Duration(500 * time.Millisecond)
	}
	d := newHTTP(t, cfg)
	out := d.Deliver(t.Context(), delivery())
	if out.Result != webhook.ResultRetry || out.ErrorClass != class || out.Error == "" || out.Status != 0 {
		t.Errorf("outcome %+v", out)
	}
	for _, secret := range []string{"passw0rd", "pathsecret", "querysecret", "\x1b", "user:"} {
		if strings.Contains(out.Error, secret) {
			t.Errorf("the error shows %q: %s", secret, out.Error)
		}
	}
}

// A connection that died while the function was frozen must not cost an
// attempt: net/http repeats the request because it has an idempotency key.
func TestHTTPSurvivesADeadIdleConnection(t *testing.T) {
	var served atomic.Int32
	url := rawServer(t, func(conn net.Conn) {
		readRequest(conn)
		if served.Add(1); served.Load() == 1 {
			_, _ = conn.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
			readRequest(conn) // the next request arrives, and nobody answers it
			return
		}
		_, _ = conn.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
	})
	d := newHTTP(t, desthttp.Config{URL: url})
	for i := range 2 {
		if out := d.Deliver(t.Context(), delivery()); out.Result != webhook.ResultDelivered {
			t.Errorf("delivery %d: %+v", i+1, out)
		}
	}
}

func TestHTTPDoesNotWaitForAnEndlessAnswer(t *testing.T) {
	release := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(release) })
	began := time.Now()
	out := newHTTP(t, desthttp.Config{URL: url}).Deliver(t.Context(), delivery())
	if out.Result != webhook.ResultDelivered {
		t.Errorf("got %+v, want delivered", out)
	}
	speed.AtMost(t, "a delivery whose answer does not end", time.Since(began), desthttp.DefaultTimeout/2)
}
