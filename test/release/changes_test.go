package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A release says what its section says, and there is none without a section.
func TestTheChangesOfAVersionAreFound(t *testing.T) {
	folder := t.TempDir()
	script, err := os.ReadFile(filepath.Join(root, "scripts/changes.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "scripts"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "scripts/changes.sh"), script, 0o700); err != nil {
		t.Fatal(err)
	}
	text := "# Changes\n\n## Unreleased\n\n- later\n\n## 1.2.10\n\n- ten\n\n## 1.2.1 (2026-11-30)\n\n- one\n\n### Added\n\n- two\n\n## 1.2.0\n\n"
	if err := os.WriteFile(filepath.Join(folder, "CHANGELOG.md"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	changes := func(version string) string {
		out, err := exec.Command(filepath.Join(folder, "scripts/changes.sh"), version).Output()
		if err != nil {
			return "none"
		}
		return strings.Join(strings.Fields(string(out)), " ")
	}
	for version, want := range map[string]string{
		"v1.2.1": "- one ### Added - two", "1.2.10": "- ten", "v1.2.0": "none", "v1.2": "none", "v9.0.0": "none", "Unreleased": "- later",
	} {
		if got := changes(version); got != want {
			t.Errorf("%s: %q, want %q", version, got, want)
		}
	}
}

// Sections are versions, the newest first, below what is not released yet.
func TestTheChangelogHasSectionsOfVersions(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(string(text), -1)
	version := regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+ \([0-9]{4}-[0-9]{2}-[0-9]{2}\)$`)
	for i, s := range sections {
		if i == 0 && s[1] != "Unreleased" || i > 0 && !version.MatchString(s[1]) {
			t.Errorf("section %d is %q", i+1, s[1])
		}
	}
	if len(sections) == 0 {
		t.Error("it has no section")
	}
}

// A tag of an action may be moved to other code, which would run with the rights of the
// workflow; a commit cannot.
func TestWorkflowsNameWhatTheyUseByItsCommit(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*.yml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("workflows %v: %v", files, err)
	}
	pinned := regexp.MustCompile(`^[a-z-]+/[a-z-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		used := regexp.MustCompile(`(?m)uses: (.*)$`).FindAllStringSubmatch(string(text), -1)
		if len(used) == 0 {
			t.Errorf("%s uses nothing", file)
		}
		for _, u := range used {
			if !pinned.MatchString(u[1]) {
				t.Errorf("%s uses %s", filepath.Base(file), u[1])
			}
		}
		if !regexp.MustCompile(`(?m)^permissions:\n`).Match(text) {
			t.Errorf("%s has every right that the repository gives", filepath.Base(file))
		}
		if regexp.MustCompile(`version: "?[~^]`).Match(text) {
			t.Errorf("%s takes whatever version is the newest", filepath.Base(file))
		}
	}
}
