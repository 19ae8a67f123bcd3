package redrive

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// dlq is a dead letter queue in memory. What is taken is hidden until it is
// released.
type dlq struct {
	world   *world
	letters map[string]webhook.DeadMessage
	hidden  map[string]bool
	keeps   string // a receipt that it does not delete
	sent    int
}

func newDLQ(w *world) *dlq {
	return &dlq{world: w, letters: map[string]webhook.DeadMessage{}, hidden: map[string]bool{}}
}

func (q *dlq) put(name string, m webhook.DeadMessage) {
	m.Receipt = name
	if m.SentAt.IsZero() {
		m.SentAt = q.world.now
	}
	q.letters[name] = m
}

func (q *dlq) TakeDead(_ context.Context, n int, _, _ time.Duration) (out []webhook.DeadMessage, err error) {
	for name, m := range q.letters {
		if !q.hidden[name] && len(out) < n {
			q.hidden[name] = true
			out = append(out, m)
		}
	}
	return out, nil
}

func (q *dlq) DeleteDead(_ context.Context, receipts []string) []error {
	errs := make([]error, len(receipts))
	for i, name := range receipts {
		if name == q.keeps {
			errs[i] = webhook.ErrUnavailable
			continue
		}
		delete(q.letters, name)
	}
	return errs
}

func (q *dlq) ReleaseDead(_ context.Context, receipts []string) error {
	for _, name := range receipts {
		delete(q.hidden, name)
	}
	return nil
}

func (q *dlq) SendLetters(_ context.Context, msgs []webhook.Message) []error {
	for _, m := range msgs {
		q.sent++
		q.put(fmt.Sprint("renewed", q.sent), webhook.DeadMessage{Message: m})
	}
	return make([]error, len(msgs))
}

func (q *dlq) Send(ctx context.Context, lane webhook.Lane, msgs []webhook.Message) []error {
	return q.world.Send(ctx, lane, msgs)
}

func (q *dlq) janitor(l Ledger) *Janitor {
	return &Janitor{
		Ledger: l, Queue: q, Now: func() time.Time { return q.world.now }, Nonce: q.world.nonce,
		Rounds: 5, Hold: time.Minute, Renew: 12 * 24 * time.Hour, Grace: time.Minute,
	}
}

func letterOf(id webhook.EventID, death int) webhook.DeadMessage {
	return webhook.DeadMessage{Message: webhook.Message{Kind: webhook.KindLetter, ID: id, Letter: &webhook.Letter{Death: death}}}
}

func unclaimed(key string, now time.Time) webhook.DeadMessage {
	return webhook.DeadMessage{Message: webhook.Message{Kind: webhook.KindUnclaimed, Receipt: &webhook.Receipt{
		Key: "v1:EMAIL_REPLY:" + key, Type: webhook.EmailReply, Account: "default", Source: "demo", ReceivedAt: now,
	}}}
}

// mute is a ledger that answers no question of that kind.
type mute struct {
	Ledger
	reads, claims bool
}

func (m mute) GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	if m.reads {
		return map[webhook.EventID]webhook.Record{}, webhook.ErrUnavailable
	}
	return m.Ledger.GetMany(ctx, ids)
}

func (m mute) Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	if m.claims {
		return webhook.Claimed{}, webhook.ErrUnavailable
	}
	return m.Ledger.Claim(ctx, r, nonce, dueAt)
}

// mixed is a queue with one message of each kind.
func mixed(t *testing.T) (*world, *dlq, webhook.EventID) {
	t.Helper()
	w := newWorld(t)
	ids := w.dead(3)
	revived, err := w.Revive(t.Context(), webhook.Revival{ID: ids[1], Lane: webhook.Replay, At: w.now, DueAt: w.now, Death: 1, Nonce: "r"})
	if err != nil {
		t.Fatal(err)
	}
	q := newDLQ(w)
	q.put("valid", letterOf(ids[0], 1))
	q.put("stale", letterOf(revived.ID, 1))
	old := letterOf(ids[2], 1)
	old.SentAt = w.now.Add(-13 * 24 * time.Hour)
	q.put("old", old)
	q.put("unclaimed", unclaimed("NEW", w.now))
	q.put("foreign", webhook.DeadMessage{Foreign: "not its JSON"})
	q.put("unknown", letterOf("v1:EMAIL_REPLY:GONE", 1))
	return w, q, "v1:EMAIL_REPLY:NEW"
}

func TestJanitorLetsGoOnlyWhatMayGo(t *testing.T) {
	w, q, claimed := mixed(t)
	counts, err := q.janitor(w).Clear(t.Context())
	// The letter that was written anew may be looked at in the same round.
	valid := counts.Valid
	counts.Valid = 0
	want := LetterCounts{Stale: 1, Renewed: 1, Claimed: 1, Foreign: 2}
	if err != nil || counts != want || valid < 1 {
		t.Fatalf("%+v and %d valid (%v), want %+v", counts, valid, err, want)
	}
	for _, name := range []string{"valid", "foreign", "unknown", "renewed1"} {
		if _, there := q.letters[name]; !there || q.hidden[name] {
			t.Errorf("%s is gone, or out of sight", name)
		}
	}
	if len(q.letters) != 4 {
		t.Errorf("%d messages are left: %v", len(q.letters), q.letters)
	}
	if rec, err := w.Get(t.Context(), claimed); err != nil || rec.State != webhook.Pending || rec.DueAt.IsZero() {
		t.Errorf("the unclaimed event is %+v (%v)", rec, err)
	}
}

func TestJanitorKeepsWhatItIsNotSureOf(t *testing.T) {
	for _, c := range []struct {
		name  string
		mute  mute
		keeps string
		want  LetterCounts
		stay  string
	}{
		{"the ledger cannot be read", mute{reads: true}, "", LetterCounts{Claimed: 1, Foreign: 1}, "stale"},
		{"the event cannot be claimed", mute{claims: true}, "", LetterCounts{Stale: 1, Renewed: 1, Foreign: 2}, "unclaimed"},
		{"SQS does not delete it", mute{}, "stale", LetterCounts{Renewed: 1, Claimed: 1, Foreign: 2}, "stale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, q, _ := mixed(t)
			q.keeps, c.mute.Ledger = c.keeps, w
			counts, err := q.janitor(c.mute).Clear(t.Context())
			counts.Valid = 0
			if !errors.Is(err, webhook.ErrUnavailable) || counts != c.want {
				t.Fatalf("%+v (%v), want %+v", counts, err, c.want)
			}
			if _, there := q.letters[c.stay]; !there || q.hidden[c.stay] {
				t.Errorf("%s is gone, or out of sight", c.stay)
			}
		})
	}
}

// After a large redrive the queue is full of letters that mean nothing any more.
// One run takes them all out, so that the alarm on the queue ends.
func TestRunClearsLettersUntilNoneMayGo(t *testing.T) {
	w := newWorld(t)
	ids := w.dead(400)
	q := newDLQ(w)
	for _, id := range ids {
		q.put(string(id), letterOf(id, 1))
	}
	svc := w.service(nil)
	svc.Letters = q.janitor(w)
	if _, err := svc.Start(t.Context(), Order{}); err != nil {
		t.Fatal(err)
	}
	sum := svc.Run(t.Context())
	if sum.Err != nil || sum.State != Done || sum.Letters.Stale != len(ids) || len(q.letters) != 0 {
		t.Errorf("%s: %d letters went and %d are left (%v)", sum.State, sum.Letters.Stale, len(q.letters), sum.Err)
	}
	if sum := svc.Run(t.Context()); sum.Err != nil || sum.Ticks != 0 {
		t.Errorf("a run with nothing to do: %+v", sum)
	}
}
