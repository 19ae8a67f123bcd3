package crash

import (
	"context"
	"strconv"
	"time"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/webhook"
)

// replay is what the operator's command does: exactly the generation that was
// seen, also when it is repeated because its answer was lost.
func (w *world) replay(id webhook.EventID, generation int, again bool, nonce string) {
	env := w.env("operator")
	l := ledger.New(env.Clients.DynamoDB, env.Config.Table)
	q := queue.New(env.Clients.SQS, queue.URLs{Replay: env.Config.ReplayQueue})
	for range 3 {
		survived := w.live("operator", func(ctx context.Context) {
			now := env.Now()
			rec, err := l.Replay(ctx, webhook.Revival{
				ID: id, Lane: webhook.Replay, At: now, DueAt: now.Add(grace), Generation: generation, Again: again, Nonce: nonce,
			})
			if err == nil {
				q.Send(ctx, webhook.Replay, []webhook.Message{{Kind: webhook.KindEvent, ID: rec.ID}})
			}
		})
		if survived {
			return
		}
	}
}

// each runs a move of the operator's over every event of a state.
func (w *world) each(state webhook.State, move func(ctx context.Context, l *ledger.Ledger, id webhook.EventID, it item, now time.Time)) {
	w.Helper()
	w.events(func(env app.Env, l *ledger.Ledger, it item) {
		if it.text("state") == string(state) {
			w.live("operator", func(ctx context.Context) { move(ctx, l, webhook.EventID(it.id()), it, env.Now()) })
		}
	})
}

// events hands over every event there is, and the operator's ledger.
func (w *world) events(do func(env app.Env, l *ledger.Ledger, it item)) {
	w.Helper()
	env := w.env("operator")
	l := ledger.New(env.Clients.DynamoDB, env.Config.Table)
	for _, it := range w.items() {
		if it.isEvent() {
			do(env, l, it)
		}
	}
}

func (it item) number(name string) int {
	n, _ := strconv.Atoi(it.text(name))
	return n
}

func (w *world) park() {
	w.Helper()
	w.each(webhook.Dead, func(ctx context.Context, l *ledger.Ledger, id webhook.EventID, it item, now time.Time) {
		_ = l.Park(ctx, id, it.number("death"), now)
	})
}

// split makes every variant an event of its own.
func (w *world) split() {
	w.Helper()
	w.events(func(env app.Env, l *ledger.Ledger, it item) {
		w.live("operator", func(ctx context.Context) {
			variants, _ := l.Variants(ctx, webhook.EventID(it.id())) // what is not read is not split
			for _, v := range variants {
				if v.SplitAs == "" {
					w.apart[string(ledger.SplitID(v))] = w.answers
				}
				_, _ = l.Split(ctx, v, env.Now(), env.Now().Add(grace))
			}
		})
	})
}

func (w *world) unpark() {
	w.Helper()
	w.each(webhook.Parked, func(ctx context.Context, l *ledger.Ledger, id webhook.EventID, it item, now time.Time) {
		_, _ = l.Unpark(ctx, webhook.Revival{ID: id, Lane: webhook.Replay, At: now, DueAt: now, Death: it.number("death"), Nonce: now.String()})
	})
}

// discard gives up what is in a state that allows it.
func (w *world) discard(state webhook.State) {
	w.Helper()
	w.each(state, func(ctx context.Context, l *ledger.Ledger, id webhook.EventID, it item, now time.Time) {
		w.discarded[it.id()] = true
		_ = l.Discard(ctx, webhook.Record{ID: id, State: state, LeaseNumber: it.number("lease")}, now, now.Add(retention))
	})
}

// handOver lets what waits for a destination wait for another one, as the operator's
// command does: again where its answer was lost.
func (w *world) handOver(from, to string) {
	w.Helper()
	w.events(func(env app.Env, l *ledger.Ledger, it item) {
		for n := range 3 {
			if w.live("operator", func(ctx context.Context) {
				_, _ = l.HandOver(ctx, webhook.HandOver{
					ID: webhook.EventID(it.id()), From: from, To: to, At: env.Now(), Nonce: "hand-over " + strconv.Itoa(n),
				})
			}) {
				break
			}
		}
	})
}
