package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// SplitID is the identity that a variant gets when it is made an event of its
// own: derived from the event's and the variant's body, so that a split that
// is repeated makes no second event.
func SplitID(v webhook.Variant) webhook.EventID {
	sum := sha256.Sum256([]byte("split\x00" + string(v.ID) + "\x00" + v.Fingerprint))
	parts := strings.SplitN(v.ID.Key(), ":", 3)
	digest := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20])
	return webhook.EventID(parts[0] + ":" + parts[1] + ":" + digest)
}

// Split makes a variant an event of its own, flagged as one, pending and due at
// dueAt (held, where its sender was not trusted), and notes on the variant what it
// became. Repeating it changes nothing, even when the event has expired since; but
// it releases what is held although a trusted sender sent the body meanwhile. It
// returns webhook.ErrNotFound where there is no such variant.
func (l *Ledger) Split(ctx context.Context, v webhook.Variant, now, dueAt time.Time) (webhook.EventID, error) {
	stored, err := l.getItem(ctx, variantKey(v.ID, v.Fingerprint))
	if err == nil && stored.erased() {
		err = webhook.ErrNotFound
	}
	if err != nil {
		return "", err
	}
	id, _, err := l.split(ctx, v.ID, stored, now, dueAt, webhook.FlagVariant)
	return id, err
}

func variantKey(id webhook.EventID, fingerprint string) key {
	return itemKey(id.Key(), variantSK(id.Occurrence(), fingerprint))
}

// split makes the stored variant of an event an event of its own, with the flags
// added. Whoever trusts the variant after that finds the event. It tells whether this
// is new: a repeat only is where it puts a trusted body in the place of a held one.
func (l *Ledger) split(ctx context.Context, of webhook.EventID, stored item, now, dueAt time.Time, flags ...string) (webhook.EventID, bool, error) {
	if stored.SplitAs != "" {
		id := webhook.EventID(stored.SplitAs)
		released, err := l.releaseSplit(ctx, id, stored, now, dueAt)
		return id, released, err
	}
	id := SplitID(webhook.Variant{ID: of, Fingerprint: stored.Fingerprint})
	var failed *errCondition
	if err := l.putAbsent(ctx, splitItem(id, stored, now, dueAt, flags)); err != nil && !errors.As(err, &failed) {
		return "", false, err
	}
	after, err := l.apply(ctx, changeItem(variantKey(of, stored.Fingerprint)).
		set("split_as", string(id)).set("updated", at(now)).
		clearListed().remove("day", "lead"))
	if err != nil {
		return "", false, changed(err)
	}
	if after.erased() { // meanwhile: what it was made of may not be kept
		return "", false, errors.Join(webhook.ErrNotFound, l.eraseSplit(ctx, id, after, now))
	}
	if stored.trusted() && failed == nil {
		return id, true, nil
	}
	_, err = l.releaseSplit(ctx, id, after, now, dueAt)
	return id, true, err
}

// splitItem is the event that a variant becomes.
func splitItem(id webhook.EventID, variant item, now, dueAt time.Time, flags []string) item {
	r := variant.receipt()
	r.Key, r.Timeless, r.Flags = id.Key(), false, slices.Concat(r.Flags, flags)
	it := newItem(id, r)
	it.UpdatedAt = at(now)
	it.open(!variant.trusted(), dueAt)
	return it
}

// releaseSplit puts the body of a trusted sender in the place of what was split off
// while it was not trusted, if the variant, as it stands after the split was noted, is
// trusted and that is still held. It tells whether it did; where the answer to its own
// write was lost it says that it did not.
func (l *Ledger) releaseSplit(ctx context.Context, id webhook.EventID, variant item, now, dueAt time.Time) (bool, error) {
	if !variant.trusted() {
		return false, nil
	}
	apart, err := l.getItem(ctx, keyOf(id))
	if errors.Is(err, webhook.ErrNotFound) || (err == nil && apart.state() != webhook.Held) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var flags []string
	if slices.Contains(apart.Flags, webhook.FlagVariant) {
		flags = []string{webhook.FlagVariant}
	}
	_, replaced, err := l.replaceHeld(ctx, apart, splitItem(id, variant, now, dueAt, flags))
	return replaced, err
}

// splitIsHeld tells whether the body of a trusted sender is held, or was discarded
// while it was: it came from one who was not trusted before, and was split off. It
// asks only where that may be: the variant, as it was met, was not trusted or had
// been split off.
func (l *Ledger) splitIsHeld(ctx context.Context, id webhook.EventID, met item, r webhook.Receipt) (bool, error) {
	if r.Held || (met.trusted() && met.SplitAs == "") {
		return false, nil
	}
	apart, err := l.getItem(ctx, keyOf(SplitID(webhook.Variant{ID: id, Fingerprint: r.Fingerprint})))
	if errors.Is(err, webhook.ErrNotFound) {
		return false, nil
	}
	return err == nil && (apart.state() == webhook.Held || apart.discardedUntrusted()), err
}

// splitTrusted makes the body of a trusted sender, kept beside the event of, an
// event of its own. Where that event was discarded while it was not trusted, the
// receipt is classified anew by it: it then stands beside that one.
func (l *Ledger) splitTrusted(ctx context.Context, of webhook.EventID, uncounted error, c claim) (webhook.Claimed, *item, error) {
	stored, err := l.getItem(ctx, variantKey(of, c.Fingerprint))
	if err != nil {
		return webhook.Claimed{}, nil, err
	}
	id, isNew, err := l.split(ctx, of, stored, c.ReceivedAt, c.dueAt)
	if err != nil {
		return webhook.Claimed{}, nil, err
	}
	it, err := l.getItem(ctx, keyOf(id))
	if errors.Is(err, webhook.ErrNotFound) {
		// Only what is finished expires.
		gone := webhook.Record{ID: id, State: webhook.Delivered}
		return webhook.Claimed{ID: id, Status: webhook.ClaimDuplicate, Record: gone, Uncounted: uncounted}, nil, nil
	}
	if err != nil {
		return webhook.Claimed{}, nil, err
	}
	if it.discardedUntrusted() {
		return webhook.Claimed{}, &it, nil
	}
	it.Payload = nil
	status := webhook.ClaimAccepted
	if !isNew {
		status = webhook.ClaimDuplicate
	}
	return webhook.Claimed{ID: id, Status: status, Record: it.record(), Uncounted: uncounted}, nil, nil
}
