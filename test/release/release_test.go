// Package release_test holds .goreleaser.yaml to what a release needs. GoReleaser
// itself is no part of make test: it takes minutes to build. The build is made
// here as the file says, for this machine.
package release_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = "../.."

// config is all that the file may hold: a member that is misspelt fails the test.
type config struct {
	Version     int
	ProjectName string `yaml:"project_name"`
	Before      struct{ Hooks []string }
	Builds      []build
	Archives    []struct {
		ID              string
		IDs             []string `yaml:"ids"`
		NameTemplate    string   `yaml:"name_template"`
		Formats         []string
		FormatOverrides []struct {
			Goos    string
			Formats []string
		} `yaml:"format_overrides"`
		Files []string
	}
	SBOMs []struct {
		Artifacts, Cmd       string
		Documents, Env, Args []string
	} `yaml:"sboms"`
	Checksum struct {
		NameTemplate string `yaml:"name_template"`
		Algorithm    string
		ExtraFiles   []struct{ Glob string } `yaml:"extra_files"`
	}
	Release struct {
		Draft      bool
		ExtraFiles []struct{ Glob string } `yaml:"extra_files"`
	}
}

type build struct {
	ID, Main, Binary         string
	Env, Goos, Goarch, Flags []string
	Ldflags                  []string
	ModTimestamp             string `yaml:"mod_timestamp"`
}

func read(t *testing.T) (config, string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var c config
	if err := decoder.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if c.Version != 2 || len(c.Builds) != 1 || len(c.Archives) != 1 {
		t.Fatalf("version %d, %d builds, %d archives", c.Version, len(c.Builds), len(c.Archives))
	}
	return c, string(text)
}

var field = regexp.MustCompile(`\{\{ *(.*?) *\}\}`)

func TestReleaseHasWhatItPromises(t *testing.T) {
	c, text := read(t)
	b, a := c.Builds[0], c.Archives[0]
	if !slices.Equal(b.Goos, []string{"linux", "darwin", "windows"}) || !slices.Equal(b.Goarch, []string{"amd64", "arm64"}) {
		t.Errorf("it is built for %v on %v", b.Goos, b.Goarch)
	}
	if !slices.Equal(a.IDs, []string{b.ID}) {
		t.Errorf("the archives hold %v, built is %s", a.IDs, b.ID)
	}
	// An archive's name tells one system from the other.
	for _, part := range []string{".Version", ".Os", ".Arch"} {
		if !strings.Contains(a.NameTemplate, part) {
			t.Errorf("the name %s lacks %s", a.NameTemplate, part)
		}
	}
	if c.Checksum.Algorithm != "sha256" || !c.Release.Draft {
		t.Errorf("checksum %+v, release %+v", c.Checksum, c.Release)
	}
	known := []string{".Version", ".CommitTimestamp", ".ProjectName", ".Os", ".Arch", ".Binary"}
	for _, match := range field.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(known, match[1]) {
			t.Errorf("GoReleaser knows no field %s", match[1])
		}
	}
}

// The linker says nothing about a name that does not exist.
func TestReleaseSaysItsVersion(t *testing.T) {
	b := read1(t)
	binary := filepath.Join(t.TempDir(), b.Binary)
	args := append([]string{"build", "-o", binary}, b.Flags...)
	args = append(args, "-ldflags", strings.ReplaceAll(b.Ldflags[0], "{{ .Version }}", "7.8.9"), b.Main)
	run(t, b.Env, "go", args...)
	var version struct{ Version, Go string }
	if err := json.Unmarshal(run(t, nil, binary, "version", "--json"), &version); err != nil {
		t.Fatal(err)
	}
	if version.Version != "v7.8.9" || version.Go != runtime.Version() {
		t.Errorf("got %+v", version)
	}
}

func TestArchivesHoldFilesThatAreThere(t *testing.T) {
	c, _ := read(t)
	folder := t.TempDir()
	for _, hook := range c.Before.Hooks {
		command, target, _ := strings.Cut(hook, " ")
		if target == "sbom" {
			continue // TestEachProgramSaysWhatIsLinkedIntoIt
		}
		if target != "completions" {
			t.Fatalf("the hook %q writes elsewhere than the archives look", hook)
		}
		run(t, nil, "./"+command, folder)
	}
	for _, pattern := range c.Archives[0].Files {
		where := filepath.Join(root, pattern)
		if rest, found := strings.CutPrefix(pattern, "completions/"); found {
			where = filepath.Join(folder, rest)
		}
		files, err := filepath.Glob(where)
		if err != nil || len(files) == 0 {
			t.Errorf("%s is not there: %v", pattern, err)
		}
		for _, file := range files {
			if info, err := os.Stat(file); err != nil || info.Size() == 0 {
				t.Errorf("%s is empty: %v", file, err)
			}
		}
	}
	for _, name := range []string{"smartleadctl.bash", "_smartleadctl", "smartleadctl.fish", "smartleadctl.ps1"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || !strings.Contains(string(text), "completion for smartleadctl") && !strings.Contains(string(text), "completion V2 for smartleadctl") {
			t.Errorf("%s is no completion: %v", name, err)
		}
	}
}

func read1(t *testing.T) build {
	c, _ := read(t)
	return c.Builds[0]
}

func run(t *testing.T, env []string, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), env...), t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(cmd.Args, " "), err)
	}
	return out
}
