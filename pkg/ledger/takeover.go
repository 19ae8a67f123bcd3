package ledger

import (
	"context"
	"errors"

	"smartlead-receiver/pkg/webhook"
)

// takeOver gives the identity of a held event to the receipt of a trusted sender: its
// item is written anew, so that the body, the flags, the time and the id are those that
// it would have had alone. Nothing is lost of what was held: another body is kept
// beside the event as a variant first. What an operator has split off under this very
// body goes on as the event that it became.
func (l *Ledger) takeOver(ctx context.Context, held item, c claim) (webhook.Claimed, *item, error) {
	id := held.id()
	variant, err := l.getItem(ctx, variantKey(id, c.Fingerprint))
	known := err == nil
	switch {
	case err != nil && !errors.Is(err, webhook.ErrNotFound):
		return webhook.Claimed{}, nil, err
	case known && variant.erased():
		return l.duplicateErased(ctx, held, c), nil, nil
	case known && variant.SplitAs != "" && variant.SplitAs != string(id):
		return l.splitByRepeat(ctx, held, c)
	case known && variant.SplitAs == "":
		if err := l.noteSplit(ctx, id, c); err != nil {
			return webhook.Claimed{}, nil, err
		}
	}
	c.unlisted = false
	it := newClaim(id, c)
	it.Late, it.LastSeenAt = held.Late, at(c.ReceivedAt)
	it.Duplicates, it.Variants = held.Duplicates+1, held.Variants
	if held.Fingerprint != c.Fingerprint {
		var failed *errCondition
		if err := l.putAbsent(ctx, newVariant(it, held.receipt(), held.ClaimNonce, c.ReceivedAt.Add(c.Keep(l.variants)))); err != nil && !errors.As(err, &failed) {
			return webhook.Claimed{}, nil, err
		}
		it.Duplicates, it.Variants = held.Duplicates, held.Variants+1
	}
	now, _, err := l.replaceHeld(ctx, held, it)
	if err != nil {
		return webhook.Claimed{}, nil, err
	}
	if now.ClaimNonce != c.nonce { // released or discarded by an operator, or taken over by another receipt
		return webhook.Claimed{}, &now, nil
	}
	return webhook.Claimed{ID: id, Status: webhook.ClaimAccepted, Record: now.record()}, nil, nil
}

// noteSplit says of the variant with the body of c that it became the event itself.
func (l *Ledger) noteSplit(ctx context.Context, id webhook.EventID, c claim) error {
	_, err := l.apply(ctx, changeItem(variantKey(id, c.Fingerprint)).
		set("split_as", string(id)).set("updated", at(c.ReceivedAt)).
		clearListed().remove("day", "lead"))
	return changed(err)
}

// replaceHeld writes an item in the place of a held one. It returns what stands there
// then, the item or what was moved meanwhile, and whether it saw its own write succeed.
func (l *Ledger) replaceHeld(ctx context.Context, held, it item) (item, bool, error) {
	err := l.replace(ctx, it, change(held.id()).from(webhook.Held).where("claim", held.ClaimNonce))
	var failed *errCondition
	switch {
	case err == nil:
		return it, true, nil
	case !errors.As(err, &failed):
		return item{}, false, err
	case failed.old.PK == "":
		return item{}, false, unavailable("claim", errors.New("the held event is gone"))
	}
	return failed.old, false, nil
}
