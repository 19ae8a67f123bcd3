package operator

import (
	"context"
	"errors"
	"fmt"

	"smartlead-receiver/pkg/webhook"
)

// Move is what a person may do with events.
type Move string

const (
	// Replay sends an event to its destinations again, now: a dead one revived, a
	// parked one unparked, a delivered or unrouted one once more under its next
	// generation, to the destinations that are configured then.
	Replay Move = "replay"
	// Park sets a dead event aside: neither a redrive nor its dead letter moves it.
	Park Move = "park"
	// Unpark brings a parked event back to work with a new budget.
	Unpark Move = "unpark"
	// Discard gives an event up for good.
	Discard Move = "discard"
	// Release delivers a held event although its sender is not trusted.
	Release Move = "release"
)

// act makes one move of one event, under what was seen of it.
type act func(s *Service, ctx context.Context, r *Result, again bool) error

// step is where a move begins, and how it is made from there.
type step struct {
	from webhook.State
	act  act
}

// rule is everything that is decided of a move. (The Operator of
// docs/model/ledger.pml and of intake.pml.)
type rule struct {
	steps []step
	lane  webhook.Lane // of the message that follows; "" where none does
	final bool         // it cannot be undone
	// leaves: an event that is on its way already is left alone, and that is no
	// failure.
	leaves bool
}

var rules = map[Move]rule{
	Replay: {
		steps: []step{
			{webhook.Dead, (*Service).revive}, {webhook.Parked, (*Service).unpark},
			{webhook.Delivered, (*Service).replay}, {webhook.Unrouted, (*Service).replay},
		},
		lane: webhook.Replay, leaves: true,
	},
	Unpark: {steps: []step{{webhook.Parked, (*Service).unpark}}, lane: webhook.Replay},
	Park:   {steps: []step{{webhook.Dead, (*Service).park}}},
	Discard: {
		steps: []step{
			{webhook.Dead, (*Service).discard}, {webhook.Parked, (*Service).discard}, {webhook.Held, (*Service).discard},
		},
		final: true,
	},
	// Nothing was tried yet: what is released is a live event, only late.
	Release: {steps: []step{{webhook.Held, (*Service).release}}, lane: webhook.Live},
}

// From lists the states from which the move leads on.
func (m Move) From() []webhook.State {
	var from []webhook.State
	for _, st := range rules[m].steps {
		from = append(from, st.from)
	}
	return from
}

// from returns how the move is made from a state; nil where it does not fit.
func (r rule) from(state webhook.State) act {
	for _, st := range r.steps {
		if st.from == state {
			return st.act
		}
	}
	return nil
}

// MaxReplay is how many events that a filter matched one replay takes, unless the
// person asks for more: it has no pace. A redrive has one.
const MaxReplay = 500

var (
	// ErrNoEvents: the request names no event.
	ErrNoEvents = errors.New("no event is named")
	// ErrUnconfirmed: a person must agree first; nothing was changed.
	ErrUnconfirmed = errors.New("a person has to agree first")
	// ErrUnknownMove: there is no such move.
	ErrUnknownMove = errors.New("no such move")
)

// TooManyError is returned for more events than the request's limit.
type TooManyError struct{ Limit int }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("more than %d events, and the move has no pace", e.Limit)
}

// Request is a move of events as a person has seen them: what was seen is the
// condition of each.
type Request struct {
	Move      Move
	Events    []webhook.Record
	Filtered  bool // a filter matched them; else a person named each
	Limit     int  // more events are refused; 0: no bound
	Again     bool // Replay of delivered and unrouted events: the effect is wanted again, so the idempotency key changes
	Confirmed bool // a person agreed
}

// Check returns ErrUnknownMove, *TooManyError or ErrNoEvents for what cannot be
// done whatever the events are like.
func (r Request) Check() error {
	if _, known := rules[r.Move]; !known {
		return fmt.Errorf("%w: %q", ErrUnknownMove, r.Move)
	}
	if r.Limit > 0 && len(r.Events) > r.Limit {
		return &TooManyError{Limit: r.Limit}
	}
	if len(r.Events) == 0 {
		return ErrNoEvents
	}
	return nil
}

// NeedsConfirmation tells whether a person must agree first: to what cannot be
// undone, to more than one event, and to events that nobody named.
func (r Request) NeedsConfirmation() bool {
	return rules[r.Move].final || r.Filtered || len(r.Events) > 1
}

func (s *Service) revival(r *Result, again bool) (webhook.Revival, error) {
	nonce, err := s.Nonce()
	now := s.Now()
	return webhook.Revival{
		ID: r.Seen.ID, Lane: webhook.Replay, At: now, DueAt: now.Add(s.policy.Grace),
		Death: r.Seen.Death, Generation: r.Seen.Generation, Again: again, Nonce: nonce,
	}, err
}

func (s *Service) revive(ctx context.Context, r *Result, _ bool) error {
	m, err := s.revival(r, false)
	if err != nil {
		return err
	}
	r.Now, err = s.Revivals.Revive(ctx, m)
	return err
}

func (s *Service) unpark(ctx context.Context, r *Result, _ bool) error {
	m, err := s.revival(r, false)
	if err != nil {
		return err
	}
	r.Now, err = s.Revivals.Unpark(ctx, m)
	return err
}

func (s *Service) replay(ctx context.Context, r *Result, again bool) error {
	m, err := s.revival(r, again)
	if err != nil {
		return err
	}
	r.Now, err = s.Revivals.Replay(ctx, m)
	return err
}

func (s *Service) park(ctx context.Context, r *Result, _ bool) error {
	r.Now.State = webhook.Parked
	return s.Judgements.Park(ctx, r.Seen.ID, r.Seen.Death, s.Now())
}

// discard lets the large body expire after the event is discarded: before, a lost
// race would take the body of an event that is still to be delivered.
func (s *Service) discard(ctx context.Context, r *Result, _ bool) error {
	now := s.Now()
	if err := s.Judgements.Discard(ctx, r.Seen, now, now.Add(r.Seen.Keep(s.policy.Retention))); err != nil {
		return err
	}
	r.Now.State = webhook.Discarded
	r.BodyKept = s.Bodies.Expire(ctx, r.Seen.Payload, r.Seen.Retention)
	return nil
}

func (s *Service) release(ctx context.Context, r *Result, _ bool) (err error) {
	now := s.Now()
	r.Now, err = s.Judgements.Release(ctx, r.Seen.ID, now, now.Add(s.policy.Grace))
	return err
}
