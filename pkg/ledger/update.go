package ledger

import (
	"context"
	"reflect"
	"strings"
	"time"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// update is one conditional write to an existing item. Every use states its own
// condition; attribute_exists is added to all, because DynamoDB creates what an
// update does not find.
//
// The attributes of an index are written together or not at all: due, listDue, clearDue,
// dead, unrouted, stayListed and clearListed are the only places that name them. A new
// event alone may have a due time that is not listed (ClaimReceived); a lease and ListDue
// list it.
type update struct {
	key     key
	sets    []string
	removes []string
	conds   []string
	names   map[string]string
	values  map[string]any
}

// change begins an update of an event.
func change(id webhook.EventID) *update { return changeItem(keyOf(id)) }

// changeItem begins an update of an item that may be no event.
func changeItem(k key) *update {
	return &update{key: k, names: map[string]string{}, values: map[string]any{}}
}

// name returns the placeholder of an attribute: several attributes have names
// that DynamoDB reserves.
func (u *update) name(attribute string) string {
	u.names["#"+attribute] = attribute
	return "#" + attribute
}

func (u *update) value(placeholder string, v any) string {
	u.values[placeholder] = v
	return placeholder
}

// isZero tells what no item holds. An empty list is no zero.
func isZero(v any) bool { return reflect.ValueOf(v).IsZero() }

// set writes a value. A zero is absent, as it is in a new item.
func (u *update) set(attribute string, v any) *update {
	if isZero(v) {
		return u.remove(attribute)
	}
	u.sets = append(u.sets, u.name(attribute)+" = "+u.value(":"+attribute, v))
	return u
}

// setIfAbsent writes a value where there is none.
func (u *update) setIfAbsent(attribute string, v any) *update {
	n := u.name(attribute)
	u.sets = append(u.sets, n+" = if_not_exists("+n+", "+u.value(":"+attribute, v)+")")
	return u
}

// increment adds 1; an absent number counts as 0.
func (u *update) increment(attribute string) *update {
	n := u.name(attribute)
	u.sets = append(u.sets, n+" = if_not_exists("+n+", "+u.value(":zero", 0)+") + "+u.value(":one", 1))
	return u
}

func (u *update) remove(attributes ...string) *update {
	for _, a := range attributes {
		u.removes = append(u.removes, u.name(a))
	}
	return u
}

// where requires that an attribute has a value; for zero, that it is absent.
func (u *update) where(attribute string, v any) *update {
	if isZero(v) {
		u.conds = append(u.conds, "attribute_not_exists("+u.name(attribute)+")")
		return u
	}
	u.conds = append(u.conds, u.name(attribute)+" = "+u.value(":if_"+attribute, v))
	return u
}

// whereAbsentOr requires that an attribute is absent or has a value.
func (u *update) whereAbsentOr(attribute string, v any) *update {
	n := u.name(attribute)
	u.conds = append(u.conds, "(attribute_not_exists("+n+") OR "+n+" = "+u.value(":if_"+attribute, v)+")")
	return u
}

// whereThere requires that an attribute has a value.
func (u *update) whereThere(attribute string) *update {
	u.conds = append(u.conds, "attribute_exists("+u.name(attribute)+")")
	return u
}

// whereLeaseEnded requires that the lease ended before now.
func (u *update) whereLeaseEnded(now time.Time) *update {
	u.conds = append(u.conds, u.name("lease_until")+" < "+u.value(":if_lease_until", at(now)))
	return u
}

// wherePassed requires that a time is absent or has passed.
func (u *update) wherePassed(attribute string, now time.Time) *update {
	n := u.name(attribute)
	u.conds = append(u.conds, "(attribute_not_exists("+n+") OR "+n+" <= "+u.value(":if_"+attribute, at(now))+")")
	return u
}

// whereNotBefore requires that a time is there and not before another one.
func (u *update) whereNotBefore(attribute string, t time.Time) *update {
	u.conds = append(u.conds, u.name(attribute)+" >= "+u.value(":if_"+attribute, at(t)))
	return u
}

// whereContains requires that a list holds a value.
func (u *update) whereContains(attribute string, v any) *update {
	u.conds = append(u.conds, "contains("+u.name(attribute)+", "+u.value(":if_"+attribute, v)+")")
	return u
}

// state moves the event on.
func (u *update) state(to webhook.State, now time.Time) *update {
	return u.set("state", string(to)).set("updated", at(now))
}

// lane says by which queue the event goes; the live one is absent.
func (u *update) lane(l webhook.Lane) *update {
	if l == webhook.Live {
		return u.remove("lane")
	}
	return u.set("lane", string(l))
}

// from requires the state that was seen.
func (u *update) from(state webhook.State) *update { return u.where("state", string(state)) }

// due says when the sweeper sends what the event owes.
func (u *update) due(id webhook.EventID, t time.Time) *update {
	return u.set("due", timeKey(at(t), id)).listDue(id)
}

// listDue has the index due list an event, whose due time stays.
func (u *update) listDue(id webhook.EventID) *update { return u.set("due_shard", dueShard(id)) }

// clearDue says that the event owes no message.
func (u *update) clearDue() *update { return u.remove("due", "due_shard") }

// dead marks the event dead: at this lease number it died, and it owes its dead
// letter from dueAt on. A new budget of leases begins with whatever revives it.
func (u *update) dead(id webhook.EventID, death int, dests []webhook.Progress, class, text string, now, dueAt time.Time) *update {
	died := at(now)
	return u.state(webhook.Dead, now).
		set("death", death).set("died_at", died).setIfAbsent("first_died_at", died).
		set("error_class", class).set("error", text).
		set("abandoned", 0).remove("lease_until").
		due(id, dueAt).deadAt(dests).
		set("dead_shard", stateShard(webhook.Dead, id)).set("dead_key", timeKey(died, id))
}

// unrouted lists the event as one that nobody has, by its time of receipt. Whether
// its destination was removed is its error class.
func (u *update) unrouted(r webhook.Record, class, text string) *update {
	shard := stateShard(webhook.Unrouted, r.ID)
	if class == webhook.ClassDestinationRemoved {
		shard = removedShard(r.ID)
	}
	u.set("dead_shard", shard).set("dead_key", timeKey(at(r.ReceivedAt), r.ID))
	if class == "" {
		return u.remove("error_class", "error")
	}
	return u.set("error_class", class).set("error", text)
}

// stayListed moves an event that waits for an operator to the part of the index
// of another state. Its place in the order stays.
func (u *update) stayListed(id webhook.EventID, state webhook.State) *update {
	return u.set("dead_shard", stateShard(state, id))
}

// deadAt has the index of the dead show the destinations that do not have the event.
func (u *update) deadAt(all []webhook.Progress) *update {
	if names := webhook.Unsettled(all); len(names) > 0 {
		return u.set("dead_at", names)
	}
	return u.remove("dead_at")
}

// clearListed takes the event out of the index of the dead.
func (u *update) clearListed() *update { return u.remove("dead_shard", "dead_key", "dead_at") }

// expression returns the update expression.
func (u *update) expression() string {
	var parts []string
	if len(u.sets) > 0 {
		parts = append(parts, "SET "+strings.Join(u.sets, ", "))
	}
	if len(u.removes) > 0 {
		parts = append(parts, "REMOVE "+strings.Join(u.removes, ", "))
	}
	return strings.Join(parts, " ")
}

// condition returns the condition expression.
func (u *update) condition() string {
	return strings.Join(append([]string{"attribute_exists(pk)"}, u.conds...), " AND ")
}

// apply runs the update and returns the item after it. A failed condition is
// an *errCondition that holds the item as it stands.
func (l *Ledger) apply(ctx context.Context, u *update) (item, error) {
	attributes, err := l.write(ctx, u)
	if err != nil {
		return item{}, err
	}
	return decode(attributes)
}

// write is apply for a caller who does not read the item.
func (l *Ledger) write(ctx context.Context, u *update) (map[string]dynamodb.AttributeValue, error) {
	values, err := marshalValues(u.values)
	if err != nil {
		return nil, err
	}
	expression, condition := u.expression(), u.condition()
	out, err := l.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &l.table,
		Key:                                 u.key,
		UpdateExpression:                    &expression,
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            u.names,
		ExpressionAttributeValues:           values,
		ReturnValues:                        dynamodb.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: dynamodb.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		return nil, l.conditionOr(ctx, u.key, "update", err)
	}
	return out.Attributes, nil
}
