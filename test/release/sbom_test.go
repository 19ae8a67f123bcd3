package release_test

import (
	"debug/buildinfo"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bom is what a CycloneDX document says of a program.
type bom struct {
	Format   string `json:"bomFormat"`
	Metadata struct {
		Component struct{ Name string }
	}
	Components []struct {
		Name, Version, PURL string
		Hashes              []struct{ Alg, Content string }
	}
}

func readBOM(t *testing.T, path string) bom {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bom
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if b.Format != "CycloneDX" {
		t.Fatalf("%s is of the format %q", path, b.Format)
	}
	return b
}

// What the document lists is what the linker wrote into the program, and the standard
// library.
func TestEachProgramSaysWhatIsLinkedIntoIt(t *testing.T) {
	folder := t.TempDir()
	run(t, nil, "scripts/sbom.sh", folder)
	programs := filepath.Join(folder, "programs")
	mains, err := filepath.Glob(filepath.Join(root, "functions/*/main.go"))
	if err != nil || len(mains) < 5 {
		t.Fatalf("%d functions: %v", len(mains), err)
	}
	for _, main := range mains {
		name := filepath.Base(filepath.Dir(main))
		run(t, nil, "make", "build-"+strings.ToUpper(name[:1])+name[1:]+"Function", "ARTIFACTS_DIR="+filepath.Join(programs, name))
		same(t, readBOM(t, filepath.Join(folder, name+".cdx.json")), filepath.Join(programs, name, "bootstrap"))
	}
	tool := filepath.Join(programs, "smartleadctl")
	run(t, read1(t).Env, "go", "build", "-trimpath", "-o", tool, "./cmd/smartleadctl")
	run(t, nil, "scripts/sbom.sh", folder, tool)
	same(t, readBOM(t, filepath.Join(folder, "smartleadctl.cdx.json")), tool)
}

func same(t *testing.T, b bom, program string) {
	t.Helper()
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{"std@" + info.GoVersion: true}
	for _, module := range info.Deps {
		linked[module.Path+"@"+module.Version] = true
	}
	if len(linked) < 5 {
		t.Fatalf("%s has %v", program, linked)
	}
	listed := map[string]bool{}
	for _, c := range b.Components {
		listed[c.Name+"@"+c.Version] = true
		if !strings.HasPrefix(c.PURL, "pkg:golang/"+c.Name+"@") {
			t.Errorf("%s is %s, which no scanner finds", c.Name, c.PURL)
		}
	}
	if !maps.Equal(linked, listed) {
		t.Errorf("%s: linked are\n%v\nlisted are\n%v", program, slices.Sorted(maps.Keys(linked)), slices.Sorted(maps.Keys(listed)))
	}
}

// The release's documents are made as those of the functions, by the same version, and
// all are published and have their checksums.
func TestTheReleaseHoldsItsBillsOfMaterials(t *testing.T) {
	c, _ := read(t)
	script, err := os.ReadFile(filepath.Join(root, "scripts/sbom.sh"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(script), "CYCLONEDX_GOMOD=")
	version, _, _ := strings.Cut(rest, "\n")
	if len(c.SBOMs) != 1 {
		t.Fatalf("%d kinds of documents", len(c.SBOMs))
	}
	s := c.SBOMs[0]
	if s.Artifacts != "binary" || s.Cmd != "go" || !slices.Equal(s.Env, []string{"GOFLAGS="}) {
		t.Errorf("documents are made of %s by %s with %v", s.Artifacts, s.Cmd, s.Env)
	}
	want := []string{"run", "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@" + version, "bin", "-json", "-std", "-noserial", "-notimestamp"}
	if len(s.Args) < len(want) || !slices.Equal(s.Args[:len(want)], want) || !slices.Equal(s.Args[len(s.Args)-3:], []string{"-output", "$document", "$artifact"}) {
		t.Errorf("the command is %v, want it to begin with %v", s.Args, want)
	}
	if !slices.Contains(c.Before.Hooks, "scripts/sbom.sh sbom") {
		t.Error("the functions' documents are not made")
	}
	for what, files := range map[string][]struct{ Glob string }{"release": c.Release.ExtraFiles, "checksums": c.Checksum.ExtraFiles} {
		if len(files) != 1 || files[0].Glob != "sbom/*.cdx.json" {
			t.Errorf("the %s hold %v", what, files)
		}
	}
}
