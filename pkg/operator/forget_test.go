package operator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

const lead = "ann@example.com"

// call makes one call of an erasure, which the test lets fail before or after its effect.
func call[T any](w *world, act func() (T, error)) (T, error) {
	if w.step == nil {
		return act()
	}
	after, err := w.step()
	if err != nil {
		var zero T
		return zero, err
	}
	v, err := act()
	if err == nil {
		err = after()
	}
	return v, err
}

func call0(w *world, act func() error) error {
	_, err := call(w, func() (int, error) { return 0, act() })
	return err
}

func (w *world) OfLead(ctx context.Context, address, after string, now time.Time) (LeadPage, error) {
	return call(w, func() (LeadPage, error) {
		page, err := w.List(ctx, ledger.Query{Lead: address, Variants: true, After: after, Limit: 2, Now: now})
		return LeadPage{Records: page.Records, ByVariant: page.ByVariant, Next: page.Next}, err
	})
}

func (w *world) Variants(ctx context.Context, id webhook.EventID) ([]webhook.Variant, error) {
	return call(w, func() ([]webhook.Variant, error) { return w.Ledger.Variants(ctx, id) })
}

func (w *world) Erase(ctx context.Context, p webhook.Payload) error {
	return call0(w, func() error { delete(w.large, p.Ref); return nil })
}

func (w *world) ErasureKey(context.Context) ([]byte, error) { return []byte("key"), nil }

func (w *world) LoadDocument(ctx context.Context, kind, name string) ([]byte, int, error) {
	if strings.Contains(name, "ann") {
		w.Errorf("the record is named %q", name)
	}
	return w.Ledger.LoadDocument(ctx, kind, name)
}

func (w *world) SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error {
	return call0(w, func() error { return w.Ledger.SaveDocument(ctx, kind, name, body, seen, now, expiresAt) })
}

func (w *world) EachRejected(ctx context.Context, since, until time.Time) iter.Seq2[webhook.RejectedRequest, error] {
	return w.Ledger.EachRejected(ctx, since, until)
}

func (w *world) EraseRejected(ctx context.Context, r webhook.RejectedRequest) error {
	return call0(w, func() error { return w.Ledger.EraseRejected(ctx, r) })
}

// erasures are the ledger's, apart from the bodies of the same method.
type erasures struct{ *world }

func (e erasures) Erase(ctx context.Context, x webhook.Erasure) (webhook.Record, error) {
	return call(e.world, func() (webhook.Record, error) { return e.Ledger.Erase(ctx, x) })
}

func (e erasures) EndErasure(ctx context.Context, id webhook.EventID) error {
	return call0(e.world, func() error { return e.Ledger.EndErasure(ctx, id) })
}

func (e erasures) EraseVariant(ctx context.Context, id webhook.EventID, fingerprint string, now, expiresAt time.Time) error {
	return call0(e.world, func() error { return e.Ledger.EraseVariant(ctx, id, fingerprint, now, expiresAt) })
}

// incidentTexts are what incidents say.
type incidentTexts struct{ *world }

func (i incidentTexts) Mentions(_ context.Context, mentions func(string) bool, _ func()) (int, error) {
	n := 0
	for _, text := range i.texts {
		if mentions(text) {
			n++
		}
	}
	return n, nil
}

func (i incidentTexts) Forget(ctx context.Context, mentions func(string) bool, done func()) (n int, err error) {
	err = call0(i.world, func() error {
		n, _ = i.Mentions(ctx, mentions, done)
		i.texts = slices.DeleteFunc(i.texts, mentions)
		return nil
	})
	return n, err
}

func (w *world) CountTraces(_ context.Context, address string) (int, error) {
	return w.threads[address], nil
}

func (w *world) ForgetTraces(_ context.Context, address string) (n int, err error) {
	err = call0(w, func() error {
		n = w.threads[address]
		delete(w.threads, address)
		return nil
	})
	return n, err
}

// of receives an event of a lead; a large body is in the store.
func (w *world) of(name, address, body string, large bool) webhook.EventID {
	w.Helper()
	r := webhook.Receipt{
		Key: "v1:EMAIL_REPLY:" + name, Fingerprint: body, Account: "acme", Source: "acme-main", LeadEmail: address,
		Type: webhook.EmailReply, ReceivedAt: w.now, Payload: webhook.Payload{Data: []byte(body)},
	}
	if large {
		r.Payload = webhook.Payload{Ref: "acme/" + body}
		w.large[r.Payload.Ref] = true
	}
	c, err := w.Claim(w.Context(), r, w.nonce(), w.now.Add(time.Minute))
	w.must(err)
	w.now = w.now.Add(time.Minute)
	return c.ID
}

// withLead is a world with everything that may be kept of a lead, beside another's.
func withLead(t *testing.T) (w *world, ids []webhook.EventID) {
	t.Helper()
	w = newWorld(t)
	w.large = map[string]bool{}
	delivered, pending, dead := w.of("A", lead, "a", true), w.of("B", lead, "b", false), w.of("C", lead, "c", false)
	w.settle(delivered, webhook.Delivered)
	w.settle(dead, webhook.Dead)
	w.of("A", lead, "another of a", true)
	w.of("C", lead, "another of c", false)
	list, err := w.Ledger.Variants(t.Context(), dead)
	w.must(err)
	apart, err := w.Ledger.Split(t.Context(), list[0], w.now, w.now.Add(time.Minute))
	w.must(err)
	other := w.of("D", "bob@example.com", "d", false)
	w.of("D", lead, "another of d", true)
	w.must(w.RecordRejectedRequest(t.Context(), webhook.RejectedRequest{At: w.now, RequestID: "r1", Excerpt: `{"to":"Ann\u0040example.com"`}))
	w.must(w.RecordRejectedRequest(t.Context(), webhook.RejectedRequest{At: w.now, RequestID: "r2", Excerpt: `{"to":"bob@example.com"`}))
	w.texts = []string{"row of Ann@example.com failed", "row of bob@example.com failed"}
	w.threads = map[string]int{lead: 2, "bob@example.com": 1}
	return w, []webhook.EventID{delivered, pending, dead, apart, other}
}

func (w *world) forget() (Held, error) {
	return w.service().Forget(w.Context(), Forgetting{Address: lead, By: "olga", Confirmed: true}, func() {})
}

// nothingLeft looks at everything after an erasure that came to its end.
func nothingLeft(t *testing.T, w *world, ids []webhook.EventID, what string) {
	t.Helper()
	for i, id := range ids {
		r, err := w.Get(t.Context(), id)
		w.must(err)
		if i == len(ids)-1 {
			if r.Erased() || string(r.Payload.Data) != "d" {
				t.Errorf("%s: the event of another lead was erased", what)
			}
		} else if !r.Erased() || r.LeadEmail != "" || len(r.Payload.Data) > 0 || r.Payload.Ref != "" || !r.Finished() || r.State.AwaitsOperator() || r.ExpiresAt.IsZero() {
			t.Errorf("%s: event %d is %s, lead %q, body %q%s", what, i, r.State, r.LeadEmail, r.Payload.Data, r.Payload.Ref)
		}
		list, err := w.Ledger.Variants(t.Context(), id)
		w.must(err)
		if len(list) > 0 {
			t.Errorf("%s: event %d has %d variants", what, i, len(list))
		}
	}
	if len(w.large) > 0 {
		t.Errorf("%s: large bodies are left: %v", what, w.large)
	}
	refused, err := w.RejectedRequests(t.Context(), epoch, w.now.Add(time.Hour), 10)
	w.must(err)
	if got := refused[0].Excerpt + "|" + refused[1].Excerpt; got != `|{"to":"bob@example.com"` {
		t.Errorf("%s: refused requests quote %q", what, got)
	}
	if len(w.texts) != 1 {
		t.Errorf("%s: incidents say %q", what, w.texts)
	}
	if len(w.threads) != 1 || w.threads["bob@example.com"] != 1 {
		t.Errorf("%s: threads are kept of %v", what, w.threads)
	}
	runs, err := w.service().Forgotten(t.Context(), lead)
	w.must(err)
	if last := runs[len(runs)-1]; last.EndedAt.IsZero() || last.By != "olga" {
		t.Errorf("%s: the record says %+v", what, runs)
	}
}

func TestForgetErasesEverything(t *testing.T) {
	w, ids := withLead(t)
	want := Held{Events: 4, Waiting: 3, Variants: 3, Bodies: 3, Refused: 1, Incidents: 1, Threads: 2}
	if held, err := w.service().HeldOf(t.Context(), lead, func() {}); err != nil || held != want {
		t.Errorf("kept are %+v (%v), want %+v", held, err, want)
	}
	if _, err := w.service().Forget(t.Context(), Forgetting{Address: lead}, func() {}); !errors.Is(err, ErrUnconfirmed) {
		t.Errorf("unconfirmed: %v", err)
	}
	if runs, err := w.service().Forgotten(t.Context(), lead); err != nil || len(runs) > 0 {
		t.Errorf("the record says %v (%v)", runs, err)
	}
	if got, err := w.forget(); err != nil || got != want {
		t.Errorf("erased were %+v (%v), want %+v", got, err, want)
	}
	nothingLeft(t, w, ids, "after one run")
	if held, err := w.service().HeldOf(t.Context(), lead, func() {}); err != nil || !held.Nothing() {
		t.Errorf("kept are %+v (%v)", held, err)
	}
}

// Each call dies before and after its effect; a second run then comes to the end.
func TestForgetGoesOnAfterACrashAnywhere(t *testing.T) {
	errDied := errors.New("died")
	for n := 1; n < 200; n++ {
		for _, lost := range []bool{false, true} {
			w, ids := withLead(t)
			made := 0
			w.step = func() (func() error, error) {
				dies := func(now bool) error {
					if now && made >= n { // dead is dead: no later call is made
						return errDied
					}
					return nil
				}
				made++
				return func() error { return dies(lost) }, dies(!lost || made > n)
			}
			if _, err := w.forget(); !errors.Is(err, errDied) {
				if err != nil || made >= n {
					t.Fatalf("call %d of %d: %v", n, made, err)
				}
				return
			}
			w.step = nil
			if _, err := w.forget(); err != nil {
				t.Fatalf("call %d, again: %v", n, err)
			}
			nothingLeft(t, w, ids, fmt.Sprintf("call %d, answer lost %t", n, lost))
		}
	}
	t.Fatal("it makes more than 200 calls")
}

// A worker takes every event that it may have before each call, and ends its attempts
// before a later one: it never brings a payload back, and each event ends erased.
func TestForgetAndAWorkerMeetAnywhere(t *testing.T) {
	left := 0
	for n := 1; ; n++ {
		for _, gap := range []int{0, 1, 3, 1000} {
			w, ids := withLead(t)
			var leases []webhook.Lease
			made := 0
			w.step = func() (func() error, error) {
				switch made++; made {
				case n:
					leases = w.leaseAll(ids)
				case n + 1 + gap:
					w.settleAll(leases)
					leases = nil
				}
				return func() error { return nil }, nil
			}
			got, err := w.forget()
			w.must(err)
			left += got.Left
			if made < n {
				if left == 0 {
					t.Error("no event was ever left to its worker")
				}
				return
			}
			w.step = nil
			w.settleAll(leases)
			w.now = w.now.Add(time.Hour)
			if got.Left > 0 {
				_, err = w.forget()
				w.must(err)
			}
			nothingLeft(t, w, ids, fmt.Sprintf("call %d, ended %d later", n, 1+gap))
		}
	}
}

func (w *world) leaseAll(ids []webhook.EventID) []webhook.Lease {
	w.Helper()
	var leases []webhook.Lease
	for _, id := range ids[:len(ids)-1] {
		lease, err := w.Lease(w.Context(), webhook.LeaseRequest{
			ID: id, Death: 1, Nonce: w.nonce(), Now: w.now, Until: w.now.Add(time.Minute), DueAt: w.now.Add(2 * time.Minute),
			Destinations: []string{"crm"}, MaxAbandoned: 3,
		})
		if _, not := errors.AsType[*webhook.NotLeasable](err); not {
			continue
		}
		w.must(err)
		if len(lease.Record.Payload.Data) == 0 && lease.Record.Payload.Ref == "" {
			w.Errorf("a worker was given %s without its payload", id)
		}
		leases = append(leases, lease)
	}
	return leases
}

func (w *world) settleAll(leases []webhook.Lease) {
	w.Helper()
	for _, lease := range leases {
		err := w.Settle(w.Context(), lease, webhook.Settlement{
			State: webhook.Delivered, At: w.now, ExpiresAt: w.now.Add(times.Retention),
			Destinations: []webhook.Progress{{Name: "crm", Result: webhook.ResultDelivered, Attempts: 1}},
		})
		if err != nil && !errors.Is(err, webhook.ErrLeaseLost) {
			w.Fatal(err)
		}
	}
}

func TestWhatMentionsAnAddress(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "ann": false, "x ann@example.com y": true, "ANN@EXAMPLE.COM": true, "ann%40example.com": true,
		`"ann\u0040example.com"`: true, "cut off at ann@exa": true, "bob@example.com": false, "an": false,
	} {
		if mentions(text, lead) != want {
			t.Errorf("%q: want %t", text, want)
		}
	}
	for text, want := range map[string]string{" Ann@Example.com ": lead, "ann": "", "@example.com": "", "ann@": "", "Ann <ann@example.com>": ""} {
		if got, err := Address(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q (%v), want %q", text, got, err, want)
		}
	}
}

// denied are destinations of which one cannot be read, and an archive that refuses.
type denied struct{ *world }

var errDenied = errors.New("denied")

func (d denied) CountTraces(ctx context.Context, address string) (int, error) {
	n, err := d.world.CountTraces(ctx, address)
	return n, errors.Join(err, errDenied)
}

func (d denied) ForgetTraces(ctx context.Context, address string) (int, error) {
	n, err := d.world.ForgetTraces(ctx, address)
	return n, errors.Join(err, errDenied)
}

// refusing is an archive of which one place of two is refused.
type refusing struct{ asked *int }

func (r refusing) Holds(context.Context, string, func()) (int, error) { return 3, errDenied }

func (r refusing) Forget(context.Context, string, func()) (int, error) {
	*r.asked++
	return 3, errDenied
}

// What is outside of the ledger and cannot be reached keeps nothing else from being erased,
// and the record open.
func TestForgetErasesAllElseWhereTheOutsideIsNotReached(t *testing.T) {
	w, ids := withLead(t)
	s, asked := w.service(), 0
	s.Traces, s.Archive = denied{w}, refusing{&asked}
	want := Held{Events: 4, Waiting: 3, Variants: 3, Bodies: 3, Refused: 1, Incidents: 1, Threads: 2, Archived: 3}
	var not *UnreachedError
	if held, err := s.HeldOf(t.Context(), lead, func() {}); held != want || !errors.As(err, &not) || not.Traces == nil || not.Archive == nil {
		t.Errorf("kept are %+v (%v), want %+v", held, err, want)
	}
	not = nil
	got, err := s.Forget(t.Context(), Forgetting{Address: lead, By: "olga", Confirmed: true}, func() {})
	if got != want || asked != 1 || !errors.As(err, &not) || not.Traces == nil || not.Archive == nil || !errors.Is(err, errDenied) {
		t.Errorf("erased were %+v (%v), want %+v; the archive was asked %d times", got, err, want, asked)
	}
	if runs, err := s.Forgotten(t.Context(), lead); err != nil || len(runs) != 1 || !runs[0].EndedAt.IsZero() || runs[0].Erased != want {
		t.Errorf("the record says %+v (%v)", runs, err)
	}
	if _, err := w.forget(); err != nil { // it is reached
		t.Error(err)
	}
	nothingLeft(t, w, ids, "after the second run")
}
