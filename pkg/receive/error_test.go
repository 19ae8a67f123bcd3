package receive_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

func TestRefusalsAreKeptWithoutSecrets(t *testing.T) {
	w := newWorld(t)
	svc := w.service()
	_, _ = svc.Receive(t.Context(), post(`secret_key=`+secret+` url=https://x.example/webhooks/demo/`+token+` not json`))
	_, _ = svc.Receive(t.Context(), receive.Request{Source: "demo", Token: "slr_wrong", RequestID: "req-2", Body: []byte(reply(1))})
	kept, err := w.ledger.RejectedRequests(t.Context(), start, start.Add(time.Hour), 10)
	if err != nil || len(kept) != 2 {
		t.Fatalf("kept %d: %v", len(kept), err)
	}
	for _, r := range kept {
		all := fmt.Sprintf("%+v", r)
		if strings.Contains(all, secret) || strings.Contains(all, token) {
			t.Errorf("a refusal holds a secret: %s", all)
		}
		if r.Cause == "wrong_token" && r.Excerpt != "" {
			t.Errorf("the body of a stranger was kept: %q", r.Excerpt)
		}
	}
}

// Events line by line are no JSON. Who has the token is told, and the operator; nobody
// else learns what was read.
func TestLinesOfEventsAreRefusedWithAHint(t *testing.T) {
	const hint = "of text on 3 lines; one is expected, or an array of them"
	w := newWorld(t)
	svc := w.service()
	lines := post(reply(1) + "\n\n" + reply(2) + "\r\n" + reply(3) + "\n")
	_, err := svc.Receive(t.Context(), lines)
	refusal, _ := errors.AsType[*receive.Error](err)
	if refusal == nil || refusal.Kind != receive.BadBody || !strings.HasSuffix(refusal.Public, hint) {
		t.Errorf("with the token: %v", err)
	}
	lines.Token = "slr_wrong"
	_, err = svc.Receive(t.Context(), lines)
	if refusal, _ = errors.AsType[*receive.Error](err); refusal == nil || refusal.Kind != receive.Unauthorized || strings.Contains(refusal.Error()+refusal.Public, "lines") {
		t.Errorf("without the token: %v", err)
	}
	kept, err := w.ledger.RejectedRequests(t.Context(), start, start.Add(time.Hour), 10)
	if err != nil || len(kept) != 2 {
		t.Fatalf("kept %d: %v", len(kept), err)
	}
	for _, r := range kept {
		if told := strings.HasSuffix(r.Detail, hint); told != (r.Cause == "not_json") {
			t.Errorf("kept as %s: %s", r.Cause, r.Detail)
		}
	}
}

func TestRefusalsAreBoundedInRate(t *testing.T) {
	w := newWorld(t)
	svc := w.service()
	for i := range 500 {
		_, _ = svc.Receive(t.Context(), receive.Request{Source: "demo", Token: "wrong", RequestID: fmt.Sprint(i)})
	}
	kept, err := w.ledger.RejectedRequests(t.Context(), start, start.Add(time.Hour), 1000)
	if err != nil || len(kept) > 40 {
		t.Fatalf("kept %d of 500: %v", len(kept), err)
	}
}

// TestTokenBesideTheBody: a header that repeats the token is kept without it.
func TestTokenBesideTheBody(t *testing.T) {
	for name, c := range map[string]struct{ source, requestID, userAgent, wantAgent string }{
		"none":                     {"demo", "req-7", "python-requests/2.31.0", "python-requests/2.31.0"},
		"a browser":                {"demo", "", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"},
		"the token":                {"demo", token, "x " + token + " y", "x redacted y"},
		"the token, spelled anew":  {"demo", strings.ReplaceAll(token, "_", "%5F"), strings.ToUpper(token), "redacted"},
		"within":                   {"demo", "req-" + token + "-7", "hook/1 (/webhooks/demo/" + token + ")", "hook/1 (/webhooks/redacted"},
		"across the end":           {"demo", strings.Repeat("x", 190) + token, strings.Repeat("x ", 55) + token, strings.Repeat("x ", 55) + "redacted"},
		"the parts changed places": {token, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.claims = errDown // the message has all that is stored
			svc := w.service()
			req := post(reply(1))
			req.ProviderRequestID, req.UserAgent = c.requestID, c.userAgent
			if _, err := svc.Receive(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			bad := req
			bad.Source, bad.Body = c.source, []byte("bad")
			_, _ = svc.Receive(t.Context(), bad)
			kept, err := w.ledger.RejectedRequests(t.Context(), start, start.Add(time.Hour), 10)
			if err != nil || len(kept) != 1 || kept[0].UserAgent != c.wantAgent {
				t.Fatalf("kept %+v: %v", kept, err)
			}
			stored := strings.ToLower(fmt.Sprintf("%+v %+v", kept[0], *w.sent[0].Receipt))
			if strings.Contains(strings.ReplaceAll(stored, "%5f", "_"), token[:12]) {
				t.Errorf("the token is stored: %s", stored)
			}
			if got := w.sent[0].Receipt.ProviderRequestID; name == "none" && got != c.requestID {
				t.Errorf("request id %q", got)
			}
		})
	}
}

// TestTokenIsNoIdentity: events are not one because their X-Request-Id is the
// token.
func TestTokenIsNoIdentity(t *testing.T) {
	w := newWorld(t)
	w.source.TrustRequestID = true
	svc := w.service()
	for n := range 2 {
		req := post(reply(n))
		req.ProviderRequestID = token
		if a, err := svc.Receive(t.Context(), req); err != nil || statuses(a) != "accepted" {
			t.Errorf("event %d: %s %v", n, statuses(a), err)
		}
	}
}

func TestRejectedElementsAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want string // detail
	}{
		"one":          {"[" + reply(1) + ",5]", "1 of 2 elements, the first at index 1: not an object"},
		"some":         {"[null," + reply(1) + `,"a",7]`, "3 of 4 elements, the first at index 0: not an object"},
		"all":          {"[1]", "1 of 1 elements, the first at index 0: not an object"},
		"in a wrapper": {`{"body":[5,` + reply(1) + "]}", "1 of 2 elements, the first at index 0: not an object"},
		"none":         {"[" + reply(1) + "]", ""},
		"no element":   {"[]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if _, err := w.service().Receive(t.Context(), post(c.body)); err != nil {
				t.Fatal(err)
			}
			kept, err := w.ledger.RejectedRequests(t.Context(), start, start.Add(time.Hour), 10)
			switch {
			case err != nil || c.want == "" && len(kept) > 0 || c.want != "" && len(kept) != 1:
				t.Fatalf("kept %+v: %v", kept, err)
			case c.want == "":
				return
			}
			r := kept[0]
			if r.Cause != "rejected_elements" || r.Kind != "rejected" || !strings.HasPrefix(r.Detail, c.want) ||
				r.Excerpt != "" || r.RequestID != "req-1" || r.Source != "demo" || r.Bytes != len(c.body) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestRejectedElementsOfFailedRequest(t *testing.T) {
	w := newWorld(t)
	w.bodies = errDown
	a, err := w.service().Receive(t.Context(), post("["+reply(1)+",5]"))
	if err == nil || statuses(a) != "failed rejected" {
		t.Fatalf("%s %v", statuses(a), err)
	}
	if kept, err := w.ledger.RejectedRequests(t.Context(), start, start.Add(time.Hour), 10); err != nil || len(kept) > 0 {
		t.Errorf("kept, and the request comes again: %+v %v", kept, err)
	}
}

func TestRejectedElementsAreBoundedInRate(t *testing.T) {
	w := newWorld(t)
	svc := w.service()
	for range 500 {
		if a, err := svc.Receive(t.Context(), post("[5]")); err != nil || statuses(a) != "rejected" {
			t.Fatalf("%s %v", statuses(a), err)
		}
	}
	if kept, err := w.ledger.RejectedRequests(t.Context(), start, start.Add(time.Hour), 1000); err != nil || len(kept) > 40 {
		t.Fatalf("kept %d of 500: %v", len(kept), err)
	}
}

// deaf is a table that does not answer.
type deaf struct{}

func (deaf) RecordRejectedRequest(ctx context.Context, _ webhook.RejectedRequest) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestRejectedElementsDoNotHoldTheAnswer: a table that does not answer delays it
// by a second, and the events are accepted all the same.
func TestRejectedElementsDoNotHoldTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.rejections = deaf{}
		began := time.Now()
		a, err := w.service().Receive(t.Context(), post("["+reply(1)+",5]"))
		if err != nil || statuses(a) != "accepted rejected" || len(w.sent) != 1 {
			t.Fatalf("%s %v", statuses(a), err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the answer took %s", took)
		}
		got := a.Results[1].Err
		if !errors.Is(got, context.DeadlineExceeded) || !errors.Is(got, smartlead.ErrNotObject) {
			t.Errorf("for the log: %v", got)
		}
	})
}
