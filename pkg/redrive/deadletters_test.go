package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// dlq is a dead letter queue in memory. What is taken is hidden until it is
// released.
type dlq struct {
	world       *world
	deadLetters map[string]webhook.DeadMessage
	hidden      map[string]bool
	keeps       string // a receipt that it does not delete
	sent        int
}

func newDLQ(w *world) *dlq {
	return &dlq{world: w, deadLetters: map[string]webhook.DeadMessage{}, hidden: map[string]bool{}}
}

func (q *dlq) put(name string, m webhook.DeadMessage) {
	m.Receipt = name
	if m.SentAt.IsZero() {
		m.SentAt = q.world.now
	}
	q.deadLetters[name] = m
}

func (q *dlq) TakeDead(_ context.Context, n int, _, _ time.Duration) (out []webhook.DeadMessage, err error) {
	for name, m := range q.deadLetters {
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
		delete(q.deadLetters, name)
	}
	return errs
}

func (q *dlq) ReleaseDead(_ context.Context, receipts []string) error {
	for _, name := range receipts {
		delete(q.hidden, name)
	}
	return nil
}

func (q *dlq) SendDeadLetters(_ context.Context, msgs []webhook.Message) []error {
	for _, m := range msgs {
		q.sent++
		q.put(fmt.Sprint("renewed", q.sent), webhook.DeadMessage{Message: m})
	}
	return make([]error, len(msgs))
}

func (q *dlq) Send(ctx context.Context, lane webhook.Lane, msgs []webhook.Message) []error {
	return q.world.Send(ctx, lane, msgs)
}

func (q *dlq) cleaner(l Ledger) *DeadLetterCleaner {
	return &DeadLetterCleaner{
		Ledger: l, Queue: q, Now: func() time.Time { return q.world.now }, Nonce: q.world.nonce,
		Rounds: 5, Hold: time.Minute, Renew: 12 * 24 * time.Hour, Grace: time.Minute,
	}
}

func deadLetterOf(id webhook.EventID, death int) webhook.DeadMessage {
	return webhook.DeadMessage{Message: webhook.Message{Kind: webhook.KindDeadLetter, ID: id, DeadLetter: &webhook.DeadLetter{Death: death}}}
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
	q.put("valid", deadLetterOf(ids[0], 1))
	q.put("stale", deadLetterOf(revived.ID, 1))
	old := deadLetterOf(ids[2], 1)
	old.SentAt = w.now.Add(-13 * 24 * time.Hour)
	q.put("old", old)
	q.put("unclaimed", unclaimed("NEW", w.now))
	q.put("foreign", webhook.DeadMessage{Foreign: "not its JSON"})
	q.put("unknown", deadLetterOf("v1:EMAIL_REPLY:GONE", 1))
	return w, q, "v1:EMAIL_REPLY:NEW"
}

func TestCleanerDeletesOnlyWhatMayGo(t *testing.T) {
	w, q, claimed := mixed(t)
	counts, err := q.cleaner(w).Clear(t.Context())
	// The dead letter that was written anew may be looked at in the same round.
	valid := counts.Valid
	counts.Valid = 0
	want := DeadLetterCounts{Stale: 1, Renewed: 1, Claimed: 1, Foreign: 2}
	if err != nil || counts != want || valid < 1 {
		t.Fatalf("%+v and %d valid (%v), want %+v", counts, valid, err, want)
	}
	for _, name := range []string{"valid", "foreign", "unknown", "renewed1"} {
		if _, there := q.deadLetters[name]; !there || q.hidden[name] {
			t.Errorf("%s is gone, or out of sight", name)
		}
	}
	if len(q.deadLetters) != 4 {
		t.Errorf("%d messages are left: %v", len(q.deadLetters), q.deadLetters)
	}
	if rec, err := w.Get(t.Context(), claimed); err != nil || rec.State != webhook.Pending || rec.DueAt.IsZero() {
		t.Errorf("the unclaimed event is %+v (%v)", rec, err)
	}
}

func TestCleanerKeepsWhatItIsNotSureOf(t *testing.T) {
	for _, c := range []struct {
		name  string
		mute  mute
		keeps string
		want  DeadLetterCounts
		stay  string
	}{
		{"the ledger cannot be read", mute{reads: true}, "", DeadLetterCounts{Claimed: 1, Foreign: 1}, "stale"},
		{"the event cannot be claimed", mute{claims: true}, "", DeadLetterCounts{Stale: 1, Renewed: 1, Foreign: 2}, "unclaimed"},
		{"SQS does not delete it", mute{}, "stale", DeadLetterCounts{Renewed: 1, Claimed: 1, Foreign: 2}, "stale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, q, _ := mixed(t)
			q.keeps, c.mute.Ledger = c.keeps, w
			counts, err := q.cleaner(c.mute).Clear(t.Context())
			counts.Valid = 0
			if !errors.Is(err, webhook.ErrUnavailable) || counts != c.want {
				t.Fatalf("%+v (%v), want %+v", counts, err, c.want)
			}
			if _, there := q.deadLetters[c.stay]; !there || q.hidden[c.stay] {
				t.Errorf("%s is gone, or out of sight", c.stay)
			}
		})
	}
}

// partly is a ledger of which this version cannot read some events.
type partly struct {
	Ledger
	not []webhook.EventID
}

func (p partly) GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	records, err := p.Ledger.GetMany(ctx, ids)
	causes := map[webhook.EventID]error{}
	for _, id := range p.not {
		if slices.Contains(ids, id) {
			causes[id] = errors.New("a newer version wrote it")
			delete(records, id)
		}
	}
	if len(causes) == 0 || err != nil {
		return records, err
	}
	return records, &webhook.UnreadableError{Causes: causes}
}

// The dead letter of an event that cannot be read stays; those beside it are judged.
func TestCleanerKeepsTheLetterOfAnUnreadableEvent(t *testing.T) {
	w, q, _ := mixed(t)
	stale := q.deadLetters["stale"].Message.ID
	counts, err := q.cleaner(partly{w, []webhook.EventID{stale}}).Clear(t.Context())
	counts.Valid = 0
	if want := (DeadLetterCounts{Renewed: 1, Claimed: 1, Foreign: 2}); counts != want || !errors.As(err, new(*webhook.UnreadableError)) {
		t.Errorf("%+v (%v), want %+v and that an event cannot be read", counts, err, want)
	}
	if _, there := q.deadLetters["stale"]; !there || q.hidden["stale"] {
		t.Error("its letter is gone, or out of sight")
	}
	sample, err := DeadLetterLook{Ledger: partly{w, []webhook.EventID{stale}}, Queue: q}.Sample(t.Context(), MaxLook)
	if err != nil || sample.Stale != 0 || sample.Looked != len(q.deadLetters) {
		t.Errorf("the look sees %+v of %d messages (%v)", sample, len(q.deadLetters), err)
	}
}

// After a large redrive the queue is full of dead letters that mean nothing any more.
// One run takes them all out, so that the alarm on the queue ends.
func TestRunClearsDeadLettersUntilNoneMayGo(t *testing.T) {
	w := newWorld(t)
	ids := w.dead(400)
	q := newDLQ(w)
	for _, id := range ids {
		q.put(string(id), deadLetterOf(id, 1))
	}
	svc := w.service(nil)
	svc.DeadLetters = q.cleaner(w)
	if _, err := svc.Start(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	sum := svc.Run(t.Context())
	if sum.Err != nil || sum.State != Done || sum.DeadLetters.Stale != len(ids) || len(q.deadLetters) != 0 {
		t.Errorf("%s: %d dead letters went and %d are left (%v)", sum.State, sum.DeadLetters.Stale, len(q.deadLetters), sum.Err)
	}
	if sum := svc.Run(t.Context()); sum.Err != nil || sum.Ticks != 0 {
		t.Errorf("a run with nothing to do: %+v", sum)
	}
}
