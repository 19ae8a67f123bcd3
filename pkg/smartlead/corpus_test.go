package smartlead

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smartlead-receiver/pkg/webhook"
)

var update = flag.Bool("update", false, "rewrite the golden files of events/payloads")

const payloads = "../../events/payloads"

var corpusOptions = Options{
	Account:      "default",
	RedactionKey: []byte("a key for tests alone"),
	Secrets:      []string{"not-a-real-token-0001"},
}

// golden is what stands beside each payload.
type golden struct {
	Error    string          `json:"error,omitempty"`
	Array    bool            `json:"array,omitempty"`
	Elements []goldenElement `json:"elements,omitempty"`
}

type goldenElement struct {
	Error       string         `json:"error,omitempty"`
	Basis       []string       `json:"identity_basis,omitempty"`
	Fingerprint string         `json:"fingerprint,omitempty"`
	Event       *webhook.Event `json:"event,omitempty"`
}

func corpusFiles(t testing.TB, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(filepath.Join(payloads, dir), func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".json") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestCorpus compares every payload with the golden file beside it, and holds
// for each what holds for all.
func TestCorpus(t *testing.T) {
	files := corpusFiles(t, "")
	if len(files) < 80 {
		t.Fatalf("got %d payloads, want 80 or more", len(files))
	}
	for _, path := range files {
		name := strings.TrimPrefix(path, payloads+"/")
		t.Run(name, func(t *testing.T) {
			body := readFile(t, path)
			got := goldenOf(t, body)
			if want := strings.HasPrefix(name, "refused/"); (got.Error != "") != want {
				t.Fatalf("got the refusal %q, want one: %v", got.Error, want)
			}
			want := strings.TrimSuffix(path, ".json") + ".golden"
			text, err := json.MarshalIndent(got, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, '\n')
			if *update {
				if err := os.WriteFile(want, text, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !bytes.Equal(text, readFile(t, want)) {
				t.Errorf("got\n%s\nwant what is in %s (go test ./pkg/smartlead -update, then look at the difference)", text, want)
			}
		})
	}
}

func goldenOf(t *testing.T, body []byte) golden {
	t.Helper()
	batch, err := Parse(body, corpusOptions)
	if err != nil {
		return golden{Error: err.Error()}
	}
	g := golden{Array: batch.Array}
	for i, e := range batch.Elements {
		if e.Index != i {
			t.Errorf("got the index %d, want %d", e.Index, i)
		}
		if e.Err != nil {
			g.Elements = append(g.Elements, goldenElement{Error: e.Err.Error()})
			continue
		}
		checkElement(t, e, corpusOptions)
		g.Elements = append(g.Elements, goldenElement{Basis: e.Basis, Fingerprint: e.Fingerprint, Event: &e.Event})
	}
	return g
}

// TestSameEvents holds that all payloads of a directory of same/ are one event.
func TestSameEvents(t *testing.T) {
	for dir, keys := range corpusSets(t, "same") {
		for file, key := range keys {
			if key != keys["a.json"] {
				t.Errorf("%s/%s: got the event %s, want that of a.json, %s", dir, file, key, keys["a.json"])
			}
		}
	}
}

// TestLookAlikes holds that all payloads of a directory of different/ are events
// apart.
func TestLookAlikes(t *testing.T) {
	for dir, keys := range corpusSets(t, "different") {
		seen := map[string]string{}
		for file, key := range keys {
			if other, ok := seen[key]; ok {
				t.Errorf("%s: got the event %s of both %s and %s, want two events", dir, key, file, other)
			}
			seen[key] = file
		}
	}
}

// corpusSets returns the natural keys of each set, by file name.
func corpusSets(t *testing.T, group string) map[string]map[string]string {
	t.Helper()
	sets := map[string]map[string]string{}
	for _, path := range corpusFiles(t, group) {
		batch, err := Parse(readFile(t, path), corpusOptions)
		if err != nil || len(batch.Elements) != 1 || batch.Elements[0].Err != nil {
			t.Fatalf("%s: got %+v and the error %v, want one event", path, batch.Elements, err)
		}
		dir, file := filepath.Split(path)
		dir = filepath.Base(dir)
		if sets[dir] == nil {
			sets[dir] = map[string]string{}
		}
		sets[dir][file] = batch.Elements[0].Key
	}
	for dir, keys := range sets {
		if len(keys) < 2 {
			t.Errorf("%s/%s: got %d payloads, want two or more", group, dir, len(keys))
		}
	}
	return sets
}

func TestRefusals(t *testing.T) {
	want := map[string]error{
		"scalar-number": ErrScalar, "scalar-null": ErrScalar, "scalar-text": ErrScalar,
		"utf16": ErrEncoding, "latin1": ErrEncoding, "too-deep": ErrTooDeep,
	}
	for _, path := range corpusFiles(t, "refused") {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		wanted := want[name]
		if wanted == nil {
			wanted = ErrNotJSON
		}
		if _, err := Parse(readFile(t, path), corpusOptions); !errors.Is(err, wanted) {
			t.Errorf("%s: got %v, want %v", name, err, wanted)
		}
	}
}

// TestTypesAndDialects holds that the corpus has every type and every dialect.
func TestTypesAndDialects(t *testing.T) {
	types, dialects := make(map[webhook.Type]bool), map[string]bool{}
	for _, path := range corpusFiles(t, "") {
		batch, err := Parse(readFile(t, path), corpusOptions)
		if err != nil {
			continue
		}
		dir := filepath.Base(filepath.Dir(path))
		for _, e := range batch.Elements {
			types[e.Event.Type], dialects[e.Event.Dialect] = true, true
			switch dir {
			case DialectAPIFlat, DialectHelp, DialectNested, DialectNestedType, DialectShort, DialectLeadEnum, DialectAlert, DialectEnvelope:
				if e.Event.Dialect != dir {
					t.Errorf("%s: got the dialect %s, want %s", path, e.Event.Dialect, dir)
				}
			}
		}
	}
	for _, typ := range webhook.Types {
		if !types[typ] {
			t.Errorf("got no payload of type %s, want one", typ)
		}
	}
	if len(dialects) != 10 {
		t.Errorf("got the dialects %v, want nine and the empty one of refused elements", dialects)
	}
}
