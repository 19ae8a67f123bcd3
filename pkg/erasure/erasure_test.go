package erasure_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/erasure"
	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/webhook"
)

// table is a table that can fail, and in which nobody finds an address.
type table struct {
	*memory.Ledger
	t      *testing.T
	down   error
	before func() // the next write
}

func (d *table) LoadDocument(ctx context.Context, kind, name string) ([]byte, int, error) {
	if d.down != nil {
		return nil, 0, d.down
	}
	return d.Ledger.LoadDocument(ctx, kind, name)
}

func (d *table) SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expires time.Time) error {
	if strings.Contains(name+string(body), "ann") || !expires.IsZero() {
		d.t.Errorf("%q is written, until %s: %s", name, expires, body)
	}
	if do := d.before; do != nil {
		d.before = nil
		do()
	}
	return d.Ledger.SaveDocument(ctx, kind, name, body, seen, now, expires)
}

type key struct {
	text string
	err  error
}

func (k key) ErasureKey(context.Context) ([]byte, error) { return []byte(k.text), k.err }

const ann = "ann@example.com"

func records(t *testing.T, text string) (erasure.Records, *table) {
	d := &table{Ledger: memory.New(), t: t}
	return erasure.Records{Documents: d, Key: key{text: text}}, d
}

func (d *table) wants(r erasure.Records, address string, want bool, wantErr error) {
	d.t.Helper()
	was, err := r.WasErased(d.t.Context(), address)
	if was != want || !errors.Is(err, wantErr) || (wantErr == nil) != (err == nil) {
		d.t.Errorf("%s was erased: %v, %v; want %v, %v", address, was, err, want, wantErr)
	}
}

func TestWhoWasErasedIsTold(t *testing.T) {
	r, d := records(t, "one")
	d.wants(r, ann, false, nil)
	if err := r.Save(t.Context(), ann, []byte(`{}`), 0, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	d.wants(r, ann, true, nil)
	d.wants(r, " Ann@Example.com ", true, nil)
	d.wants(r, "bob@example.com", false, nil)
	if err := r.Save(t.Context(), ann, []byte(`{}`), 0, time.Unix(2, 0)); !errors.Is(err, webhook.ErrChanged) {
		t.Errorf("a write that did not see the first: %v", err)
	}
	if _, version, err := r.Load(t.Context(), ann); version != 1 || err != nil {
		t.Errorf("version %d, %v", version, err)
	}
}

// Under another key nobody can say that somebody was not erased; not even beside it.
func TestUnderAnotherKeyNobodyCanTell(t *testing.T) {
	r, d := records(t, "one")
	if err := r.Save(t.Context(), ann, []byte(`{}`), 0, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	other := erasure.Records{Documents: d, Key: key{text: "two"}}
	d.wants(other, ann, false, erasure.ErrOtherKey)
	if err := other.Save(t.Context(), "bob@example.com", []byte(`{}`), 0, time.Unix(2, 0)); err != nil {
		t.Fatal(err) // an erasure is recorded all the same
	}
	d.wants(other, "bob@example.com", true, nil)
	d.wants(other, ann, false, erasure.ErrOtherKey)
	d.wants(r, "carl@example.com", false, erasure.ErrOtherKey)
}

func TestWhatCannotBeReadIsNotNobody(t *testing.T) {
	r, d := records(t, "one")
	lost := errors.New("no such parameter")
	d.wants(erasure.Records{Documents: d, Key: key{err: lost}}, ann, false, lost)
	d.down = fmt.Errorf("the table: %w", webhook.ErrUnavailable)
	d.wants(r, ann, false, webhook.ErrUnavailable)
	d.down = nil
	if err := d.Ledger.SaveDocument(t.Context(), "forgotten", "keys", []byte(`{"keys":`), 0, time.Unix(1, 0), time.Time{}); err != nil {
		t.Fatal(err)
	}
	d.wants(r, ann, false, erasure.ErrOtherKey)
	if err := r.Save(t.Context(), ann, []byte(`{}`), 0, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	d.wants(r, ann, true, nil)
	d.wants(r, "bob@example.com", false, erasure.ErrOtherKey)
}

// Records without a mark are under a key that nobody knows, also once there is a mark.
func TestRecordsWithoutAMarkAreNotNobody(t *testing.T) {
	r, d := records(t, "one")
	if err := d.Ledger.SaveDocument(t.Context(), "forgotten", "d1", []byte(`{}`), 0, time.Unix(1, 0), time.Time{}); err != nil {
		t.Fatal(err)
	}
	d.wants(r, ann, false, erasure.ErrOtherKey)
	if err := r.Save(t.Context(), "bob@example.com", []byte(`{}`), 0, time.Unix(2, 0)); err != nil {
		t.Fatal(err)
	}
	d.wants(r, "bob@example.com", true, nil)
	d.wants(r, ann, false, erasure.ErrOtherKey)
}

// Two operators are the first, with another key each.
func TestOfTwoFirstKeysBothAreKnown(t *testing.T) {
	r, d := records(t, "one")
	other := erasure.Records{Documents: d, Key: key{text: "two"}}
	d.before = func() {
		if err := other.Save(t.Context(), ann, []byte(`{}`), 0, time.Unix(1, 0)); err != nil {
			t.Error(err)
		}
	}
	if err := r.Save(t.Context(), "bob@example.com", []byte(`{}`), 0, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	d.wants(r, ann, false, erasure.ErrOtherKey)
	d.wants(other, ann, true, nil)
}
