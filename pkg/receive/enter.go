package receive

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
)

var (
	errNotOne   = errors.New("it is not one event")
	errTimeless = errors.New("its identity has neither a time nor an id: a late webhook would be a second event")
)

// Enter takes an event that was made of what the provider's API says, in the name of a
// source, on the way of a request behind its authentication: the same reading, identity,
// claim and enqueueing. It is marked as synthesized. What is there already, in whatever
// state, stays as it is and is a duplicate. run is kept as the id of the request.
//
// Of the source the name, the account and the settings count; it needs no secrets. Who may
// call this may write to the ledger and the queue, so nothing is judged.
//
// erased tells whether the lead is erased, asked once the event is in the ledger and
// before anybody is told of it: an erasure that looked through the ledger before has
// recorded itself by then. Where it is, the event is erased, too, and never delivered;
// that is no error. An error of it is returned with the status of the claim: such an
// event was not enqueued, and the sweep delivers it when it is overdue.
//
// The errors are those of Receive, and that of a ledger that does not answer: what may be
// repeated needs no way around it, on which nobody would ask whether the lead is erased.
// An event whose identity could repeat for real is refused.
func (s *Service) Enter(
	ctx context.Context, src auth.Source, run string, body []byte, erased func(context.Context) (bool, error),
) (webhook.EventID, webhook.ClaimStatus, error) {
	src.BodySecrets, src.RequireSecretKey, src.TrustRequestID = nil, false, false
	req := Request{Source: src.Name, RequestID: run}
	batch, err := s.parse(src, req, body)
	if err != nil {
		return "", "", err
	}
	elements := s.identify(src, req, batch)
	if len(elements) != 1 {
		return "", "", &Error{Kind: BadBody, Cause: "not_one_event", Err: errNotOne}
	}
	u := elements[0]
	switch {
	case u.result.Err != nil:
		return "", "", &Error{Kind: BadBody, Cause: "unreadable", Err: u.result.Err}
	case u.receipt.Timeless:
		return "", "", &Error{Kind: BadBody, Cause: "timeless", Err: errTimeless}
	}
	u.receipt.Flags = append(u.receipt.Flags, webhook.FlagSynthesized)
	u.scope = nil // no webhook sent it
	s.claim(ctx, elements)
	if u.result.Status == Accepted || u.result.Unclaimed { // it may be claimed all the same
		is, err := erased(ctx)
		if is {
			err = s.takeBack(ctx, u)
		}
		if is || err != nil {
			return u.result.EventID, webhook.ClaimAccepted, err
		}
	}
	if u.result.Unclaimed {
		return "", "", &Error{Kind: Unavailable, Cause: "not_durable", Err: u.result.Err}
	}
	s.enqueue(ctx, elements)
	if _, err := answer(elements); err != nil {
		return "", "", err
	}
	return u.result.EventID, webhook.ClaimStatus(u.result.Status), nil
}

// takeBack erases an event that was made, with what came of it meanwhile.
func (s *Service) takeBack(ctx context.Context, u *element) error {
	now := s.Now()
	keep := cmp.Or(u.receipt.Retention, s.policy.Retention)
	r, err := s.Erasures.Erase(ctx, webhook.Erasure{ID: u.result.EventID, At: now, ExpiresAt: now.Add(keep), Nonce: s.Nonce()})
	if errors.Is(err, webhook.ErrNotFound) { // it was not claimed
		return s.Bodies.Erase(ctx, u.receipt.Payload)
	}
	if err != nil {
		return fmt.Errorf("erase %s: %w", u.result.EventID, err)
	}
	list, err := s.Erasures.Variants(ctx, r.ID)
	if err != nil {
		return fmt.Errorf("erase %s: %w", r.ID, err)
	}
	for _, v := range list {
		err := s.Bodies.Erase(ctx, v.Receipt.Payload)
		if err == nil {
			err = s.Erasures.EraseVariant(ctx, r.ID, v.Fingerprint, now, r.ExpiresAt)
		}
		if err != nil && !errors.Is(err, webhook.ErrNotFound) {
			return fmt.Errorf("erase a variant of %s: %w", r.ID, err)
		}
	}
	if err := s.Bodies.Erase(ctx, u.receipt.Payload); err != nil {
		return fmt.Errorf("erase the body of %s: %w", r.ID, err)
	}
	if err := s.Erasures.EndErasure(ctx, r.ID); err != nil && !errors.Is(err, webhook.ErrNotFound) {
		return fmt.Errorf("erase %s: %w", r.ID, err)
	}
	return nil
}
