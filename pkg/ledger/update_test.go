package ledger

import (
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// indexes lists the attributes of each index that updates write. DynamoDB lists
// an item where both are there, so a write that sets one and not the other would
// leave an event in a listing that it is not of.
var indexes = map[string][]string{
	"due":  {"due", "due_shard"},
	"dead": {"dead_key", "dead_shard"},
}

// touched tells which attributes of a list an expression names.
func touched(clauses []string, attributes []string) (named []string) {
	for _, a := range attributes {
		for _, c := range clauses {
			if c == "#"+a || strings.HasPrefix(c, "#"+a+" ") {
				named = append(named, a)
			}
		}
	}
	return named
}

const late = "lease of what is due late"

// everyUpdate returns the updates that are built apart from the call that sends
// them. What every call leaves in the table is checked over all engines.
func everyUpdate(t *testing.T) map[string]*update {
	t.Helper()
	const id = webhook.EventID("v1:EMAIL_REPLY:A")
	now := time.Date(2126, 3, 10, 9, 0, 0, 0, time.UTC)
	req := webhook.LeaseRequest{ID: id, Now: now, Until: now, DueAt: now, KeepDue: now, Nonce: "n"}
	all := map[string]*update{
		"lease of what owes nothing": leaseUpdate(req).dueBehind(req, item{}),
		"lease of what is due early": leaseUpdate(req).dueBehind(req, item{Due: timeKey(at(now.Add(-time.Millisecond)), id)}),
		late:                         leaseUpdate(req).dueBehind(req, item{Due: timeKey(at(now), id)}),
		"dead":                       change(id).dead(id, 3, []webhook.Progress{{Name: "crm"}}, "class", "text", now, now),
	}
	for _, s := range []webhook.State{webhook.Delivered, webhook.Pending, webhook.Dead} {
		for _, first := range []bool{false, true} {
			lease := webhook.Lease{Number: 3, Nonce: "n", Record: webhook.Record{ID: id}, First: first}
			u, err := settlement(lease, webhook.Settlement{State: s, At: now, NotBefore: now, DueAt: now, ExpiresAt: now})
			if err != nil {
				t.Fatalf("a settlement as %s: %v", s, err)
			}
			name := "settle as " + string(s)
			if first {
				name += " at once"
			}
			all[name] = u
		}
	}
	return all
}

func TestUpdatesWriteIndexAttributesTogether(t *testing.T) {
	all := everyUpdate(t)
	delete(all, late) // its due time stays
	for name, u := range all {
		for index, attributes := range indexes {
			for clause, list := range map[string][]string{"SET": u.sets, "REMOVE": u.removes} {
				if got := touched(list, attributes); len(got) != 0 && len(got) != len(attributes) {
					t.Errorf("%s: %s names %v of the index %s, want all or none of %v", name, clause, got, index, attributes)
				}
			}
		}
	}
}

// Every state either owes a message or says that it owes none.
func TestSettlementSaysWhatIsOwed(t *testing.T) {
	u := everyUpdate(t)[late]
	if set, removed := touched(u.sets, indexes["due"]), touched(u.removes, indexes["due"]); !slices.Equal(set, []string{"due_shard"}) || len(removed) > 0 {
		t.Errorf("a lease of what is due late enough sets %v and removes %v of the index due, want that it lists it as it is", set, removed)
	}
	for name, want := range map[string]bool{
		"settle as delivered": false, "settle as pending": true, "settle as dead": true,
		"settle as delivered at once": false, "settle as pending at once": true, "settle as dead at once": true,
		"lease of what owes nothing": true, "lease of what is due early": true,
	} {
		u := everyUpdate(t)[name]
		owes, clears := len(touched(u.sets, indexes["due"])) > 0, len(touched(u.removes, indexes["due"])) > 0
		if owes != want || clears == want {
			t.Errorf("%s: sets a due time %v, removes it %v; want %v and %v", name, owes, clears, want, !want)
		}
	}
}

func TestUpdateExpressions(t *testing.T) {
	const id = webhook.EventID("v1:EMAIL_REPLY:A")
	now := time.Date(2126, 3, 10, 9, 0, 0, 0, time.UTC)
	u := change(id).from(webhook.Held).whereLeaseEnded(now).wherePassed("not_before", now).whereContains("flags", "x").
		set("lane", "replay").setIfAbsent("first_died_at", "t").increment("sweeps").remove("error").set("death", 0).where("lease", 0)
	if got, want := u.expression(), "SET #lane = :lane, #first_died_at = if_not_exists(#first_died_at, :first_died_at), "+
		"#sweeps = if_not_exists(#sweeps, :zero) + :one REMOVE #error, #death"; got != want {
		t.Errorf("got the expression\n%s, want\n%s", got, want)
	}
	if got, want := u.condition(), "attribute_exists(pk) AND #state = :if_state AND #lease_until < :if_lease_until AND "+
		"(attribute_not_exists(#not_before) OR #not_before <= :if_not_before) AND contains(#flags, :if_flags) AND attribute_not_exists(#lease)"; got != want {
		t.Errorf("got the condition\n%s, want\n%s", got, want)
	}
	for placeholder := range u.names {
		if !strings.Contains(u.expression()+u.condition(), placeholder) {
			t.Errorf("the name %s is in neither expression: DynamoDB refuses what is not used", placeholder)
		}
	}
	for placeholder := range u.values {
		if !strings.Contains(u.expression()+u.condition(), placeholder) {
			t.Errorf("the value %s is in neither expression: DynamoDB refuses what is not used", placeholder)
		}
	}
	if got := change(id).condition(); got != "attribute_exists(pk)" {
		t.Errorf("an update without a condition of its own requires %q, want that its item exists", got)
	}
}
