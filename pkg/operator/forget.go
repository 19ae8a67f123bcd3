package operator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// LeadEvents lists what is kept of a lead.
type LeadEvents interface {
	// OfLead lists the events of a lead without payloads, and those of which a variant
	// has it.
	OfLead(ctx context.Context, address, after string, now time.Time) (LeadPage, error)
	// Variants leaves out those that were erased.
	Variants(ctx context.Context, id webhook.EventID) ([]webhook.Variant, error)
}

// LeadPage is a part of a listing. It may be empty and still have a Next.
type LeadPage struct {
	Records []webhook.Record
	// ByVariant has the events that themselves have another lead.
	ByVariant map[webhook.EventID]string
	// Unreadable are the lead's as well, and this version of the software cannot read them.
	Unreadable []webhook.EventID
	Next       string // empty at the end
}

// Erasures take a person out of what is kept. Each may be repeated, and returns
// webhook.ErrNotFound for what does not exist. Erase returns webhook.ErrChanged, having
// changed nothing, while a worker holds the event's lease.
type Erasures interface {
	Erase(ctx context.Context, e webhook.Erasure) (webhook.Record, error)
	EndErasure(ctx context.Context, id webhook.EventID) error
	EraseVariant(ctx context.Context, id webhook.EventID, fingerprint string, now, expiresAt time.Time) error
}

// Refusals are the requests that were not accepted. EraseRejected takes out what the
// sender wrote; it may be repeated.
type Refusals interface {
	EachRejected(ctx context.Context, since, until time.Time) iter.Seq2[webhook.RejectedRequest, error]
	EraseRejected(ctx context.Context, r webhook.RejectedRequest) error
}

// Incidents are what is wrong, in texts. Both look at each of them, and call looked for
// it; Forget takes out the texts that mention a person, and may be repeated.
type Incidents interface {
	Mentions(ctx context.Context, mentions func(text string) bool, looked func()) (int, error)
	Forget(ctx context.Context, mentions func(text string) bool, looked func()) (int, error)
}

// refusalsKept is how far back refused requests are looked through: longer than they are
// kept.
const refusalsKept = 15 * 24 * time.Hour

// maxPasses bounds how often the index of leads is walked: it lags behind, and what was
// received meanwhile is in it a moment later.
const maxPasses = 3

// ErrNoAddress: what was given is no address of a lead.
var ErrNoAddress = errors.New("no address")

// Address is a lead's address as the ledger has it. It returns ErrNoAddress.
func Address(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	name, domain, ok := strings.Cut(text, "@")
	if !ok || name == "" || domain == "" || strings.ContainsAny(text, " <>\"\t\r\n") {
		return "", ErrNoAddress
	}
	return text, nil
}

// Held counts what is kept of a lead, or what was erased of it.
type Held struct {
	Events   int `json:"events"`
	Waiting  int `json:"given_up"` // of those: what was still to be delivered, and is given up
	Variants int `json:"variants"`
	Bodies   int `json:"large_bodies"` // of either
	Refused  int `json:"refused_requests"`
	// Incidents are those whose texts mention the lead.
	Incidents int `json:"incidents"`
	// Findings are those of comparisons with Smartlead in which the lead stands.
	Findings int `json:"findings,omitempty"`
	// Threads are those whose place a destination keeps, to put what comes of the lead there.
	Threads int `json:"threads,omitempty"`
	// Archived are the lines of the archive that are the lead's.
	Archived int `json:"archived,omitempty"`
	// Left are events that a worker has at this moment: they are not erased.
	Left int `json:"left"`
}

// Nothing tells whether nothing is kept.
func (h Held) Nothing() bool { return h == Held{} }

// HeldOf counts what is kept of a lead: the address as Address returns it. looked is
// called for each item that was looked at. It changes nothing. Beside an *UnreachedError
// stands what was reached.
func (s *Service) HeldOf(ctx context.Context, address string, looked func()) (Held, error) {
	var h Held
	unread, err := s.eachEvent(ctx, address, func(r webhook.Record, whole bool) error {
		looked()
		if whole {
			h.add(r, s.Now())
		}
		list, err := s.variantsOf(ctx, r, address, whole)
		for _, v := range list {
			h.Variants++
			h.Bodies += large(v.Receipt.Payload)
		}
		return err
	})
	if err != nil {
		return h, err
	}
	err = s.eachRefusal(ctx, address, looked, func(webhook.RejectedRequest) error { h.Refused++; return nil })
	if err != nil {
		return h, err
	}
	if h.Incidents, err = s.Incidents.Mentions(ctx, mentioning(address), looked); err != nil {
		return h, err
	}
	if s.Findings != nil {
		if h.Findings, err = s.Findings.Mentions(ctx, mentioning(address), looked); err != nil {
			return h, err
		}
	}
	return h, s.outside(&h, unread,
		func(t Traces) (int, error) { return t.CountTraces(ctx, address) },
		func(a Archive) (int, error) { return a.Holds(ctx, address, looked) })
}

func (h *Held) add(r webhook.Record, now time.Time) {
	h.Events++
	h.Bodies += large(r.Payload)
	switch {
	case r.State == webhook.Processing && !r.LeaseUntil.Before(now):
		h.Left++
	case !r.Finished() || r.State.AwaitsOperator():
		h.Waiting++
	}
}

func large(p webhook.Payload) int {
	if p.Ref == "" {
		return 0
	}
	return 1
}

// eachEvent hands over the events of a lead; whole is false for one of which variants
// alone have it, which is handed over once. It returns those that cannot be read.
func (s *Service) eachEvent(ctx context.Context, address string, do func(r webhook.Record, whole bool) error) (unread []webhook.EventID, err error) {
	once := map[webhook.EventID]bool{}
	for after := ""; ; {
		page, err := s.LeadEvents.OfLead(ctx, address, after, s.Now())
		if err != nil {
			return unread, err
		}
		unread = append(unread, page.Unreadable...)
		for _, r := range page.Records {
			whole := page.ByVariant[r.ID] == ""
			if !whole && once[r.ID] {
				continue
			}
			if !whole {
				once[r.ID] = true
			}
			if err := ctx.Err(); err != nil {
				return unread, err
			}
			if err := do(r, whole); err != nil {
				return unread, err
			}
		}
		if after = page.Next; after == "" {
			return unread, nil
		}
	}
}

// variantsOf lists the variants that go with an event, or those of the lead alone.
func (s *Service) variantsOf(ctx context.Context, r webhook.Record, address string, whole bool) ([]webhook.Variant, error) {
	if r.Variants == 0 && r.Original == "" && whole && !r.Erased() {
		return nil, nil
	}
	all, err := s.LeadEvents.Variants(ctx, r.ID)
	if err != nil || whole {
		return all, err
	}
	var of []webhook.Variant
	for _, v := range all {
		if v.Receipt.LeadEmail == address {
			of = append(of, v)
		}
	}
	return of, nil
}

// Forgetting is the request to erase a lead.
type Forgetting struct {
	Address   string // as Address returns it
	By        string // who asks, for the record
	Confirmed bool   // a person agreed
}

// Forget erases everything that is kept of a lead, and counts what it erased: also where
// it returns an error, after which it may be repeated, as after a crash at any point. The
// record of it is begun before anything is erased. It returns ErrUnconfirmed, having
// changed nothing, unless a person agreed. done is called for each item. What was not
// reached, events that this version cannot read among it, is an *UnreachedError: all else
// is erased, and the record stays open.
//
// Each event is erased in steps, so that what a step left is found again by the lead:
// the event's payload, first, so that nobody has a right to it any more; then its
// variants and its large body; last the lead.
func (s *Service) Forget(ctx context.Context, f Forgetting, done func()) (Held, error) {
	if !f.Confirmed {
		return Held{}, ErrUnconfirmed
	}
	run := Run{BegunAt: s.Now().UTC(), By: f.By}
	if err := s.saveRun(ctx, f.Address, run); err != nil {
		return Held{}, err
	}
	unread, err := s.eraseLead(ctx, f.Address, &run.Erased, done)
	if err == nil {
		err = s.eachRefusal(ctx, f.Address, done, func(r webhook.RejectedRequest) error {
			run.Erased.Refused++
			return existing(s.Refusals.EraseRejected(ctx, r))
		})
	}
	if err == nil {
		run.Erased.Incidents, err = s.Incidents.Forget(ctx, mentioning(f.Address), done)
	}
	if err == nil && s.Findings != nil {
		run.Erased.Findings, err = s.Findings.Forget(ctx, mentioning(f.Address), done)
	}
	if err == nil { // behind the events, which might have brought it back
		err = s.outside(&run.Erased, unread,
			func(t Traces) (int, error) { return t.ForgetTraces(ctx, f.Address) },
			func(a Archive) (int, error) { return a.Forget(ctx, f.Address, done) })
	}
	if err == nil && run.Erased.Left == 0 {
		run.EndedAt = s.Now().UTC()
	}
	return run.Erased, errors.Join(err, s.saveRun(context.WithoutCancel(ctx), f.Address, run))
}

// eraseLead returns the events that cannot be read.
func (s *Service) eraseLead(ctx context.Context, address string, h *Held, done func()) (unread []webhook.EventID, err error) {
	for range maxPasses {
		before := *h
		h.Left = 0
		unread, err = s.eachEvent(ctx, address, func(r webhook.Record, whole bool) error {
			done()
			if whole {
				_, err := s.eraseEvent(ctx, r, h)
				return err
			}
			list, err := s.variantsOf(ctx, r, address, false)
			if err != nil {
				return err
			}
			return s.eraseVariants(ctx, r.ID, list, s.Now().Add(r.Keep(s.policy.Retention)), h)
		})
		if err != nil {
			return unread, err
		}
		if after := *h; after.Events == before.Events && after.Variants == before.Variants {
			break
		}
	}
	return unread, nil
}

// eraseEvent erases an event with its variants. It is false where a worker has it.
func (s *Service) eraseEvent(ctx context.Context, seen webhook.Record, h *Held) (bool, error) {
	nonce, err := s.Nonce()
	if err != nil {
		return false, err
	}
	now := s.Now()
	r, err := s.Erasures.Erase(ctx, webhook.Erasure{ID: seen.ID, At: now, ExpiresAt: now.Add(seen.Keep(s.policy.Retention)), Nonce: nonce})
	switch {
	case errors.Is(err, webhook.ErrNotFound):
		return true, nil
	case errors.Is(err, webhook.ErrChanged):
		h.Left++
		return false, nil
	case err != nil:
		return false, err
	}
	list, err := s.LeadEvents.Variants(ctx, r.ID)
	if err != nil {
		return false, err
	}
	if err := s.eraseVariants(ctx, r.ID, list, r.ExpiresAt, h); err != nil {
		return false, err
	}
	if err := s.Bodies.Erase(ctx, r.Payload); err != nil {
		return false, err
	}
	if err := existing(s.Erasures.EndErasure(ctx, r.ID)); err != nil {
		return false, err
	}
	h.Events++
	h.Bodies += large(r.Payload)
	if !seen.Finished() || seen.State.AwaitsOperator() {
		h.Waiting++
	}
	return true, nil
}

// eraseVariants erases variants, and first what became of those that were split off: an
// event of the same person. One that a worker has keeps its variant until it is erased.
func (s *Service) eraseVariants(ctx context.Context, of webhook.EventID, list []webhook.Variant, expiresAt time.Time, h *Held) error {
	for _, v := range list {
		if v.SplitAs != "" && v.SplitAs != of {
			apart, err := s.Events.Get(ctx, v.SplitAs)
			if err == nil && apart.LeadEmail != "" { // else it is erased
				var ok bool
				if ok, err = s.eraseEvent(ctx, apart, h); err == nil && !ok {
					continue
				}
			}
			if existing(err) != nil {
				return err
			}
		}
		if err := s.Bodies.Erase(ctx, v.Receipt.Payload); err != nil {
			return err
		}
		if err := existing(s.Erasures.EraseVariant(ctx, of, v.Fingerprint, s.Now(), expiresAt)); err != nil {
			return err
		}
		h.Variants++
		h.Bodies += large(v.Receipt.Payload)
	}
	return nil
}

// existing makes no failure of what has expired meanwhile.
func existing(err error) error {
	if errors.Is(err, webhook.ErrNotFound) {
		return nil
	}
	return err
}

// eachRefusal hands over the refused requests in which the address stands.
func (s *Service) eachRefusal(ctx context.Context, address string, looked func(), do func(webhook.RejectedRequest) error) error {
	now := s.Now()
	for r, err := range s.Refusals.EachRejected(ctx, now.Add(-refusalsKept), now.Add(time.Hour)) {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		looked()
		if !mentions(r.Excerpt, address) && !mentions(r.Detail, address) && !mentions(r.UserAgent, address) {
			continue
		}
		if err := do(r); err != nil {
			return fmt.Errorf("refused request %s: %w", r.RequestID, err)
		}
	}
	return nil
}

func mentioning(address string) func(string) bool {
	return func(text string) bool { return mentions(text, address) }
}

// leastCut is how much of an address at the end of a text that was cut off counts as
// the address, in bytes: to erase one text too many costs little.
const leastCut = 4

// mentions tells whether an address stands in a text, also written with the escapes of
// JSON and of a form, and cut off at the text's end.
func mentions(text, address string) bool {
	text = strings.NewReplacer("%40", "@", `\u0040`, "@", "%2b", "+", `\u002b`, "+").Replace(strings.ToLower(text))
	if strings.Contains(text, address) {
		return true
	}
	for n := min(len(address), len(text)); n >= leastCut; n-- {
		if strings.HasSuffix(text, address[:n]) {
			return true
		}
	}
	return false
}
