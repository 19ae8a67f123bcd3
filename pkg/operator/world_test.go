package operator

import (
	"context"
	"fmt"
	"testing"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/erasure"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

var (
	epoch = testclock.Noon()
	times = Policy{Grace: 2 * time.Minute, Retention: 90 * 24 * time.Hour}
)

// world is a stack in memory: the reference ledger, inline bodies, queues and
// sources. What its hooks return stands for a store that fails.
type world struct {
	*testing.T
	*memory.Ledger
	bodies *bodies.Store
	now    time.Time
	number int

	sent    map[webhook.Lane][]webhook.EventID
	refuse  func(webhook.EventID) error // a send that the queue does not accept
	before  error                       // of a move that did not take effect
	after   error                       // of a move that did, and whose answer was lost
	release error                       // of a release, which does not take effect
	sources map[string]auth.Source
	put     error
	expired []webhook.Payload
	expire  error
	texts   []string                               // of incidents
	threads map[string]int                         // that destinations keep of a lead
	large   map[string]bool                        // bodies in the store
	step    func() (after func() error, err error) // of an erasure; nil: none fails
	onSleep func()
	slept   []time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := bodies.New(nil, "") // small bodies never reach S3
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		T: t, Ledger: memory.New(), bodies: store, now: epoch,
		sent: make(map[webhook.Lane][]webhook.EventID), sources: map[string]auth.Source{},
	}
}

func (w *world) service() *Service {
	return New(Ports{
		Events: w.Ledger, Revivals: w, Judgements: w, Variants: w, HeldEvents: w, HandOvers: w,
		LeadEvents: w, Erasures: erasures{w}, Refusals: w, Incidents: incidentTexts{w}, Traces: w, Records: erasure.Records{Documents: w, Key: w}, Bodies: w, Queue: w, Sources: w,
		Now: func() time.Time { return w.now }, Nonce: func() (string, error) { return w.nonce(), nil },
		Sleep: func(_ context.Context, d time.Duration) {
			w.now, w.slept = w.now.Add(d), append(w.slept, d)
			if w.onSleep != nil {
				w.onSleep()
			}
		},
	}, times)
}

func (w *world) nonce() string {
	w.number++
	return fmt.Sprint("nonce-", w.number)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// answer lets a move fail before or after it took effect.
func answer[T any](w *world, act func() (T, error)) (T, error) {
	var zero T
	if w.before != nil {
		return zero, w.before
	}
	v, err := act()
	if err == nil && w.after != nil {
		return zero, w.after
	}
	return v, err
}

func (w *world) Revive(ctx context.Context, m webhook.Revival) (webhook.Record, error) {
	return answer(w, func() (webhook.Record, error) { return w.Ledger.Revive(ctx, m) })
}

func (w *world) Unpark(ctx context.Context, m webhook.Revival) (webhook.Record, error) {
	return answer(w, func() (webhook.Record, error) { return w.Ledger.Unpark(ctx, m) })
}

func (w *world) Replay(ctx context.Context, m webhook.Revival) (webhook.Record, error) {
	return answer(w, func() (webhook.Record, error) { return w.Ledger.Replay(ctx, m) })
}

func (w *world) Park(ctx context.Context, id webhook.EventID, death int, now time.Time) error {
	_, err := answer(w, func() (int, error) { return 0, w.Ledger.Park(ctx, id, death, now) })
	return err
}

func (w *world) Discard(ctx context.Context, seen webhook.Record, now, expiresAt time.Time) error {
	_, err := answer(w, func() (int, error) { return 0, w.Ledger.Discard(ctx, seen, now, expiresAt) })
	return err
}

func (w *world) Release(ctx context.Context, id webhook.EventID, now, dueAt time.Time) (webhook.Record, error) {
	if w.release != nil {
		return webhook.Record{}, w.release
	}
	return answer(w, func() (webhook.Record, error) { return w.Ledger.Release(ctx, id, now, dueAt) })
}

func (w *world) Held(ctx context.Context, q HeldQuery) (HeldPage, error) {
	page, err := w.List(ctx, ledger.Query{
		State: webhook.Held, Source: q.Source, Since: q.Since, Until: q.Until, Now: q.Now, After: q.After, Limit: q.Limit,
	})
	return HeldPage{Records: page.Records, Next: page.Next, Looked: page.Scanned}, err
}

func (w *world) Load(ctx context.Context, p webhook.Payload) ([]byte, error) {
	return w.bodies.Load(ctx, p)
}

func (w *world) Expire(_ context.Context, p webhook.Payload, _ time.Duration) error {
	if w.expire == nil {
		w.expired = append(w.expired, p)
	}
	return w.expire
}

func (w *world) Send(_ context.Context, lane webhook.Lane, msgs []webhook.Message) []error {
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		if m.Kind != webhook.KindEvent {
			w.Errorf("a message of the kind %q was sent", m.Kind)
		}
		if w.refuse != nil {
			errs[i] = w.refuse(m.ID)
		}
		if errs[i] == nil {
			w.sent[lane] = append(w.sent[lane], m.ID)
		}
	}
	return errs
}

func (w *world) PutSource(_ context.Context, source auth.Source) error {
	if w.put == nil {
		w.sources[source.Name] = source
	}
	return w.put
}

// claim receives an event with that body; held: its sender is not trusted.
func (w *world) claim(name, source string, body []byte, held bool) webhook.EventID {
	w.Helper()
	payload, err := w.bodies.Store(w.Context(), "acme", body)
	w.must(err)
	r := webhook.Receipt{
		Key: "v1:EMAIL_REPLY:" + name, Fingerprint: fmt.Sprintf("%X", body), Account: "acme", Source: source,
		Type: webhook.EmailReply, ReceivedAt: w.now, Held: held, Payload: payload,
	}
	if held {
		r.Flags = []string{webhook.FlagUntrustedSender}
	}
	c, err := w.Claim(w.Context(), r, w.nonce(), w.now.Add(time.Minute))
	w.must(err)
	return c.ID
}

func (w *world) lease(id webhook.EventID) webhook.Lease {
	w.Helper()
	lease, err := w.Lease(w.Context(), webhook.LeaseRequest{
		ID: id, Nonce: w.nonce(), Now: w.now, Until: w.now.Add(time.Minute), DueAt: w.now.Add(2 * time.Minute),
		Destinations: []string{"crm"}, MaxAbandoned: 3,
	})
	w.must(err)
	return lease
}

func (w *world) settle(id webhook.EventID, state webhook.State) {
	w.Helper()
	s := webhook.Settlement{
		State: state, At: w.now, DueAt: w.now.Add(time.Minute), ErrorClass: "http_410",
		Destinations: []webhook.Progress{{Name: "crm", Result: webhook.ResultPermanent, Attempts: 1}},
	}
	if state.Settled() {
		s.Destinations[0].Result, s.ExpiresAt, s.ErrorClass = webhook.Result(state), w.now.Add(times.Retention), ""
	}
	w.must(w.Settle(w.Context(), w.lease(id), s))
}

// in brings a new event into a state, and returns what a person sees of it.
func (w *world) in(state webhook.State, name string) webhook.Record {
	w.Helper()
	id := w.claim(name, "acme-main", []byte(`{}`), state == webhook.Held)
	switch state {
	case webhook.Processing:
		w.lease(id)
	case webhook.Delivered, webhook.Unrouted, webhook.Dead:
		w.settle(id, state)
	case webhook.Parked, webhook.Discarded:
		w.settle(id, webhook.Dead)
		if state == webhook.Parked {
			w.must(w.Ledger.Park(w.Context(), id, w.see(id).Death, w.now))
			break
		}
		w.must(w.Ledger.Discard(w.Context(), w.see(id), w.now, w.now.Add(times.Retention)))
	case webhook.Pending, webhook.Held: // as claimed
	}
	seen := w.see(id)
	if seen.State != state {
		w.Fatalf("the event is %s, want %s", seen.State, state)
	}
	w.now = w.now.Add(time.Hour)
	return seen
}

// see reads an event as a listing shows it.
func (w *world) see(id webhook.EventID) webhook.Record {
	w.Helper()
	found, err := w.GetMany(w.Context(), []webhook.EventID{id})
	w.must(err)
	return found[id]
}

func (w *world) messages() int { return len(w.sent[webhook.Live]) + len(w.sent[webhook.Replay]) }
