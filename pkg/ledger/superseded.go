package ledger

import (
	"context"
	"time"

	"smartlead-receiver/pkg/webhook"
)

const (
	// maxNewer bounds the index keys that one question reads of a lead: the newest
	// ones. A lead has tens of events.
	maxNewer = 1000
	// clockAhead is how far the provider's clock may run ahead of ours: an event is
	// received after it occurred, apart from that.
	clockAhead = time.Hour
)

// Superseded tells whether a newer event of the same kind, account, campaign
// and lead has been delivered. It reads the keys of what was received since the
// event occurred, and those events alone whose id names its type. The index is
// eventually consistent: what was delivered within the last second may be
// missed. Only an event whose type sets a state can be superseded.
func (l *Ledger) Superseded(ctx context.Context, r webhook.Record) (bool, error) {
	subject := r.Subject()
	if subject == "" {
		return false, nil
	}
	ix := index{"lead", "lead", "time", []string{fit(subject)}}
	m := l.merger(ix, string(at(r.OccurredAt.Add(-clockAhead))), "~", false)
	m.page = maxKeys
	for read := 0; read < maxNewer && !m.ended(); {
		var ids []webhook.EventID
		for ; read < maxNewer && len(ids) < maxKeys; read++ {
			e, ok, err := m.next(ctx)
			if err != nil {
				return false, err
			}
			if !ok {
				break
			}
			if e.id != r.ID && e.id.Type() == r.ID.Type() {
				ids = append(ids, e.id)
			}
		}
		found, err := l.GetMany(ctx, ids)
		if err != nil {
			return false, err
		}
		for _, newer := range found {
			if newer.Supersedes(r) {
				return true, nil
			}
		}
	}
	return false, nil
}
