package ledger

import (
	"context"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Received lists what was received since then, the oldest first, of a campaign ("": of
// all), by the index of time: what it rules out, and what skip says (nil: nothing), is not
// read. After continues behind an earlier part. A call looks at 2,000 entries of the index
// at most.
func (l *Ledger) Received(ctx context.Context, campaign string, since, now time.Time, skip func(webhook.EventID) bool, after string) (webhook.Received, error) {
	page, err := l.List(ctx, Query{Campaign: campaign, Since: since, Now: now, Skip: skip, After: after, Oldest: true, Limit: 1000})
	return webhook.Received{Records: page.Records, Unreadable: page.Unreadable, Next: page.Next, Looked: page.Scanned}, err
}
