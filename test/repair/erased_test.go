package repair

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// atFirstClaim does something right before the first claim of an event reaches the table,
// when the repair has asked whether its lead was erased, and returns a stack whose calls
// pass it.
func (w *world) atFirstClaim(do func()) *stack.Stack { return w.around(do, func() {}) }

// around does something right before the first claim, and something else right before the
// call behind it, which asks once more whether the lead was erased.
func (w *world) around(before, behind func()) *stack.Stack {
	w.t.Helper()
	target, err := url.Parse(w.DynamoDB)
	w.must(err)
	forward := httputil.NewSingleHostReverseProxy(target)
	var claimed, after atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		claim := strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") && strings.Contains(string(body), `"v1:`)
		switch {
		case claim && claimed.CompareAndSwap(false, true):
			before()
		case claimed.Load() && after.CompareAndSwap(false, true):
			behind()
		}
		forward.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(server.Close)
	dynamo := w.DynamoDB
	w.DynamoDB = server.URL
	w.WriteInfoWith(clitest.EngineURL())
	st, err := stack.ConnectLocal(w.Dir, stack.Env{Now: w.Clock, Sleep: w.sleep, Nonce: w.nonce})
	w.must(err)
	w.DynamoDB = dynamo
	w.WriteInfoWith(clitest.EngineURL())
	return st
}

// A lead is erased, with everything that is kept of it, between the question whether it
// was and the claim of an event of it.
func TestWhatIsMadeWhileItsLeadIsErasedIsNotDelivered(t *testing.T) {
	w := newWorld(t, few(clitest.Start))
	lead := w.account.Campaigns[0].Mails[1].Lead
	_, lost := w.half()
	w.post(lost[0]) // something is kept of the lead
	w.Work()
	w.must(repairOnce(w, w.st, repair.Retrigger))
	w.Advance(repair.DefaultWait + 1e9)
	w.Work() // what was posted again
	before := w.deliveries()
	st := w.atFirstClaim(func() { w.OK("leads", "forget", lead, "--yes") })
	w.must(repairOnce(w, st, repair.Synthesize))
	w.Advance(day) // the sweep looks, too
	w.Work()
	if n := w.deliveries() - before; n != 0 {
		t.Errorf("%d events of an erased lead were delivered", n)
	}
	undone := 0
	events, _ := w.stored()
	for _, r := range events {
		if !r.Synthesized() {
			continue
		}
		undone++
		if !r.Erased() || r.LeadEmail != "" || r.Payload.Size > 0 || r.State != webhook.Discarded {
			t.Errorf("%s is kept: %s, erased: %v", r.ID, r.State, r.Erased())
		}
	}
	runs, err := w.st.Repair.Runs(t.Context(), 1)
	w.must(err)
	if undone != 1 || len(runs) != 1 || len(runs[0].Undone) != 1 || runs[0].Made != 0 || len(runs[0].Unsure) != 0 {
		t.Errorf("%d were erased, and the record says %+v", undone, runs)
	}
}

// A run whose time ends before it learns whether the lead of what it made was erased
// meanwhile names the event: on record, and in an incident.
func TestWhatNobodyCouldAskAboutIsNamedWhereTheTimeEnds(t *testing.T) {
	w := newWorld(t, few(clitest.Start))
	_, lost := w.half()
	w.post(lost[0])
	w.Work()
	w.must(repairOnce(w, w.st, repair.Retrigger))
	w.Advance(repair.DefaultWait + 1e9)
	w.Work()
	ctx, end := context.WithCancel(t.Context())
	st := w.around(func() {}, end)
	got, err := st.Repair.Repair(ctx, w.client, repair.Request{Mode: repair.Synthesize, By: "tester"}, w.compare(0).Campaigns...)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want that the time is over: %+v", err, got)
	}
	var made []webhook.EventID
	events, _ := w.stored()
	for id, r := range events {
		if r.Synthesized() {
			made = append(made, id)
		}
	}
	runs, err := w.st.Repair.Runs(t.Context(), 1)
	w.must(err)
	if len(made) != 1 || len(runs) != 1 || !slices.Equal(runs[0].Unsure, made) || runs[0].EndedAt.IsZero() {
		t.Errorf("made %q, and the record says %+v", made, runs)
	}
	in, err := w.st.Incidents.List(t.Context(), incident.Query{})
	w.must(err)
	if !slices.ContainsFunc(in, func(in incident.Incident) bool { return strings.Contains(in.Text, string(made[0])) }) {
		t.Errorf("no incident names %q: %+v", made, in)
	}
}

// deliveries counts them.
func (w *world) deliveries() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, times := range w.effects {
		n += times
	}
	return n
}

// repairOnce compares and repairs by a stack.
func repairOnce(w *world, st *stack.Stack, mode repair.Mode) error {
	_, err := st.Repair.Repair(w.t.Context(), w.client, repair.Request{Mode: mode, By: "tester"}, w.compare(0).Campaigns...)
	return err
}
