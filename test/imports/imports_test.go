// Package imports holds the packages to the arrows of the design: which may
// import which. It asks the go command for the imports of every package, tests
// left out, because a test may import an engine or another package's fake.
package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	gopath "path"
	"slices"
	"strings"
	"testing"
)

// module is this module's path. It has no dot, so that only its own name tells
// its packages from those of the standard library.
var module = modulePath("../../go.mod")

func modulePath(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(text)) {
		if path, found := strings.CutPrefix(line, "module "); found {
			return strings.TrimSpace(path)
		}
	}
	panic(file + " names no module")
}

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
		if _, _, _, found := ruleOf(p.ImportPath); !found {
			t.Errorf("%s has no rule: give it its place in rules", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if forTests(p.ImportPath) && within(imported, module+"/test") {
				continue
			}
			if reason := refused(p.ImportPath, imported); reason != "" {
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
		if forTests(p.ImportPath) {
			imported = append(imported, p.Imports...)
		}
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
		{"operator", module + "/pkg/ledger"},
		{"operator", sdk + "/service/sqs"},
		{"ledger", module + "/pkg/queue"},
		{"ledger", sdk + "/service/dynamodb/types"},
		{"queue", sdk + "/service/sqs"},
		{"app", module + "/pkg/awssdk"},
		{"app", sdk + "/service/dynamodb"},
		{"ledger", module + "/pkg/process"},
		{"bodies", module + "/pkg/ledger"},
		{"lambdaio", module + "/pkg/ledger"},
		{"app", module + "/pkg/local"},
		{"app", module + "/pkg/stack"},
		{"stack", module + "/pkg/local"},
		{"stack", cobra},
		{"cli", module + "/pkg/local"},
		{"cli", module + "/pkg/ledger"},
		{"cli/events", module + "/pkg/cli"},
		{"cli/events", module + "/pkg/cli/dlq"},
		{"cli/events", module + "/pkg/cli/clitest"},
		{"cli/events", module + "/pkg/queue"},
		{"cli/events", sdk + "/service/dynamodb"},
		{"cli/destinations", module + "/pkg/destination/desthttp"},
		{"cli/output", module + "/pkg/cli/session"},
		{"cli/events", ansi},
		{"telemetry", ansi},
		{"cli/session", module + "/pkg/cli/events"},
		{"cli/filter", module + "/pkg/stack"},
		{"console", module + "/pkg/cli/events"},
		{"console", module + "/pkg/cli/session"},
		{"console", module + "/pkg/local"},
		{"console", cobra},
		{"cli/events", module + "/pkg/console"},
		{"local", module + "/pkg/app"},
		{"local", module + "/pkg/ledger"},
		{"local", cobra},
		{"config", module + "/cmd/local"},
		{"destination", module + "/pkg/destination/desthttp"},
		{"destination", module + "/pkg/destination/registry"},
		{"destination/desthttp", module + "/pkg/destination/destlog"},
		{"destination/desthttp", module + "/pkg/destination/registry"},
		{"destination/desthttp", module + "/pkg/sourcestore"},
		{"destination/desthttp", module + "/pkg/destination/awsdest"},
		{"destination/destsqs", sdk + "/service/sqs"},
		{"destination/desthttp", cobra},
		{"destination/registry", module + "/pkg/process"},
		{"sourcestore", module + "/pkg/destination"},
		{"process", module + "/pkg/destination/desthttp"},
		{"cli", module + "/pkg/destination/desthttp"},
		{"app", module + "/pkg/destination/destlog"},
		{"app", module + "/pkg/destination/registry"},
		{"app/worker", module + "/pkg/destination/destlog"},
	} {
		if refused(module+"/pkg/"+c.from, c.imported) == "" {
			t.Errorf("%s may import %s", c.from, c.imported)
		}
	}
	for _, c := range []struct{ from, imported string }{
		{"webhook", "encoding/json"},
		{"ledger/ledgertest", module + "/pkg/ledger/memory"},
		{"destination/desthttp", module + "/pkg/destination"},
		{"destination/destsqs", module + "/pkg/destination/awsdest"},
		{"destination/registry", module + "/pkg/destination/desthttp"},
		{"app/worker", module + "/pkg/destination/registry"},
		{"cli", module + "/pkg/cli/events"},
		{"cli/events", module + "/pkg/cli/filter"},
		{"cli/events", module + "/pkg/operator"},
		{"cli/clitest", module + "/pkg/local"},
	} {
		if reason := refused(module+"/pkg/"+c.from, c.imported); reason != "" {
			t.Errorf("%s may not import %s: %s", c.from, c.imported, reason)
		}
	}
}

// ruleOf returns the rule for a package of this module: its own, or that of the
// nearest folder above. The unit is the package that has the rule; within it,
// imports are free.
func ruleOf(path string) (unit, name string, r rule, found bool) {
	unit, found = strings.CutPrefix(path, module+"/pkg/")
	for ; found; unit, found = above(unit) {
		for _, name := range []string{unit, gopath.Join(gopath.Dir(unit), "*")} {
			if r, ok := rules[name]; ok {
				return unit, name, r, true
			}
		}
	}
	return "", "", rule{}, false
}

func above(unit string) (string, bool) {
	i := strings.LastIndex(unit, "/")
	return unit[:max(0, i)], i > 0
}

// refused returns why the package may not import the other, or nothing.
func refused(path, imported string) string {
	unit, _, r, _ := ruleOf(path)
	switch {
	case within(imported, module):
		other, name, _, found := ruleOf(imported)
		if !found {
			return "only packages below pkg/ that have a rule are imported"
		}
		top, _, _ := strings.Cut(other, "/")
		never := slices.Contains(r.notOwn, name) || slices.Contains(r.notOwn, top)
		if other == unit || slices.Contains(r.own, name) || (r.anyOwn && !never) {
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

// isStandard tells the standard library from the modules of others by the rule
// of the go command: the first element of their paths has a dot.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func within(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}
