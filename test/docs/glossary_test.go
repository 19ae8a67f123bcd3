// Package docs_test holds documents against the code that they describe.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// shown are the types whose constants stand in outputs, by folder.
var shown = map[string][]string{
	"../../pkg/webhook":   {"State", "Lane", "Result", "ClaimStatus"},
	"../../pkg/redrive":   {"State"},
	"../../pkg/incident":  {"State", "Kind"},
	"../../pkg/reconcile": {"Verdict", "Reason"},
}

// Every word that an operator meets in an output has a line in the glossary.
func TestGlossaryHasEveryWordOfTheOutputs(t *testing.T) {
	text, err := os.ReadFile("../../docs/GLOSSARY.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := terms(string(text))
	words := 0
	for folder, types := range shown {
		for _, typ := range types {
			values := constants(t, folder, typ)
			if len(values) == 0 {
				t.Errorf("%s has no constant of the type %s: this test looks for what is not there", folder, typ)
			}
			for _, v := range values {
				words++
				if !lines[v] {
					t.Errorf("docs/GLOSSARY.md has no line for %q (%s in %s)", v, typ, folder)
				}
			}
		}
	}
	for _, flag := range constants(t, "../../pkg/webhook", "Flag") {
		words++
		if !lines[flag] {
			t.Errorf("docs/GLOSSARY.md has no line for the flag %q", flag)
		}
	}
	if words < 30 {
		t.Errorf("%d words were looked for, want at least 30", words)
	}
}

var separators = regexp.MustCompile(`[,|()]`)

// terms returns the words of the first column of the tables.
func terms(text string) map[string]bool {
	found := map[string]bool{}
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, word := range separators.Split(cells[1], -1) {
			found[strings.Trim(word, " `")] = true
		}
	}
	// Words that the entry of another one explains.
	if found["lane"] {
		found["live"] = strings.Contains(text, "`live`")
	}
	if found["abandoned lease"] {
		found["abandoned"] = true
	}
	return found
}

// constants returns the text of the constants of a type, or, where the type is
// Flag, of those whose name begins with it.
func constants(t *testing.T, folder, typ string) (values []string) {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			ident, typed := spec.Type.(*ast.Ident)
			isFlag := typ == "Flag" && spec.Type == nil && strings.HasPrefix(spec.Names[0].Name, "Flag")
			literal, isText := spec.Values[0].(*ast.BasicLit)
			if isText && literal.Kind == token.STRING && (isFlag || typed && ident.Name == typ) {
				v, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, v)
			}
			return true
		})
	}
	return values
}
