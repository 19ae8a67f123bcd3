package receive

import (
	"context"
	"fmt"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Kind groups the requests that were not accepted by what the caller may learn.
// Each has one HTTP status.
type Kind string

// The last two are failures of the receiver: the request may be sent again.
const (
	Unauthorized Kind = "unauthorized"
	BadBody      Kind = "bad_body"
	TooLarge     Kind = "too_large"
	// Unsupported: the body is coded in a way that is not understood; sent without, it
	// would be.
	Unsupported Kind = "unsupported"
	NotFound    Kind = "not_found"
	Unavailable Kind = "unavailable"
	Internal    Kind = "internal"
)

// Kinds lists every kind.
var Kinds = []Kind{Unauthorized, BadBody, TooLarge, Unsupported, NotFound, Unavailable, Internal}

// Error is a request that was not accepted.
type Error struct {
	Kind   Kind
	Cause  string // countable, for log and audit
	Public string // what the caller may read; empty for the kind's own words
	Err    error  // for the log

	excerpt string // redacted beginning of the body, kept for the audit
}

func (r *Error) Error() string {
	if r.Err == nil {
		return fmt.Sprintf("%s: %s", r.Kind, r.Cause)
	}
	return fmt.Sprintf("%s: %s: %v", r.Kind, r.Cause, r.Err)
}

func (r *Error) Unwrap() error { return r.Err }

// rejectionTimeout bounds the audit write: it must not delay the answer when the
// table is down.
const rejectionTimeout = time.Second

// refuse keeps the rejected request for the operator, at a bounded rate, and
// returns its *Error. Failures of the receiver are in the log and the alarms, not
// in the audit: the table may be what is down.
func (s *Service) refuse(ctx context.Context, req Request, err error) error {
	r, ok := err.(*Error) //nolint:errorlint // made by this package, never wrapped
	if !ok {
		r = &Error{Kind: Internal, Cause: "internal", Err: err}
	}
	if r.Kind == Unavailable || r.Kind == Internal || !s.rejections.Allow() {
		return r
	}
	kept := webhook.RejectedRequest{Kind: string(r.Kind), Cause: r.Cause, Excerpt: r.excerpt}
	if r.Err != nil {
		kept.Detail = r.Err.Error()
	}
	if err := s.keep(ctx, req, kept); err != nil {
		r.Err = fmt.Errorf("%w (and %w)", r.Err, err)
	}
	return r
}

// keep writes a record of the request, bounded in size and without secrets.
func (s *Service) keep(ctx context.Context, req Request, r webhook.RejectedRequest) error {
	ctx, cancel := context.WithTimeout(ctx, rejectionTimeout)
	defer cancel()
	r.At, r.RequestID, r.Source, r.Bytes = s.Now(), req.RequestID, req.SourceName(), len(req.Body)
	r.SourceIP, r.UserAgent, r.Detail = clip(req.SourceIP, 64), req.userAgent(), clip(r.Detail, 300)
	if err := s.RejectedRequests.RecordRejectedRequest(ctx, r); err != nil {
		return fmt.Errorf("the refusal could not be kept: %w", err)
	}
	return nil
}

// rejection returns the record of all elements of an array that can never be
// events, and the first of them; nil where nothing is to be kept. A request that
// failed comes again, and is kept then.
func (s *Service) rejection(elements []*element) (webhook.RejectedRequest, *element) {
	var first *element
	rejected := 0
	for _, u := range elements {
		if u.result.Status == Failed {
			return webhook.RejectedRequest{}, nil
		}
		if u.result.Status != Rejected {
			continue
		}
		if rejected++; first == nil {
			first = u
		}
	}
	if first == nil || !s.rejections.Allow() {
		return webhook.RejectedRequest{}, nil
	}
	return webhook.RejectedRequest{
		Kind: string(Rejected), Cause: "rejected_elements",
		Detail: fmt.Sprintf("%d of %d elements, the first at index %d: %s", rejected, len(elements), first.result.Index, first.result.Reason),
	}, first
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}
