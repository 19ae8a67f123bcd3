package pack

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func read(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTextsComeBackWhole(t *testing.T) {
	texts := [][]byte{nil, []byte("{}"), []byte("no JSON"), bytes.Repeat([]byte("ab"), 1<<20), read(t, "../../events/payloads/help/open.json")}
	var wg sync.WaitGroup
	for _, text := range texts {
		for _, size := range []int{0, len(text), -1, 1 << 40} {
			wg.Go(func() { // all share one encoder and one decoder
				packed, err := Pack(text)
				if err != nil {
					t.Error(err)
				}
				got, err := Unpack(Encoding, packed, size)
				if err != nil || !bytes.Equal(got, text) {
					t.Errorf("%d bytes come back as %d: %v", len(text), len(got), err)
				}
			})
		}
	}
	wg.Wait()
}

// What was packed once is read for ever: these bytes are never made anew.
func TestEveryEncodingIsRead(t *testing.T) {
	const text = `{"event_type":"EMAIL_OPEN","campaign_id":7,"to_email":"ann@globex.example.net"}`
	for encoding, packed := range map[string]string{
		"zstd":   zstdText,
		"zstd-1": firstText,
	} {
		raw, err := hex.DecodeString(packed)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Unpack(encoding, raw, len(text)); err != nil || string(got) != text {
			t.Errorf("%s: %q, %v", encoding, got, err)
		}
	}
	if _, err := Unpack("zstd-2", nil, 0); err == nil {
		t.Error("an unknown encoding is read")
	}
	if _, err := Unpack(Encoding, []byte("not packed"), 8); err == nil {
		t.Error("noise is read")
	}
}

func TestUnpackIsBounded(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := Unpack(Encoding, enc.EncodeAll(make([]byte, MaxText+1), nil), 0); err == nil {
		t.Errorf("%d bytes were unpacked", len(text))
	}
}

// The dictionary knows how payloads are shaped, and nobody's address, name or id.
func TestDictionaryHoldsNoValues(t *testing.T) {
	for _, value := range []string{`[\w.+-]+@[\w-]+\.\w+`, `[0-9a-f]{8}-[0-9a-f]{4}`, `[1-9][0-9]{4}`, `not-a-real-token`, `Tom|(?i)mira|acme|globex|outreach`} {
		if found := regexp.MustCompile(value).FindAll(first, 3); found != nil {
			t.Errorf("%s is in the dictionary: %q", value, found)
		}
	}
	for _, name := range []string{`"sl_lead_email":"`, `"reply_message":{`} {
		if !bytes.Contains(first, []byte(name)) {
			t.Errorf("%s is not in the dictionary", name)
		}
	}
}

func BenchmarkPack(b *testing.B) {
	text := read(b, "../../events/payloads/full/reply-phone.json")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Pack(text); err != nil {
			b.Fatal(err)
		}
	}
}
