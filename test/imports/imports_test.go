// Package imports holds the arrows between the packages: which may import
// which. It asks the go command for the imports of every package, tests left
// out, because a test may import an engine or another package's fake.
package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "smartlead-receiver"

type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

func list(t *testing.T, patterns ...string) []listed {
	t.Helper()
	args := append([]string{"list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports,Deps"}, patterns...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestEachPackageImportsOnlyWhatItsRuleAllows(t *testing.T) {
	packages := list(t, "./pkg/...")
	if len(packages) == 0 {
		t.Fatal("go list found no package")
	}
	for _, p := range packages {
		name, r, found := ruleOf(p.ImportPath)
		if !found {
			t.Errorf("%s has no rule: give it its place in rules", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if forTests(p.ImportPath) && within(imported, module+"/test") {
				continue
			}
			if reason := refused(name, r, imported); reason != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, reason)
			}
		}
	}
}

func TestFunctionsLinkNothingOfTheOperatorsOrTheLocalStack(t *testing.T) {
	for _, p := range list(t, "./functions/...") {
		for _, dep := range p.Deps {
			for _, never := range neverInFunction {
				if within(dep, never) {
					t.Errorf("%s links %s", p.ImportPath, dep)
				}
			}
		}
	}
}

// A test that can start an engine looks at what it lets expire there, or fails by
// chance on a day to come.
func TestWhoStartsAnEngineChecksExpiries(t *testing.T) {
	checking := 0
	for _, p := range list(t, "-tags=e2e,replay", "./...") {
		imported := slices.Concat(p.TestImports, p.XTestImports)
		if !slices.ContainsFunc(imported, func(path string) bool { return slices.Contains(engines, path) }) {
			continue
		}
		if _, exempt := noExpiry[p.ImportPath]; exempt || p.ImportPath == ttlcheck {
			continue
		}
		checking++
		if !slices.Contains(imported, ttlcheck) {
			t.Errorf("the tests of %s start an engine and do not import %s", p.ImportPath, ttlcheck)
		}
	}
	if checking == 0 {
		t.Error("no test starts an engine: engines is out of date")
	}
}

func TestRulesRefuseEachBrokenArrow(t *testing.T) {
	for _, c := range []struct{ from, imported string }{
		{"webhook", module + "/pkg/auth"},
		{"webhook", sdk + "/aws"},
		{"smartlead", module + "/pkg/receive"},
		{"smartlead", "net/http"},
		{"receive", module + "/pkg/ledger"},
		{"receive", sdk + "/service/sqs"},
		{"process", module + "/pkg/destination"},
		{"ledger", module + "/pkg/queue"},
		{"ledger", module + "/pkg/process"},
		{"bodies", module + "/pkg/ledger"},
		{"lambdaio", module + "/pkg/ledger"},
		{"app", module + "/pkg/local"},
		{"cli", module + "/pkg/local"},
		{"config", module + "/cmd/local"},
	} {
		if refused(c.from, rules[c.from], c.imported) == "" {
			t.Errorf("%s may import %s", c.from, c.imported)
		}
	}
	if reason := refused("webhook", rules["webhook"], "encoding/json"); reason != "" {
		t.Errorf("webhook may not import encoding/json: %s", reason)
	}
}

// ruleOf returns the rule of the top-level package that path is or lies below.
func ruleOf(path string) (name string, r rule, found bool) {
	name = strings.TrimPrefix(path, module+"/pkg/")
	name, _, _ = strings.Cut(name, "/")
	r, found = rules[name]
	return name, r, found
}

// refused returns why the package may not import the other, or nothing.
func refused(name string, r rule, imported string) string {
	switch {
	case within(imported, module):
		own := strings.TrimPrefix(imported, module+"/pkg/")
		if own == imported {
			return "a package imports packages below pkg/ only"
		}
		own, _, _ = strings.Cut(own, "/")
		if own == name || slices.Contains(r.own, own) || (r.anyOwn && !slices.Contains(r.notOwn, own)) {
			return ""
		}
		return "the arrow does not exist"
	case isStandard(imported):
		if slices.Contains(r.not, imported) {
			return "it must not reach outside the process"
		}
		return ""
	case r.anyOutside || slices.ContainsFunc(r.outside, func(m string) bool { return within(imported, m) }):
		return ""
	}
	return "this module is not for it"
}

// forTests tells a package that tests alone import, by the standard library's
// way to name one: what is tested, and "test".
func forTests(path string) bool { return strings.HasSuffix(path, "test") }

// isStandard tells the standard library by the rule of the go command: the
// first element of any other path has a dot.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func within(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}
