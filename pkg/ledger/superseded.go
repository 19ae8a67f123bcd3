package ledger

import (
	"context"
	"slices"
	"strings"
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
	ix := index{"lead", "lead_key", "time_key", []string{fit(subject)}}
	low, high := string(at(r.OccurredAt.Add(-clockAhead))), "~"
	prefix := r.ID.Key()[:strings.LastIndex(r.ID.Key(), ":")+1]
	for read := 0; read < maxNewer; read += maxKeys {
		keys, next, err := l.merge(ctx, ix, low, high, maxKeys, false)
		if err != nil {
			return false, err
		}
		ids := slices.DeleteFunc(idsOfKeys(keys), func(id webhook.EventID) bool {
			return id == r.ID || !strings.HasPrefix(string(id), prefix)
		})
		found, err := l.GetMany(ctx, ids)
		if err != nil {
			return false, err
		}
		for _, newer := range found {
			if newer.Supersedes(r) {
				return true, nil
			}
		}
		if next == "" {
			return false, nil
		}
		high = before(next)
	}
	return false, nil
}
