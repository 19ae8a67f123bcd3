package crash

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/webhook"
)

// A control drops one rule of the protocol and expects a story to go wrong in
// the way that the rule prevents. Nothing of it is in the functions: calls and
// answers are rewritten on their way.
type control struct {
	dropped string
	story   story
	change  func(w *world)
	want    string // in a violation
}

// withUpdate rewrites the updates whose expressions hold a text.
func withUpdate(holds string, rewrite func(in *dynamodb.UpdateItemInput)) func(w *world) {
	return func(w *world) {
		w.mutant.in = func(_ *life, params any) {
			in, ok := params.(*dynamodb.UpdateItemInput)
			if ok && strings.Contains(*in.UpdateExpression+" IF "+*in.ConditionExpression, holds) {
				rewrite(in)
			}
		}
	}
}

// withMove rewrites the updates that move an event from a state to another.
func withMove(from, to webhook.State, rewrite func(in *dynamodb.UpdateItemInput)) func(w *world) {
	return func(w *world) {
		w.mutant.in = func(_ *life, params any) {
			in, ok := params.(*dynamodb.UpdateItemInput)
			if ok && valueIs(in, ":if_state", from) && valueIs(in, ":state", to) {
				rewrite(in)
			}
		}
	}
}

func valueIs(in *dynamodb.UpdateItemInput, placeholder string, state webhook.State) bool {
	v, ok := in.ExpressionAttributeValues[placeholder].(*dynamotypes.AttributeValueMemberS)
	return ok && v.Value == string(state)
}

// dueSet is how an update writes what the event owes.
const dueSet = "#due = :due, #due_shard = :due_shard, "

// without takes texts out of a condition.
func without(texts ...string) func(in *dynamodb.UpdateItemInput) {
	return func(in *dynamodb.UpdateItemInput) {
		changed := *in.ConditionExpression
		for _, text := range texts {
			changed = strings.ReplaceAll(changed, text, "")
		}
		in.ConditionExpression = &changed
	}
}

// leasedAs rewrites the answer to every lease.
func leasedAs(rewrite func(it item)) func(w *world) {
	return func(w *world) {
		w.mutant.out = func(_ *life, params, result any) {
			in, isUpdate := params.(*dynamodb.UpdateItemInput)
			if isUpdate && strings.Contains(*in.UpdateExpression, "#holder = :holder") {
				rewrite(item(result.(*dynamodb.UpdateItemOutput).Attributes))
			}
		}
	}
}

// ownTime is when a destination is tried again, in the line of its progress.
var ownTime = regexp.MustCompile(`@\d+`)

var controls = []control{
	{
		"the lease in the condition of what ends an attempt", outlived,
		withUpdate("#holder = :if_holder", without(" AND #lease = :if_lease AND #holder = :if_holder")),
		"was written over lease 2",
	},
	{
		"lease number 0 in the condition of what ends a first attempt", outlivedFirst,
		withUpdate("#claim = :if_claim", without(" AND attribute_not_exists(#lease)")),
		"the state table knows no such step",
	},
	{
		"the number of a first attempt", firstTwice,
		func(w *world) {
			w.mutant.in = func(_ *life, params any) {
				if in, ok := params.(*dynamodb.UpdateItemInput); ok && strings.Contains(*in.ConditionExpression, "#claim = :if_claim") {
					changed := strings.Replace(*in.UpdateExpression, "#lease = :lease, ", "", 1)
					in.UpdateExpression = &changed
					delete(in.ExpressionAttributeValues, ":lease")
				}
			}
		},
		"under one lease",
	},
	{
		"the nonce", twoWorkers,
		func(w *world) { w.nonce = func() string { return "always the same" } },
		"two workers were at work",
	},
	{
		"the payload in the claim", story{name: "receive", run: scenarioNamed("receive").run},
		func(w *world) {
			w.mutant.in = func(_ *life, params any) {
				if in, ok := params.(*dynamodb.PutItemInput); ok {
					delete(in.Item, "payload")
				}
			}
		},
		"its body is kept nowhere",
	},
	{
		"not_before, and each destination's own time", poison,
		func(w *world) {
			withUpdate("<= :if_not_before", without(" AND (attribute_not_exists(#not_before) OR #not_before <= :if_not_before)"))(w)
			leasedAs(func(it item) {
				for _, d := range it["dests"].(*dynamotypes.AttributeValueMemberL).Value {
					p := d.(*dynamotypes.AttributeValueMemberS)
					p.Value = ownTime.ReplaceAllString(p.Value, "")
				}
			})(w)
		},
		"too early",
	},
	{
		"the budget on the item", poison,
		leasedAs(func(it item) {
			for _, d := range it["dests"].(*dynamotypes.AttributeValueMemberL).Value {
				p := d.(*dynamotypes.AttributeValueMemberS)
				words := strings.SplitN(p.Value, " ", 3)
				p.Value = words[0] + " 0 " + words[2]
			}
		}),
		"is not dead after",
	},
	{
		"the death number", staleDeadLetter,
		func(w *world) {
			w.rewrite = func(l deadLetter, body map[string]any) {
				for _, it := range w.items() {
					if l.kind == webhook.KindDeadLetter && it.isEvent() && it.id() == l.id {
						body["death"] = it.number("death")
					}
				}
			}
		},
		"revived death 2 unasked",
	},
	{
		"the store of variants", story{name: "variant", run: scenarioNamed("variant").run},
		func(w *world) {
			w.mutant.skip = func(_ *life, params any) any {
				if in, ok := params.(*dynamodb.PutItemInput); ok && item(in.Item).isVariant() {
					return &dynamodb.PutItemOutput{}
				}
				return nil
			}
		},
		"its body is kept nowhere",
	},
	{
		"the condition on the sweep's bump", sweeperOvertaken,
		withUpdate("#sweeps = if_not_exists(", without(" AND #state = :if_state", " AND #lease = :if_lease", " AND attribute_not_exists(#lease)", " AND #due = :if_due")),
		"no rest",
	},
	{
		"the condition on what a look lists", lookOvertaken,
		withUpdate("SET #due_shard = :due_shard IF", without(" AND #due = :if_due")),
		"the due index does not list it so",
	},
	{
		"the look", story{name: "queue down", run: scenarioNamed("queue down").run},
		func(w *world) {
			w.mutant.in = func(_ *life, params any) {
				if in, ok := params.(*dynamodb.QueryInput); ok && in.IndexName != nil && *in.IndexName == "time" {
					in.Limit, in.ExpressionAttributeValues[":high"] = aws.Int32(1), in.ExpressionAttributeValues[":low"]
				}
			}
		},
		"no rest",
	},
	{
		"the sweeper", story{name: "queue down", run: scenarioNamed("queue down").run},
		func(w *world) { w.noSweeper = true },
		"no rest",
	},
	{
		"the idempotency key", lostAtDestination,
		leasedAs(func(it item) { it["effect_key"] = it["lease"] }),
		"it takes effect twice",
	},
	{
		"the death number where a dead letter is noted as sent", lateClear,
		func(w *world) {
			w.mutant.in = func(_ *life, params any) {
				in, ok := params.(*dynamodb.UpdateItemInput)
				if ok && strings.HasPrefix(*in.UpdateExpression, "REMOVE #due") {
					without(" AND #state = :if_state AND #death = :if_death AND #due = :if_due")(in)
				}
			}
		},
		"has no dead letter and owes none",
	},
	{
		"due_at at a revival", released,
		withUpdate("#move_nonce = :move_nonce", func(in *dynamodb.UpdateItemInput) {
			changed := strings.ReplaceAll(*in.UpdateExpression, dueSet, "")
			in.UpdateExpression = &changed
		}),
		"owes nothing: nobody will take it up",
	},
	{
		"what delivered means", story{name: "unrouted", options: bouncing, run: unrouted.run},
		func(w *world) {
			w.mutant.in = func(_ *life, params any) {
				if in, ok := params.(*dynamodb.UpdateItemInput); ok && valueIs(in, ":state", webhook.Unrouted) {
					in.ExpressionAttributeValues[":state"] = &dynamotypes.AttributeValueMemberS{Value: string(webhook.Delivered)}
				}
			}
		},
		"is delivered, and never reached crm",
	},
	{
		"that a replay chooses the destinations anew", story{name: "replay of an unrouted event", options: bouncing, run: func(w *world) {
			replayedToAnother.prepare(w)
			replayedToAnother.run(w)
		}},
		withMove(webhook.Unrouted, webhook.Pending, func(in *dynamodb.UpdateItemInput) {
			changed := strings.Replace(*in.UpdateExpression, ", #dests", "", 1)
			in.UpdateExpression = &changed
			delete(in.ExpressionAttributeNames, "#dests")
		}),
		"is unrouted, and there are destinations that want it",
	},
	{
		"that an update requires its item", expiredMeanwhile,
		func(w *world) {
			w.mutant.in = func(_ *life, params any) {
				// A counter's only condition.
				if in, ok := params.(*dynamodb.UpdateItemInput); ok && *in.ConditionExpression == "attribute_exists(pk)" {
					in.ConditionExpression = nil
				}
			}
		},
		"a ghost",
	},
	{
		"that a repeat requires its item", expiredHere,
		func(w *world) {
			w.mutant.in = func(l *life, params any) {
				if in, ok := params.(*dynamodb.UpdateItemInput); ok && l.function == "receiver" {
					*in.ConditionExpression = strings.Replace(*in.ConditionExpression, "attribute_exists(pk) AND ", "", 1)
				}
			}
		},
		"a ghost",
	},
}

// TestControls sees the checks fail: a check that no broken protocol can fail
// shows nothing. The embedded engine takes the values that a shortened
// condition leaves unused.
func TestControls(t *testing.T) {
	for _, c := range slices.Concat(controls, orderControls, heldControls, outageControls) {
		t.Run(c.dropped, func(t *testing.T) {
			t.Parallel()
			if found := tell(t, c.story, embedded.URL, nil); len(found) > 0 {
				t.Fatalf("with the whole protocol: %v", found)
			}
			found := tell(t, c.story, embedded.URL, c.change)
			for _, v := range found {
				if strings.Contains(v, c.want) {
					t.Logf("caught: %s", v)
					return
				}
			}
			t.Errorf("without it the checks should find %q, and found %q", c.want, found)
		})
	}
}

func scenarioNamed(name string) scenario {
	for _, s := range scenarios {
		if s.name == name {
			return s
		}
	}
	panic(errors.New(name))
}
