package gateway

import (
	"encoding/json"
	"testing"
)

func TestPassed(t *testing.T) {
	for name, c := range map[string]struct {
		contentType, encoding, body, want string
		replaced                          int
	}{
		"JSON":                   {"application/json", "", "{\"a\":\"\xe9\xe9é\"}", "{\"a\":\"\uFFFD\uFFFDé\"}", 2},
		"a cut character":        {"text/plain; charset=utf-8", "", "a\xc3", "a\uFFFD", 1},
		"a replacement, as sent": {"Application/JSON", "identity", "\uFFFD", "\uFFFD", 0},
		"bytes":                  {"application/octet-stream", "", "\xe9", "\xe9", 0},
		"a form":                 {"application/x-www-form-urlencoded", "", "\xe9", "\xe9", 0},
		"another JSON type":      {"application/cloudevents+json", "", "\xe9", "\xe9", 0},
		"no type":                {"", "", "\xe9", "\xe9", 0},
		"compressed":             {"application/json", "gzip", "\x1f\x8b", "\x1f\x8b", 0},
	} {
		if got, n := Passed(c.contentType, c.encoding, []byte(c.body)); string(got) != c.want || n != c.replaced {
			t.Errorf("%s: %q, %d; want %q, %d", name, got, n, c.want, c.replaced)
		}
	}
}

// FuzzPassed holds what is passed as text to what encoding/json makes of the same bytes,
// through which a body goes on its way to a function.
func FuzzPassed(f *testing.F) {
	f.Add("application/json", "", []byte("{\"a\":\"\xe9\xc3\"}"))
	f.Add("text/plain;charset=\xff", "identity", []byte("\xed\xa0\x80\xf4\x90\x80\x80"))
	f.Add("; ;=", "gzip", []byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, contentType, encoding string, body []byte) {
		got, replaced := Passed(contentType, encoding, body)
		want := string(body)
		if AsText(contentType, encoding) {
			wire, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(wire, &want); err != nil {
				t.Fatal(err)
			}
		}
		if string(got) != want || len(got) != len(body)+2*replaced {
			t.Errorf("%q, %d replaced; want %q", got, replaced, want)
		}
	})
}
