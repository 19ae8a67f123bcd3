package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// variantState marks an item that is no event. Until it is split, the index
// time shows it with its own ids, the index lead by its own lead where that is another
// than its event's, and the index dead beside other variants.
const variantState = "variant"

// keptVariant is what became of another body.
type keptVariant struct {
	met       item  // the variant as it was before, empty where it is new
	event     *item // its event, where that was erased meanwhile: the receipt is classified anew by it
	uncounted error
}

// erased tells whether nothing of the body may be kept.
func (k keptVariant) erased() bool { return k.event != nil || k.met.erased() }

// answerErased is the answer where the variant was erased before.
func (k keptVariant) answerErased(of item, r webhook.Receipt) webhook.Claimed {
	if k.event != nil {
		return webhook.Claimed{}
	}
	return webhook.Claimed{
		ID: of.id(), Status: webhook.ClaimDuplicate, Record: of.record(), Uncounted: k.uncounted, ToErase: large(r.Payload),
	}
}

// keepVariant stores another body beside the event and counts it. A variant that
// is known already is counted as a duplicate, unless the nonce says that it is
// this one, whose answer was lost; a trusted sender's takes the place of one that is
// not trusted.
//
// Its event may be erased meanwhile. An erasure that has marked the event looks for
// variants after that; one that was stored too late for it is counted after the mark,
// and the count shows it. Only where that count fails, too, the body stays until it
// expires.
func (l *Ledger) keepVariant(ctx context.Context, of item, c claim) (k keptVariant, err error) {
	v := newVariant(of, c.Receipt, c.nonce, c.ReceivedAt.Add(of.receipt().Keep(l.variants)))
	err = l.putAbsent(ctx, v)
	var failed *errCondition
	if err != nil && !errors.As(err, &failed) {
		return keptVariant{}, err
	}
	counter := "variants"
	if failed != nil {
		if k.met = failed.old; k.met.ClaimNonce != c.nonce {
			counter = "duplicates"
		}
	}
	var attributes map[string]dynamodb.AttributeValue
	attributes, k.uncounted = l.counted(ctx, of.id(), counter, c.ReceivedAt)
	if attributes["erased"] != nil {
		event, err := decode(attributes)
		k.event = &event
		return k, err
	}
	if failed == nil || c.Held {
		return k, nil
	}
	return k, l.trustVariant(ctx, v, k.met)
}

// newVariant is a body beside the event of, as it is listed until it is split.
func newVariant(of item, r webhook.Receipt, nonce string, expiresAt time.Time) item {
	id := of.id()
	v := item{
		PK: id.Key(), SK: variantSK(id.Occurrence(), r.Fingerprint),
		State: variantState, ClaimNonce: nonce, ExpiresAt: seconds(expiresAt),
	}
	received := at(r.ReceivedAt)
	v.Time = variantTimeKey(received, id, r.Fingerprint)
	v.Day = timeShard(string(received[:10]), shard(id, timeShards))
	v.setReceipt(r)
	v.DeadShard, v.DeadKey = stateShard(variantState, id), v.Time
	v.OtherLead, v.LeadEmail = true, v.Lead // it has it also when it is listed no more
	if v.Lead == of.leadEmail() {
		v.Lead = ""
	}
	return v
}

// trustVariant puts the body of a trusted sender in the place of the same that is not
// trusted, so that a split delivers it and nothing that the fingerprint leaves out.
// Nothing puts the other back, so that a write whose answer was lost is met as done.
func (l *Ledger) trustVariant(ctx context.Context, v, met item) error {
	for range maxRepeats {
		if met.trusted() {
			return nil
		}
		v.SplitAs = met.SplitAs
		if v.SplitAs != "" {
			v.unlist()
		}
		err := l.replace(ctx, v, changeItem(itemKey(met.PK, met.SK)).
			whereContains("flags", webhook.FlagUntrustedSender).where("split_as", met.SplitAs))
		var failed *errCondition
		if !errors.As(err, &failed) || failed.old.PK == "" {
			return changed(err)
		}
		met = failed.old
	}
	return unavailable("trust", fmt.Errorf("%s moved %d times meanwhile", met.id(), maxRepeats))
}

// unlist takes a variant out of every index: it has become an event.
func (it *item) unlist() { it.Day, it.Lead, it.DeadShard, it.DeadKey = "", "", "", "" }

// Variants returns the other bodies that arrived under an event's identity, without
// those that were erased.
func (l *Ledger) Variants(ctx context.Context, id webhook.EventID) ([]webhook.Variant, error) {
	var out []webhook.Variant
	var start key
	for {
		page, err := l.api.Query(ctx, &dynamodb.QueryInput{
			TableName:              &l.table,
			ConsistentRead:         aws.Bool(true),
			KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :v)"),
			ExpressionAttributeValues: map[string]dynamodb.AttributeValue{
				":pk": &dynamodb.AttributeValueMemberS{Value: id.Key()},
				":v":  &dynamodb.AttributeValueMemberS{Value: variantSK(id.Occurrence(), "")},
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
			if it.erased() {
				continue
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

// VariantEntry is what an index shows of a variant.
type VariantEntry struct {
	ID          webhook.EventID // its event
	Fingerprint string
	At          time.Time // of its receipt
}

// UnsplitVariants hands over the variants received since then that are no events of
// their own, the newest first, from an index alone: see Entries.
func (l *Ledger) UnsplitVariants(ctx context.Context, since time.Time) iter.Seq2[VariantEntry, error] {
	return func(yield func(VariantEntry, error) bool) {
		m := l.merger(stateIndex(variantState, ""), string(at(since)), "~", false)
		m.page = entryPage
		for {
			e, ok, err := m.next(ctx)
			if err != nil {
				yield(VariantEntry{}, err)
				return
			}
			if !ok || !yield(VariantEntry{ID: e.id, Fingerprint: e.variant, At: timeOfKey(e.key)}, nil) {
				return
			}
		}
	}
}
