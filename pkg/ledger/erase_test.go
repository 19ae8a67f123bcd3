package ledger_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/webhook"
)

// eraseAll erases an event and its variants, as the use case does.
func eraseAll(t *testing.T, l store, id webhook.EventID) {
	t.Helper()
	later := noon.Add(24 * time.Hour)
	if _, err := l.Erase(t.Context(), webhook.Erasure{ID: id, At: noon, ExpiresAt: later, Nonce: "erasure"}); err != nil {
		t.Fatal(err)
	}
	list, err := l.Variants(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if err := l.EraseVariant(t.Context(), id, v.Fingerprint, noon, later); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.EndErasure(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// An erasure comes between the read and the write of everything that puts a payload
// beside or in the place of an event, or brings the event back: no payload is left.
func TestEraseBetweenReadAndWrite(t *testing.T) {
	claim := func(l store, fingerprint, nonce string, held bool) error {
		_, err := l.Claim(t.Context(), personal(fingerprint, held), nonce, noon)
		return err
	}
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			for name, c := range map[string]struct {
				held bool   // is the event
				text string // of the request before which it is erased
				call func(l store, r webhook.Record) error
				want error
			}{
				"variant": {false, `"V#000001#another`, func(l store, _ webhook.Record) error { return claim(l, "another", "two", false) }, nil},
				"variant that is stored": {
					false, `":one"`, func(l store, _ webhook.Record) error { return claim(l, "another", "two", false) }, nil,
				},
				"take-over with another body": {true, `"S":"held"`, func(l store, _ webhook.Record) error { return claim(l, "another", "two", false) }, nil},
				"take-over":                   {true, `"S":"held"`, func(l store, _ webhook.Record) error { return claim(l, "body", "two", false) }, nil},
				"replay": {false, `:if_state":{"S":"delivered`, func(l store, r webhook.Record) error {
					_, err := l.Replay(t.Context(), revival(r))
					return err
				}, webhook.ErrChanged},
			} {
				t.Run(name, func(t *testing.T) {
					net := &between{RoundTripper: newTransport(t), text: c.text}
					l := openStore(t, engine, net)
					id := deliveredOrHeld(t, l, c.held)
					seen, err := l.Get(t.Context(), id)
					if err != nil {
						t.Fatal(err)
					}
					net.run = func() { eraseAll(t, l, id) }
					if err := c.call(l, seen); !errors.Is(err, c.want) {
						t.Errorf("it ended with %v, want %v", err, c.want)
					}
					if net.run != nil {
						t.Fatal("nothing came between")
					}
					noPayload(t, l)
				})
			}
		})
	}
}

// A variant is erased while it is made an event of its own: that event is erased, too.
func TestEraseVariantWhileItIsSplit(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			net := &between{RoundTripper: newTransport(t), text: `":split_as"`}
			l := openStore(t, engine, net)
			id := deliveredOrHeld(t, l, false)
			if _, err := l.Claim(t.Context(), personal("another", false), "two", noon); err != nil {
				t.Fatal(err)
			}
			list, err := l.Variants(t.Context(), id)
			if err != nil || len(list) != 1 {
				t.Fatal(len(list), err)
			}
			net.run = func() { eraseAll(t, l, id) }
			if _, err := l.Split(t.Context(), list[0], noon, noon); !errors.Is(err, webhook.ErrNotFound) || net.run != nil {
				t.Errorf("it ended with %v", err)
			}
			noPayload(t, l)
		})
	}
}

func personal(fingerprint string, held bool) webhook.Receipt {
	r := plainReceipt("v1:EMAIL_REPLY:A")
	r.Fingerprint, r.LeadEmail, r.Held = fingerprint, "ann@example.com", held
	r.Payload = webhook.Payload{Encoding: "zstd", Data: []byte("of ann"), Size: 6}
	if held {
		r.Flags = []string{webhook.FlagUntrustedSender}
	}
	return r
}

func deliveredOrHeld(t *testing.T, l store, held bool) webhook.EventID {
	t.Helper()
	c, err := l.Claim(t.Context(), personal("body", held), "one", noon)
	if err != nil {
		t.Fatal(err)
	}
	if held {
		return c.ID
	}
	lease, err := l.Lease(t.Context(), leaseRequest(c.Record, noon))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Settle(t.Context(), lease, webhook.Settlement{
		State: webhook.Delivered, At: noon, ExpiresAt: noon.Add(24 * time.Hour),
		Destinations: []webhook.Progress{{Name: "crm", Result: webhook.ResultDelivered, Attempts: 1}},
	}); err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// noPayload looks at every item.
func noPayload(t *testing.T, l store) {
	t.Helper()
	for _, it := range l.items(t) {
		if it["payload"] != nil || it["lead"] != nil || it["erased"] == nil {
			t.Errorf("it is not erased: %v", it)
		}
	}
	l.checkItems(t)
}

// Every variant expires, also one that was held before, from the receipt that put it
// beside its event; and so does every refused request.
func TestWhatIsBesideAnEventExpires(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			l := openStore(t, engine, newTransport(t))
			l.Ledger = l.Keeping(40 * 24 * time.Hour)
			deliveredOrHeld(t, l, true)
			later := noon.Add(100 * 24 * time.Hour)
			for _, name := range []string{"another", "third"} { // the first takes the held event's place
				r := personal(name, false)
				r.ReceivedAt = later
				if _, err := l.Claim(t.Context(), r, name, later); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.RecordRejectedRequest(t.Context(), webhook.RejectedRequest{At: noon, RequestID: "r"}); err != nil {
				t.Fatal(err)
			}
			want := map[string]time.Time{
				"V#000001#body": later.Add(40 * 24 * time.Hour), "V#000001#third": later.Add(40 * 24 * time.Hour),
				noon.UTC().Format("2006-01-02T15:04:05.000Z") + "#r": noon.Add(14 * 24 * time.Hour),
			}
			for _, it := range l.items(t) {
				sk := it["sk"].(*types.AttributeValueMemberS).Value
				if sk == "E#000001" {
					continue
				}
				n, ok := it["expires_at"].(*types.AttributeValueMemberN)
				if !ok || n.Value != strconv.FormatInt(want[sk].Unix(), 10) {
					t.Errorf("%s expires at %v, want %v", sk, it["expires_at"], want[sk].Unix())
				}
				delete(want, sk)
			}
			if len(want) > 0 {
				t.Errorf("not there: %v", want)
			}
		})
	}
}
