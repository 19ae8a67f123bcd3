package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// repeatAction is what a receipt of a known event does.
type repeatAction string

const (
	// actionDuplicate: counted, nothing else.
	actionDuplicate repeatAction = "duplicate"
	// actionVariant: the body is kept beside the event. Where a trusted sender
	// sends it, and it was split off before while its sender was not trusted, it goes on
	// as actionSplit.
	actionVariant repeatAction = "variant"
	// actionTakeOver: the receipt becomes the event, as if nobody had held it before.
	actionTakeOver repeatAction = "take over"
	// actionErased: counted; nothing of the receipt is kept.
	actionErased repeatAction = "erased"
	// actionSplit: the body is kept beside the event and made an event of its own.
	actionSplit repeatAction = "split"
	// actionOriginal: what was synthesized has come after all. The body is kept beside the
	// event, and the receipt counts as a duplicate.
	actionOriginal repeatAction = "original"
	// actionKnown: nothing, and nothing of the receipt is kept; what was to be synthesized
	// is there.
	actionKnown repeatAction = "known"
)

// classify decides what a receipt of a known event does.
//
//	event as it stands        body     sender       action
//	------------------------  -------  -----------  ---------
//	erased                    any      any          erased
//	any                       same     not trusted  duplicate
//	any                       another  not trusted  variant
//	held                      any      trusted      take over
//	discarded, not trusted    any      trusted      split
//	any other                 same     trusted      duplicate
//	synthesized               another  trusted      original, of the first such body; variant
//	any other                 another  trusted      variant
//
// A receipt that is synthesized itself only ever makes an event: of one that is there it
// changes nothing, whatever its state, nor where it is erased.
//
// Nobody who merely knows the URL may suppress an event by sending its identity
// first, nor have it flagged as a variant, which a filter may leave out, nor have a
// body of his delivered in its place: what the fingerprint leaves out may be his. A
// trusted body never waits behind one that is not.
func classify(old item, r webhook.Receipt) repeatAction {
	sameBody := old.Fingerprint == r.Fingerprint
	trusted := !r.Held
	switch {
	case r.Synthesized():
		return actionKnown
	case old.erased():
		return actionErased
	case trusted && old.discardedUntrusted():
		return actionSplit
	case trusted && old.state() == webhook.Held:
		return actionTakeOver
	case sameBody:
		return actionDuplicate
	case trusted && old.synthesized() && (old.Original == "" || old.Original == r.Fingerprint):
		return actionOriginal
	}
	return actionVariant
}

// discardedUntrusted: an operator discarded what a sender who is not trusted sent.
// It is given up for good, but not what a trusted sender says.
func (it item) discardedUntrusted() bool {
	return it.state() == webhook.Discarded && !it.trusted() && !it.erased()
}

// maxRepeats bounds how often one receipt is classified anew, because the event
// moved meanwhile or because another event stands behind the one it met.
const maxRepeats = 8

// repeat handles a receipt of a known event. An action either answers, or names the
// event by which the receipt is classified anew.
func (l *Ledger) repeat(ctx context.Context, old item, c claim) (webhook.Claimed, error) {
	for range maxRepeats {
		held := old
		old.Payload = nil // a repeat is answered without it
		var claimed webhook.Claimed
		var next *item
		var err error
		switch classify(old, c.Receipt) {
		case actionDuplicate:
			return l.duplicate(ctx, old, c), nil
		case actionKnown:
			return known(old, c), nil
		case actionOriginal:
			claimed, next, err = l.original(ctx, old, c)
		case actionErased:
			return l.repeatErased(ctx, old, c)
		case actionTakeOver:
			claimed, next, err = l.takeOver(ctx, held, c)
		case actionVariant:
			claimed, next, err = l.variant(ctx, old, c)
		case actionSplit:
			claimed, next, err = l.splitByRepeat(ctx, old, c)
		}
		if err != nil || next == nil {
			return claimed, err
		}
		old = *next
	}
	return webhook.Claimed{}, unavailable("claim", fmt.Errorf("%s moved %d times meanwhile", old.id(), maxRepeats))
}

// known answers a receipt that is synthesized and of which nothing is kept: its large body,
// which was stored before the claim, is nobody's, unless this receipt made the event.
func known(old item, c claim) webhook.Claimed {
	claimed := webhook.Claimed{ID: old.id(), Status: webhook.ClaimDuplicate, Record: old.record()}
	if old.PayloadRef != c.Payload.Ref {
		claimed.ToErase = large(c.Payload)
	}
	return claimed
}

// duplicate counts the receipt.
func (l *Ledger) duplicate(ctx context.Context, old item, c claim) webhook.Claimed {
	return webhook.Claimed{
		ID: old.id(), Status: webhook.ClaimDuplicate, Record: old.record(),
		Uncounted: l.count(ctx, old.id(), "duplicates", c.ReceivedAt),
	}
}

// Repeat counts a receipt of an event that is there, in one write, and says how the event
// stands: what Claim does in two, for a caller who knows that the event was made durable
// with this very body. known is false where it is not there any more or was erased, or
// where the receipt is more than a duplicate of it now; then Claim decides. In the last
// case it has been counted once too often.
func (l *Ledger) Repeat(ctx context.Context, r webhook.Receipt) (claimed webhook.Claimed, known bool, err error) {
	if r.Key == "" || r.ReceivedAt.IsZero() || r.Timeless || r.Synthesized() {
		return webhook.Claimed{}, false, nil
	}
	it, err := l.apply(ctx, change(webhook.NewEventID(r.Key, 1)).where("erased", instant("")).
		increment("duplicates").set("last_seen_at", at(r.ReceivedAt)))
	var failed *errCondition
	switch {
	case errors.As(err, &failed):
		return webhook.Claimed{}, false, nil
	case err != nil:
		return webhook.Claimed{}, false, err
	case classify(it, r) != actionDuplicate:
		return webhook.Claimed{}, false, nil
	}
	it.Payload = nil // a repeat is answered without it
	return webhook.Claimed{ID: it.id(), Status: webhook.ClaimDuplicate, Record: it.record()}, true, nil
}

// variant keeps another body beside the event, durably before it says so.
func (l *Ledger) variant(ctx context.Context, old item, c claim) (webhook.Claimed, *item, error) {
	kept, err := l.keepVariant(ctx, old, c)
	if err != nil || kept.erased() {
		return kept.answerErased(old, c.Receipt), kept.event, err
	}
	hidden, err := l.splitIsHeld(ctx, old.id(), kept.met, c.Receipt)
	if err != nil {
		return webhook.Claimed{}, nil, err
	}
	if hidden {
		return l.splitTrusted(ctx, old.id(), kept.uncounted, c)
	}
	return webhook.Claimed{ID: old.id(), Status: webhook.ClaimVariant, Record: old.record(), Uncounted: kept.uncounted}, nil, nil
}

// splitByRepeat keeps another body beside the event and makes it an event of its
// own, at once.
func (l *Ledger) splitByRepeat(ctx context.Context, old item, c claim) (webhook.Claimed, *item, error) {
	kept, err := l.keepVariant(ctx, old, c)
	if err != nil || kept.erased() {
		return kept.answerErased(old, c.Receipt), kept.event, err
	}
	return l.splitTrusted(ctx, old.id(), kept.uncounted, c)
}

// count raises a counter that informs and decides nothing.
func (l *Ledger) count(ctx context.Context, id webhook.EventID, counter string, seen time.Time) error {
	_, err := l.counted(ctx, id, counter, seen)
	return err
}

// counted is count, and the attributes of the event after it.
func (l *Ledger) counted(ctx context.Context, id webhook.EventID, counter string, seen time.Time) (map[string]dynamodb.AttributeValue, error) {
	attributes, err := l.write(ctx, change(id).increment(counter).set("last_seen_at", at(seen)))
	var failed *errCondition
	if errors.As(err, &failed) {
		return nil, webhook.ErrNotFound
	}
	return attributes, err
}
