package receive_test

import (
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/webhook"
)

// receives posts a body and holds what it becomes, and how many claims and repeats that
// took.
func (w *world) receives(t *testing.T, svc *receive.Service, body, want string, claims, repeats int) receive.Answer {
	t.Helper()
	w.attempts, w.repeats = 0, 0
	answer, err := svc.Receive(t.Context(), post(body))
	if err != nil || statuses(answer) != want || w.attempts != claims || w.repeats != repeats {
		t.Errorf("%q with %d claims and %d repeats, %v; want %q with %d and %d", statuses(answer), w.attempts, w.repeats, err, want, claims, repeats)
	}
	return answer
}

// forged is a body from a sender who is not trusted.
func forged(body string) string {
	return strings.Replace(body, secret, "4f0f5c1e-0000-4000-8000-0000000000aa", 1)
}

func (w *world) duplicates(t *testing.T, id webhook.EventID) int {
	t.Helper()
	r, err := w.ledger.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r.Duplicates
}

func (w *world) discard(t *testing.T, id webhook.EventID) {
	t.Helper()
	r, err := w.ledger.Get(t.Context(), id)
	if err == nil {
		err = w.ledger.Discard(t.Context(), r, w.now, w.now.Add(time.Hour))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestARepeatIsOneWrite(t *testing.T) {
	w := newWorld(t)
	svc := w.service()
	first := w.receives(t, svc, reply(1), "accepted", 1, 0)
	again := w.receives(t, svc, reply(1), "duplicate", 0, 1)
	if id := first.Results[0].EventID; again.Results[0].EventID != id || again.Results[0].Type != webhook.EmailReply {
		t.Errorf("a repeat of %s is answered %+v", id, again.Results[0])
	}
	if r, err := w.ledger.Get(t.Context(), first.Results[0].EventID); err != nil || r.Duplicates != 1 {
		t.Errorf("%d duplicates, %v", r.Duplicates, err)
	}
	w.receives(t, svc, "["+reply(2)+","+reply(2)+","+reply(1)+"]", "accepted duplicate duplicate", 1, 2)
	w.receives(t, svc, strings.Replace(reply(1), `"Yes"`, `"No"`, 1), "variant", 1, 0)
	w.receives(t, w.service(), reply(1), "duplicate", 1, 0) // another instance
	w.receives(t, svc, pausedCampaign, "accepted", 1, 0)
	w.receives(t, svc, pausedCampaign, "duplicate", 1, 0) // may repeat for real
}

// What is overdue is enqueued again by its repeat, at once, and not as a first message.
func TestARepeatOfWhatIsOverdueIsEnqueued(t *testing.T) {
	w := newWorld(t)
	svc := w.service()
	w.receives(t, svc, reply(1), "accepted", 1, 0)
	w.now = w.now.Add(time.Hour)
	w.receives(t, svc, reply(1), "duplicate", 0, 1)
	if len(w.sent) != 2 || w.sent[1].First || w.sent[1].ID != w.sent[0].ID {
		t.Errorf("sent %+v", w.sent)
	}
}

// A hint that is wrong, or that cannot be followed, costs a call and changes no answer.
func TestAWrongHintIsLeftToTheClaim(t *testing.T) {
	w := newWorld(t)
	svc := w.service()
	w.receives(t, svc, reply(1), "accepted", 1, 0)
	w.repeat = errDown
	w.receives(t, svc, reply(1), "duplicate", 1, 0)
	w.repeat = nil
	w.receives(t, svc, reply(1), "duplicate", 1, 0) // the store is given a rest
	w.now = w.now.Add(time.Minute)
	w.receives(t, svc, reply(1), "duplicate", 0, 1)
	w.hangs = true
	w.receives(t, svc, reply(1), "duplicate", 1, 0) // within what the claim has
	w.hangs = false
	w.now = w.now.Add(time.Minute)
	w.claims = errDown
	w.receives(t, svc, reply(1), "accepted", 1, 0) // the message carries the event
	w.claims = nil
	w.now = w.now.Add(time.Minute)
	w.ledger = memory.New() // the event has expired
	w.receives(t, svc, reply(1), "accepted", 1, 0)
	w.receives(t, svc, reply(1), "duplicate", 0, 1)
}

// Nobody who is not trusted is met with what a trusted sender's receipt left, nor the other
// way round.
func TestAHintIsOfOneTrust(t *testing.T) {
	w := newWorld(t)
	w.source.BodySecrets = []auth.Digest{auth.NewDigest(secret)}
	svc := w.service()
	w.receives(t, svc, forged(reply(1)), "held", 1, 0)
	w.receives(t, svc, forged(reply(1)), "duplicate", 1, 0)
	w.receives(t, svc, forged(reply(1)), "duplicate", 0, 1)
	w.receives(t, svc, reply(1), "accepted", 1, 0)
	w.receives(t, svc, reply(1), "duplicate", 0, 1)
	w.receives(t, svc, forged(reply(1)), "duplicate", 0, 1)
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	w := newWorld(t)
	svc := w.service()
	for n := range 3 * receive.RecentReceipts {
		w.receives(t, svc, reply(n), "accepted", 1, 0)
	}
	if n := svc.Remembered(); n > 2*receive.RecentReceipts {
		t.Errorf("%d receipts are remembered", n)
	}
	w.receives(t, svc, reply(3*receive.RecentReceipts-1), "duplicate", 0, 1)
	w.receives(t, svc, reply(0), "duplicate", 1, 0)
}

// What is no plain duplicate is claimed each time, and counted once: the webhook of an event
// that was made, and what comes of an erased one.
func TestWhatIsNoPlainDuplicateIsNotRemembered(t *testing.T) {
	w := newWorld(t)
	svc := w.service()
	id, _, err := svc.Enter(t.Context(), w.source, "run", []byte(made), notErased)
	if err != nil {
		t.Fatal(err)
	}
	webhookOf := made[:len(made)-1] + `,"subject":"Hi"}`
	for n := range 3 {
		w.receives(t, svc, webhookOf, "duplicate", 1, 0)
		if r, err := w.ledger.Get(t.Context(), id); err != nil || r.Duplicates != n+1 {
			t.Errorf("after %d webhooks %d duplicates, %v", n+1, r.Duplicates, err)
		}
	}
	w.receives(t, svc, reply(1), "accepted", 1, 0)
	id = w.sent[len(w.sent)-1].ID
	if _, err := w.ledger.Erase(t.Context(), webhook.Erasure{ID: id, At: w.now, ExpiresAt: w.now.Add(time.Hour), Nonce: "n"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.receives(t, svc, reply(1), "duplicate", 1, 0)
	}
	if n := svc.Remembered(); n != 0 {
		t.Errorf("%d receipts are remembered", n)
	}
}

// What a trusted sender's receipt became beside an event that is not trusted has another id:
// the event of the receipt's own identity is counted once for each of its receipts.
func TestWhatStandsApartIsNotRemembered(t *testing.T) {
	w := newWorld(t)
	w.source.BodySecrets = []auth.Digest{auth.NewDigest(secret)}
	svc := w.service()
	id := w.receives(t, svc, forged(reply(1)), "held", 1, 0).Results[0].EventID
	w.discard(t, id)
	apart := w.receives(t, svc, reply(1), "accepted", 1, 0).Results[0].EventID
	before := w.duplicates(t, id)
	for n := range 3 {
		again := w.receives(t, svc, reply(1), "duplicate", 1, 0).Results[0]
		if d := w.duplicates(t, id) - before; apart == id || again.EventID != apart || d != n+1 {
			t.Errorf("%s, then %s with %d duplicates after %d", apart, again.EventID, d, n+1)
		}
	}
	if n := svc.Remembered(); n != 0 {
		t.Errorf("%d receipts are remembered", n)
	}
}

// A trusted sender's body that was erased beside an event that is not trusted neither takes
// its place nor stands apart, and is claimed each time.
func TestWhatLeavesAnEventUntrustedIsNotRemembered(t *testing.T) {
	r := webhook.Receipt{Key: "v1:EMAIL_REPLY:A", Fingerprint: "body"}
	held := r
	held.Held = true
	for _, state := range []webhook.State{webhook.Held, webhook.Discarded} {
		c := webhook.Claimed{ID: "v1:EMAIL_REPLY:A", Status: webhook.ClaimDuplicate, Record: webhook.Record{Receipt: r, State: state}}
		c.Record.Flags = []string{webhook.FlagUntrustedSender}
		if receive.RepeatsPlainly(c, r) {
			t.Errorf("a trusted sender's receipt that leaves an event %s is remembered", state)
		}
		if !receive.RepeatsPlainly(c, held) {
			t.Errorf("another sender's repeat of an event that is %s is not remembered", state)
		}
	}
}

// A large body is stored each time, which puts back what may be lost.
func TestALargeBodyIsClaimedEachTime(t *testing.T) {
	w := newWorld(t)
	w.ref = "default/large"
	svc := w.service()
	w.receives(t, svc, reply(1), "accepted", 1, 0)
	for range 2 {
		w.receives(t, svc, reply(1), "duplicate", 1, 0)
	}
	if n := svc.Remembered(); n != 0 {
		t.Errorf("%d receipts are remembered", n)
	}
}
