package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/webhook"
)

// Claim makes a receipt durable, or says what it is a repeat of. One
// conditional write for an event whose identity has a time or an id; a
// timeless event costs one consistent read more.
//
// nonce is new for every call: an old item that carries it means that this
// very claim won and its answer was lost. dueAt is when the sweeper sends what
// nobody worked on.
//
// A repeat with another body is stored beside the event before Claim returns.
// A repeat of a held event by a trusted sender, with the same body, releases it
// free: the returned record is pending and due at once. With another body it
// becomes an event of its own. The model's R1, and claim of intake.pml, step by
// step.
func (l *Ledger) Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	if r.Key == "" || r.ReceivedAt.IsZero() {
		return webhook.Claimed{}, errors.New("ledger: a receipt needs a key and the time of its receipt")
	}
	if r.Timeless {
		return l.claimTimeless(ctx, r, nonce, dueAt)
	}
	old, err := l.put(ctx, newClaim(webhook.NewEventID(r.Key, 1), r, nonce, dueAt))
	if err != nil {
		return webhook.Claimed{}, err
	}
	return l.answer(ctx, old, r, nonce, dueAt)
}

func newClaim(id webhook.EventID, r webhook.Receipt, nonce string, dueAt time.Time) item {
	it := newItem(id, r)
	it.ClaimNonce = nonce
	it.Lane = string(webhook.Live)
	if r.Held {
		it.hold()
		return it
	}
	it.State = string(webhook.Pending)
	it.DueAt = at(dueAt)
	it.DueShard, it.DueKey = dueShard(id), timeKey(it.DueAt, id)
	return it
}

// put writes a new event and returns it, or the one that was there before: C1
// of intake.pml, and write of occurrence.pml.
func (l *Ledger) put(ctx context.Context, it item) (item, error) {
	err := l.putAbsent(ctx, it)
	var failed *errCondition
	switch {
	case err == nil:
		return it, nil
	case !errors.As(err, &failed):
		return item{}, err
	case failed.old.PK == "":
		return item{}, unavailable("claim", errors.New("the item that refused the claim is gone"))
	}
	return failed.old, nil
}

// answer tells the winner of a claim, whose nonce the item carries, from the
// receipt of an event that was there.
func (l *Ledger) answer(ctx context.Context, it item, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	switch {
	case it.ClaimNonce != nonce:
		return l.repeat(ctx, it, r, nonce, dueAt)
	case r.Held:
		return webhook.Claimed{ID: it.id(), Status: webhook.ClaimHeld, Record: it.record()}, nil
	}
	return webhook.Claimed{ID: it.id(), Status: webhook.ClaimAccepted, Record: it.record()}, nil
}

// repeat handles a receipt of an event that the ledger has: C1 of intake.pml,
// where the put was refused.
func (l *Ledger) repeat(ctx context.Context, old item, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	id := old.id()
	old.Payload = nil
	forged := old.discardedUntrusted() && !r.Held
	trusted := old.State == string(webhook.Held) && !r.Held
	if r.Fingerprint != old.Fingerprint || forged {
		claimed, known, err := l.keepVariant(ctx, old, r, nonce)
		if err == nil && !trusted && !forged {
			trusted, err = l.splitIsHeld(ctx, claimed.ID, known, r)
		}
		if err != nil || (!trusted && !forged) {
			return claimed, err
		}
		return l.splitTrusted(ctx, claimed, r, nonce, dueAt)
	}
	rec, err := l.releaseIfTrusted(ctx, old, r)
	if err != nil {
		return webhook.Claimed{}, err
	}
	if trusted && rec.State == webhook.Discarded { // between the two: judged as if it had been before
		old.State = string(rec.State)
		return l.repeat(ctx, old, r, nonce, dueAt)
	}
	claimed := webhook.Claimed{ID: id, Status: webhook.ClaimDuplicate, Record: rec}
	claimed.Uncounted = l.count(ctx, id, "duplicates", r.ReceivedAt)
	return claimed, nil
}

// releaseIfTrusted releases a held event whose body a trusted sender sends, and returns
// the event as it then stands, without its payload: C2, C2r and C6 of
// intake.pml.
func (l *Ledger) releaseIfTrusted(ctx context.Context, old item, r webhook.Receipt) (webhook.Record, error) {
	old.Payload = nil
	if old.State != string(webhook.Held) || r.Held {
		return old.record(), nil
	}
	rec, err := l.Release(ctx, old.id(), r.ReceivedAt, r.ReceivedAt)
	switch {
	case errors.Is(err, webhook.ErrChanged): // by another repeat, by an operator, or by this one, whose answer was lost
		now, err := l.getItem(ctx, keyOf(old.id()))
		if err != nil {
			return webhook.Record{}, err
		}
		now.Payload = nil
		return now.record(), nil
	case err != nil:
		return webhook.Record{}, err
	}
	rec.Payload.Data = nil
	return rec, nil
}

// splitTrusted makes the body of a trusted sender an event of its own, at once,
// where an event that is not trusted holds its identity: nobody who merely knows
// the URL may suppress an event by sending another body first, nor have it
// flagged as a variant, which a filter may leave out. C4 to C7 of intake.pml.
func (l *Ledger) splitTrusted(ctx context.Context, claimed webhook.Claimed, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	variant, err := l.getItem(ctx, itemKey(claimed.ID.Key(), variantSK(claimed.ID.Occurrence(), r.Fingerprint)))
	if err != nil {
		return webhook.Claimed{}, err
	}
	id, err := l.split(ctx, webhook.Variant{ID: claimed.ID, Fingerprint: r.Fingerprint}, r.ReceivedAt, dueAt)
	if err != nil {
		return webhook.Claimed{}, err
	}
	it, err := l.getItem(ctx, keyOf(id))
	if errors.Is(err, webhook.ErrNotFound) {
		// Only what is finished expires.
		gone := webhook.Record{ID: id, State: webhook.Delivered}
		return webhook.Claimed{ID: id, Status: webhook.ClaimDuplicate, Record: gone, Uncounted: claimed.Uncounted}, nil
	}
	if err != nil {
		return webhook.Claimed{}, err
	}
	// The same body may have come from a sender that is not trusted before.
	rec, err := l.releaseIfTrusted(ctx, it, r)
	if err != nil {
		return webhook.Claimed{}, err
	}
	if it.State = string(rec.State); it.discardedUntrusted() {
		return l.repeat(ctx, it, r, nonce, dueAt) // it stands alone beside that one
	}
	alone := webhook.Claimed{ID: id, Status: webhook.ClaimAccepted, Record: rec, Uncounted: claimed.Uncounted}
	if variant.SplitAs != "" {
		alone.Status = webhook.ClaimDuplicate
	}
	return alone, nil
}

// splitIsHeld tells whether the body of a trusted sender is held, or was given up
// while it was: it came from one who was not trusted before, and was split off.
// It asks where that may be: the variant, as it was met, was not trusted or had
// been split off. The end of C3 of intake.pml.
func (l *Ledger) splitIsHeld(ctx context.Context, id webhook.EventID, known item, r webhook.Receipt) (bool, error) {
	if r.Held || (known.trusted() && known.SplitAs == "") {
		return false, nil
	}
	apart, err := l.getItem(ctx, keyOf(SplitID(webhook.Variant{ID: id, Fingerprint: r.Fingerprint})))
	if errors.Is(err, webhook.ErrNotFound) {
		return false, nil
	}
	return err == nil && (apart.State == string(webhook.Held) || apart.discardedUntrusted()), err
}

// discardedUntrusted: an operator discarded what a sender who is not trusted sent. It is
// given up for good, but not what a trusted sender says.
func (it item) discardedUntrusted() bool {
	return it.State == string(webhook.Discarded) && slices.Contains(it.Flags, webhook.FlagUntrustedSender)
}

// keepVariant stores the other body durably before it says so. A variant that
// is known already is counted as a duplicate of itself, unless the nonce says
// that it is this one, whose answer was lost. C3 of intake.pml. A trusted sender
// makes it trusted. known is the variant as it was met.
//
// A variant has no time_key, so that no index lists it.
func (l *Ledger) keepVariant(ctx context.Context, old item, r webhook.Receipt, nonce string) (claimed webhook.Claimed, known item, err error) {
	id := old.id()
	v := item{
		PK: id.Key(), SK: variantSK(id.Occurrence(), r.Fingerprint),
		State: "variant", UpdatedAt: at(r.ReceivedAt), ClaimNonce: nonce,
	}
	v.setReceipt(r)
	claimed = webhook.Claimed{ID: id, Status: webhook.ClaimVariant, Record: old.record()}

	err = l.putAbsent(ctx, v)
	var failed *errCondition
	switch {
	case err == nil, errors.As(err, &failed) && failed.old.ClaimNonce == nonce:
		claimed.Uncounted = l.count(ctx, id, "variants", r.ReceivedAt)
	case failed != nil:
		claimed.Uncounted = l.count(ctx, id, "duplicates", r.ReceivedAt)
	default:
		return webhook.Claimed{}, item{}, err
	}
	if failed != nil {
		known = failed.old
	}
	return claimed, known, l.trustVariant(ctx, known, r)
}

// trustVariant takes the mark off a variant whose very body a trusted sender
// sends, so that a split delivers it. Nothing puts the mark on again, so that a
// write whose answer was lost is met as done. (C3t of intake.pml.)
func (l *Ledger) trustVariant(ctx context.Context, known item, r webhook.Receipt) error {
	if r.Held || known.trusted() {
		return nil
	}
	flags := slices.DeleteFunc(slices.Clone(known.Flags), func(f string) bool { return f == webhook.FlagUntrustedSender })
	_, err := l.apply(ctx, update{
		key:    itemKey(known.PK, known.SK),
		set:    "flags = :flags, updated_at = :now",
		cond:   "contains(flags, :untrusted)",
		values: map[string]any{":flags": flags, ":now": at(r.ReceivedAt), ":untrusted": webhook.FlagUntrustedSender},
	})
	var failed *errCondition
	if errors.As(err, &failed) && failed.old.PK != "" {
		return nil
	}
	return changed(err)
}

func (l *Ledger) putAbsent(ctx context.Context, it item) error {
	av, err := attributevalue.MarshalMap(it)
	if err != nil {
		return fmt.Errorf("ledger: item cannot be written: %w", err)
	}
	_, err = l.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &l.table,
		Item:                                av,
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		return l.conditionOr(ctx, itemKey(it.PK, it.SK), "put", err)
	}
	return nil
}

// count raises a counter that informs and decides nothing.
func (l *Ledger) count(ctx context.Context, id webhook.EventID, counter string, seen time.Time) error {
	_, err := l.apply(ctx, update{
		key:    keyOf(id),
		set:    "#c = if_not_exists(#c, :zero) + :one, last_seen_at = :seen",
		names:  map[string]string{"#c": counter},
		values: map[string]any{":one": 1, ":zero": 0, ":seen": at(seen)},
	})
	var failed *errCondition
	if errors.As(err, &failed) {
		return webhook.ErrNotFound
	}
	return err
}
