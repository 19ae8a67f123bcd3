package receive_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/webhook"
)

// recorded notes what is to be recorded.
type recorded struct {
	mu    sync.Mutex
	asked int
	seen  []webhook.Scope
	know  bool
	err   error
}

func (r *recorded) Known(webhook.Scope) bool { return r.know }

func (r *recorded) Record(_ context.Context, seen []webhook.Scope) ([]webhook.Scope, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	r.seen = append(r.seen, seen...)
	return seen[:1], r.err
}

// recording is a service that records into r, over the world.
func (w *world) recording(r *recorded) *receive.Service {
	svc := w.service()
	ports := svc.Ports
	ports.Scopes = r
	return receive.New(ports, receive.DefaultPolicy)
}

// hooked is a reply that says which webhook sent it.
func hooked(body string) string {
	return strings.Replace(body, "{", `{"webhook_id":90017,"webhook_name":"All replies","webhook_url":"https://hooks.example.com/webhooks/demo/`+token+`",`, 1)
}

func TestWhichWebhookSentATrustedEventIsRecorded(t *testing.T) {
	w, r := newWorld(t), &recorded{}
	svc := w.recording(r)
	req := post(hooked(reply(1)))
	req.WebhookLevel = " USER "
	a, err := svc.Receive(t.Context(), req)
	if err != nil || !a.Results[0].SecondHook {
		t.Fatalf("%v, %+v", err, a)
	}
	want := webhook.Scope{
		Account: "default", Source: "demo", Campaign: "4100001", Type: webhook.EmailReply, Hook: "90017", Name: "All replies", Level: "user",
	}
	if !slices.Equal(r.seen, []webhook.Scope{want}) {
		t.Errorf("got %+v", r.seen)
	}
	if _, err := svc.Receive(t.Context(), req); err != nil || len(r.seen) != 2 { // a duplicate has been sent by a webhook, too
		t.Errorf("%v, %d recorded", err, len(r.seen))
	}
	req.WebhookLevel = "slr_nobodys-level"
	if _, err := svc.Receive(t.Context(), req); err != nil || r.seen[2].Level != "" {
		t.Errorf("%v, level %q", err, r.seen[2].Level)
	}
	r.know = true
	if _, err := svc.Receive(t.Context(), req); err != nil || r.asked != 3 {
		t.Errorf("%v: what is known was recorded anew", err)
	}
}

func TestOnlyWhatIsTrustedAndDurableIsRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(*world)
		body    string
	}{
		"a wrong secret_key":   {func(w *world) { w.source.BodySecrets = []auth.Digest{auth.NewDigest("another")} }, reply(1)},
		"none where required":  {func(w *world) { w.source.RequireSecretKey = true }, reply(1)},
		"the dashboard's test": {func(*world) {}, strings.Replace(reply(1), secret, "secretkey", 1)},
		"no event":             {func(*world) {}, `["x"]`},
		"the table is down":    {func(w *world) { w.claims = webhook.ErrUnavailable }, reply(1)},
		"nothing is durable": {func(w *world) {
			w.claims, w.queue = webhook.ErrUnavailable, errors.New("down")
		}, reply(1)},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := newWorld(t), &recorded{}
			c.arrange(w)
			_, _ = w.recording(r).Receive(t.Context(), post(hooked(c.body)))
			if len(r.seen) > 0 {
				t.Errorf("recorded %+v", r.seen)
			}
		})
	}
}

func TestAFailureToRecordChangesNoAnswer(t *testing.T) {
	w, r := newWorld(t), &recorded{err: webhook.ErrUnavailable}
	a, err := w.recording(r).Receive(t.Context(), post(reply(1)))
	if err != nil || statuses(a) != "accepted" || !a.Results[0].Enqueued || !errors.Is(a.Results[0].Err, webhook.ErrUnavailable) {
		t.Errorf("%v, %+v", err, a.Results)
	}
}
