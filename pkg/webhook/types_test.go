package webhook_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"smartlead-receiver/pkg/webhook"
)

// TestTypesListsEveryConstant compares the list with the declared constants: a
// constant that is missing there would be missing wherever the list is used.
func TestTypesListsEveryConstant(t *testing.T) {
	declared := constantsOf(t, "Type")
	if len(declared) < 15 {
		t.Fatalf("got %d constants of Type, want 15 or more: %v", len(declared), declared)
	}
	for name, value := range declared {
		if got := count(webhook.Types, webhook.Type(value)); got != 1 {
			t.Errorf("Types has %s (%s) %d times, want once", name, value, got)
		}
	}
	if got, want := len(webhook.Types), len(declared); got != want {
		t.Errorf("Types has %d types, want %d: one for each constant", got, want)
	}
}

// constantsOf returns the constants of this package that are declared with the
// named type, name to value.
func constantsOf(t *testing.T, typ string) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != len(spec.Names) {
				return true
			}
			if ident, ok := spec.Type.(*ast.Ident); !ok || ident.Name != typ {
				return true
			}
			for i, name := range spec.Names {
				literal, ok := spec.Values[i].(*ast.BasicLit)
				if !ok {
					continue
				}
				value, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatalf("%s: %v", name.Name, err)
				}
				found[name.Name] = value
			}
			return true
		})
	}
	return found
}

func count[T comparable](list []T, v T) int {
	n := 0
	for rest := list; ; n++ {
		i := slices.Index(rest, v)
		if i < 0 {
			return n
		}
		rest = rest[i+1:]
	}
}

func TestStateOwner(t *testing.T) {
	want := make(map[webhook.Type]webhook.StateOwner)
	want[webhook.LeadUnsubscribed], want[webhook.LeadCategoryUpdated] = webhook.LeadState, webhook.LeadState
	want[webhook.CampaignStatusChanged] = webhook.CampaignState
	for _, typ := range append(slices.Clone(webhook.Types), "ANOTHER_VERSION") {
		if got := typ.StateOwner(); got != want[typ] {
			t.Errorf("%s sets the state of %q, want %q", typ, got, want[typ])
		}
		if got := typ.SetsState(); got != (want[typ] != "") {
			t.Errorf("%s sets a state: got %v, want %v", typ, got, want[typ] != "")
		}
	}
}
