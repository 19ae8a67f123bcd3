package scheduled_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// world is an account of Smartlead with its API over HTTP, what was received of it, and a
// table of documents.
type world struct {
	t       *testing.T
	clock   time.Time
	account *fakeapi.Account
	api     *fakeapi.Server
	server  *httptest.Server
	front   func(w http.ResponseWriter, r *http.Request) bool // answers in the place of the API
	key     string                                            // "": none is kept
	keyErr  error
	policy  scheduled.Policy
	repair  scheduled.Repairer
	ledger  ledger
	docs    documents
	nonces  int
}

// newWorld has an account of so many campaigns, of which everything arrived but lost.
func newWorld(t *testing.T, campaigns int, lost func(fakeapi.Post) bool) *world {
	t.Helper()
	w := &world{t: t, clock: testclock.Noon(), key: "k", policy: scheduled.DefaultPolicy}
	w.policy.Past = true
	w.docs.w, w.docs.mu = w, newMutex()
	w.account = &fakeapi.Account{Key: "k"}
	for i := range campaigns {
		of := fakeapi.Simulate("k", w.clock, 12).Campaigns[0]
		of.ID, of.Name = 4_100_001+i, fmt.Sprintf("Campaign %d", i)
		for _, m := range of.Mails {
			m.StatsID = fmt.Sprintf("c%d-%s", i, m.StatsID)
		}
		w.account.Campaigns = append(w.account.Campaigns, of)
	}
	w.receive(w.clock, lost)
	w.serve(fakeapi.Options{})
	return w
}

// serve answers as the options say from now on.
func (w *world) serve(o fakeapi.Options) {
	o.Account, o.Now = w.account, func() time.Time { return w.clock }
	w.api = fakeapi.New(o)
	if w.server != nil {
		return
	}
	w.server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if w.front == nil || !w.front(out, r) {
			w.api.ServeHTTP(out, r)
		}
	}))
	w.t.Cleanup(w.server.Close)
}

// receive puts what Smartlead posts up to a time into the ledger, but what is lost.
func (w *world) receive(until time.Time, lost func(fakeapi.Post) bool) {
	w.ledger.records = nil
	for _, c := range w.account.Campaigns {
		for _, p := range c.Posts(until) {
			if lost != nil && lost(p) {
				continue
			}
			batch, err := smartlead.Parse(p.Body, smartlead.Options{Account: "default"})
			if err != nil || len(batch.Elements) != 1 {
				w.t.Fatalf("%v: %s", err, p.Body)
			}
			e := batch.Elements[0].Event
			w.ledger.records = append(w.ledger.records, webhook.Record{ID: e.ID, State: webhook.Delivered, Receipt: webhook.Receipt{
				Type: e.Type, CampaignID: e.CampaignID, StatsID: e.StatsID, LeadEmail: e.Lead.Email, OccurredAt: e.OccurredAt, ReceivedAt: p.At,
			}})
		}
	}
}

// service is a process of its own.
func (w *world) service() *scheduled.Service {
	return scheduled.New(scheduled.Ports{
		Documents: &w.docs, Ledger: &w.ledger, Repair: w.repair,
		Connect: func(_ context.Context, maxCalls int) (scheduled.API, error) {
			if w.keyErr != nil {
				return nil, w.keyErr
			}
			if w.key == "" {
				return nil, scheduled.ErrNoKey
			}
			return smartleadapi.New(smartleadapi.Options{
				Key: w.key, URL: w.server.URL, MaxCalls: maxCalls, Share: smartleadapi.Half, MaxWait: time.Minute,
				Now: func() time.Time { return w.clock }, Sleep: func(_ context.Context, d time.Duration) { w.clock = w.clock.Add(d) },
			})
		},
		Now:   func() time.Time { return w.clock },
		Nonce: func() string { w.nonces++; return fmt.Sprint("n", w.nonces) },
	}, w.policy)
}

func (w *world) run() scheduled.Summary { return w.service().Run(w.t.Context()) }

// toEnd runs slices, five minutes apart, until a run has ended.
func (w *world) toEnd() scheduled.Summary {
	w.t.Helper()
	for range 200 {
		if sum := w.run(); sum.Ended {
			return sum
		}
		w.clock = w.clock.Add(5 * time.Minute)
	}
	w.t.Fatal("no run ended")
	return scheduled.Summary{}
}

func (w *world) state() scheduled.State {
	w.t.Helper()
	st, err := scheduled.Standing(w.t.Context(), &w.docs)
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

func (w *world) campaigns() []scheduled.Campaign {
	w.t.Helper()
	list, err := scheduled.Campaigns(w.t.Context(), &w.docs)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// missing is what is missing of each campaign, by id.
func (w *world) missing() map[string]int {
	all := map[string]int{}
	for _, c := range w.campaigns() {
		all[c.ID] = c.Now().Of(reconcile.Missing)
	}
	return all
}

// ledger lists what was received, in pages of 500.
type ledger struct {
	records []webhook.Record
	err     error
}

func (l *ledger) Received(_ context.Context, of string, since, _ time.Time, skip func(webhook.EventID) bool, after string) (webhook.Received, error) {
	if l.err != nil {
		return webhook.Received{}, l.err
	}
	begin := 0
	_, _ = fmt.Sscan(after, &begin)
	end := min(begin+500, len(l.records))
	out := webhook.Received{Looked: end - begin}
	for _, r := range l.records[begin:end] {
		if (of == "" || of == r.CampaignID) && !skip(r.ID) && !r.ReceivedAt.Before(since) {
			out.Records = append(out.Records, r)
		}
	}
	if end < len(l.records) {
		out.Next = fmt.Sprint(end)
	}
	return out, nil
}

// errCrash is what a process dies of.
var errCrash = errors.New("crash")

// documents keeps documents with versions, and lets a process die at a call: before it
// took effect, or after.
type documents struct {
	w      *world
	mu     *sync.Mutex // another one for each process: a dead one keeps its own
	kept   map[string]webhook.Document
	calls  int
	dieAt  int // number of the call; 0: none
	after  bool
	lose   int // number of the call that takes effect, and whose answer is lost
	writes []string
	// before, where it is not nil, is called once before the next write.
	before func(kind string)
}

func (d *documents) step(effect func()) error {
	d.calls++
	if d.calls == d.dieAt && !d.after {
		panic(errCrash)
	}
	effect()
	switch d.calls {
	case d.dieAt:
		panic(errCrash)
	case d.lose:
		return fmt.Errorf("the answer is lost: %w", webhook.ErrUnavailable)
	}
	return nil
}

func (d *documents) LoadDocument(_ context.Context, kind, name string) (body []byte, version int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	lost := d.step(func() {
		doc, found := d.kept[kind+"/"+name]
		if body, version = slices.Clone(doc.Body), doc.Version; !found {
			err = webhook.ErrNotFound
		}
	})
	return body, version, errors.Join(err, lost)
}

func (d *documents) SaveDocument(_ context.Context, kind, name string, body []byte, seen int, _, expires time.Time) (err error) {
	if do := d.before; do != nil {
		d.before = nil
		do(kind)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(body) > 100<<10 {
		d.w.t.Errorf("%s %s has %d bytes", kind, name, len(body))
	}
	if kind != "reconcile" && expires.IsZero() {
		d.w.t.Errorf("%s %s never expires", kind, name)
	}
	lost := d.step(func() {
		if d.kept == nil {
			d.kept = map[string]webhook.Document{}
		}
		if d.kept[kind+"/"+name].Version != seen {
			err = webhook.ErrChanged
			return
		}
		d.kept[kind+"/"+name] = webhook.Document{Name: name, Version: seen + 1, Body: slices.Clone(body)}
		d.writes = append(d.writes, kind+"/"+name)
	})
	if err != nil {
		return err
	}
	return lost
}

func (d *documents) ListDocuments(_ context.Context, kind string, limit int) (list []webhook.Document, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	err = d.step(func() {
		for name, doc := range d.kept {
			if name == kind+"/"+doc.Name {
				list = append(list, doc)
			}
		}
	})
	slices.SortFunc(list, func(a, b webhook.Document) int { return -cmpText(a.Name, b.Name) })
	return list[:min(len(list), limit)], err
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func newMutex() *sync.Mutex { return new(sync.Mutex) }
