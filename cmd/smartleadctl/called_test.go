package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is printed to be run can be run: under the name by which the program was called.
func TestCommandsThatArePrintedNameTheProgramAsItWasCalled(t *testing.T) {
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	spaced := filepath.Join(elsewhere, "my tools")
	if err := os.Mkdir(spaced, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(program, filepath.Join(spaced, "smartleadctl")); err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + filepath.Dir(program) + string(os.PathListSeparator) + os.Getenv("PATH")
	for name, c := range map[string]struct {
		dir  string
		args []string
		want string
	}{
		"by its name":          {elsewhere, []string{"smartleadctl"}, "smartleadctl"},
		"by a path":            {filepath.Dir(program), []string{"./smartleadctl"}, "./smartleadctl"},
		"by a path with space": {elsewhere, []string{"my tools/smartleadctl"}, "'my tools/smartleadctl'"},
		"from the checkout":    {checkout, []string{"go", "run", "./cmd/smartleadctl"}, "go run ./cmd/smartleadctl"},
	} {
		t.Run(name, func(t *testing.T) {
			// The second time, go run takes what it has built from its cache.
			for range 2 {
				words := append(c.args, "--local", "events", "show")
				cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `exec "$@"`, "sh")
				cmd.Args = append(cmd.Args, words...)
				cmd.Dir, cmd.Env = c.dir, append(os.Environ(), path)
				var said bytes.Buffer
				cmd.Stderr = &said
				if err := cmd.Run(); err == nil {
					t.Fatal("an event was shown that nobody named")
				}
				if want := "see: " + c.want + " --local events show --help\n"; !strings.Contains(said.String(), want) {
					t.Errorf("want %q in:\n%s", want, &said)
				}
			}
		})
	}
}
