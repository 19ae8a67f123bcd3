package ledger_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"smartlead-receiver/pkg/webhook"
)

// between runs something once, before the first request whose body contains a
// text.
type between struct {
	http.RoundTripper
	text string
	run  func()
}

func (b *between) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if b.run != nil && bytes.Contains(body, []byte(b.text)) {
		run := b.run
		b.run = nil
		run()
	}
	return b.RoundTripper.RoundTrip(r)
}

// An operator discards or releases a held event after a trusted repeat has read
// it and before that sets it free.
func TestBetweenReadAndRelease(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			for _, c := range []struct {
				name   string
				move   func(l store, r webhook.Record) error
				status webhook.ClaimStatus
				alone  bool
			}{
				{"discard", func(l store, r webhook.Record) error { return l.Discard(t.Context(), r, noon, noon) }, webhook.ClaimAccepted, true},
				{"release", func(l store, r webhook.Record) error {
					_, err := l.Release(t.Context(), r.ID, noon, noon)
					return err
				}, webhook.ClaimDuplicate, false},
			} {
				t.Run(c.name, func(t *testing.T) {
					net := &between{RoundTripper: newTransport(t), text: `":held"`}
					l := openStore(t, engine.start(t), net)
					held := plainReceipt("v1:EMAIL_REPLY:A")
					held.Held, held.Flags = true, []string{webhook.FlagUntrustedSender}
					first, err := l.Claim(t.Context(), held, "first", noon)
					if err != nil || first.Status != webhook.ClaimHeld {
						t.Fatalf("the first receipt is %s (%v)", first.Status, err)
					}
					net.run = func() {
						if err := c.move(l, first.Record); err != nil {
							t.Error(err)
						}
					}
					second, err := l.Claim(t.Context(), plainReceipt("v1:EMAIL_REPLY:A"), "second", noon)
					if err != nil || net.run != nil {
						t.Fatalf("the trusted receipt met nothing (%v)", err)
					}
					if second.Status != c.status || second.Record.State != webhook.Pending || (second.ID != first.ID) != c.alone {
						t.Errorf("the trusted receipt is %s of %s, %s", second.Status, second.ID, second.Record.State)
					}
					rec, err := l.Get(t.Context(), second.ID)
					if err != nil || rec.State != webhook.Pending || rec.DueAt.IsZero() {
						t.Errorf("the event is now %+v (%v)", rec, err)
					}
					l.checkItems(t)
				})
			}
		})
	}
}
