package gateway

import "testing"

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
