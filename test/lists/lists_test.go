// Package lists checks that a list of every value of a type, such as
// webhook.States, has them all: the compiler does not.
package lists

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestListsAreComplete(t *testing.T) {
	for _, c := range []struct{ pkg, list string }{
		{"webhook", "States"}, {"webhook", "Types"}, {"process", "Outcomes"}, {"receive", "Statuses"}, {"receive", "Kinds"}, {"incident", "Kinds"}, {"incident", "States"},
		{"reconcile", "Verdicts"}, {"reconcile", "Reasons"},
	} {
		t.Run(c.pkg+"."+c.list, func(t *testing.T) {
			files := parse(t, filepath.Join("../../pkg", c.pkg))
			of, listed := listOf(files, c.list)
			declared := constantsOf(files, of)
			if of == "" || len(declared) == 0 {
				t.Fatalf("%s has no list %s, or no constant of its type %q", c.pkg, c.list, of)
			}
			for _, name := range declared {
				if !slices.Contains(listed, name) {
					t.Errorf("%s is not in the list", name)
				}
			}
			if len(listed) != len(declared) {
				t.Errorf("%d are listed, %d are declared", len(listed), len(declared))
			}
		})
	}
}

func parse(t *testing.T, dir string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// specs calls each for every constant or variable at the top of a file.
func specs(files []*ast.File, tok token.Token, each func(*ast.ValueSpec)) {
	for _, f := range files {
		for _, d := range f.Decls {
			if group, ok := d.(*ast.GenDecl); ok && group.Tok == tok {
				for _, s := range group.Specs {
					each(s.(*ast.ValueSpec))
				}
			}
		}
	}
}

// listOf returns the element type of the list and the names in it.
func listOf(files []*ast.File, list string) (of string, names []string) {
	specs(files, token.VAR, func(v *ast.ValueSpec) {
		if v.Names[0].Name != list {
			return
		}
		literal := v.Values[0].(*ast.CompositeLit)
		of = nameOf(literal.Type.(*ast.ArrayType).Elt)
		for _, el := range literal.Elts {
			names = append(names, nameOf(el))
		}
	})
	return of, names
}

// constantsOf returns the constants declared as "X T = …" or "X = T(…)".
func constantsOf(files []*ast.File, of string) (names []string) {
	specs(files, token.CONST, func(v *ast.ValueSpec) {
		if len(v.Values) == 0 {
			return
		}
		call, converted := v.Values[0].(*ast.CallExpr)
		if nameOf(v.Type) == of || converted && nameOf(call.Fun) == of {
			names = append(names, v.Names[0].Name)
		}
	})
	return names
}

func nameOf(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}
