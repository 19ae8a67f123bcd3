package ledger_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"smartlead-receiver/pkg/ledger"
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

// An operator discards or releases a held event after a trusted receipt has read
// it and before that takes its place.
func TestBetweenReadAndTakeOver(t *testing.T) {
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
					net := &between{RoundTripper: newTransport(t), text: `"held"`}
					l := openStore(t, engine, net)
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

// An operator splits off a body that is not trusted while a trusted sender sends
// it: whoever comes second sees to it that it is delivered, wherever the one is
// cut by the other.
func TestSplitWhileTheBodyBecomesTrusted(t *testing.T) {
	trusted, forged := plainReceipt("v1:EMAIL_REPLY:A"), plainReceipt("v1:EMAIL_REPLY:A")
	trusted.Fingerprint, forged.Fingerprint = "other", "other"
	forged.Held, forged.Flags = true, []string{webhook.FlagUntrustedSender}
	variant := webhook.Variant{ID: "v1:EMAIL_REPLY:A", Fingerprint: "other"}
	split := func(l store) error { _, err := l.Split(t.Context(), variant, noon, noon); return err }
	receive := func(l store) error { _, err := l.Claim(t.Context(), trusted, "trusted", noon); return err }
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			for _, c := range []struct {
				name          string
				first, second func(l store) error
				before        string // the second runs before the first sends this
			}{
				{"received before the split writes its event", split, receive, `attribute_not_exists`},
				{"received before the split is noted", split, receive, `#split_as = :split_as`},
				{"split before the body is trusted", receive, split, `contains(#flags`},
				{"split before the receipt looks for what was split off", receive, split, string(ledger.SplitID(variant))},
			} {
				t.Run(c.name, func(t *testing.T) {
					net := &between{RoundTripper: newTransport(t), text: c.before}
					l := openStore(t, engine, net)
					for i, r := range []webhook.Receipt{plainReceipt("v1:EMAIL_REPLY:A"), forged} {
						if _, err := l.Claim(t.Context(), r, fmt.Sprint(i), noon); err != nil {
							t.Fatal(err)
						}
					}
					net.run = func() {
						if err := c.second(l); err != nil {
							t.Error(err)
						}
					}
					if err := c.first(l); err != nil || net.run != nil {
						t.Fatalf("the first met nothing (%v)", err)
					}
					rec, err := l.Get(t.Context(), ledger.SplitID(variant))
					if err != nil || rec.State != webhook.Pending || rec.DueAt.IsZero() {
						t.Errorf("what was split off is %s (%v)", rec.State, err)
					}
					l.checkItems(t)
				})
			}
		})
	}
}

// The answer to the write that makes a variant trusted is lost.
func TestLostAnswerToTrust(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			net := &lossy{RoundTripper: newTransport(t)}
			outer := &between{RoundTripper: net, text: `contains(#flags`}
			l := openStore(t, engine, outer)
			forged, trusted := plainReceipt("v1:EMAIL_REPLY:A"), plainReceipt("v1:EMAIL_REPLY:A")
			trusted.Fingerprint, forged.Fingerprint = "other", "other"
			forged.Held, forged.Flags = true, []string{webhook.FlagUntrustedSender, webhook.FlagForwarded}
			trusted.Flags = []string{webhook.FlagColleague}
			for i, r := range []webhook.Receipt{plainReceipt("v1:EMAIL_REPLY:A"), forged} {
				if _, err := l.Claim(t.Context(), r, fmt.Sprint(i), noon); err != nil {
					t.Fatal(err)
				}
			}
			outer.run = func() { net.armed.Store(true) }
			c, err := l.Claim(t.Context(), trusted, "trusted", noon)
			if err != nil || c.Status != webhook.ClaimVariant || net.lost.Load() != 1 {
				t.Fatalf("the trusted receipt is %s (%v), and %d answers were lost", c.Status, err, net.lost.Load())
			}
			variants, err := l.Variants(t.Context(), c.ID)
			if err != nil || len(variants) != 1 || !slices.Equal(variants[0].Receipt.Flags, []string{webhook.FlagColleague}) {
				t.Errorf("the variants are %+v (%v)", variants, err)
			}
		})
	}
}

// The worker that wrote a death notes that its letter was sent, after another has been
// refused the lease that a pending event would give and before it leases by that letter.
func TestBetweenReadAndLeaseByDeadLetter(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			net := &between{RoundTripper: newTransport(t), text: "#redrives"}
			l := openStore(t, engine, net)
			claimed, err := l.Claim(t.Context(), plainReceipt("v1:EMAIL_REPLY:A"), "claim", noon)
			if err != nil {
				t.Fatal(err)
			}
			req := leaseRequest(claimed.Record, noon)
			lease, err := l.Lease(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			dueAt := noon.Add(time.Hour)
			if err := l.Settle(t.Context(), lease, webhook.Settlement{State: webhook.Dead, At: noon, DueAt: dueAt, Destinations: lease.Record.Destinations}); err != nil {
				t.Fatal(err)
			}
			net.run = func() {
				if err := l.ConfirmDeadLetter(t.Context(), claimed.ID, 1, dueAt); err != nil {
					t.Error(err)
				}
			}
			req = leaseRequest(claimed.Record, noon.Add(time.Minute))
			req.Death, req.KeepDue = 1, noon.Add(time.Second)
			lease, err = l.Lease(t.Context(), req)
			if err != nil || net.run != nil {
				t.Fatalf("%v; the letter was noted: %t", err, net.run == nil)
			}
			if lease.Record.DueAt.IsZero() {
				t.Error("the leased event owes no message")
			}
			l.checkItems(t)
		})
	}
}
