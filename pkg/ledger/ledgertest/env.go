package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// epoch is when every test begins.
var epoch = testclock.Noon()

// sec is the moment n seconds after the beginning.
func sec(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }

// The distances that the tests use.
const (
	leaseTime = 30 * time.Second
	grace     = time.Minute
	margin    = grace / 2 // of a due time behind the end of a lease, which lets it stay
)

// env is one subtest: a ledger of its own and what happened in it.
type env struct {
	*testing.T
	l   Ledger
	ctx context.Context
	ids []webhook.EventID // of every event, for the invariants
	seq int
}

// nonce is new with every call.
func (e *env) nonce() string {
	e.seq++
	return fmt.Sprintf("nonce-%d", e.seq)
}

// receipt has a value in every field.
func receipt(name string, at time.Time) webhook.Receipt {
	return webhook.Receipt{
		Key: "v1:EMAIL_REPLY:" + name, Fingerprint: "body-of-" + name, Basis: []string{"stats_id", "message_id"},
		Account: "acme", Source: "acme-main", Type: webhook.EmailReply, RawType: "EMAIL_REPLY", Dialect: "campaign",
		CampaignID: "4711", LeadEmail: "ann@example.com", StatsID: "stats-" + name, MessageID: name + "@mail.example.com",
		ProviderEventID: "ev-" + name, ProviderRequestID: "req-" + name, RequestID: "gw-" + name,
		OccurredAt: at.Add(-time.Minute), OccurredAtSource: webhook.TimeFromEvent, ReceivedAt: at,
		Flags: []string{webhook.FlagColleague},
		Payload: webhook.Payload{
			Encoding: "zstd", Data: []byte("payload of " + name), Size: 100,
		},
		Retention: 120 * 24 * time.Hour,
	}
}

// claimed claims with a new nonce.
func (e *env) claimed(r webhook.Receipt) webhook.Claimed {
	e.Helper()
	c, err := e.l.Claim(e.ctx, r, e.nonce(), r.ReceivedAt.Add(grace))
	e.must(err)
	e.must(c.Uncounted)
	e.ids = append(e.ids, c.ID)
	return c
}

// request asks for a lease at a time, with a new nonce.
func (e *env) request(id webhook.EventID, now time.Time) webhook.LeaseRequest {
	return webhook.LeaseRequest{
		ID: id, Nonce: e.nonce(), Now: now, Until: now.Add(leaseTime), DueAt: now.Add(leaseTime + grace), KeepDue: now.Add(leaseTime + margin),
		Destinations: []string{"crm", "slack"}, MaxAbandoned: 3,
	}
}

func (e *env) leased(id webhook.EventID, now time.Time) webhook.Lease {
	e.Helper()
	return e.lease(e.request(id, now))
}

func (e *env) lease(req webhook.LeaseRequest) webhook.Lease {
	e.Helper()
	lease, err := e.l.Lease(e.ctx, req)
	e.must(err)
	return lease
}

// refused asks for a lease that must be refused for that reason. Only a spent
// event is changed by it.
func (e *env) refused(req webhook.LeaseRequest, why webhook.LeaseRefusal) webhook.Record {
	e.Helper()
	before := e.get(req.ID)
	_, err := e.l.Lease(e.ctx, req)
	var not *webhook.NotLeasable
	if !errors.As(err, &not) {
		e.Fatalf("Lease returned %v, want the refusal %q", err, why)
	}
	if not.Reason != why {
		e.Fatalf("Lease was refused as %q, want %q", not.Reason, why)
	}
	if why != webhook.LeaseRefusedSpent {
		e.same(before, e.get(req.ID))
	}
	e.same(e.get(req.ID), not.Record)
	return not.Record
}

// settlement ends an attempt at a time, with one attempt for each destination.
func settlement(lease webhook.Lease, state webhook.State, at time.Time) webhook.Settlement {
	s := webhook.Settlement{State: state, At: at, ErrorClass: "http_503", Error: "the CRM is down"}
	result := webhook.ResultRetry
	switch state {
	case webhook.Delivered:
		result = webhook.ResultDelivered
		s.ErrorClass, s.Error = "", ""
		s.ExpiresAt = at.Add(90 * 24 * time.Hour)
	case webhook.Unrouted:
		result = webhook.ResultUnrouted
		s.ErrorClass, s.Error = "", ""
		s.ExpiresAt = at.Add(90 * 24 * time.Hour)
	case webhook.Pending:
		s.NotBefore = at.Add(5 * time.Minute)
		s.DueAt = s.NotBefore.Add(grace)
	case webhook.Dead:
		s.DueAt = at.Add(grace)
	case webhook.Processing, webhook.Held, webhook.Parked, webhook.Discarded:
		// No attempt ends so: the suite wants it refused.
	}
	// The first destination always succeeds, unless none has the event.
	s.Destinations = []webhook.Progress{
		{Name: "crm", Result: webhook.ResultDelivered, Attempts: 1},
		{Name: "slack", Result: result, Attempts: lease.Number},
	}
	if state == webhook.Unrouted {
		s.Destinations[0].Result = result
	}
	if result == webhook.ResultRetry {
		s.Destinations[1].Postponed, s.Destinations[1].PostponedFor = 2, 90*time.Second+250*time.Millisecond
		s.Destinations[1].NextAt, s.Destinations[1].Waits, s.Destinations[1].Waiting = s.NotBefore, 1, webhook.WaitOpen
	}
	s.Attempts = []webhook.Attempt{{
		Number: lease.Number, Generation: lease.Record.Generation, Destination: "slack", Result: result,
		Status: 503, ErrorClass: s.ErrorClass, Error: s.Error, StartedAt: at.Add(-time.Second), Duration: 250 * time.Millisecond,
	}}
	return s
}

func (e *env) settled(lease webhook.Lease, state webhook.State, at time.Time) webhook.Record {
	e.Helper()
	e.must(e.l.Settle(e.ctx, lease, settlement(lease, state, at)))
	return e.get(lease.Record.ID)
}

// in brings a new event into a state: received at the beginning, worked on
// after 10 s, settled after 20 s, set aside after 30 s.
func (e *env) in(state webhook.State, name string) webhook.Record {
	e.Helper()
	r := receipt(name, sec(0))
	r.Held = state == webhook.Held
	id := e.claimed(r).ID
	switch state {
	case webhook.Pending, webhook.Held:
		return e.get(id)
	case webhook.Processing:
		return e.leased(id, sec(10)).Record
	case webhook.Delivered, webhook.Unrouted, webhook.Dead:
		return e.settled(e.leased(id, sec(10)), state, sec(20))
	case webhook.Parked:
		dead := e.settled(e.leased(id, sec(10)), webhook.Dead, sec(20))
		e.must(e.l.Park(e.ctx, id, dead.Death, sec(30)))
	case webhook.Discarded:
		dead := e.settled(e.leased(id, sec(10)), webhook.Dead, sec(20))
		e.must(e.l.Discard(e.ctx, dead, sec(30), sec(30).Add(90*24*time.Hour)))
	}
	return e.get(id)
}

// revival is a move at a time, of exactly what is seen.
func (e *env) revival(seen webhook.Record, at time.Time) webhook.Revival {
	return webhook.Revival{
		ID: seen.ID, Lane: webhook.Replay, At: at, DueAt: at.Add(grace),
		Death: seen.Death, Generation: seen.Generation, Nonce: e.nonce(),
	}
}

func (e *env) get(id webhook.EventID) webhook.Record {
	e.Helper()
	rec, err := e.l.Get(e.ctx, id)
	e.must(err)
	return rec
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *env) want(err, target error) {
	e.Helper()
	if !errors.Is(err, target) {
		e.Fatalf("got the error %v, want %v", err, target)
	}
}

// unchanged runs what must fail with the error and change nothing.
func (e *env) unchanged(id webhook.EventID, target error, call func() error) {
	e.Helper()
	before := e.get(id)
	e.want(call(), target)
	e.same(before, e.get(id))
}

func equal[T comparable](e *env, what string, got, want T) {
	e.Helper()
	if got != want {
		e.Errorf("%s is %v, want %v", what, got, want)
	}
}

// same reports every field in which two records differ.
func (e *env) same(want, got webhook.Record) {
	e.Helper()
	w, g := reflect.ValueOf(want), reflect.ValueOf(got)
	for i := range w.NumField() {
		name := w.Type().Field(i).Name
		if name == "Receipt" {
			continue
		}
		e.sameField(name, w.Field(i), g.Field(i))
	}
	w, g = reflect.ValueOf(want.Receipt), reflect.ValueOf(got.Receipt)
	for i := range w.NumField() {
		e.sameField(w.Type().Field(i).Name, w.Field(i), g.Field(i))
	}
}

func (e *env) sameField(name string, want, got reflect.Value) {
	e.Helper()
	if want.Kind() == reflect.Slice && want.Len() == 0 && got.Len() == 0 {
		return
	}
	if !reflect.DeepEqual(want.Interface(), got.Interface()) {
		e.Errorf("%s is %v, want %v", name, got, want)
	}
}

// checkInvariants looks at every event when a subtest has ended.
func (e *env) checkInvariants() {
	for _, id := range e.ids {
		r := e.get(id)
		owes := !r.DueAt.IsZero()
		switch r.State {
		case webhook.Pending, webhook.Processing:
			equal(e, fmt.Sprintf("%s is %s: owes a message", id, r.State), owes, true)
		case webhook.Dead:
		case webhook.Delivered, webhook.Unrouted, webhook.Held, webhook.Parked, webhook.Discarded:
			equal(e, fmt.Sprintf("%s is %s: owes a message", id, r.State), owes, false)
		}
		expires := r.State == webhook.Delivered || r.State == webhook.Unrouted || r.State == webhook.Discarded
		equal(e, fmt.Sprintf("%s is %s: expires", id, r.State), !r.ExpiresAt.IsZero(), expires)
		equal(e, fmt.Sprintf("%s is %s: has a lease", id, r.State), !r.LeaseUntil.IsZero(), r.State == webhook.Processing)
		equal(e, fmt.Sprintf("%s is %s: held", id, r.State), r.Held, r.State == webhook.Held)
		if len(r.History) > webhook.MaxHistory {
			e.Errorf("%s remembers %d attempts", id, len(r.History))
		}
	}
}
