package lambdaio

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

const hostileToken = "slr_abcdefghijklmnopqrstuvwxyz234567"

// open is a deployment with one source, whose stores take everything.
type open struct{ taken *int }

func (open) Source(_ context.Context, name, _ string) (auth.Source, error) {
	if name != "demo" {
		return auth.Source{}, auth.ErrUnknownSource
	}
	return auth.Source{
		Name: "demo", Account: "default", Tokens: []auth.Digest{auth.NewDigest(hostileToken)},
		RedactionKey: []byte("0123456789abcdef0123456789abcdef"),
	}, nil
}

func (open) Store(_ context.Context, _ string, body []byte) (webhook.Payload, error) {
	return webhook.Payload{Encoding: "none", Data: body, Size: len(body)}, nil
}

func (open) Expire(context.Context, webhook.Payload, time.Duration) error { return nil }
func (open) Erase(context.Context, webhook.Payload) error                 { return nil }

func (open) Send(_ context.Context, _ webhook.Lane, msgs []webhook.Message) []error {
	return make([]error, len(msgs))
}

func (o open) RecordRejectedRequest(_ context.Context, r webhook.RejectedRequest) error {
	*o.taken++
	if size := len(fmt.Sprintf("%+v", r)); size > 4096 {
		return fmt.Errorf("a refused request of %d bytes", size)
	}
	return nil
}

// ReportError refuses to keep what is not bounded.
func (open) ReportError(_ context.Context, e receive.ReportedError) (string, error) {
	if len(e.Text) > 300 || len(e.Code) > 60 || e.Times < 1 || e.Source != "demo" || strings.Contains(e.Text+e.Code, hostileToken) {
		return "", fmt.Errorf("a report that is not bounded: %+v", e)
	}
	return "aaaaaaaaaa", nil
}

// hostile returns a receiver that writes its lines to log, and the number of refused
// requests that it kept.
func hostile(log *bytes.Buffer, now func() time.Time) (ReceiverHandler, *int) {
	to := recorder(log)
	to.Now = now
	o := open{new(int)}
	return Receiver(receive.New(receive.Ports{
		Sources: o, Bodies: o, Ledger: memory.New(), Queue: o, RejectedRequests: o, Errors: o,
		Now: now, Nonce: func() string { return "nonce" },
	}, receive.DefaultPolicy), to), o.taken
}

// hostileEvent is a request as the gateway hands it over: by the route where the path
// fits one, else with the path alone. headers are lines, names and values by a colon.
func hostileEvent(method, path, query, headers string, body []byte, binary bool) events.APIGatewayV2HTTPRequest {
	ev := events.APIGatewayV2HTTPRequest{RawPath: path, RawQueryString: query, Body: string(body), IsBase64Encoded: binary, Headers: map[string]string{}}
	if parts := strings.Split(path, "/"); len(parts) == 4 && (parts[1] == "webhooks" || parts[1] == "errors") && parts[2] != "" && parts[3] != "" {
		ev.RouteKey = "ANY /" + parts[1] + "/{source}/{token}"
		ev.PathParameters = map[string]string{"source": parts[2], "token": parts[3]}
	}
	if values, err := url.ParseQuery(query); err == nil {
		ev.QueryStringParameters = map[string]string{}
		for name, all := range values {
			ev.QueryStringParameters[name] = strings.Join(all, ",")
		}
	}
	for line := range strings.SplitSeq(headers, "\n") {
		name, value, _ := strings.Cut(line, ":")
		ev.Headers[strings.ToLower(name)] = value
	}
	ev.RequestContext.HTTP.Method = method
	ev.RequestContext.HTTP.UserAgent = ev.Headers["user-agent"]
	ev.RequestContext.RequestID = "gateway-request"
	return ev
}

// refusedLogBytes bounds what one refused request writes to the log.
const refusedLogBytes = 2048

// FuzzReceiver: whatever a stranger sends is answered with one of a few statuses, in
// JSON, and costs a bounded line. What fails on our side would be a 5xx.
func FuzzReceiver(f *testing.F) {
	good := []byte(`{"event_type":"EMAIL_OPEN","campaign_id":1,"to_email":"tom@acme.example.com"}`)
	for _, path := range []string{
		"/webhooks/demo/" + hostileToken, "/errors/demo/" + hostileToken, "/errors/demo/wrong", "/errors/demo", "//errors//demo/" + hostileToken + "/", "/webhooks/demo/wrong", "/webhooks/other/wrong", "//webhooks//demo///" + hostileToken + "/",
		"/webhooks/demo%2F" + hostileToken, "/webhooks/../webhooks/demo/" + hostileToken, "/webhooks/%2e%2e/" + hostileToken, "/" + hostileToken,
		"/webhooks/d\u00e9mo/\u202etoken", "/webhooks/" + strings.Repeat("a", 9000) + "/x", "/webhooks/demo/%zz%", "/webhooks/demo/%00", "/.env", "", "webhooks", "/healthz",
	} {
		f.Add("POST", path, "token="+hostileToken, "authorization: Bearer "+hostileToken, good, false)
		f.Add("GET", path, "token=%zz;&token=b", "x-request-id:"+hostileToken+"\nuser-agent:"+hostileToken, []byte("e30="), true)
	}
	hook := "/webhooks/demo/" + hostileToken
	for _, body := range [][]byte{nil, []byte("{}\n{}"), []byte("[" + strings.Repeat("5,", 200) + "5]"), bytes.Repeat([]byte("["), 5000), {0xff, 0xfe, 0}, []byte("!!!=")} {
		f.Add("POST", hook, "", "content-encoding: gzip, br", body, false)
		f.Add("PUT", hook, "", strings.Repeat("x-header-flood: y\n", 300), body, true)
		f.Add("POST", hook, "", "", body, true)
		f.Add("POST", "/errors/demo/"+hostileToken, "", "content-encoding: gzip", body, false)
		f.Add("POST", "/errors/demo/"+hostileToken, "", "", body, false)
	}
	statuses := []int{200, 400, 401, 404, 405, 413, 415}
	f.Fuzz(func(t *testing.T, method, path, query, headers string, body []byte, binary bool) {
		var log bytes.Buffer
		handler, _ := hostile(&log, testclock.Noon)
		answer, err := handler(t.Context(), hostileEvent(method, path, query, headers, body, binary))
		if err != nil || !slices.Contains(statuses, answer.StatusCode) {
			t.Fatalf("answered %d (%v); the log says %s", answer.StatusCode, err, log.String())
		}
		if (method == "HEAD") != (answer.Body == "") || answer.Body != "" && !json.Valid([]byte(answer.Body)) {
			t.Errorf("answered %q", answer.Body)
		}
		if answer.StatusCode == http.StatusUnauthorized && answer.Body != "" && answer.Body != `{"error":"unauthorized"}` {
			t.Errorf("a stranger learns %s", answer.Body)
		}
		if answer.StatusCode != http.StatusOK && log.Len() > refusedLogBytes {
			t.Errorf("a refusal wrote %d bytes: %s", log.Len(), log.String())
		}
		for line := range bytes.Lines(log.Bytes()) {
			if !json.Valid(line) {
				t.Errorf("a line of the log is no JSON: %q", line)
			}
		}
		if told := strings.ToLower(log.String() + answer.Body); strings.Contains(told, hostileToken) {
			t.Errorf("the token is told: %s", told)
		}
	})
}

// A flood of requests, each of them another one, is a bounded number of lines and
// records, and leaves nothing in memory.
func TestAFloodOfStrangers(t *testing.T) {
	const flood = 10_000
	now := testclock.Noon()
	var log bytes.Buffer
	handler, kept := hostile(&log, func() time.Time { return now })
	send := func(i int) {
		method, path, headers, body := "POST", fmt.Sprintf("/webhooks/demo/slr_wrong%d", i), fmt.Sprintf("user-agent: scanner/%d\nx-request-id: id-%d", i, i), fmt.Appendf(nil, `{"n":%d}`, i)
		switch i % 5 {
		case 1:
			path = fmt.Sprintf("/webhooks/source-%d/slr_wrong%d", i, i)
		case 2:
			path = fmt.Sprintf("/wp-%d.php", i)
		case 3:
			path = fmt.Sprintf("/webhooks/a/b/c/%d", i)
		case 4:
			path, body = "/webhooks/demo/"+hostileToken, fmt.Appendf(nil, "not JSON %d", i)
		}
		answer, err := handler(t.Context(), hostileEvent(method, path, "", headers, body, false))
		if err != nil || answer.StatusCode < 400 || answer.StatusCode > 499 {
			t.Fatalf("request %d is answered %d (%v)", i, answer.StatusCode, err)
		}
	}
	for i := range 500 { // what is made once
		send(i)
	}
	before := heap()
	began := time.Now()
	for i := range flood {
		send(i)
		now = now.Add(time.Millisecond)
	}
	// Five causes: ten lines of each and one for each thousand beyond.
	if lines, most := bytes.Count(log.Bytes(), []byte("\n")), 5*(wholeRefusals+(flood+500)/5/refusalsATime); lines > most || log.Len() > most*600 {
		t.Errorf("%d requests wrote %d lines, %d bytes, want at most %d lines of 600 bytes", flood, lines, log.Len(), most)
	}
	// Five a second of real time, and what a pause has saved up.
	if most := 21 + int(5*time.Since(began).Seconds()) + 21; *kept > most {
		t.Errorf("%d of %d refused requests were kept, want at most %d", *kept, flood, most)
	}
	log.Reset()
	if grown := int64(heap()) - int64(before); grown > 512<<10 {
		t.Errorf("%d bytes stay in memory", grown)
	}
	runtime.KeepAlive(handler)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what has a finalizer, and what a pool held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Base64 that is broken anywhere is the sender's fault.
func TestBrokenBase64(t *testing.T) {
	var log bytes.Buffer
	handler, _ := hostile(&log, testclock.Noon)
	whole := base64.StdEncoding.EncodeToString([]byte(`{"event_type":"EMAIL_OPEN","campaign_id":1}`))
	for cut := 1; cut < len(whole); cut++ {
		for _, body := range []string{whole[:cut], whole[:cut] + "*" + whole[cut:], whole[:cut] + "=" + whole[cut:]} {
			answer, err := handler(t.Context(), hostileEvent("POST", "/webhooks/demo/"+hostileToken, "", "", []byte(body), true))
			if err != nil || answer.StatusCode != http.StatusBadRequest {
				t.Fatalf("%q: answered %d (%v)", body, answer.StatusCode, err)
			}
		}
	}
}
