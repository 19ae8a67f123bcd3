package clitest

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/output"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testdata holds the golden files; absolute, because a test may change its
// directory.
var testdata, _ = filepath.Abs("testdata")

// Lines decodes JSON lines.
func Lines(t *testing.T, text string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(text) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, v)
	}
	return out
}

var idPattern = regexp.MustCompile(`(v1:[A-Z_]+:)([A-Z2-7]{32})`)

// Golden compares what a command printed with what is on file. What differs
// from run to run is replaced by words of the same length where a table is
// concerned.
func (s *Stack) Golden(name, text string) {
	s.t.Helper()
	known := map[string]string{}
	text = idPattern.ReplaceAllStringFunc(text, func(id string) string {
		parts := idPattern.FindStringSubmatch(id)
		if known[parts[2]] == "" {
			known[parts[2]] = fmt.Sprintf("EVENT%d", len(known)+1) + strings.Repeat("X", 26)
		}
		return parts[1] + known[parts[2]]
	})
	dest, _ := url.Parse(s.Dest.URL)
	for old, word := range map[string]string{
		"--state-dir " + output.Quote(s.Dir): "--state-dir DIR", dest.Host: "DEST", EngineURL(): "ENGINE",
		strings.TrimSuffix(s.At.Table, "-events"): "NAME", s.Front.URL: "FRONT",
	} {
		text = strings.ReplaceAll(text, old, word)
	}
	text = regexp.MustCompile(`(our request id +)\S+`).ReplaceAllString(text, "${1}OURS")
	path := filepath.Join(testdata, name+".golden")
	if *update {
		if err := os.MkdirAll(testdata, 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if text != string(want) {
		s.t.Errorf("%s differs (go test -update writes it anew):\n%s\nwant\n%s", path, text, want)
	}
}
