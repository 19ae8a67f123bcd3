package repair

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// death ends a process at one of its calls: before the call is made, or after it took
// effect and before its answer arrives. 0: it lives.
type death struct {
	at    int64
	after bool
	calls atomic.Int64
	die   context.CancelFunc
}

// proxy stands before an endpoint and ends the process at its call.
func (d *death) proxy(t *testing.T, endpoint string) string {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n := d.calls.Add(1)
		if d.at == 0 || n < d.at {
			forward.ServeHTTP(rw, r)
			return
		}
		if d.after && n == d.at {
			forward.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
		}
		d.die()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// few is an account of three mails: one came with all its events, one lost everything, and
// of one the webhook of the reply failed, so that Smartlead posts it again.
func few(now time.Time) *fakeapi.Account {
	c := &fakeapi.Campaign{ID: 4100001, Name: "Few", Status: "ACTIVE"}
	for i := range 3 {
		sent := now.Add(-2 * day).Add(time.Duration(i) * time.Minute)
		c.Mails = append(c.Mails, &fakeapi.Mail{
			StatsID: fmt.Sprintf("5b1f7a52-0c3e-4d9a-9a41-00000000000%d", i), Lead: fmt.Sprintf("lead%d@acme.example.com", i), LeadID: 3_120_000_000 + int64(i),
			Step: 2, MessageID: fmt.Sprintf("<sent-%d@outbound.example>", i), SentAt: sent,
			Replies: []fakeapi.Reply{{At: sent.Add(time.Hour), MessageID: fmt.Sprintf("<re-%d@acme.example.com>", i), Text: "Yes"}},
		})
	}
	return &fakeapi.Account{Key: "k", Campaigns: []*fakeapi.Campaign{c}}
}

// repairThrough repairs by a process whose calls go through the deaths. It compares and
// repairs twice, as two runs of a schedule would.
func (w *world) repairThrough(d *death) error {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	d.die = cancel
	client, err := smartleadapi.New(smartleadapi.Options{Key: w.account.Key, URL: d.proxy(w.t, w.apiURL), Now: w.Clock, Sleep: w.sleep})
	w.must(err)
	dynamo := w.DynamoDB
	w.DynamoDB = d.proxy(w.t, dynamo)
	w.WriteInfoWith(d.proxy(w.t, clitest.EngineURL()))
	st, err := stack.ConnectLocal(w.Dir, stack.Env{Now: w.Clock, Sleep: w.sleep, Nonce: w.nonce})
	w.must(err)
	w.DynamoDB = dynamo
	request := repair.Request{Mode: repair.Synthesize, By: "tester"}
	for range 2 {
		service := reconcile.Service{Provider: client, Ledger: st.Ledger, Now: w.Clock}
		report, err := service.Run(ctx, reconcile.Request{
			Campaigns: []string{"4100001"}, Window: smartleadapi.Window{Since: w.Clock().Add(-10 * day), Until: w.Clock()},
		})
		if err == nil {
			_, err = st.Repair.Repair(ctx, client, request, report.Campaigns...)
		}
		if err := firstOf(ctx.Err(), err); err != nil {
			return err
		}
		w.Advance(repair.DefaultWait + time.Second)
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// A repair that ends at any of its calls, and begins anew, loses nothing and doubles
// nothing; and what it made is found to be one event by the webhook that comes late.
func TestARepairThatBreaksOffAnywhereIsTakenUp(t *testing.T) {
	total := crashAt(t, &death{})
	t.Logf("%d calls", total)
	if total < 20 {
		t.Fatalf("%d calls: the repair did not do its work", total)
	}
	step := int64(9) // a few of them each time, and all with REPAIR_CRASHES=all
	if os.Getenv("REPAIR_CRASHES") == "all" {
		step = 1
	}
	for n := int64(1); n <= total; n += step {
		for _, after := range []bool{false, true} {
			crashAt(t, &death{at: n, after: after})
		}
	}
}

func crashAt(t *testing.T, d *death) (calls int64) {
	t.Helper()
	t.Run(fmt.Sprintf("%d,%v", d.at, d.after), func(t *testing.T) {
		w := newWorld(t, few(clitest.Start))
		c := w.account.Campaigns[0]
		posts := c.Posts(w.Clock())
		var lost []fakeapi.Post
		for _, p := range posts {
			switch p.StatsID {
			case c.Mails[0].StatsID:
				w.post(p)
			case c.Mails[1].StatsID:
				lost = append(lost, p)
			default:
				if p.Type == "EMAIL_REPLY" {
					c.Lost = append(c.Lost, p) // it failed
				} else {
					w.post(p)
				}
			}
		}
		w.Work()
		err := w.repairThrough(d)
		if calls = d.calls.Load(); d.at == 0 {
			w.must(err)
		} else {
			w.must(w.repairThrough(&death{}))
		}
		w.Advance(10 * time.Minute)
		w.Sweep() // sends what was claimed and not enqueued
		w.Work()
		events, _ := w.stored()
		for _, p := range lost {
			if r := events[idOf(t, p)]; !r.Synthesized() || r.State != webhook.Delivered {
				t.Errorf("%s of the lost mail is %q, synthesized: %v", p.Type, r.State, r.Synthesized())
			}
			w.post(p)
		}
		w.Work()
		w.oncePerEvent(posts)
	})
	return calls
}
