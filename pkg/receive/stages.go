package receive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/coding"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// decode returns the body without its content codings. What was signed is the body as
// it came.
func decode(req Request) ([]byte, error) {
	plain, err := coding.Decode(req.ContentEncoding, req.Body)
	switch {
	case err == nil:
		return plain, nil
	case errors.Is(err, coding.ErrUnknown):
		return nil, &Error{Kind: Unsupported, Cause: "unknown_coding", Public: err.Error(), Err: err}
	case errors.Is(err, coding.ErrTooLarge):
		return nil, &Error{Kind: TooLarge, Cause: "too_large", Public: err.Error(), Err: err}
	}
	return nil, &Error{Kind: BadBody, Cause: "damaged_coding", Public: err.Error(), Err: err}
}

func (s *Service) parse(src auth.Source, req Request, body []byte) (smartlead.Batch, error) {
	return read(s.read, body, s.options(src, req), s.policy.MaxElements)
}

// Read reads the decoded body of a request as the receiver does by default, in
// whatever dialect it is. It returns an *Error for a body that is refused as a whole.
func Read(body []byte, opts smartlead.Options) (smartlead.Batch, error) {
	return read(smartlead.Parse, body, opts, DefaultPolicy.MaxElements)
}

// read refuses what cannot be read. A defect of the reader is never the sender's fault.
func read(parse parser, body []byte, opts smartlead.Options, maxElements int) (smartlead.Batch, error) {
	batch, err := parse(body, opts)
	if errors.Is(err, smartlead.ErrInternal) {
		return smartlead.Batch{}, &Error{Kind: Internal, Cause: "unreadable", Err: err}
	}
	if err != nil {
		r := &Error{Kind: BadBody, Cause: causeOf(err), Public: err.Error(), Err: err}
		if !errors.Is(err, smartlead.ErrEncoding) {
			r.excerpt = smartlead.Excerpt(body, excerptBytes, opts)
		}
		return smartlead.Batch{}, r
	}
	if n := len(batch.Elements); n > maxElements {
		return smartlead.Batch{}, &Error{
			Kind: TooLarge, Cause: "too_many_elements",
			Public: fmt.Sprintf("an array may have %d elements, this one has %d", maxElements, n),
			Err:    fmt.Errorf("%d elements", n),
		}
	}
	return batch, nil
}

// causeOf names, for the counts, why a whole body cannot be read. The errors of
// the reader hold words and positions, nothing of the body, and may be shown.
func causeOf(err error) string {
	switch {
	case errors.Is(err, smartlead.ErrScalar):
		return "scalar"
	case errors.Is(err, smartlead.ErrEncoding):
		return "encoding"
	case errors.Is(err, smartlead.ErrTooDeep), errors.Is(err, smartlead.ErrTooMany):
		return "too_complex"
	}
	return "not_json"
}

// element is one event of a request on its way.
type element struct {
	receipt webhook.Receipt
	body    []byte // redacted, until it is a payload
	message *webhook.Message
	scope   *webhook.Scope // of a trusted sender's event
	result  Result

	// What became of the record of its scope: apart from the result, which the
	// enqueueing writes meanwhile.
	secondHook bool
	unrecorded error
}

// identify makes a receipt of each element that can be an event.
func (s *Service) identify(src auth.Source, req Request, batch smartlead.Batch) []*element {
	now := s.Now().UTC().Truncate(time.Millisecond)
	elements := make([]*element, 0, len(batch.Elements))
	for _, el := range batch.Elements {
		u := &element{result: Result{Index: el.Index, Type: el.Event.Type}}
		elements = append(elements, u)
		if errors.Is(el.Err, smartlead.ErrInternal) {
			u.result.Status, u.result.Err = Failed, el.Err
			continue
		}
		if el.Err != nil {
			u.result.Status, u.result.Reason, u.result.Err = Rejected, el.Err.Error(), el.Err
			continue
		}
		if src.TrustRequestID && req.ProviderRequestID != "" {
			el = el.WithTrustedID(src.Account, req.ProviderRequestID)
		}
		verdict := judge(src, el, now)
		if verdict == auth.Test && src.ChecksBodies() {
			el = el.Apart()
		}
		u.receipt = receiptOf(el, src, req, now)
		if verdict == auth.Untrusted {
			u.receipt.Held = true
			u.receipt.Flags = append(u.receipt.Flags, webhook.FlagUntrustedSender)
		}
		if verdict == auth.Trusted && s.Scopes != nil {
			u.scope = scopeOf(el, src, req)
		}
		u.receipt.Window = s.window(src, el)
		u.body = el.Payload
		u.result.EventID = webhook.NewEventID(el.Key, 1)
	}
	return elements
}

// judge says what the body's secret tells of its sender. Nobody trusts as a test what
// those who read the stored body would not see to be one.
func judge(src auth.Source, el smartlead.Element, now time.Time) auth.Verdict {
	verdict := src.VerifyBodySecret(el.SecretKey, now)
	if verdict == auth.Test && !el.TestEvent && src.ChecksBodies() {
		return auth.Untrusted
	}
	return verdict
}

// window returns within which time an event that may repeat for real counts as
// repeated: the source's own, where it has one.
func (s *Service) window(src auth.Source, el smartlead.Element) time.Duration {
	switch {
	case el.TestEvent:
		return s.policy.TestWindow
	case el.Event.Type.StateOwner() == webhook.CampaignState:
		return cmp.Or(src.StatusWindow, s.policy.StatusWindow)
	}
	return cmp.Or(src.Window, s.policy.Window)
}

func receiptOf(el smartlead.Element, src auth.Source, req Request, now time.Time) webhook.Receipt {
	ev := el.Event
	r := webhook.Receipt{
		Key: el.Key, Timeless: el.Timeless || el.TestEvent, Fingerprint: el.Fingerprint, Basis: el.Basis,
		Account: src.Account, Source: src.Name,
		Type: ev.Type, RawType: ev.RawType, Dialect: ev.Dialect,
		CampaignID: ev.CampaignID, StatsID: ev.StatsID, MessageID: ev.MessageID, ProviderEventID: ev.ProviderEventID,
		ProviderRequestID: clip(req.ProviderRequestID, 200), RequestID: req.RequestID,
		OccurredAt: ev.OccurredAt, OccurredAtSource: ev.OccurredAtSource, ReceivedAt: now,
		Flags: slices.Clone(ev.Flags), Retention: src.Retention(),
	}
	if ev.Lead != nil {
		r.LeadEmail = ev.Lead.Email
	}
	if ev.Reply != nil && ev.Reply.MessageID != "" {
		r.MessageID = ev.Reply.MessageID
	}
	if r.OccurredAt.IsZero() {
		r.OccurredAt, r.OccurredAtSource = now, webhook.TimeFromReceipt
	}
	return r
}

// claimers bounds how many elements of one array are claimed at once.
const claimers = 32

// claim makes every element durable: in the ledger, or, when the ledger does
// not answer, as a message that carries all of it. Elements of one natural key
// are claimed in their order, so that the first of them in an array is the event.
func (s *Service) claim(ctx context.Context, elements []*element) {
	ctx, cancel := context.WithTimeout(ctx, s.policy.ClaimTimeout)
	defer cancel()
	var order []string
	sameKey := map[string][]*element{}
	for _, u := range elements {
		if u.result.Status != "" {
			continue
		}
		if sameKey[u.receipt.Key] == nil {
			order = append(order, u.receipt.Key)
		}
		sameKey[u.receipt.Key] = append(sameKey[u.receipt.Key], u)
	}
	if len(order) == 1 { // most requests: without a stack that has to grow anew
		for _, u := range elements {
			if u.result.Status == "" {
				s.claimOne(ctx, u)
			}
		}
		return
	}
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range min(claimers, len(order)) {
		wg.Go(func() {
			for i := taken.Add(1) - 1; i < int64(len(order)); i = taken.Add(1) - 1 {
				for _, u := range sameKey[order[i]] {
					s.claimOne(ctx, u)
				}
			}
		})
	}
	wg.Wait()
}

// repeated counts an element that this instance has seen made durable. It is false where
// the element has to be claimed.
func (s *Service) repeated(ctx context.Context, u *element) bool {
	id := identityOf(&u.receipt)
	if s.Repeats == nil || !s.recent.has(id, u.receipt.ReceivedAt) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, s.policy.ClaimTimeout/4)
	defer cancel()
	claimed, known, err := s.Repeats.Repeat(ctx, u.receipt)
	if err != nil {
		s.recent.rest(u.receipt.ReceivedAt.Add(hintRest))
		return false // the claim says what is wrong
	}
	if !known {
		s.recent.remove(id)
		return false
	}
	u.result.EventID, u.result.Status = claimed.ID, Status(claimed.Status)
	if owesMessage(claimed, u.receipt.ReceivedAt) {
		u.message = &webhook.Message{Kind: webhook.KindEvent, ID: claimed.ID}
	}
	u.body = nil
	return true
}

// claimOne makes one element durable. A body too large to be inline is in its
// store before the claim refers to it. (R1 of docs/model/ledger.pml.)
func (s *Service) claimOne(ctx context.Context, u *element) {
	if s.repeated(ctx, u) {
		return
	}
	payload, err := s.Bodies.Store(ctx, u.receipt.Account, u.body)
	u.body = nil
	if err != nil {
		u.result.Status, u.result.Err = Failed, err
		return
	}
	u.receipt.Payload = payload
	nonce := s.Nonce()
	claim := s.Ledger.ClaimReceived
	if u.receipt.Synthesized() { // by any machine, whose clock may be wrong, and it may not be enqueued
		claim = s.Ledger.Claim
	}
	claimed, err := claim(ctx, u.receipt, nonce, u.receipt.ReceivedAt.Add(s.policy.Grace))
	if errors.Is(err, webhook.ErrUnavailable) {
		u.result.Err = err
		u.result.Unclaimed = true
		u.message = &webhook.Message{Kind: webhook.KindUnclaimed, Receipt: &u.receipt}
		return
	}
	if err != nil {
		u.result.Status, u.result.Err = Failed, err
		return
	}
	u.result.EventID, u.result.Status, u.result.Err = claimed.ID, Status(claimed.Status), claimed.Uncounted
	if len(claimed.ToErase) > 0 {
		s.erase(ctx, u, claimed.ToErase)
		return
	}
	if repeatsPlainly(claimed, &u.receipt) {
		s.recent.add(identityOf(&u.receipt))
	}
	if owesMessage(claimed, u.receipt.ReceivedAt) {
		u.message = &webhook.Message{Kind: webhook.KindEvent, ID: claimed.ID, First: claimed.Record.ClaimNonce == nonce}
	}
	if claimed.Status == webhook.ClaimDuplicate && claimed.Record.State.Settled() {
		// Storing the large body took its mark away. One that is not marked again
		// costs storage, nothing else.
		u.result.Err = errors.Join(u.result.Err, s.Bodies.Expire(ctx, payload, claimed.Record.Retention))
	}
}

// erase destroys large bodies of which nothing may be kept: storing the receipt's put it
// back. Where that fails, the sender is to send the event again.
func (s *Service) erase(ctx context.Context, u *element, list []webhook.Payload) {
	for _, p := range list {
		if err := s.Bodies.Erase(ctx, p); err != nil {
			u.result.Status, u.result.Err = Failed, err
		}
	}
}

// owesMessage tells whether the worker has to be told: of a new event, and of an
// unfinished one that is overdue, which its duplicate enqueues again at once.
func owesMessage(c webhook.Claimed, now time.Time) bool {
	if c.Status == webhook.ClaimAccepted {
		return true
	}
	return !c.Record.Finished() && !c.Record.DueAt.IsZero() && !c.Record.DueAt.After(now)
}

// enqueueAndAudit tells the worker of the events, and meanwhile keeps the
// elements that can never be events for the operator. The audit's timeout is the
// shorter one, so that it delays no answer beyond what enqueueing may take. Both
// write the results of their own elements only: a rejected element has no message.
// Which webhook sent the events is recorded beside them, within a bound as well, where
// it is not known.
func (s *Service) enqueueAndAudit(ctx context.Context, req Request, elements []*element) {
	var audit sync.WaitGroup
	if rejection, first := s.rejection(elements); first != nil {
		audit.Go(func() {
			if err := s.keep(ctx, req, rejection); err != nil {
				first.result.Err = fmt.Errorf("%w (and %w)", first.result.Err, err)
			}
		})
	}
	if unknown := s.unknownScopes(elements); len(unknown) > 0 {
		audit.Go(func() { s.recordScopes(ctx, unknown) })
	}
	s.enqueue(ctx, elements)
	audit.Wait()
}

// enqueue tells the worker. For a claimed event a refused send loses nothing:
// the sweeper sends what is due. An unclaimed event is durable only if SQS
// took it. (R2 of docs/model/intake.pml.)
func (s *Service) enqueue(ctx context.Context, elements []*element) {
	ctx, cancel := context.WithTimeout(ctx, s.policy.SendTimeout)
	defer cancel()
	var msgs []webhook.Message
	var of []*element
	for _, u := range elements {
		if u.message != nil {
			msgs, of = append(msgs, *u.message), append(of, u)
		}
	}
	if len(msgs) == 0 {
		return
	}
	for i, err := range s.Queue.Send(ctx, webhook.Live, msgs) {
		of[i].enqueued(err)
	}
}

// enqueued notes whether SQS took the message of the element.
func (u *element) enqueued(err error) {
	u.result.Enqueued = err == nil
	switch {
	case err != nil:
		u.result.Err = errors.Join(u.result.Err, err)
		if u.result.Unclaimed {
			u.result.Status = Failed
		}
	case u.result.Unclaimed && u.receipt.Held:
		u.result.Status = Held
	case u.result.Unclaimed:
		u.result.Status = Accepted
	}
}

// answer fails the request where one of its elements is not durable, so that
// the sender sends all of it again.
func answer(elements []*element) (Answer, error) {
	a := Answer{Results: make([]Result, 0, len(elements))}
	var failed error
	for _, u := range elements {
		u.result.SecondHook = u.secondHook
		if u.unrecorded != nil {
			u.result.Err = errors.Join(u.result.Err, u.unrecorded)
		}
		a.Results = append(a.Results, u.result)
		if u.result.Status == Failed {
			failed = errors.Join(failed, u.result.Err)
		}
	}
	if failed != nil {
		return a, &Error{Kind: Unavailable, Cause: "not_durable", Err: failed}
	}
	return a, nil
}
