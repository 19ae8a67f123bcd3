package scheduled

import (
	"context"
	"errors"
	"time"

	"smartlead-receiver/pkg/smartleadapi"
)

// batchMails bounds the mails of one batch; the last campaign may go beyond it.
const batchMails = 50_000

// errLater: there is no room for this campaign in the batch.
var errLater = errors.New("left to the next")

// guarded hands mails over as long as the batch has room and the slice has time.
type guarded struct {
	API
	until time.Time // zero: there is no end
	room  int
	begun bool
}

func (w *slice) guard(ctx context.Context) *guarded {
	g := &guarded{API: w.api, room: batchMails}
	if deadline, ok := ctx.Deadline(); ok { // a third of what is left is for the ledger and the writes
		left := time.Until(deadline)
		g.until = deadline.Add(-max(left/3, w.policy.Margin))
	}
	return g
}

// Mails is that of the client; the first campaign of a batch always has its turn.
func (g *guarded) Mails(ctx context.Context, campaign string, window smartleadapi.Window, each func(smartleadapi.Mail) error) (smartleadapi.Mails, error) {
	if g.begun && (g.room <= 0 || !g.until.IsZero() && time.Until(g.until) <= 0) {
		return smartleadapi.Mails{}, errLater
	}
	g.begun = true
	if !g.until.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, g.until)
		defer cancel()
	}
	return g.API.Mails(ctx, campaign, window, func(m smartleadapi.Mail) error {
		g.room--
		return each(m)
	})
}
