package smartlead

import (
	"reflect"
	"slices"
	"testing"

	"smartlead-receiver/pkg/webhook"
)

// TestEveryTypeHasItsRule wants a rule of every type, and a value in each of its
// members: what a type does not have, its rule says.
func TestEveryTypeHasItsRule(t *testing.T) {
	for _, typ := range webhook.Types {
		if rules[typ] == nil {
			t.Errorf("%s: got no rule, want one", typ)
			continue
		}
		r := reflect.ValueOf(rules[typ]).Elem()
		for i := range r.NumField() {
			if r.Field(i).IsZero() {
				t.Errorf("%s: got a rule without %s, want a value there", typ, r.Type().Field(i).Name)
			}
		}
		if _, ok := ResendGuideFor(typ); ok != (typ != webhook.Unknown) {
			t.Errorf("%s: got %v whether it is known how to fire it again, want %v", typ, ok, !ok)
		}
	}
	for typ := range rules {
		if !slices.Contains(webhook.Types, typ) {
			t.Errorf("got a rule of %s, want rules of webhook.Types alone", typ)
		}
	}
}

// TestNamesAreOfOneType holds that no name is that of two types, whether as
// canonical name or as another one, and that each is spelled as it is looked up.
func TestNamesAreOfOneType(t *testing.T) {
	owner := map[string]webhook.Type{}
	claim := func(name string, typ webhook.Type) {
		if other, ok := owner[name]; ok && other != typ {
			t.Errorf("%s: got the types %s and %s, want one", name, other, typ)
		}
		owner[name] = typ
		if got := normalType(name); got != name {
			t.Errorf("%s of %s: got a name that is normalized to %s, want a normalized one", name, typ, got)
		}
		if got := lookUp(name).typ; got != typ {
			t.Errorf("%s: got the type %s, want %s", name, got, typ)
		}
	}
	for typ, r := range rules {
		claim(string(typ), typ)
		seen := map[string]bool{}
		for _, n := range r.names {
			claim(n.text, typ)
			if seen[n.text] {
				t.Errorf("%s: got the name %s twice, want it once", typ, n.text)
			}
			seen[n.text] = true
		}
	}
}

// TestUnknownTypesHaveEveryTime holds that an event of a type that nobody has
// seen finds its time wherever some type has it.
func TestUnknownTypesHaveEveryTime(t *testing.T) {
	got := rules[webhook.Unknown].innerTimes
	for typ, r := range rules {
		for _, p := range r.innerTimes {
			if !slices.Contains(got, p) {
				t.Errorf("got %v for unknown types, want %v of %s among them", got, p, typ)
			}
		}
	}
}
