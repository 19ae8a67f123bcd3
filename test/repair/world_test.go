// Package repair holds the repair of what a comparison finds missing to its promise, with
// the real functions over the embedded engine: nothing is lost, and nothing is there twice,
// in whichever order a webhook and its repair come.
package repair

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/ttlcheck"
)

var _ = ttlcheck.Proxy // the stack of clitest stands behind it

const day = 24 * time.Hour

// world is a receiver beside an account of Smartlead, and what its destination got.
type world struct {
	*clitest.Stack
	t       *testing.T
	account *fakeapi.Account
	api     *fakeapi.Server
	client  *smartleadapi.Client
	st      *stack.Stack
	apiURL  string
	nonces  int

	apiServer *httptest.Server
	beyond    atomic.Int64 // calls that the plan does not allow

	mu      sync.Mutex
	effects map[string]int    // deliveries by idempotency key
	origins map[string]string // of the events
}

func newWorld(t *testing.T, account *fakeapi.Account) *world {
	t.Helper()
	w := &world{Stack: clitest.New(t), t: t, account: account, effects: map[string]int{}, origins: map[string]string{}}
	w.Dest.Config.Handler = http.HandlerFunc(w.deliver)
	w.api = fakeapi.New(fakeapi.Options{Account: account, Now: w.Clock})
	server := httptest.NewServer(w.api)
	t.Cleanup(server.Close)
	for _, c := range account.Campaigns {
		if c.Hooks == nil {
			c.Hooks = []fakeapi.Hook{{ID: c.ID + 1, Name: "all", URL: w.hook(), Events: allTypes}}
		}
	}
	var err error
	w.client, err = smartleadapi.New(smartleadapi.Options{Key: account.Key, URL: server.URL, Plan: smartleadapi.Pro, Now: w.Clock, Sleep: w.sleep})
	w.must(err)
	w.apiURL, w.apiServer = server.URL, server
	w.st, err = stack.ConnectLocal(w.Dir, stack.Env{Now: w.Clock, Sleep: w.sleep, Nonce: w.nonce})
	w.must(err)
	return w
}

// allTypes are ticked by a webhook.
var allTypes = []string{
	"EMAIL_SENT", "FIRST_EMAIL_SENT", "EMAIL_OPEN", "EMAIL_LINK_CLICK", "EMAIL_REPLY", "EMAIL_BOUNCE", "LEAD_UNSUBSCRIBED", "LEAD_CATEGORY_UPDATED",
}

func (w *world) hook() string { return w.Front.URL + "/webhooks/demo/" + w.Token }

func (w *world) sleep(_ context.Context, d time.Duration) { w.Advance(d) }

func (w *world) nonce() (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nonces++
	return fmt.Sprintf("%s-%d", w.t.Name(), w.nonces), nil
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// deliver is the destination.
func (w *world) deliver(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var e struct{ Origin string }
	_ = json.Unmarshal(body, &e)
	key := r.Header.Get("webhook-id")
	w.mu.Lock()
	w.effects[key]++
	w.origins[key] = e.Origin
	w.mu.Unlock()
	rw.WriteHeader(http.StatusOK)
}

// post posts an event, and returns its id and what became of it.
func (w *world) post(p fakeapi.Post) (id, status string) {
	w.t.Helper()
	resp, err := http.Post(w.hook(), "application/json", strings.NewReader(string(p.Body)))
	w.must(err)
	defer resp.Body.Close()
	var answer struct {
		Results []struct {
			EventID string `json:"event_id"`
			Status  string `json:"status"`
		} `json:"results"`
	}
	w.must(json.NewDecoder(resp.Body).Decode(&answer))
	if len(answer.Results) != 1 {
		w.t.Fatalf("HTTP %d, %d results", resp.StatusCode, len(answer.Results))
	}
	return answer.Results[0].EventID, answer.Results[0].Status
}

// compare compares all campaigns.
func (w *world) compare(threads int) reconcile.Report {
	w.t.Helper()
	report, err := w.comparison(threads)
	w.must(err)
	return report
}

func (w *world) comparison(threads int) (reconcile.Report, error) {
	r := reconcile.Request{
		Window:  smartleadapi.Window{Since: w.Clock().Add(-10 * day), Until: w.Clock()},
		Types:   append(append([]webhook.Type{}, reconcile.Types...), webhook.LeadCategoryUpdated),
		Threads: threads,
	}
	for _, c := range w.account.Campaigns {
		r.Campaigns = append(r.Campaigns, fmt.Sprint(c.ID))
	}
	service := reconcile.Service{Provider: w.client, Ledger: w.st.Ledger, People: w.client, Bodies: w.st.Bodies, Now: w.Clock}
	return service.Run(w.t.Context(), r)
}

// repaired compares, repairs, waits for what Smartlead posts again, compares and repairs.
func (w *world) repaired(threads, budget int) repair.Result {
	w.t.Helper()
	request := repair.Request{Mode: repair.Synthesize, Budget: budget, By: "tester"}
	_, err := w.st.Repair.Repair(w.t.Context(), w.client, request, w.compare(threads).Campaigns...)
	w.must(err)
	w.Advance(repair.DefaultWait + time.Second)
	result, err := w.st.Repair.Repair(w.t.Context(), w.client, request, w.compare(threads).Campaigns...)
	w.must(err)
	w.Work()
	return result
}

// idOf is the identity of an event that is posted.
func idOf(t *testing.T, p fakeapi.Post) webhook.EventID {
	t.Helper()
	batch, err := smartlead.Parse(p.Body, smartlead.Options{Account: "default"})
	if err != nil || len(batch.Elements) != 1 {
		t.Fatalf("%v: %s", err, p.Body)
	}
	return batch.Elements[0].Event.ID
}

// stored are the ids of all events in the ledger, and how many variants.
func (w *world) stored() (ids map[webhook.EventID]webhook.Record, variants int) {
	w.t.Helper()
	ids = map[webhook.EventID]webhook.Record{}
	for after := ""; ; {
		part, err := w.st.Ledger.Received(w.t.Context(), "", w.Clock().Add(-60*day), w.Clock().Add(time.Hour), nil, after)
		w.must(err)
		for _, r := range part.Records {
			ids[r.ID] = r
			variants += r.Variants
		}
		if after = part.Next; after == "" {
			return ids, variants
		}
	}
}
