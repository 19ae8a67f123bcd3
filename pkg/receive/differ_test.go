package receive_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/webhook"
)

// side is one of two worlds to which the same happens.
type side struct {
	*world
	svc  *receive.Service
	hint bool
	seen []string // every answer
}

func newSide(t *testing.T, hint bool) *side {
	s := &side{world: newWorld(t), hint: hint}
	s.source.BodySecrets = []auth.Digest{auth.NewDigest(secret)}
	s.source.Tokens = []auth.Digest{auth.NewDigest(token)}
	s.replace()
	return s
}

// replace puts another instance in the place of this one.
func (s *side) replace() {
	if s.svc = s.service(); !s.hint {
		s.svc.Repeats = nil
	}
}

// records are the events, without what a lost or repeated count may change.
func (s *side) records(t *testing.T) (list []webhook.Record, duplicates int) {
	t.Helper()
	page, err := s.ledger.List(t.Context(), ledger.Query{Limit: 100, Oldest: true, Until: s.now.Add(24 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Records {
		duplicates += r.Duplicates
		r.Duplicates, r.ClaimNonce, r.LeaseNonce = 0, "", ""
		list = append(list, r)
	}
	return list, duplicates
}

// receiveOne posts one of a few requests, most of which have the same identity.
func (s *side) receiveOne(t *testing.T, n int) {
	t.Helper()
	other := strings.Replace(reply(1), `"Yes"`, `"No"`, 1)
	sent := strings.Replace(made, `"origin":"reconcile"`, `"secret_key":"`+secret+`"`, 1)
	bodies := []string{
		reply(1), forged(reply(1)), other, forged(other), sent, strings.Replace(sent, `"s1"`, `"s1","subject":"Hi"`, 1),
		"[" + reply(1) + "," + forged(other) + "," + reply(1) + "," + other + "]", pausedCampaign,
	}
	if n == len(bodies) {
		id, status, err := s.svc.Enter(t.Context(), s.source, "run", []byte(made), notErased)
		s.seen = append(s.seen, fmt.Sprintf("entered %s %s %v", id, status, err))
		return
	}
	a, err := s.svc.Receive(t.Context(), post(bodies[n]))
	text := fmt.Sprint(err)
	for _, r := range a.Results {
		text += fmt.Sprintf(" %s %s %v %v", r.EventID, r.Status, r.Enqueued, r.Unclaimed)
	}
	s.seen = append(s.seen, text)
}

// requests is how many receiveOne knows.
const requests = 9

// happens is what others do to an event, or to all of them. What cannot be done is not.
func (s *side) happens(t *testing.T, what, which int) {
	t.Helper()
	ctx := t.Context()
	list, _ := s.records(t)
	if len(list) == 0 {
		return
	}
	r := list[which%len(list)]
	settle := func(to webhook.State) {
		lease, err := s.ledger.Lease(ctx, webhook.LeaseRequest{
			ID: r.ID, Nonce: fmt.Sprint("lease ", s.now), Now: s.now, Until: s.now.Add(time.Minute), DueAt: s.now.Add(2 * time.Minute), MaxAbandoned: 9,
		})
		if err == nil {
			_ = s.ledger.Settle(ctx, lease, webhook.Settlement{State: to, At: s.now, DueAt: s.now.Add(time.Minute), ExpiresAt: s.now.Add(time.Hour)})
		}
	}
	variants, _ := s.ledger.Variants(ctx, r.ID)
	switch what {
	case 0:
		_, _ = s.ledger.Release(ctx, r.ID, s.now, s.now.Add(time.Minute))
	case 1, 2:
		_ = s.ledger.Discard(ctx, r, s.now, s.now.Add(time.Hour))
	case 3:
		_, _ = s.ledger.Erase(ctx, webhook.Erasure{ID: r.ID, At: s.now, ExpiresAt: s.now.Add(time.Hour), Nonce: "erase"})
	case 4:
		settle(webhook.Delivered)
	case 5:
		settle(webhook.Dead)
	case 6:
		_, _ = s.ledger.Replay(ctx, webhook.Revival{ID: r.ID, Lane: webhook.Replay, At: s.now, DueAt: s.now.Add(time.Minute), Generation: r.Generation, Nonce: fmt.Sprint(s.now)})
	case 7:
		for _, v := range variants {
			_, _ = s.ledger.Split(ctx, v, s.now, s.now.Add(time.Minute))
		}
	case 8:
		for _, v := range variants {
			_ = s.ledger.EraseVariant(ctx, r.ID, v.Fingerprint, s.now, s.now.Add(time.Hour))
		}
	case 9:
		s.replace()
	case 10:
		s.ledger = memory.New()
	case 11:
		s.now = s.now.Add(time.Hour)
	}
}

// happenings is how many happens knows.
const happenings = 12

// Whatever happens between the receipts of an event, an instance that remembers them
// answers, enqueues and keeps what one would that claims each; and what it counts too often
// it counts once.
func TestAHintChangesNothing(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 31))
		with, without := newSide(t, true), newSide(t, false)
		both := func(do func(s *side)) { do(with); do(without) }
		var steps []string
		for range 40 {
			n, what, which := random.IntN(requests+happenings), random.IntN(happenings), random.IntN(8)
			if n < requests {
				both(func(s *side) { s.receiveOne(t, n) })
				steps = append(steps, fmt.Sprint("r", n))
			} else {
				both(func(s *side) { s.happens(t, what, which) })
				steps = append(steps, fmt.Sprint("h", what, ".", which))
			}
			both(func(s *side) { s.now = s.now.Add(time.Second) })
			a, _ := with.records(t)
			b, _ := without.records(t)
			if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(with.seen, without.seen) || !reflect.DeepEqual(with.sent, without.sent) {
				t.Fatalf("seed %d, %s:\n%+v\n%+v\n%v\n%v", seed, steps, a, b, with.seen, without.seen)
			}
		}
		var over []int
		for range 4 {
			both(func(s *side) {
				for n := range requests {
					s.receiveOne(t, n)
				}
			})
			_, a := with.records(t)
			_, b := without.records(t)
			over = append(over, a-b)
		}
		if over[0] < 0 || over[3] != over[1] {
			t.Errorf("seed %d, %s: counted too often: %v", seed, steps, over)
		}
	}
}
