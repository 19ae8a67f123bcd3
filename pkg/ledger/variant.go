package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/webhook"
)

// Variants returns the other bodies that arrived under an event's identity.
func (l *Ledger) Variants(ctx context.Context, id webhook.EventID) ([]webhook.Variant, error) {
	var out []webhook.Variant
	var start key
	for {
		page, err := l.api.Query(ctx, &dynamodb.QueryInput{
			TableName:              &l.table,
			ConsistentRead:         aws.Bool(true),
			KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :v)"),
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":pk": &types.AttributeValueMemberS{Value: id.Key()},
				":v":  &types.AttributeValueMemberS{Value: variantSK(id.Occurrence(), "")},
			},
			ExclusiveStartKey: start,
		})
		if err != nil {
			return nil, unavailable("variants", err)
		}
		for _, av := range page.Items {
			it, err := decode(av)
			if err != nil {
				return nil, err
			}
			out = append(out, webhook.Variant{
				ID: id, Fingerprint: it.Fingerprint, Receipt: it.receipt(), SplitAs: webhook.EventID(it.SplitAs),
			})
		}
		if len(page.LastEvaluatedKey) == 0 {
			return out, nil
		}
		start = page.LastEvaluatedKey
	}
}

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
// dueAt (held, where its sender was not trusted), and notes on the variant what it became.
// Repeating it changes nothing, even when the event has expired since; but it
// releases what is held although a trusted sender sent the body meanwhile. It
// returns webhook.ErrNotFound where there is no such variant. C4 and C5 of
// intake.pml.
func (l *Ledger) Split(ctx context.Context, v webhook.Variant, now, dueAt time.Time) (webhook.EventID, error) {
	return l.split(ctx, v, now, dueAt, webhook.FlagVariant)
}

// split adds the flags to the event that it makes.
func (l *Ledger) split(ctx context.Context, v webhook.Variant, now, dueAt time.Time, flags ...string) (webhook.EventID, error) {
	mine := itemKey(v.ID.Key(), variantSK(v.ID.Occurrence(), v.Fingerprint))
	stored, err := l.getItem(ctx, mine)
	if err != nil {
		return "", err
	}
	if stored.SplitAs != "" {
		id := webhook.EventID(stored.SplitAs)
		return id, l.releaseSplit(ctx, id, stored, now, dueAt)
	}
	id := SplitID(v)
	it := splitItem(id, stored, now, dueAt, flags)
	var failed *errCondition
	if err := l.putAbsent(ctx, it); err != nil && !errors.As(err, &failed) {
		return "", err
	}
	after, err := l.apply(ctx, update{
		key:    mine,
		set:    "split_as = :id, updated_at = :now",
		values: map[string]any{":id": string(id), ":now": at(now)},
	})
	if err != nil {
		return "", changed(err)
	}
	if stored.trusted() && failed == nil {
		return id, nil
	}
	return id, l.releaseSplit(ctx, id, after, now, dueAt)
}

// splitItem is the event that a variant becomes.
func splitItem(id webhook.EventID, variant item, now, dueAt time.Time, flags []string) item {
	r := variant.receipt()
	r.Key, r.Timeless, r.Flags = id.Key(), false, slices.Concat(r.Flags, flags)
	it := newItem(id, r)
	it.Lane, it.UpdatedAt = string(webhook.Live), at(now)
	if !variant.trusted() {
		it.hold()
		return it
	}
	it.State, it.DueAt = string(webhook.Pending), at(dueAt)
	it.DueShard, it.DueKey = dueShard(id), timeKey(it.DueAt, id)
	return it
}

// releaseSplit releases what was split off while its body was not trusted, if the
// variant, as it stands after the split was noted, is trusted. Whoever trusts the
// variant later finds the event. (The Operator of intake.pml, after C5.)
func (l *Ledger) releaseSplit(ctx context.Context, id webhook.EventID, variant item, now, dueAt time.Time) error {
	if !variant.trusted() {
		return nil
	}
	apart, err := l.getItem(ctx, keyOf(id))
	if errors.Is(err, webhook.ErrNotFound) || (err == nil && apart.State != string(webhook.Held)) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err = l.Release(ctx, id, now, dueAt); errors.Is(err, webhook.ErrChanged) {
		return nil // by somebody else
	}
	return err
}
