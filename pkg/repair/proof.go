package repair

import (
	"context"
	"slices"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/webhook"
)

// proof counts, of facts whose webhook arrived, how often an event that is made of the fact
// has the identity of one that was posted.
type proof struct{ same, other int }

// holds tells whether the identities agree, as far as it was tried. One in twenty may
// differ: a single odd mail must not stop the repair of all others. Of what happened more
// often than once Smartlead tells the time of one, whose own webhook may be lost while
// another of the same mail came, so one in five may differ; where it never posts that one,
// all do.
func (p proof) holds(repeated bool) bool {
	most := 20
	if repeated {
		most = 5
	}
	return p.same > 0 && p.other*most <= p.same+p.other
}

func (p proof) tried() bool { return p.same+p.other > 0 }

// proofKey is for what identities are tried.
type proofKey struct {
	account  string
	typ      webhook.Type
	repeated bool
}

// maxThreads bounds the leads whose threads are read to try the identity of replies: each
// costs two calls.
const maxThreads = 3

// prove tries the identities of a type by the samples of a campaign.
func (r *run) prove(ctx context.Context, c reconcile.Campaign, typ webhook.Type, repeated bool) (p proof, err error) {
	samples := samplesOf(c, typ, repeated)
	if needsThread(typ) {
		samples = samples[max(0, len(samples)-maxThreads):]
	}
	for _, s := range samples {
		all, err := r.candidates(ctx, c, typ, s)
		if err != nil {
			return p, err
		}
		agrees := false
		for _, m := range all {
			id, _, err := m.identity(c.Account)
			if err != nil {
				return p, err
			}
			agrees = agrees || slices.Contains(s.Events, id)
		}
		switch {
		case agrees:
			p.same++
		case len(all) > 0:
			p.other++
		}
	}
	return p, nil
}

// candidates are what an event of a sample may be made of: where several mails of a thread
// came, its webhook may be that of any.
func (r *run) candidates(ctx context.Context, c reconcile.Campaign, typ webhook.Type, s reconcile.Sample) (all []made, err error) {
	m := made{campaign: c.ID, typ: typ, finding: s.Finding, reply: s.Reply}
	if !needsThread(typ) || s.Reply != nil {
		return []made{m}, nil
	}
	t := r.thread(ctx, c.ID, s.Finding)
	for i := range t.messages {
		if mail := &t.messages[i]; mail.Inbound && mail.MessageID != "" {
			m.reply = mail
			all = append(all, m)
		}
	}
	return all, t.err
}

// samplesOf are the facts of which an event of the type was posted.
func samplesOf(c reconcile.Campaign, typ webhook.Type, repeated bool) (of []reconcile.Sample) {
	for _, t := range c.Types {
		list := t.Samples
		if repeated {
			list = t.Repeated
		}
		for _, s := range list {
			if slices.ContainsFunc(s.Events, func(id webhook.EventID) bool { return id.Type() == typ }) {
				of = append(of, s)
			}
		}
	}
	return of
}

// needsThread tells whether the identity rests on the id of a mail that stands in the
// lead's message history alone.
func needsThread(typ webhook.Type) bool { return typ == webhook.EmailReply }
