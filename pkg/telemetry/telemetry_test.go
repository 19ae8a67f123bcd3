package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func secretUnder(key string) slog.Attr { return slog.String(key, "topsecret") }

func TestLoggerMasksCredentials(t *testing.T) {
	type inner struct {
		APIKey string `json:"api_key"`
		Name   string `json:"name"`
	}
	for name, attr := range map[string]slog.Attr{
		"token":                  slog.String("token", "topsecret"),
		"secret_key":             slog.String("secret_key", "topsecret"),
		"api key, camel case":    secretUnder("ApiKey"),
		"header":                 secretUnder("Authorization"),
		"header with dashes":     secretUnder("X-Api-Key"),
		"webhook url":            secretUnder("webhookUrl"),
		"a list":                 slog.Any("tokens", []string{"topsecret"}),
		"bytes":                  slog.Any("redaction_key", []byte("topsecret")),
		"in a group":             slog.Group("request", slog.String("token", "topsecret")),
		"under a group":          slog.Group("credentials", slog.String("a", "topsecret")),
		"in a map":               slog.Any("headers", map[string][]string{"Authorization": {"topsecret"}}),
		"deep in a struct":       slog.Any("x", []any{map[string]inner{"a": {APIKey: "topsecret"}}}),
		"our token in a text":    slog.String("path", "/webhooks/demo/slr_topsecrettopsecret"),
		"our token in an error":  slog.Any("error", errors.New("GET /webhooks/demo/slr_topsecrettopsecret")),
		"our token in a list":    slog.Any("paths", []string{"/slr_topsecrettopsecret"}),
		"an address":             slog.String("error", "crm: 422: topsecret@example.com is no contact"),
		"an address in a form":   slog.String("error", "email=topsecret%40example.com&x=1"),
		"an address in JSON":     slog.String("error", `{"email":"topsecret\u0040example.com"}`),
		"bearer in a text":       slog.String("line", "authorization: bearer topsecret"),
		"password in a URL":      slog.String("endpoint", "https://user:topsecret@host/x"),
		"password in a URL, err": slog.Any("error", errors.New(`Post "https://topsecret@host/x"`)),
		"signing secret":         slog.String("x", "whsec_topsecret"),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			NewLogger(&out, slog.LevelInfo).Info("m", attr)
			if strings.Contains(out.String(), "topsecret") || strings.Contains(out.String(), "dG9wc2VjcmV0") {
				t.Errorf("%s", out.String())
			}
			if !strings.Contains(out.String(), masked) {
				t.Errorf("nothing shows that something was masked: %s", out.String())
			}
		})
	}
	t.Run("in the message", func(t *testing.T) {
		var out bytes.Buffer
		NewLogger(&out, slog.LevelInfo).Info("got slr_topsecrettopsecret")
		if strings.Contains(out.String(), "topsecret") {
			t.Errorf("%s", out.String())
		}
	})
}

func TestLoggerKeepsWhatIsHarmless(t *testing.T) {
	var out bytes.Buffer
	NewLogger(&out, slog.LevelInfo).Info("delivery.attempted",
		"event_id", "v1:EMAIL_REPLY:A", "source", "main", "type", "EMAIL_REPLY", "attempt", 2,
		"outcome", "retry", "duration_ms", 12, "request_id", "r-1",
		"fencing_token", 7, "tokens", 2, "flags", []string{"timeless"}, "error", errors.New("a <b> & c"),
		"at", time.Unix(0, 0).UTC(), "big", map[string]any{"n": uint64(math.MaxUint64), "tokens": 3})
	if !regexp.MustCompile(`^{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",`).Match(out.Bytes()) {
		t.Errorf("Lambda finds no time in %s", out.String())
	}
	var line map[string]any
	decoder := json.NewDecoder(&out)
	decoder.UseNumber()
	if err := decoder.Decode(&line); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"level": "INFO", "msg": "delivery.attempted", "event_id": "v1:EMAIL_REPLY:A", "source": "main",
		"type": "EMAIL_REPLY", "attempt": "2", "outcome": "retry", "duration_ms": "12", "request_id": "r-1",
		"fencing_token": "7", "tokens": "2", "flags": "[timeless]", "error": "a <b> & c",
		"at": "1970-01-01T00:00:00Z", "big": "map[n:18446744073709551615 tokens:3]",
	} {
		if got := fmt.Sprint(line[key]); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

func TestLoggerBoundsALine(t *testing.T) {
	var out bytes.Buffer
	logger := NewLogger(&out, slog.LevelWarn)
	logger.Info("below the level")
	if out.Len() != 0 {
		t.Errorf("%s", out.String())
	}
	long := strings.Repeat("ä", 100_000)
	logger.Error("m", "a", long, "b", errors.New(long), "c", []string{long}, "d", errors.New("one\ntwo\x1b[31m"), "e", make(chan int))
	if out.Len() > 4*maxText || strings.Count(out.String(), "\n") != 1 || !json.Valid(out.Bytes()) || !utf8.Valid(out.Bytes()) {
		t.Errorf("%d bytes", out.Len())
	}
	if !strings.Contains(out.String(), `"d":"one two [31m"`) {
		t.Errorf("%s", out.String())
	}
}

func TestParseLevel(t *testing.T) {
	if level, err := ParseLevel("Warn"); err != nil || level != slog.LevelWarn {
		t.Errorf("%v, %v", level, err)
	}
	for _, s := range []string{"", "loud", "loud\x1b[31m" + strings.Repeat("x", 1000)} {
		if _, err := ParseLevel(s); err == nil || strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 100 {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                 "plain",
		"  a \t\r\n b  ":        "a b",
		"\x1b[31mred\x07\x00":   "[31mred",
		"bidi\u202etxt\u2028x":  "bidi txt x",
		"zero\u200bwidth":       "zero width",
		"bad\xff\xfebytes":      "bad bytes",
		"0123456789abcdefghijk": "0123456789abcdefg…",
		"äöüäöüäöüäöü":          "äöüäöüäö…",
		"":                      "",
	} {
		if got := Clean(in, 20); got != want || len(got) > 20 {
			t.Errorf("%q became %q (%d bytes), want %q", in, got, len(got), want)
		}
	}
	if got := Clean("abcdef", 2); len(got) > 2 {
		t.Errorf("%q", got)
	}
}
