package sweep_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/sweep"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

var start = testclock.Noon()

const grace = 2 * time.Minute

type world struct {
	now         time.Time
	ledger      *memory.Ledger
	refuse      error
	lanes       map[webhook.Lane][]webhook.EventID
	deadLetters []webhook.Message
	onSend      func()
}

func (w *world) Send(_ context.Context, lane webhook.Lane, msgs []webhook.Message) []error {
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		if errs[i] = w.refuse; w.refuse == nil {
			w.lanes[lane] = append(w.lanes[lane], m.ID)
		}
	}
	if w.onSend != nil {
		w.onSend()
	}
	return errs
}

func (w *world) SendDeadLetters(_ context.Context, msgs []webhook.Message) []error {
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		if errs[i] = w.refuse; w.refuse == nil {
			w.deadLetters = append(w.deadLetters, m)
		}
	}
	return errs
}

func newWorld() *world {
	return &world{now: start, ledger: memory.New(), lanes: make(map[webhook.Lane][]webhook.EventID)}
}

func (w *world) sweep(t *testing.T) sweep.Report {
	t.Helper()
	return sweep.New(w.ledger, w, func() time.Time { return w.now }, sweep.Policy{
		Shards: ledger.DueShards, Page: 3, Grace: grace, GraceMax: 10 * time.Minute,
		LookAfter: []time.Duration{grace, time.Hour},
	}).Sweep(t.Context())
}

func (w *world) claim(t *testing.T, n int) webhook.EventID {
	t.Helper()
	c, err := w.ledger.Claim(t.Context(), webhook.Receipt{
		Key: fmt.Sprintf("v1:EMAIL_REPLY:%032d", n), Account: "default", Source: "demo", ReceivedAt: w.now,
	}, fmt.Sprint("n", n), w.now.Add(grace))
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func TestSweepSendsWhatIsOwedOnce(t *testing.T) {
	w := newWorld()
	for n := range 40 {
		w.claim(t, n)
	}
	if r := w.sweep(t); r.Due != 0 || r.Sent != 0 {
		t.Fatalf("nothing is due yet: %+v", r)
	}
	w.now = w.now.Add(grace + time.Millisecond)
	if r := w.sweep(t); r.Sent != 40 || r.Failed != 0 {
		t.Fatalf("%+v", r)
	}
	if r := w.sweep(t); r.Sent != 0 {
		t.Fatalf("the due time has moved on: %+v", r)
	}
	seen := map[webhook.EventID]bool{}
	for _, id := range w.lanes[webhook.Live] {
		seen[id] = true
	}
	if len(seen) != 40 {
		t.Fatalf("%d of 40 events were sent", len(seen))
	}
}

func TestSweepsOfOneEventBackOff(t *testing.T) {
	w := newWorld()
	id := w.claim(t, 1)
	w.now = w.now.Add(grace + time.Millisecond)
	for _, want := range []time.Duration{grace, 2 * grace, 4 * grace, 10 * time.Minute, 10 * time.Minute} {
		w.sweep(t)
		rec, _ := w.ledger.Get(t.Context(), id)
		if got := rec.DueAt.Sub(w.now); got != want {
			t.Fatalf("next sweep in %s, want %s", got, want)
		}
		w.now = rec.DueAt.Add(time.Millisecond)
	}
}

func TestRefusedSendChangesNothing(t *testing.T) {
	w := newWorld()
	id := w.claim(t, 1)
	w.now = w.now.Add(grace + time.Millisecond)
	w.refuse = fmt.Errorf("sqs: %w", webhook.ErrUnavailable)
	if r := w.sweep(t); r.Failed != 1 || r.Sent != 0 || r.Err == nil {
		t.Fatalf("%+v", r)
	}
	if rec, _ := w.ledger.Get(t.Context(), id); !rec.DueAt.Equal(start.Add(grace)) || rec.Sweeps != 0 {
		t.Fatalf("%+v", rec)
	}
	w.refuse = nil
	if r := w.sweep(t); r.Sent != 1 {
		t.Fatalf("%+v", r)
	}
}

func TestDeadEventGetsItsDeadLetterAndOwesNothing(t *testing.T) {
	w := newWorld()
	id := w.claim(t, 1)
	w.die(t, id)
	w.now = w.now.Add(grace + time.Millisecond)
	r := w.sweep(t)
	rec, _ := w.ledger.Get(t.Context(), id)
	if r.DeadLetters != 1 || len(w.deadLetters) != 1 || w.deadLetters[0].DeadLetter.Death != 1 || !rec.DueAt.IsZero() {
		t.Fatalf("%+v %+v %+v", r, w.deadLetters, rec)
	}
}

// wait ends an attempt of an event with a wait.
func (w *world) wait(t *testing.T, id webhook.EventID, d time.Duration) {
	t.Helper()
	lease, err := w.ledger.Lease(t.Context(), webhook.LeaseRequest{
		ID: id, Nonce: "w" + d.String(), Now: w.now, Until: w.now.Add(time.Minute), DueAt: w.now.Add(grace), Destinations: []string{"crm"},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.ledger.Settle(t.Context(), lease, webhook.Settlement{
		State: webhook.Pending, At: w.now, NotBefore: w.now.Add(d), DueAt: w.now.Add(d + grace), Destinations: lease.Record.Destinations,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a worker left to the sweeper is no repair; what is sent a second time, or should
// have come by its message, is.
func TestAWaitThatIsOverIsNoRepair(t *testing.T) {
	w := newWorld()
	w.wait(t, w.claim(t, 1), 5*time.Minute)
	w.wait(t, w.claim(t, 2), time.Minute) // its message waits in the queue, and was lost
	w.claim(t, 3)
	w.now = w.now.Add(10 * time.Minute)
	if r := w.sweep(t); r.Sent != 3 || r.Waited != 1 || r.Repairs() != 2 {
		t.Errorf("first: %+v", r)
	}
	w.now = w.now.Add(time.Hour)
	if r := w.sweep(t); r.Sent != 3 || r.Waited != 0 || r.Repairs() != 3 {
		t.Errorf("again: %+v", r)
	}
	w.wait(t, w.claim(t, 4), 5*time.Minute)
	w.now = w.now.Add(10 * time.Minute)
	w.refuse = errors.New("refused")
	if r := w.sweep(t); r.Waited != 0 {
		t.Errorf("nothing was sent: %+v", r)
	}
}

func (w *world) die(t *testing.T, id webhook.EventID) {
	t.Helper()
	lease, err := w.ledger.Lease(t.Context(), webhook.LeaseRequest{
		ID: id, Nonce: "w", Now: w.now, Until: w.now.Add(time.Minute), DueAt: w.now.Add(grace), Destinations: []string{"crm"},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.ledger.Settle(t.Context(), lease, webhook.Settlement{
		State: webhook.Dead, At: w.now, DueAt: w.now.Add(grace), ErrorClass: "http_503", Destinations: lease.Record.Destinations,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// An event that a worker leased between the send and the note must keep the
// due time of its lease.
func TestLeaseBetweenSendAndNoteKeepsItsDueTime(t *testing.T) {
	w := newWorld()
	id := w.claim(t, 1)
	w.now = w.now.Add(grace + time.Millisecond)
	due := w.now.Add(time.Hour)
	w.onSend = func() {
		_, err := w.ledger.Lease(t.Context(), webhook.LeaseRequest{
			ID: id, Nonce: "w", Now: w.now, Until: w.now.Add(time.Minute), DueAt: due,
		})
		if err != nil {
			t.Error(err)
		}
	}
	r := w.sweep(t)
	if rec, _ := w.ledger.Get(t.Context(), id); !rec.DueAt.Equal(due) || r.Moved != 1 {
		t.Fatalf("due %s, want %s; %+v", rec.DueAt, due, r)
	}
}

func TestReplayedEventIsSentToItsLane(t *testing.T) {
	w := newWorld()
	id := w.claim(t, 1)
	w.die(t, id)
	_, err := w.ledger.Revive(t.Context(), webhook.Revival{ID: id, Lane: webhook.Replay, At: w.now, DueAt: w.now.Add(-time.Second), Death: 1, Nonce: "r"})
	if err != nil {
		t.Fatal(err)
	}
	w.sweep(t)
	if len(w.lanes[webhook.Replay]) != 1 || len(w.lanes[webhook.Live]) != 0 {
		t.Fatalf("%v", w.lanes)
	}
}

func TestSweepStopsWhenItsTimeIsOver(t *testing.T) {
	w := newWorld()
	w.claim(t, 1)
	w.now = w.now.Add(grace + time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := sweep.New(w.ledger, w, func() time.Time { return w.now }, sweep.Policy{Shards: 8, Page: 3, Grace: grace, GraceMax: grace}).Sweep(ctx)
	if !r.Cut || r.Sent != 0 {
		t.Fatalf("%+v", r)
	}
}

// partly is a ledger of which this version cannot read one event.
type partly struct {
	*memory.Ledger
	not webhook.EventID
}

func (p partly) GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	records, err := p.Ledger.GetMany(ctx, ids)
	if _, there := records[p.not]; !there || err != nil {
		return records, err
	}
	delete(records, p.not)
	return records, &webhook.UnreadableError{Causes: map[webhook.EventID]error{p.not: errors.New("a newer version wrote it")}}
}

func TestAnUnreadableEventHoldsNothingElseUp(t *testing.T) {
	w := newWorld()
	var ids []webhook.EventID
	for n := range 7 {
		ids = append(ids, w.claim(t, n))
	}
	w.now = w.now.Add(grace + time.Millisecond)
	r := sweep.New(partly{w.ledger, ids[3]}, w, func() time.Time { return w.now }, sweep.Policy{
		Shards: ledger.DueShards, Page: 3, Grace: grace, GraceMax: 10 * time.Minute,
	}).Sweep(t.Context())
	if r.Sent != 6 || r.Failed != 1 || r.LedgerSilent != 0 || r.Err == nil {
		t.Errorf("%+v, want that the other six are sent and one fails", r)
	}
}
