package docs_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli"
	"smartlead-receiver/pkg/webhook"
)

var (
	fenced  = regexp.MustCompile("(?s)```[a-z]*\n(.*?)```")
	inline  = regexp.MustCompile("`([^`\n]+)`")
	command = regexp.MustCompile(`^(?:(?:go run \./cmd/|bin/)?smartleadctl|ctl) +(.*)`)
	ends    = regexp.MustCompile(` +[#|;>]|&&|$`)
)

// commandsOf returns the command lines of smartleadctl that a document shows.
func commandsOf(text string) (all []string) {
	var pieces []string
	for _, match := range fenced.FindAllStringSubmatch(text, -1) {
		pieces = append(pieces, strings.Split(match[1], "\n")...)
	}
	for _, match := range inline.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		pieces = append(pieces, match[1])
	}
	for _, piece := range pieces {
		if match := command.FindStringSubmatch(strings.TrimPrefix(strings.TrimSpace(piece), "$ ")); match != nil {
			all = append(all, match[1][:ends.FindStringIndex(match[1])[0]])
		}
	}
	return all
}

// problemWith returns what the tool says about a command line that it does not
// know, and nothing where it would run it.
func problemWith(t *testing.T, line string) string {
	t.Helper()
	var out, err bytes.Buffer
	code := cli.Main(t.Context(), cli.System{
		In: strings.NewReader(""), Out: &out, Err: &err, Getenv: func(string) string { return "" },
		Now: time.Now, Rand: rand.Reader, HTTP: http.DefaultTransport,
	}, append(strings.Fields(line), "--help"))
	words := slices.DeleteFunc(strings.Fields(line), func(word string) bool { return strings.HasPrefix(word, "-") })
	switch {
	case code != 0:
		return err.String()
	// A group of commands answers for a command that it does not have.
	case len(words) > 1 && strings.Contains(out.String(), " [command]\n"),
		!strings.HasPrefix(line, "-") && strings.Contains(out.String(), "  smartleadctl [command]\n"):
		return "there is no such command"
	}
	return ""
}

// Every command that a document shows is one that the tool has, with these flags.
func TestDocumentsShowCommandsThatExist(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, file := range append(files, "../../README.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandsOf(string(text)) {
			shown++
			if problem := problemWith(t, line); problem != "" {
				t.Errorf("%s: smartleadctl %s: %s", filepath.Base(file), line, problem)
			}
		}
	}
	if shown < 60 {
		t.Errorf("%d commands were found, want at least 60: are they read as they are written?", shown)
	}
}

func TestCommandsAreFoundAndRefused(t *testing.T) {
	found := commandsOf("a `smartleadctl dlq list` b `x`\n```\n$ bin/smartleadctl nothing --at all   # why\nctl events list --state dead | jq\n```\n")
	want := []string{"nothing --at all", "events list --state dead", "dlq list"}
	if !slices.Equal(found, want) {
		t.Fatalf("found %q, want %q", found, want)
	}
	for _, wrong := range []string{"nothing", "events nothing", "events list --nothing", "sources add x --client 1"} {
		if problemWith(t, wrong) == "" {
			t.Errorf("%q passes", wrong)
		}
	}
}

// docs/SMARTLEAD.md says of each type how Smartlead comes to send it.
func TestSmartleadPageHasEveryType(t *testing.T) {
	text, err := os.ReadFile("../../docs/SMARTLEAD.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `") {
			rows.WriteString(strings.Split(line, "|")[1])
		}
	}
	for _, typ := range webhook.Types {
		if !strings.Contains(rows.String(), "`"+string(typ)+"`") {
			t.Errorf("docs/SMARTLEAD.md has no row for %s", typ)
		}
	}
}
