package turn_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"smartlead-receiver/pkg/turn"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

type state struct {
	turn.Turn

	Cursor int
	Asked  bool
	At     time.Time
}

func (s *state) Wrote(now time.Time) { s.At = now }
func (s *state) TakeIn(theirs state) { s.Asked = theirs.Asked }

// papers keeps one document; lose is how many answers to writes are lost.
type papers struct {
	body          []byte
	version, lose int
}

func (p *papers) LoadDocument(context.Context, string, string) ([]byte, int, error) {
	if p.version == 0 {
		return nil, 0, webhook.ErrNotFound
	}
	return p.body, p.version, nil
}

func (p *papers) SaveDocument(_ context.Context, _, _ string, body []byte, seen int, _, _ time.Time) error {
	if seen != p.version {
		return webhook.ErrChanged
	}
	p.body, p.version = body, seen+1
	if p.lose > 0 {
		p.lose--
		return webhook.ErrUnavailable
	}
	return nil
}

func TestTurn(t *testing.T) {
	now := testclock.Noon()
	clock := func() time.Time { return now }
	docs := &papers{}
	kept := turn.Kept[state, *state]{Docs: docs, Kind: "k", Name: "n", What: "where it stands"}
	load := func() state {
		t.Helper()
		s, err := kept.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	must := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Fatalf("got %v, want %v", err, want)
		}
	}
	first, second := load(), load()
	must(kept.Take(t.Context(), &first, "a", now.Add(time.Minute), now), nil)
	must(kept.Take(t.Context(), &second, "b", now.Add(time.Minute), now), webhook.ErrChanged)

	// What an operator writes is taken in, and what the holder writes stays.
	_, err := kept.Change(t.Context(), now, func(s *state) error { s.Asked = true; return nil })
	must(err, nil)
	first.Cursor = 7
	must(kept.Hold(t.Context(), &first, clock), nil)
	if s := load(); s.Cursor != 7 || !s.Asked || !first.Asked || s.Lease != 1 || s.Holder != "a" || !s.At.Equal(now) {
		t.Errorf("%+v", s)
	}
	// A write whose answer was lost is repeated.
	docs.lose = 1
	first.Cursor = 8
	must(kept.Hold(t.Context(), &first, clock), webhook.ErrUnavailable)
	must(kept.Hold(t.Context(), &first, clock), nil)

	// Another one takes over: the first changes nothing any more.
	second = load()
	must(kept.Take(t.Context(), &second, "b", now.Add(time.Minute), now), nil)
	first.Cursor = 9
	must(kept.Hold(t.Context(), &first, clock), turn.ErrLost)
	must(kept.Release(t.Context(), &first, clock), turn.ErrLost)
	if s := load(); s.Cursor != 8 || s.Holder != "b" || s.Lease != 2 {
		t.Errorf("%+v", s)
	}
	must(kept.Release(t.Context(), &second, clock), nil)
	if s := load(); s.Holder != "" || !s.HeldUntil.IsZero() || s.Lease != 2 {
		t.Errorf("%+v", s)
	}
	// A broken document begins behind every lease that it may have given.
	docs.body = []byte("{")
	if s := load(); s.Lease != docs.version || s.Cursor != 0 {
		t.Errorf("%+v", s)
	}
	no := errors.New("no")
	_, err = kept.Change(t.Context(), now, func(*state) error { return no })
	must(err, no)
}
