package sourcestore

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/webhook"
)

func TestAnOutlineIsThatOfTheSourceAsItIs(t *testing.T) {
	b := newBacking(t)
	b.add("acme")
	read := NewOutlines(b.table)
	outline := func(want error) auth.Source {
		t.Helper()
		s, err := read.Source(t.Context(), "acme")
		if !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Fatalf("%v, want %v", err, want)
		}
		return s
	}
	if s := outline(nil); s.Account != "acme" || s.Retention() != 0 || len(s.Tokens) > 0 {
		t.Errorf("%+v", s)
	}
	source, err := b.sources.Get(t.Context(), "acme")
	b.must(err)
	source, err = source.WithSettings(auth.Settings{RetentionDays: 30}, time.Now())
	b.must(err)
	b.must(b.sources.PutSource(t.Context(), source))
	if s := outline(nil); s.RetentionDays != 30 || s.Revision != 2 {
		t.Errorf("after a change: %+v", s)
	}
	// An item of another revision or name than it says is none.
	b.table.seen["acme"]++
	outline(auth.ErrInvalidSource)
	b.table.seen["acme"]--
	b.must(b.sources.Remove(t.Context(), "acme"))
	outline(webhook.ErrNotFound)
	b.table.set(webhook.ErrUnavailable, false)
	outline(webhook.ErrUnavailable)
}

// The copy in the bucket serves requests, which bring a token: it says nothing without one.
func TestTheCopyHasNoOutline(t *testing.T) {
	b := newBacking(t)
	b.add("acme")
	text, err := readBundle(t.Context(), b.bucket, b.sources.b.Bucket)
	b.must(err)
	if bytes.Contains(text, []byte("outline")) || !bytes.Contains(text, []byte("acme")) {
		t.Errorf("%s", text)
	}
}

func TestAnOutlineThatIsMissingOrWrongIsWritten(t *testing.T) {
	b := newBacking(t)
	b.add("acme")
	b.add("right")
	for name, change := range map[string]func(*auth.Sealed){
		"missing": func(s *auth.Sealed) { s.Outline = nil },
		"wrong":   func(s *auth.Sealed) { s.Outline.Account = "somebody-else" },
	} {
		sealed, err := auth.ParseSealed(b.table.bodies["acme"])
		b.must(err)
		change(&sealed)
		b.table.bodies["acme"], err = json.Marshal(sealed)
		b.must(err)
		listed, err := b.sources.List(t.Context())
		b.must(err)
		for _, one := range listed {
			if one.Outlined == (one.Name == "acme") {
				t.Errorf("%s: of %s it is said %v", name, one.Name, one.Outlined)
			}
		}
		if n, err := b.sources.Outline(t.Context(), listed); n != 1 || err != nil {
			t.Errorf("%s: %d written, %v", name, n, err)
		}
		if s, err := NewOutlines(b.table).Source(t.Context(), "acme"); err != nil || s.Account != "acme" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// Of the erasure key and the operator's key one may be lost, and the other is enough.
func TestTheErasureKeyOutlivesEitherLoss(t *testing.T) {
	b := newBacking(t)
	api := ssmstore.New(b.ssm)
	reader, err := NewErasureKeyReader(api, b.prefix)
	b.must(err)
	if _, err := reader.ErasureKey(t.Context()); !errors.Is(err, ErrNotFound) {
		t.Fatalf("before there is one: %v", err)
	}
	b.add("acme")
	key, err := reader.ErasureKey(t.Context())
	b.must(err)
	again := func(what string) {
		t.Helper()
		if got, err := b.sources.ErasureKey(t.Context()); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%s: another key (%v)", what, err)
		}
		if got, err := reader.ErasureKey(t.Context()); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%s: another key is kept (%v)", what, err)
		}
	}
	again("as it is")
	b.must(api.DeleteParameter(t.Context(), b.prefix+erasureKeyName))
	again("without the parameter")
	owner, err := b.sources.ownerKey(t.Context())
	b.must(err)
	if bytes.Equal(owner, key) {
		t.Error("the function has the operator's key")
	}
	b.must(api.DeleteParameter(t.Context(), b.prefix+ownerKeyName))
	again("without the operator's key")
	b.must(api.PutParameter(t.Context(), b.prefix+erasureKeyName, "c2hvcnQ=", "", true))
	if _, err := reader.ErasureKey(t.Context()); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("what is no key: %v", err)
	}
}
