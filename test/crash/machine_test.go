package crash

import (
	"context"
	"flag"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/webhook"
)

// TestAnyOrder lets whatever may happen to a deployment happen in any order,
// one thing after the other. What every write made of an event is held against
// the state table, every answer against a reference that knows identities and
// bodies only, and the end against the recorder.
func TestAnyOrder(t *testing.T) {
	checks := "15"
	if whole() {
		checks = "120"
	}
	for name, value := range map[string]string{"rapid.checks": checks, "rapid.steps": "40"} {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	table := tableOf(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{world: newWorld(t, table, options{tries: 2}), known: map[string]bool{}, trusted: map[string]bool{}}
		defer m.close()
		rt.Repeat(map[string]func(*rapid.T){
			"":                m.consistent,
			"request":         m.request,
			"request again":   m.request,
			"worker":          func(*rapid.T) { m.deliver(m.stores.Live); m.deliver(m.stores.Replay) },
			"crash":           m.crash,
			"time":            m.time,
			"sweep":           func(*rapid.T) { m.sweep() },
			"redrive":         func(*rapid.T) { m.start(); m.world.redrive() },
			"console redrive": func(rt *rapid.T) { m.console(m.stores.DLQ, m.stores.Live, rapid.Bool().Draw(rt, "leave")) },
			"park":            func(*rapid.T) { m.park() },
			"unpark":          func(*rapid.T) { m.unpark() },
			"split":           func(*rapid.T) { m.split() },
			"discard": func(rt *rapid.T) {
				m.discard(rapid.SampledFrom([]webhook.State{webhook.Held, webhook.Parked, webhook.Dead}).Draw(rt, "state"))
			},
			"replay":      m.again,
			"expiry":      m.expiry,
			"outage":      m.outages,
			"destination": m.destination,
		})
		m.end()
		m.consistent(rt)
	})
}

// machine is a world and the reference.
type machine struct {
	*world
	// known are the identities that an answer has told of. An answer that was
	// lost, or given by the second lane, tells nothing.
	known map[string]bool
	// trusted are those of which an answer to a trusted sender has told: nothing takes
	// their place any more.
	trusted map[string]bool
}

const identities = 3

func (m *machine) consistent(rt *rapid.T) {
	for _, p := range slices.Concat(m.violations, m.history.found()) {
		m.Log(p) // rapid shows the last try alone, which need not go wrong as this one did
		rt.Error(p)
	}
	if rt.Failed() {
		rt.FailNow()
	}
}

// request is a receipt of one of few identities, with one of few bodies, from
// a sender who is trusted or not.
func (m *machine) request(rt *rapid.T) {
	n := rapid.IntRange(1, identities).Draw(rt, "event")
	r := m.event(n)
	if body := rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(rt, "body"); body > 0 {
		r = m.variant(n, n+body*identities)
	}
	r.source = "strict"
	if rapid.IntRange(0, 2).Draw(rt, "untrusted") == 0 {
		r.body = strings.Replace(r.body, bodyKey, "somebody-elses-key", 1)
	}
	m.receive(r)
}

// receive holds the answer against the reference.
func (m *machine) receive(r *request) {
	before := len(m.acks)
	m.world.send(r)
	if m.outage != nil {
		return
	}
	el := elementsOf(r)[0]
	for _, a := range m.acks[before:] {
		switch {
		case a.status == "held" && m.known[a.id], a.status == "accepted" && m.trusted[a.id]:
			m.violate("%s was %s, and is known", a.id, a.status)
		case !slices.Contains(identitiesOf(el), a.id):
			m.violate("%s was answered for %s", a.id, el.Key)
		}
		m.known[a.id] = true
		m.trusted[a.id] = m.trusted[a.id] || a.trusted
	}
}

// crash strikes one of the next calls.
func (m *machine) crash(rt *rapid.T) {
	m.plan = newPlan(fault{
		at: rapid.IntRange(1, 8).Draw(rt, "at"), mode: mode(rapid.IntRange(0, len(modeNames)-1).Draw(rt, "mode")),
	})
}

func (m *machine) time(rt *rapid.T) {
	m.pass(rapid.SampledFrom([]time.Duration{time.Second, 30 * time.Second, grace, workVisibility}).Draw(rt, "time"))
}

func (m *machine) start() {
	_ = m.operate(func(ctx context.Context, s *redrive.Service) error {
		_, err := s.Start(ctx, redrive.Request{})
		return err
	})
}

func (m *machine) again(rt *rapid.T) {
	again := rapid.Bool().Draw(rt, "effect again")
	m.each(webhook.Delivered, func(ctx context.Context, l *ledger.Ledger, id webhook.EventID, it item, now time.Time) {
		_, _ = l.Replay(ctx, webhook.Revival{
			ID: id, Lane: webhook.Replay, At: now, DueAt: now, Generation: it.number("generation"), Again: again, Nonce: now.String(),
		})
	})
}

// expiry lets the retention of what is delivered pass. What comes afterwards
// under the same identity is a new event, so that all that is known of it goes.
// Queues keep nothing for that long.
func (m *machine) expiry(*rapid.T) {
	dead := slices.ContainsFunc(m.items(), func(it item) bool { return it.text("state") == string(webhook.Dead) })
	if _, busy := m.owed(); busy || dead || m.outage != nil || len(m.plan.faults) > 0 {
		return // the dead letter of a dead event would have been renewed
	}
	m.outlive(m.stores.DLQ)
	m.pass(retention + time.Minute)
	m.forgetVariants()
	for _, it := range m.items() {
		if !it.isEvent() || it["expires_at"] == nil {
			continue
		}
		delete(m.known, it.id())
		delete(m.trusted, it.id())
		m.acks = slices.DeleteFunc(m.acks, func(a ack) bool { return a.id == it.id() })
		m.effects = slices.DeleteFunc(m.effects, func(e effect) bool { return e.id == it.id() })
	}
	m.expire()
}

// forgetVariants: a variant expires by its own receipt, also beside an event that
// waits for an operator and does not. What was split off lives on as that event.
func (m *machine) forgetVariants() {
	for _, it := range m.items() {
		if !it.isVariant() || it["expires_at"] == nil {
			continue
		}
		kept := m.acks[:0]
		for _, a := range m.acks {
			if webhook.EventID(a.id).Key() == webhook.EventID(it.id()).Key() && m.carries(it, a.marker) {
				a.id = it.text("split_as")
			}
			if a.id != "" {
				kept = append(kept, a)
			}
		}
		m.acks = kept
	}
}

func (m *machine) outages(rt *rapid.T) {
	m.outage = rapid.SampledFrom([]func(context.Context, *life, string) error{
		nil, nil, sqsDown, dynamoDBDown, bothDown, down("worker", dynamoDBCalls...), down("worker", "SendMessageBatch"),
		down("sweeper", "SendMessageBatch"), down("redrive", "SendMessageBatch"),
	}).Draw(rt, "outage")
}

func (m *machine) destination(rt *rapid.T) {
	m.takes("crm", answers(rapid.SampledFrom([]int{
		http.StatusOK, http.StatusServiceUnavailable, http.StatusBadRequest, http.StatusTooManyRequests,
	}).Draw(rt, "answer")))
}

// end lets everything recover.
func (m *machine) end() {
	m.plan.end()
	m.outage = nil
	m.settle()
	m.heal()
	m.unpark()
	m.finish()
}
