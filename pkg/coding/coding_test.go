package coding_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"smartlead-receiver/pkg/coding"
)

// encoders are those of the libraries; "raw" is deflate without zlib's frame.
var encoders = map[string]func(io.Writer) io.WriteCloser{
	"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"raw":     func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 6); return f },
	"br":      func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
	"zstd":    func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
}

func encode(t testing.TB, body []byte, names ...string) []byte {
	t.Helper()
	for _, name := range names {
		var out bytes.Buffer
		w := encoders[name](&out)
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		body = out.Bytes()
	}
	return body
}

const event = `{"event_type":"EMAIL_REPLY","to_email":"ana@example.com","reply_body":"Yes"}`

func TestDecode(t *testing.T) {
	text := []byte(event)
	gz := encode(t, text, "gzip")
	for name, c := range map[string]struct {
		header string
		body   []byte
		want   error
	}{
		"no header":                  {"", text, nil},
		"identity":                   {"identity", text, nil},
		"identity, twice":            {" Identity ,identity, ", text, nil},
		"gzip":                       {"gzip", gz, nil},
		"gzip, upper case and space": {" GZip ", gz, nil},
		"its old name":               {"x-gzip", gz, nil},
		"two members":                {"gzip", append(encode(t, text[:20], "gzip"), encode(t, text[20:], "gzip")...), nil},
		"zlib":                       {"deflate", encode(t, text, "deflate"), nil},
		"bare deflate":               {"Deflate", encode(t, text, "raw"), nil},
		"brotli":                     {"br", encode(t, text, "br"), nil},
		"zstd":                       {"zstd", encode(t, text, "zstd"), nil},
		"two in a row":               {"br, gzip", encode(t, text, "br", "gzip"), nil},
		"with identity between":      {"zstd,identity,deflate", encode(t, text, "zstd", "deflate"), nil},
		"already decompressed":       {"gzip", text, nil},
		"the other order":            {"gzip, br", encode(t, text, "br", "gzip"), coding.ErrDamaged},
		"three":                      {"gzip,gzip,gzip", gz, coding.ErrUnknown},
		"unknown":                    {"compress", gz, coding.ErrUnknown},
		"unknown beside a known one": {"gzip, secret-word", gz, coding.ErrUnknown},
		"another coding":             {"zstd", gz, coding.ErrDamaged},
		"no JSON and no gzip":        {"gzip", []byte("hello"), coding.ErrDamaged},
		"empty":                      {"gzip", nil, coding.ErrDamaged},
		"cut off":                    {"gzip", gz[:len(gz)-5], coding.ErrDamaged},
		"a flipped bit":              {"gzip", flip(gz, len(gz)-6), coding.ErrDamaged},
		"something behind":           {"gzip", append(bytes.Clone(gz), "more"...), coding.ErrDamaged},
		"brotli, cut off":            {"br", encode(t, text, "br")[:30], coding.ErrDamaged},
		"zstd, cut off":              {"zstd", encode(t, text, "zstd")[:30], coding.ErrDamaged},
		"bare deflate, and more":     {"deflate", append(encode(t, text, "raw"), "more"...), coding.ErrDamaged},
		"mangled by a gateway":       {"gzip", bytes.ToValidUTF8(gz, []byte("\uFFFD")), coding.ErrDamaged},
	} {
		got, err := coding.Decode(c.header, c.body)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || err == nil && !bytes.Equal(got, text) {
			t.Errorf("%s: %q, %v; want %v", name, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the header: %v", name, err)
		}
	}
}

func flip(body []byte, at int) []byte {
	body = bytes.Clone(body)
	body[at] ^= 1
	return body
}

// A bomb costs what the bounds allow, and no more.
func TestDecodeIsBounded(t *testing.T) {
	zeros := make([]byte, 16<<20)
	bombs := map[string][]byte{}
	for name := range encoders {
		bombs[name] = encode(t, zeros, name)
	}
	bombs["gzip, gzip"] = encode(t, bombs["gzip"], "gzip")
	for name, bomb := range bombs {
		header := strings.Replace(name, "raw", "deflate", 1)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := coding.Decode(header, bomb)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, coding.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
			t.Errorf("%s: a bomb of %d bytes took %d MB", name, len(bomb), used>>20)
		}
	}
	for name, size := range map[string]int{"gzip": coding.MaxBody, "zstd": 1 << 20, "br": 1000} { // within the bounds
		body := bytes.Repeat([]byte(event), size/len(event))
		if name == "gzip" {
			body = noise(coding.MaxBody)
		}
		if got, err := coding.Decode(name, encode(t, body, name)); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s of %d bytes: %v", name, size, err)
		}
	}
	if _, err := coding.Decode("gzip", encode(t, noise(coding.MaxBody+1), "gzip")); !errors.Is(err, coding.ErrTooLarge) {
		t.Errorf("a byte more than is allowed: %v", err)
	}
}

// noise hardly compresses, so that only the size is bounded.
func noise(n int) []byte {
	body := make([]byte, n)
	x := uint32(1)
	for i := range body {
		x = x*1664525 + 1013904223
		body[i] = byte(x >> 24)
	}
	return body
}

// What any row of up to two codings makes of any body is undone.
func TestDecodeUndoesEncode(t *testing.T) {
	names := []string{"gzip", "deflate", "raw", "br", "zstd"}
	rapid.Check(t, func(rt *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 1, 5000).Draw(rt, "body")
		row := rapid.SliceOfN(rapid.SampledFrom(names), 1, 2).Draw(rt, "codings")
		header := strings.ReplaceAll(strings.Join(row, ", "), "raw", "deflate")
		got, err := coding.Decode(header, encode(t, body, row...))
		if err != nil || !bytes.Equal(got, body) {
			rt.Fatalf("%s: %v", header, err)
		}
	})
}

// FuzzDecode: whatever comes, an answer within the bounds and no panic.
func FuzzDecode(f *testing.F) {
	for name := range encoders {
		f.Add(strings.Replace(name, "raw", "deflate", 1), encode(f, []byte(event), name))
	}
	f.Add("br,gzip", encode(f, []byte(event), "br", "gzip"))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		before := bytes.Clone(body)
		got, err := coding.Decode(header, body)
		known := errors.Is(err, coding.ErrUnknown) || errors.Is(err, coding.ErrDamaged) || errors.Is(err, coding.ErrTooLarge)
		if err != nil && !known {
			t.Errorf("an error of another kind: %v", err)
		}
		if len(got) > max(coding.MaxBody, len(body)) {
			t.Errorf("%d bytes", len(got))
		}
		if !bytes.Equal(before, body) {
			t.Error("the body was changed")
		}
	})
}
