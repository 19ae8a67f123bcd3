package ledger

import (
	"context"
	"errors"
	"slices"

	"smartlead-receiver/pkg/webhook"
)

// A synthesized event has a body that nobody posted. When the provider posts the event
// after all, its body differs, and nothing is wrong with that: the first such body is the
// original. It is kept as a variant is, under the same keys, so that it can be read, split
// and erased; but it stands in no list of variants and is counted as a duplicate. The
// event notes its fingerprint, and any further body is a variant again.

// originalState marks an item that is no event, and that is in no index but that of
// leads, where its lead is another than its event's.
const originalState = "original"

func (it item) synthesized() bool { return slices.Contains(it.Flags, webhook.FlagSynthesized) }

// original keeps the body that the provider posted of a synthesized event. The event notes
// it first, under a condition, so that of two bodies one is the original; a sender that is
// not answered then sends it again. An erasure that has marked the event meanwhile may
// have looked for bodies too early, so the event is read once more.
func (l *Ledger) original(ctx context.Context, old item, c claim) (webhook.Claimed, *item, error) {
	err := l.writeOriginal(ctx, old, c)
	var failed *errCondition
	switch {
	case errors.As(err, &failed) && failed.old.PK == "":
		return webhook.Claimed{}, nil, unavailable("claim", errors.New("the item that refused the claim is gone"))
	case errors.As(err, &failed): // another body came meanwhile, or an erasure
		return webhook.Claimed{}, &failed.old, nil
	case err != nil:
		return webhook.Claimed{}, nil, err
	}
	v := newVariant(old, c.Receipt, c.nonce, c.ReceivedAt.Add(old.receipt().Keep(l.variants)))
	v.State, v.Day, v.DeadShard, v.DeadKey = originalState, "", "", ""
	if err := l.putAbsent(ctx, v); err != nil && !errors.As(err, &failed) {
		return webhook.Claimed{}, nil, err
	}
	now, err := l.getItem(ctx, keyOf(old.id()))
	switch {
	case err != nil:
		return webhook.Claimed{}, nil, err
	case now.erased():
		return webhook.Claimed{}, &now, nil
	}
	claimed := webhook.Claimed{ID: old.id(), Status: webhook.ClaimDuplicate, Record: old.record()}
	if failed != nil && failed.old.erased() {
		claimed.ToErase = large(c.Payload)
	}
	return claimed, nil, nil
}

func (l *Ledger) writeOriginal(ctx context.Context, old item, c claim) error {
	_, err := l.write(ctx, change(old.id()).whereAbsentOr("original", c.Fingerprint).where("erased", instant("")).
		set("original", c.Fingerprint).increment("duplicates").set("last_seen_at", at(c.ReceivedAt)))
	return err
}
