// Package sizes holds the packages of the functions to their sizes: every new instance
// loads its whole package before it does anything. It builds them as a deployment does,
// for arm64 (Architectures in template.yaml).
package sizes

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// most is the largest size of each function, in bytes, with room for what a month
// adds. One call of reflect's MethodByName with a name that is computed, as in
// text/template, keeps every method of every type and adds 10 MB: look for that first
// (go build -ldflags=-dumpdep, or what the change imports).
var most = map[string]int64{
	"receiver":  8_900_000,
	"worker":    9_800_000,
	"sweeper":   9_400_000,
	"redrive":   8_500_000,
	"reconcile": 9_100_000,
	"archiver":  8_800_000,
}

func TestPackagesStaySmall(t *testing.T) {
	entries, err := os.ReadDir("../../functions")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		t.Run(name, func(t *testing.T) {
			bound, listed := most[name]
			if !listed {
				t.Fatal("the function has no bound here")
			}
			dir := t.TempDir()
			cmd := exec.CommandContext(t.Context(), "make", "-s", "functions/"+name+".bootstrap", "ARTIFACTS_DIR="+dir, "ARCHITECTURE=arm64")
			cmd.Dir = "../.."
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			info, err := os.Stat(filepath.Join(dir, "bootstrap"))
			if err != nil {
				t.Fatal(err)
			}
			if info.Size() > bound {
				t.Errorf("%.2f MB, want at most %.2f", float64(info.Size())/1e6, float64(bound)/1e6)
			}
			t.Logf("%.2f MB", float64(info.Size())/1e6)
		})
	}
	if len(entries) != len(most) {
		t.Errorf("%d functions and %d bounds", len(entries), len(most))
	}
}
