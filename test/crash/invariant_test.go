package crash

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/pack"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/webhook"
)

// check compares a world that has come to rest with what the recorder knows.
// With a healed outside and a redrive behind it, nothing may be dead any more.
func (w *world) check(healed bool) {
	w.Helper()
	rows := w.items()
	events := map[string]item{}
	for _, it := range rows {
		if it.isEvent() {
			events[it.id()] = it
		}
	}
	deadLetters := w.deadLetters()
	for _, a := range w.acks {
		w.checkAck(a, events, rows, deadLetters, healed)
	}
	w.checkEffects()
	w.checkDeadLetters(deadLetters, events, healed)
	w.checkRows(rows)
	for _, p := range slices.Concat(w.leases.found(), w.history.found()) {
		w.violate("%s", p)
	}
}

// checkAck: what was acknowledged ends delivered, unrouted, dead with a dead letter,
// held, or kept as a variant.
func (w *world) checkAck(a ack, events map[string]item, rows []item, deadLetters []deadLetter, healed bool) {
	it, ok := events[a.id]
	unclaimed := slices.ContainsFunc(deadLetters, func(l deadLetter) bool { return l.id == a.id && l.kind == webhook.KindUnclaimed })
	if !ok && unclaimed && !healed {
		return // alarmed on, and the next redrive claims it
	}
	if !ok && w.expired[a.id] && a.status == "duplicate" {
		return // of what was delivered long ago
	}
	if !ok {
		w.violate("%s was acknowledged as %s (%s), and is not in the table", a.marker, a.id, a.status)
		return
	}
	if !w.carries(it, a.marker) {
		w.checkVariant(a, it, events, rows, deadLetters, healed)
		return
	}
	switch state := it.text("state"); state {
	case "delivered":
		for _, dest := range w.destinations {
			if !w.reached(dest, a) {
				w.violate("%s (%s) is delivered, and never reached %s", a.marker, a.id, dest)
			}
		}
	case "unrouted":
		if !w.unwanted {
			w.violate("%s is unrouted, and there are destinations that want it", a.id)
		}
		if w.reachedAny(a) {
			w.violate("%s is unrouted, and was delivered", a.id)
		}
	case "dead":
		has := slices.ContainsFunc(deadLetters, func(l deadLetter) bool { return l.id == a.id && fmt.Sprint(l.death) == it.count("death") })
		if !has && it.text("due") == "" {
			w.violate("%s died death %s, has no dead letter and owes none", a.id, it.count("death"))
		}
		if healed {
			w.violate("%s is dead although the destinations are well and everything was redriven", a.id)
		}
	case "held":
		// What came untrusted before is held where an operator splits it off; what a
		// trusted sender says afterwards releases it.
		if a.trusted && a.number > w.apart[a.id] {
			w.violate("%s is trusted, and is held", a.marker)
		}
		if w.reachedAny(a) {
			w.violate("%s is held, and was delivered", a.id)
		}
	case "parked": // dead, and redriven too often
		if n, _ := strconv.Atoi(it.count("redrives")); n < redrive.DefaultPolicy.ParkAfter {
			w.violate("%s is parked after %d redrives", a.id, n)
		}
	case "discarded":
		switch {
		case !w.discarded[a.id]:
			w.violate("%s is discarded, and no operator did it", a.id)
		case a.trusted && it.count("lease") == "0" && a.number > w.apart[a.id]:
			// It was given up while it was held: what a trusted sender says stands beside
			// it. What was a variant until then was given up with it.
			w.checkVariant(a, it, events, rows, deadLetters, healed)
		}
	default:
		w.violate("%s was acknowledged, and is %s at rest", a.id, state)
	}
}

// checkVariant: a body under the identity of another one is kept beside it, or
// has become an event of its own.
func (w *world) checkVariant(a ack, beside item, events map[string]item, rows []item, deadLetters []deadLetter, healed bool) {
	w.Helper()
	i := slices.IndexFunc(rows, func(v item) bool {
		return v.isVariant() && v.text("pk") == beside.text("pk") && w.carries(v, a.marker)
	})
	switch {
	case i < 0:
		w.violate("%s was acknowledged as %s (%s), and its body is kept nowhere", a.marker, a.id, a.status)
	case rows[i].text("split_as") != "":
		a.id = rows[i].text("split_as")
		if !w.expired[a.id] {
			w.checkAck(a, events, rows, deadLetters, healed)
		}
	case a.trusted && (beside.text("state") == "held" || beside.text("state") == "discarded" && beside.count("lease") == "0"):
		w.violate("%s is trusted, and waits beside %s, which is not", a.marker, a.id)
	}
}

// carries tells whether a row's body is the one of that marker. One marker may
// begin another.
func (w *world) carries(it item, marker string) bool {
	return markerPattern.FindString(w.bodyOf(it)) == marker
}

func (w *world) reached(dest string, a ack) bool {
	return slices.ContainsFunc(w.effects, func(e effect) bool {
		return e.destination == dest && e.id == a.id && e.marker == a.marker
	})
}

func (w *world) reachedAny(a ack) bool {
	return slices.ContainsFunc(w.effects, func(e effect) bool { return e.id == a.id && e.marker == a.marker })
}

// checkEffects: a destination that dedupes by the key applies each event once.
func (w *world) checkEffects() {
	ids := map[string]string{}     // destination, body → identity
	keys := map[string]string{}    // destination, event, generation → key
	bodies := map[string]string{}  // destination, key → marker
	attempts := map[string]*life{} // destination, event, attempt → life
	trusted := map[string]bool{}   // bodies that a trusted sender sent
	for _, r := range w.requests {
		for _, marker := range r.markers {
			trusted[marker] = trusted[marker] || r.trusted()
		}
	}
	for _, e := range w.effects {
		if !trusted[e.marker] {
			w.violate("%s reached %s, and no trusted sender sent it", e.marker, e.destination)
		}
		// Occurrences share their key; what has expired may come again.
		name := e.destination + " " + e.marker
		key := webhook.EventID(e.id).Key()
		if before, ok := ids[name]; ok && before != key && !w.lapsed {
			w.violate("%s came as %s and as %s", name, before, e.id)
		}
		ids[name] = key
		name = fmt.Sprintf("%s generation %d at %s", e.id, e.generation, e.destination)
		if before, ok := keys[name]; ok && before != e.key {
			w.violate("%s came under the keys %s and %s: it takes effect twice", name, before, e.key)
		}
		keys[name] = e.key
		name = e.destination + " " + e.key
		if before, ok := bodies[name]; ok && before != e.marker {
			w.violate("%s came with the bodies %s and %s", name, before, e.marker)
		}
		bodies[name] = e.marker
	}
	for i, e := range w.effects {
		newer := slices.ContainsFunc(w.effects[:i], func(before effect) bool {
			return e.lead != "" && before.lead == e.lead && before.occurred > e.occurred
		})
		if newer != e.late {
			w.violate("%s reached %s after a newer one: %t; it says so: %t", e.id, e.destination, newer, e.late)
		}
	}
	for _, a := range w.attempts {
		name := fmt.Sprintf("attempt %d of %s at %s", a.attempt, a.id, a.destination)
		// A first attempt has no lease: one that was abandoned gives its number to the
		// lease after it.
		if before, ok := attempts[name]; ok && a.life != nil && before != a.life && a.attempt > 1 {
			w.violate("%s was made by two workers", name)
		}
		attempts[name] = a.life
	}
}

// deadLetter is a message of the dead letter queue.
type deadLetter struct {
	id      string
	death   int
	kind    webhook.MessageKind
	foreign bool
}

// deadLetters reads the dead letter queue, hidden messages too, and leaves all of
// them to be seen.
func (w *world) deadLetters() (all []deadLetter) {
	w.Helper()
	w.visibility.show(w.Context(), w.clients.SQS, func(h hiddenMessage) bool { return h.queue == w.stores.DLQ.URL })
	var taken []types.Message
	for {
		batch := w.take(w.stores.DLQ)
		if len(batch) == 0 {
			break
		}
		taken = append(taken, batch...)
	}
	for _, m := range taken {
		all = append(all, readDeadLetter(*m.Body))
		_, err := w.clients.SQS.ChangeMessageVisibility(w.Context(), &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &w.stores.DLQ.URL, ReceiptHandle: m.ReceiptHandle,
		})
		w.must(err)
	}
	return all
}

func readDeadLetter(body string) deadLetter {
	m, err := queue.Decode(body)
	if err != nil {
		return deadLetter{foreign: true}
	}
	l := deadLetter{id: string(m.ID), kind: m.Kind}
	if m.DeadLetter != nil {
		l.death = m.DeadLetter.Death
	}
	if m.Receipt != nil {
		l.id = m.Receipt.Key
	}
	return l
}

// checkDeadLetters: once the dead letter cleaner has been there, the queue tells the truth.
func (w *world) checkDeadLetters(deadLetters []deadLetter, events map[string]item, healed bool) {
	for _, l := range deadLetters {
		it, ok := events[l.id]
		switch {
		case l.foreign:
		case l.kind == webhook.KindUnclaimed && healed:
			w.violate("an unclaimed event is left in the dead letter queue")
		case l.kind == webhook.KindDeadLetter && !ok:
			w.violate("a dead letter tells of %s, which is not in the table", l.id)
		case healed && it.text("state") != "dead":
			w.violate("a dead letter of death %d is left of %s, which is %s", l.death, l.id, it.text("state"))
		}
	}
}

// checkRows: the table holds what was sent and nothing else, each row whole.
func (w *world) checkRows(rows []item) {
	sent := map[string]bool{}
	for _, r := range w.requests {
		for _, el := range elementsOf(r) {
			for _, id := range identitiesOf(el) {
				sent[id] = true
			}
		}
	}
	for _, it := range rows {
		pk := it.text("pk")
		if pk == "source" || pk == gate.KindState || pk == gate.KindLine || pk == gate.KindSlots || pk == "redrive" || pk == "redrive-view" || pk == "redrive-history" || pk == "sweeper" || strings.HasPrefix(pk, "refused#") {
			continue
		}
		if !sent[pk] {
			w.violate("a row of %s %s, which nobody sent", pk, it.text("sk"))
		}
		for _, name := range []string{"state", "time", "facts", "account"} {
			if it[name] == nil {
				w.violate("a ghost: %s %s has no %s", pk, it.text("sk"), name)
			}
		}
		if it.isEvent() {
			w.checkRow(it)
		}
	}
}

// checkRow: indexes are set where the state wants them, and nowhere else.
func (w *world) checkRow(it item) {
	state := it.text("state")
	has := func(name string) bool { return it[name] != nil }
	unfinished := state == "pending" || state == "processing"
	listed := isListed(state)
	for _, rule := range []struct {
		what string
		ok   bool
	}{
		{"the due index is whole", has("due") == has("due_shard") || it.unlisted()},
		{"a message is owed", has("due") == unfinished || state == "dead"},
		{"the dead index is set for what it lists", has("dead_key") == listed && has("dead_shard") == listed},
		{"the dead index is set under the state", !listed || strings.HasPrefix(it.text("dead_shard"), state+"#")},
		{"a lease is set in processing alone", has("lease_until") == (state == "processing")},
		{"only what is finished expires", has("expires_at") == (state == "delivered" || state == "unrouted" || state == "discarded")},
		{"only what waits has a not_before", !has("not_before") || state == "pending"},
	} {
		if !rule.ok {
			w.violate("%s is %s, and it is not so that %s", it.id(), state, rule.what)
		}
	}
}

var inline = func() *bodies.Store {
	store, err := bodies.New(nil, "")
	if err != nil {
		panic(err)
	}
	return store
}()

// bodyOf reads the payload of a row, wherever it is.
func (w *world) bodyOf(it item) string {
	w.Helper()
	p := webhook.Payload{Encoding: pack.Encoding, Ref: it.text("payload_ref")}
	if b, ok := it["payload"].(*dynamotypes.AttributeValueMemberB); ok {
		p.Data = b.Value
	}
	store := inline
	if p.Ref != "" {
		var err error
		store, err = bodies.New(w.clients.S3, w.stores.Bucket)
		w.must(err)
	}
	body, err := store.Load(context.WithoutCancel(w.Context()), p)
	if errors.Is(err, webhook.ErrUnavailable) {
		w.Fatal(err)
	}
	return string(body) // nothing where it is gone or broken
}
