package receive_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"smartlead-receiver/pkg/receive"
)

// told are the errors that a test reported.
type told struct {
	list []receive.ReportedError
	err  error
}

func (t *told) ReportError(_ context.Context, e receive.ReportedError) (string, error) {
	t.list = append(t.list, e)
	return "id-" + e.Text, t.err
}

func TestReportReadsWhatToolsSay(t *testing.T) {
	for body, want := range map[string]string{
		`{"code":"ETIMEDOUT","message":"no answer"}`: "ETIMEDOUT|no answer|1",
		`"disk is full"`: "|disk is full|1",
		`{"error":{"type":"auth","message":"key is revoked"}}`:                    "auth|key is revoked|1",
		`{"event":{"title":"TypeError: x is null","culprit":"a.js"}}`:             "|TypeError: x is null|1",
		`{"type":"https://x.example/p","title":"Out of credit","status":403}`:     "https://x.example/p|Out of credit|1",
		`{"execution":{"error":{"message":"Bad request","name":"NodeApiError"}}}`: "NodeApiError|Bad request|1",
		`[{"message":"a"},{"message":"b"},{"message":"a"}]`:                       "|a|2 |b|1",
		`[]`:                "",
		`{}`:                "|{}|1",
		`7`:                 "|7|1",
		`null`:              "|null|1",
		`{"unknown":[1,2]}`: `|{"unknown":[1,2]}|1`,
		`{"message":"` + token + ` was refused"}`:                                          "|redacted was refused|1",
		`{"unknown":{"api_key":"k-123456","x":1}}`:                                         `|{"unknown":{"[redacted to the end]|1`,
		`{"message":"POST /webhooks/demo/abc failed"}`:                                     "",
		"[" + strings.Repeat(`"x",`, 100) + `"y"]`:                                         "|x|20 |further errors of an array that has too many to tell apart|81",
		`{"error":{"error":{"error":{"error":{"error":{"error":{"message":"deep"}}}}}}}`:   "",
		`{"message":"` + strings.Repeat("é", 400) + `"}`:                                   "",
		`{"code":"` + strings.Repeat("c", 400) + `","message":"` + "m" + `"}`:              "",
		`{"a":1,"message":"one"}`:                                                          "|one|1",
		`{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 3 seconds"}`: "Sandbox.Timedout|Task timed out after 3 seconds|1",
	} {
		w := newWorld(t)
		errs := &told{}
		answer, err := w.reporting(errs).Report(t.Context(), post(body))
		if err != nil {
			t.Errorf("%.60s: %v", body, err)
			continue
		}
		var got []string
		for _, e := range errs.list {
			if len(e.Text) > 300 || len(e.Code) > 60 || e.Source != "demo" || !e.At.Equal(w.now.UTC()) {
				t.Errorf("%.60s: %+v", body, e)
			}
			got = append(got, fmt.Sprintf("%s|%s|%d", e.Code, e.Text, e.Times))
		}
		if joined := strings.Join(got, " "); want != "" && joined != want {
			t.Errorf("%.60s: got %q, want %q", body, joined, want)
		}
		if len(answer.Incidents) != len(errs.list) || answer.Incidents == nil {
			t.Errorf("%.60s: answered %v", body, answer)
		}
		if strings.Contains(strings.Join(got, " "), token) || len(w.sent) > 0 {
			t.Errorf("%.60s: shows the token, or is an event: %v", body, got)
		}
	}
}

func TestReportIsRefusedAsAnEventIs(t *testing.T) {
	for name, c := range map[string]struct {
		req    receive.Request
		hmac   bool
		failed error
		kind   receive.Kind
		cause  string
		kept   int
	}{
		"wrong token":     {req: receive.Request{Source: "demo", Token: "slr_wrong", Body: []byte(`{}`)}, kind: receive.Unauthorized, cause: "wrong_token", kept: 1},
		"unknown source":  {req: receive.Request{Source: "other", Token: token, Body: []byte(`{}`)}, kind: receive.Unauthorized, cause: "unknown_source", kept: 1},
		"unsigned":        {req: post(`{}`), hmac: true, kind: receive.Unauthorized, cause: "no_signature", kept: 1},
		"no JSON":         {req: post(`{} {}`), kind: receive.BadBody, cause: "not_json", kept: 1},
		"a brace more":    {req: post(`{}}`), kind: receive.BadBody, cause: "not_json", kept: 1},
		"empty":           {req: post(``), kind: receive.BadBody, cause: "not_json", kept: 1},
		"no UTF-8":        {req: post("\"\xff\""), kind: receive.BadBody, cause: "encoding", kept: 1},
		"too large":       {req: post(`"` + strings.Repeat("x", 256<<10) + `"`), kind: receive.TooLarge, cause: "too_large", kept: 1},
		"unknown coding":  {req: receive.Request{Source: "demo", Token: token, Body: []byte(`{}`), ContentEncoding: "x"}, kind: receive.Unsupported, cause: "unknown_coding", kept: 1},
		"a store is down": {req: post(`{}`), failed: errDown, kind: receive.Unavailable, cause: "not_durable"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if c.hmac {
				w.source.HMACSecrets = [][]byte{[]byte("hmac-secret")}
			}
			_, err := w.reporting(&told{err: c.failed}).Report(t.Context(), c.req)
			refusal, _ := errors.AsType[*receive.Error](err)
			if refusal == nil || refusal.Kind != c.kind || refusal.Cause != c.cause {
				t.Fatalf("got %v, want %s, %s", err, c.kind, c.cause)
			}
			kept, err := w.ledger.RejectedRequests(t.Context(), start.Add(-1), start.Add(1), 10)
			if err != nil || len(kept) != c.kept {
				t.Errorf("%d kept, want %d (%v)", len(kept), c.kept, err)
			}
		})
	}
}
