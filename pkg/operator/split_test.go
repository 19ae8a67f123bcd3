package operator

import (
	"errors"
	"testing"

	"smartlead-receiver/pkg/webhook"
)

func TestChooseVariant(t *testing.T) {
	a, ab, split := webhook.Variant{Fingerprint: "4KJ2AA"}, webhook.Variant{Fingerprint: "4KJ2AB"}, webhook.Variant{Fingerprint: "7Q", SplitAs: "v1:X:Y"}
	for name, c := range map[string]struct {
		list        []webhook.Variant
		fingerprint string
		want        string
		err         error
		ambiguous   int
	}{
		"the only one":            {list: []webhook.Variant{a}, want: a.Fingerprint},
		"the only one left":       {list: []webhook.Variant{a, split}, want: a.Fingerprint},
		"a beginning":             {list: []webhook.Variant{a, ab}, fingerprint: "4KJ2AB", want: ab.Fingerprint},
		"lower case":              {list: []webhook.Variant{a, ab}, fingerprint: "4kj2aa", want: a.Fingerprint},
		"split before, but named": {list: []webhook.Variant{a, split}, fingerprint: "7", want: split.Fingerprint},
		"none":                    {err: ErrNoVariant},
		"none of that name":       {list: []webhook.Variant{a}, fingerprint: "ZZ", err: ErrNoVariant},
		"none is left":            {list: []webhook.Variant{split}, err: ErrAllSplit},
		"several":                 {list: []webhook.Variant{a, ab, split}, ambiguous: 2},
		"several of a beginning":  {list: []webhook.Variant{a, ab, split}, fingerprint: "4KJ2", ambiguous: 2},
	} {
		v, err := ChooseVariant(c.list, c.fingerprint)
		var several *AmbiguousError
		switch {
		case c.ambiguous > 0:
			if !errors.As(err, &several) || len(several.Matches) != c.ambiguous {
				t.Errorf("%s: %v, want %d matches", name, err, c.ambiguous)
			}
		case !errors.Is(err, c.err) || v.Fingerprint != c.want:
			t.Errorf("%s: %q, %v, want %q, %v", name, v.Fingerprint, err, c.want, c.err)
		}
	}
}

// variant is another body under the identity of an event that was delivered.
func (w *world) variant(name string, trusted bool) webhook.Variant {
	w.Helper()
	id := w.in(webhook.Delivered, name).ID
	w.claim(name, "acme-main", []byte(`{"other":1}`), !trusted)
	list, err := w.Variants(w.Context(), id)
	w.must(err)
	if len(list) != 1 || Untrusted(list[0]) == trusted {
		w.Fatalf("the variants are %v", list)
	}
	return list[0]
}

func TestSplit(t *testing.T) {
	for name, trusted := range map[string]bool{"trusted": true, "untrusted": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.service()
			v := w.variant("A", trusted)
			if _, err := s.Split(t.Context(), v, false); errors.Is(err, ErrUnconfirmed) == trusted {
				t.Errorf("unconfirmed: %v", err)
			}
			r, err := s.Split(t.Context(), v, true)
			w.must(err)
			if got := w.see(r.ID); got.State != webhook.Pending || got.Held || !got.DueAt.Equal(w.now.Add(times.Grace)) || !r.UnderWay || r.Unsent != nil {
				t.Errorf("%+v, in the ledger %s, held: %t, due at %s", r, got.State, got.Held, got.DueAt)
			}
			if sent := w.sent[webhook.Live]; len(sent) == 0 || sent[0] != r.ID || len(w.sent[webhook.Replay]) > 0 {
				t.Errorf("sent %v, want %s on the live lane", w.sent, r.ID)
			}
			w.settle(r.ID, webhook.Delivered)
			before := w.messages()
			again, err := s.Split(t.Context(), v, true)
			w.must(err)
			if again.ID != r.ID || again.UnderWay || again.Event.State != webhook.Delivered || w.messages() != before {
				t.Errorf("a repeat: %s, under way: %t, %s, %d messages", again.ID, again.UnderWay, again.Event.State, w.messages()-before)
			}
		})
	}
}

func TestASplitThatIsNotSentIsDue(t *testing.T) {
	w := newWorld(t)
	v := w.variant("A", true)
	w.refuse = func(webhook.EventID) error { return errLost }
	r, err := w.service().Split(t.Context(), v, false)
	w.must(err)
	if got := w.see(r.ID); !errors.Is(r.Unsent, errLost) || !r.UnderWay || !got.DueAt.Equal(w.now.Add(times.Grace)) {
		t.Errorf("unsent: %v, due at %s", r.Unsent, got.DueAt)
	}
}

func TestASplitThatIsNotReleasedIsHeld(t *testing.T) {
	for _, c := range []struct {
		err  error
		held bool
	}{{errLost, true}, {webhook.ErrChanged, false}, {webhook.ErrNotFound, false}} {
		w := newWorld(t)
		v := w.variant("A", false)
		w.release = c.err
		_, err := w.service().Split(t.Context(), v, true)
		var held *SplitHeldError
		if errors.As(err, &held) != c.held || (c.held && (!errors.Is(err, c.err) || w.see(held.ID).State != webhook.Held)) {
			t.Errorf("%v: got %v", c.err, err)
		}
		if w.messages() != 0 {
			t.Errorf("%v: sent %v", c.err, w.sent)
		}
		if w.release = nil; c.held { // the person asks again
			if r, err := w.service().Split(t.Context(), v, true); err != nil || r.ID != held.ID || !r.UnderWay {
				t.Errorf("asked again: %+v, %v", r, err)
			}
		}
	}
}

func TestASplitOfWhatIsNotThere(t *testing.T) {
	w := newWorld(t)
	if _, err := w.service().Split(t.Context(), webhook.Variant{ID: "v1:EMAIL_REPLY:A", Fingerprint: "F"}, true); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("got %v, want %v", err, webhook.ErrNotFound)
	}
}
