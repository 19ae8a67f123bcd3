//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"smartlead-receiver/pkg/webhook"
)

// A stack without routes is "complete" as well, so that the engine's word for
// the deployment proves nothing.
func TestTheRoutesExist(t *testing.T) {
	text, err := deployed.service(t.Context(), "apigateway", http.MethodGet, "/v2/apis/"+deployed.outputs["ApiId"]+"/routes", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Items []struct{ RouteKey string } `json:"items"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, item := range got.Items {
		keys = append(keys, item.RouteKey)
	}
	slices.Sort(keys)
	if want := []string{"$default", "ANY /errors/{source}", "ANY /errors/{source}/{token}", "ANY /webhooks/{source}", "ANY /webhooks/{source}/{token}", "GET /healthz"}; !slices.Equal(keys, want) {
		t.Errorf("routes %q, want %q", keys, want)
	}
}

func TestEachRequestGetsItsStatus(t *testing.T) {
	good := reply("status@e2e.example")
	for _, c := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"health", http.MethodGet, "/healthz", "", http.StatusOK},
		{"a person checks the address", http.MethodGet, deployed.webhookPath(), "", http.StatusOK},
		{"token in the query", http.MethodGet, "/webhooks/demo?token=" + deployed.token, "", http.StatusOK},
		{"wrong token", http.MethodPost, "/webhooks/demo/slr_wrong", good, http.StatusUnauthorized},
		{"missing token", http.MethodPost, "/webhooks/demo", good, http.StatusUnauthorized},
		{"unknown source", http.MethodPost, "/webhooks/nobody/slr_wrong", good, http.StatusUnauthorized},
		{"wrong token of a person", http.MethodGet, "/webhooks/demo/slr_wrong", "", http.StatusUnauthorized},
		{"not JSON", http.MethodPost, deployed.webhookPath(), "hello", http.StatusBadRequest},
		{"other method", http.MethodPut, deployed.webhookPath(), good, http.StatusMethodNotAllowed},
		{"empty list", http.MethodPost, deployed.webhookPath(), "[]", http.StatusOK},
		{"a slash at the end", http.MethodGet, deployed.webhookPath() + "/", "", http.StatusOK},
		{"doubled slashes", http.MethodGet, strings.Replace(deployed.webhookPath(), "/demo/", "//demo//", 1), "", http.StatusOK},
		{"token in the query, a slash before", http.MethodGet, "/webhooks/demo/?token=" + deployed.token, "", http.StatusOK},
		{"escapes", http.MethodGet, strings.Replace(deployed.webhookPath(), "_", "%5f", 1), "", http.StatusOK},
		{"wrong token, a slash at the end", http.MethodPost, "/webhooks/demo/slr_wrong/", good, http.StatusUnauthorized},
		{"a part too many", http.MethodPost, deployed.webhookPath() + "/more", good, http.StatusNotFound},
		{"no such path", http.MethodPost, "/elsewhere", good, http.StatusNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, text := ask(t, c.method, c.path, c.body); status != c.want {
				t.Errorf("answered %d, want %d: %s", status, c.want, text)
			}
		})
	}
}

func TestANewEventIsDeliveredSignedAndWithoutSecrets(t *testing.T) {
	const lead = "new@e2e.example"
	a := post(t, reply(lead))
	if len(a.Results) != 1 || a.Results[0].Status != "accepted" {
		t.Fatalf("answered %+v", a)
	}
	id := a.Results[0].EventID
	if r := becomes(t, id, webhook.Delivered, 30*time.Second); r.ExpiresAt.IsZero() {
		t.Error("a delivered event has no expiry")
	}
	got := records.about(lead)
	if len(got) != 1 {
		t.Fatalf("%d deliveries, want 1", len(got))
	}
	d := got[0]
	if d.event.ID != id || d.header.Get("Webhook-Id") != string(id) {
		t.Errorf("delivered %s with webhook-id %q, want %s", d.event.ID, d.header.Get("Webhook-Id"), id)
	}
	verifier, err := standardwebhooks.NewWebhook(signingSecret)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify(d.body, d.header); err != nil {
		t.Errorf("signature: %v", err)
	}
	for _, secret := range []string{deployed.token, "provider-key"} {
		if strings.Contains(string(d.body), secret) {
			t.Errorf("the delivery holds %q", secret)
		}
	}
}

func TestADuplicateIsDeliveredOnce(t *testing.T) {
	const lead = "duplicate@e2e.example"
	first, second := post(t, reply(lead)), post(t, reply(lead))
	id := first.Results[0].EventID
	if second.Results[0].EventID != id || second.Results[0].Status != "duplicate" {
		t.Errorf("the second is %+v, want a duplicate of %s", second.Results, id)
	}
	becomes(t, id, webhook.Delivered, 30*time.Second)
	if third := post(t, reply(lead)); third.Results[0].Status != "duplicate" {
		t.Errorf("after its delivery it is %+v", third.Results)
	}
	time.Sleep(2 * time.Second) // a wrong second delivery would need time, too
	if n := len(records.about(lead)); n != 1 {
		t.Errorf("%d deliveries, want 1", n)
	}
}

func TestAnArrayIsManyEvents(t *testing.T) {
	leads := []string{"one@e2e.example", "two@e2e.example", "three@e2e.example"}
	bodies := make([]string, len(leads))
	for i, lead := range leads {
		bodies[i] = reply(lead)
	}
	a := post(t, "["+strings.Join(bodies, ",")+"]")
	if len(a.Results) != len(leads) {
		t.Fatalf("%d results, want %d", len(a.Results), len(leads))
	}
	for i, lead := range leads {
		becomes(t, a.Results[i].EventID, webhook.Delivered, 30*time.Second)
		if n := len(records.about(lead)); n != 1 {
			t.Errorf("%s: %d deliveries, want 1", lead, n)
		}
	}
}

// A body beyond the size of an item waits in the bucket.
func TestALargeEventIsDeliveredWhole(t *testing.T) {
	const lead = "large@e2e.example"
	noise := incompressible(600_000)
	body := strings.Replace(reply(lead), `"text":"Yes"`, `"text":"`+noise+`"`, 1)
	id := post(t, body).Results[0].EventID
	if r := becomes(t, id, webhook.Delivered, 30*time.Second); r.Payload.Ref == "" {
		t.Error("the body is inside the item")
	}
	got := records.about(lead)
	if len(got) != 1 || got[0].event.Reply == nil || got[0].event.Reply.Text != noise {
		t.Errorf("%d deliveries, or the text is not what was sent", len(got))
	}
}
