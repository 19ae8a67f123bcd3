package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

func (w *world) source() auth.Source {
	w.Helper()
	source, _, err := auth.NewSource("acme-main", "acme", strings.NewReader(strings.Repeat("seed", 100)), w.now)
	w.must(err)
	w.sources[source.Name] = source
	return source
}

// hold receives an event whose body carries the key ("" for none) as the
// receiver stores it.
func (w *world) hold(source auth.Source, name, key string) webhook.EventID {
	w.Helper()
	body := fmt.Sprintf(`{"event_type":"EMAIL_REPLY","campaign_id":1,"to_email":"ann@example.com","message_id":"<%s@example.com>"`, name)
	if key != "" {
		body += fmt.Sprintf(`,"secret_key":%q`, key)
	}
	batch, err := smartlead.Parse([]byte(body+"}"), smartlead.Options{Account: source.Account, RedactionKey: source.RedactionKey, Outside: true})
	w.must(err)
	w.now = w.now.Add(time.Minute)
	return w.claim(name, source.Name, batch.Elements[0].Payload, true)
}

func TestTrustKey(t *testing.T) {
	w := newWorld(t)
	source := w.source()
	trusted, err := w.service().TrustKey(t.Context(), source, "the-key-0001")
	w.must(err)
	if trusted.VerifyBodySecret("the-key-0001", time.Time{}) != auth.Trusted || w.sources[source.Name].VerifyBodySecret("the-key-0001", time.Time{}) != auth.Trusted {
		t.Errorf("the key is not trusted: %s", w.sources[source.Name])
	}
	for _, key := range []string{"", "secretkey"} {
		if _, err := w.service().TrustKey(t.Context(), source, key); !errors.Is(err, auth.ErrInvalidSource) {
			t.Errorf("%q: %v, want %v", key, err, auth.ErrInvalidSource)
		}
	}
	w.put = errLost
	if _, err := w.service().TrustKey(t.Context(), source, "the-key-0002"); !errors.Is(err, errLost) {
		t.Errorf("got %v, want %v", err, errLost)
	}
}

func TestHeldUnderAKey(t *testing.T) {
	w := newWorld(t)
	source := w.source()
	other := source
	other.Name = "acme-other"
	early := w.hold(source, "early", "key-0001")
	since := w.now.Add(time.Second)
	first := w.hold(source, "first", "key-0001")
	w.hold(source, "another", "key-0002")
	w.hold(source, "without", "")
	seen, err := fingerprintOf(source, "key-0001")
	w.must(err)
	w.hold(source, "forged", seen) // by somebody who has seen what destinations get
	w.hold(other, "elsewhere", "key-0001")
	second := w.hold(source, "second", "key-0001")
	broken := w.claim("broken", source.Name, []byte("x"), true)
	unreadable := w.service()
	unreadable.Bodies = garbled{w, broken}
	h, err := unreadable.HeldUnder(t.Context(), source, "key-0001", since, time.Time{})
	w.must(err)
	if got, want := idsOf(h.Matches), []webhook.EventID{second, first}; !slices.Equal(got, want) {
		t.Errorf("matches %v, want %v, the latest first", got, want)
	}
	if h.Others != 3 || len(h.Unreadable) != 1 || h.Unreadable[0].ID != broken || !h.Until.IsZero() {
		t.Errorf("others %d, unreadable %v, until %s", h.Others, h.Unreadable, h.Until)
	}
	for _, id := range []webhook.EventID{early, first, second} {
		if state := w.see(id).State; state != webhook.Held {
			t.Errorf("a look changed %s: it is %s", id, state)
		}
	}
	req := Request{Move: Release, Events: h.Matches, Filtered: true}
	if _, err := w.service().Do(t.Context(), req); !errors.Is(err, ErrUnconfirmed) {
		t.Errorf("unconfirmed: %v", err)
	}
	req.Confirmed = true
	report, err := w.service().Do(t.Context(), req)
	w.must(err)
	if len(report.Results) != 2 || !slices.Equal(w.sent[webhook.Live], []webhook.EventID{second, first}) {
		t.Errorf("%d released, sent %v", len(report.Results), w.sent)
	}
}

// garbled cannot read the body of one event.
type garbled struct {
	*world
	id webhook.EventID
}

func (g garbled) Load(ctx context.Context, p webhook.Payload) ([]byte, error) {
	rec, err := g.Get(ctx, g.id)
	if err == nil && string(rec.Payload.Data) == string(p.Data) {
		return nil, errors.New("it cannot be decompressed")
	}
	return g.world.Load(ctx, p)
}

func idsOf(records []webhook.Record) []webhook.EventID {
	var ids []webhook.EventID
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestALookForHeldEventsReadsPageByPage(t *testing.T) {
	w := newWorld(t)
	source := w.source()
	want := heldPage + 3
	for n := range want {
		w.hold(source, fmt.Sprint("R", n), "key-0001")
	}
	h, err := w.service().HeldUnder(t.Context(), source, "key-0001", time.Time{}, time.Time{})
	w.must(err)
	if len(h.Matches) != want || !h.Until.IsZero() {
		t.Errorf("%d matches, want %d; until %s", len(h.Matches), want, h.Until)
	}
}

// endless is an index of held events that never ends.
type endless struct {
	record  webhook.Record
	queries int
}

func (e *endless) Held(_ context.Context, q HeldQuery) (HeldPage, error) {
	e.queries++
	page := HeldPage{Next: "more", Looked: q.Limit}
	if e.queries == 1 {
		page.Records = []webhook.Record{e.record}
	}
	return page, nil
}

func TestALookForHeldEventsIsBounded(t *testing.T) {
	w := newWorld(t)
	source := w.source()
	id := w.hold(source, "A", "key-0001")
	s := w.service()
	index := &endless{record: w.see(id)}
	s.HeldEvents = index
	h, err := s.HeldUnder(t.Context(), source, "key-0001", time.Time{}, time.Time{})
	w.must(err)
	if want := index.record.ReceivedAt.Add(time.Millisecond); h.Looked != MaxHeld || index.queries != MaxHeld/heldPage || !h.Until.Equal(want) {
		t.Errorf("looked at %d in %d queries, goes on at %s, want %d, %d, %s",
			h.Looked, index.queries, h.Until, MaxHeld, MaxHeld/heldPage, want)
	}
}

func TestALookThatEndsEarlyReturnsWhatItFound(t *testing.T) {
	w := newWorld(t)
	source := w.source()
	gone := w.hold(source, "A", "key-0001")
	kept := w.hold(source, "B", "key-0001")
	s := w.service()
	s.Events = forgetful{w, gone}
	h, err := s.HeldUnder(t.Context(), source, "key-0001", time.Time{}, time.Time{})
	if !errors.Is(err, errLost) || !slices.Equal(idsOf(h.Matches), []webhook.EventID{kept}) {
		t.Errorf("%v, %v", idsOf(h.Matches), err)
	}
}

// forgetful does not answer for one event.
type forgetful struct {
	*world
	id webhook.EventID
}

func (f forgetful) Get(ctx context.Context, id webhook.EventID) (webhook.Record, error) {
	if id == f.id {
		return webhook.Record{}, errLost
	}
	return f.world.Get(ctx, id)
}

// The index may still show what another operator has released since.
func TestWhatIsHeldNoLongerIsLeft(t *testing.T) {
	w := newWorld(t)
	source := w.source()
	id := w.hold(source, "A", "key-0001")
	listed := w.see(id)
	w.released(listed)
	s := w.service()
	s.HeldEvents = stale{listed}
	h, err := s.HeldUnder(t.Context(), source, "key-0001", time.Time{}, time.Time{})
	w.must(err)
	if len(h.Matches) != 0 || h.Others != 0 || len(h.Unreadable) != 0 {
		t.Errorf("got %+v", h)
	}
}

type stale struct{ record webhook.Record }

func (s stale) Held(context.Context, HeldQuery) (HeldPage, error) {
	return HeldPage{Records: []webhook.Record{s.record}, Looked: 1}, nil
}
