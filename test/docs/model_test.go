package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each row of the table of functions and steps names a function that is there,
// and steps that its model has.
func TestModelTableNamesWhatIsThere(t *testing.T) {
	text, err := os.ReadFile("../../docs/model/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "## Functions and steps")
	if !found {
		t.Fatal("docs/model/README.md has no table of functions and steps")
	}
	known, models, rows := map[string]map[string]bool{}, map[string]string{}, 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		rows++
		function, model := quoted(cells[1])[0], quoted(cells[2])[0]
		pkg, name, _ := strings.Cut(function, ".")
		if known[pkg] == nil {
			known[pkg] = functions(t, filepath.Join("../../pkg", pkg))
		}
		if !known[pkg][name] {
			t.Errorf("there is no function %s", function)
		}
		if models[model] == "" {
			source, err := os.ReadFile(filepath.Join("../../docs/model", model))
			if err != nil {
				t.Fatal(err)
			}
			models[model] = string(source)
		}
		steps := quoted(cells[3])
		if len(steps) == 0 {
			t.Errorf("%s names no step of %s", function, model)
		}
		for _, step := range steps {
			if !isStep(models[model], step) {
				t.Errorf("%s: %s has no step %s", function, model, step)
			}
		}
	}
	if rows < 80 {
		t.Errorf("the table has %d rows, want at least 80: is it read as it is written?", rows)
	}
}

var code = regexp.MustCompile("`([^`]+)`")

func quoted(cell string) []string {
	var all []string
	for _, match := range code.FindAllStringSubmatch(cell, -1) {
		all = append(all, match[1])
	}
	return all
}

// isStep tells whether the model declares a label, a process, an inline or a
// macro of that name.
func isStep(model, name string) bool {
	name = regexp.QuoteMeta(name)
	return regexp.MustCompile(`(?m)^\s*` + name + `:|\b(proctype|inline)\s+` + name + `\b|^#define\s+` + name + `\b`).MatchString(model)
}

// functions returns "Func" and "Type.Method" of a package.
func functions(t *testing.T, folder string) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := f.Name.Name
			if f.Recv != nil {
				name = receiver(f.Recv.List[0].Type) + "." + name
			}
			all[name] = true
		}
	}
	return all
}

func receiver(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}
