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
		m := made{campaign: c.ID, typ: typ, finding: s.Finding}
		if needsThread(typ) {
			if m.reply, err = r.replyOf(ctx, c.ID, &m.finding); err != nil {
				return p, err
			}
			if m.reply == nil {
				continue
			}
		}
		id, _, err := m.identity(c.Account)
		if err != nil {
			return p, err
		}
		if slices.Contains(s.Events, id) {
			p.same++
		} else {
			p.other++
		}
	}
	return p, nil
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
