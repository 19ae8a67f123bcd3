package pack

import (
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// The dictionary was built from other folders than full: bodies of the size and with
// the texts that arrive, of other people, campaigns and mail clients. There it must
// take a quarter off an event without a text, and a fifth off a reply of 4 KB. -v shows
// what it takes off each.
func TestDictionaryHelpsWithWhatItHasNotSeen(t *testing.T) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	unseen, err := filepath.Glob("../../events/payloads/full/*.json")
	if err != nil || len(unseen) < 7 {
		t.Fatalf("%d payloads: %v", len(unseen), err)
	}
	for _, path := range unseen {
		text := read(t, path)
		packed, err := Pack(text)
		if err != nil {
			t.Fatal(err)
		}
		without := len(enc.EncodeAll(text, nil))
		t.Logf("%-20s %5d bytes, zstd %5d, packed %5d", filepath.Base(path), len(text), without, len(packed))
		most := without * 3 / 4
		if len(text) > 4000 {
			most = without * 4 / 5
		}
		if len(packed) > most {
			t.Errorf("%s: %d bytes become %d, want at most %d", path, len(text), len(packed), most)
		}
	}
}
