package ledger

import (
	"context"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Received lists what was received since then, the oldest first, of a campaign ("": of
// all), by the index of time: what it rules out, and what skip says (nil: nothing), is not
// read. After continues behind an earlier page; next is empty at the end. looked counts
// the entries of the index that were looked at, 2,000 a call.
func (l *Ledger) Received(ctx context.Context, campaign string, since, now time.Time, skip func(webhook.EventID) bool, after string) (records []webhook.Record, next string, looked int, err error) {
	page, err := l.List(ctx, Query{Campaign: campaign, Since: since, Now: now, Skip: skip, After: after, Oldest: true, Limit: 1000})
	return page.Records, page.Next, page.Scanned, err
}
