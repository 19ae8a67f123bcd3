package receive

import (
	"context"
	"errors"

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
// The errors are those of Receive. An event whose identity could repeat for real is
// refused.
func (s *Service) Enter(ctx context.Context, src auth.Source, run string, body []byte) (webhook.EventID, webhook.ClaimStatus, error) {
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
	s.enqueue(ctx, elements)
	if _, err := answer(elements); err != nil {
		return "", "", err
	}
	return u.result.EventID, webhook.ClaimStatus(u.result.Status), nil
}
