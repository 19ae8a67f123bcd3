package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
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

var at = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newMetrics(out *bytes.Buffer) *Metrics {
	return NewMetrics(out, "SmartleadReceiver", map[string]string{"function": "receiver"}, func() time.Time { return at })
}

func TestMetricsWriteTheEmbeddedFormat(t *testing.T) {
	var out bytes.Buffer
	m := newMetrics(&out)
	if err := m.Flush(); err != nil || out.Len() != 0 {
		t.Errorf("nothing collected: %q, %v", out.String(), err)
	}
	m.Count("Accepted", 1)
	m.Count("Accepted", 2)
	m.Count("Duplicates", 0)
	m.Duration("Latency", 1500*time.Microsecond)
	m.Duration("Latency", 2*time.Millisecond)
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	want := `{"Accepted":3,"Duplicates":0,"Latency":[1.5,2],"_aws":{"Timestamp":1795521600000,"CloudWatchMetrics":[` +
		`{"Namespace":"SmartleadReceiver","Dimensions":[["function"]],"Metrics":[` +
		`{"Name":"Accepted","Unit":"Count"},{"Name":"Duplicates","Unit":"Count"},{"Name":"Latency","Unit":"Milliseconds"}]}]},` +
		`"function":"receiver"}` + "\n"
	if out.String() != want {
		t.Errorf("got  %s\nwant %s", out.String(), want)
	}
	out.Reset()
	if err := m.Flush(); err != nil || out.Len() != 0 {
		t.Errorf("flushed twice: %q, %v", out.String(), err)
	}
}

func TestMetricsWithoutDimensions(t *testing.T) {
	var out bytes.Buffer
	m := NewMetrics(&out, "x", nil, func() time.Time { return at })
	m.Count("N", 1)
	if err := m.Flush(); err != nil || !strings.Contains(out.String(), `"Dimensions":[[]]`) {
		t.Errorf("%s, error %v", out.String(), err)
	}
}

type document struct {
	AWS struct {
		CloudWatchMetrics []struct {
			Dimensions [][]string
			Metrics    []struct{ Name string }
		}
	} `json:"_aws"`
	Source      string `json:"source"`
	Destination string `json:"destination"`
	N           any
}

func lines(t *testing.T, out *bytes.Buffer) []document {
	t.Helper()
	var all []document
	for line := range strings.Lines(out.String()) {
		var d document
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func TestMetricsKeepSetsOfDimensionsApart(t *testing.T) {
	var out bytes.Buffer
	m := newMetrics(&out)
	m.Count("N", 1, "source", "a")
	m.Count("N", 2, "source", "b")
	m.Count("N", 3, "source", "a", "destination", "")
	m.Count("N", 4, "destination", "none", "source", "a")
	m.Count("N", 5, "source")
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, d := range lines(t, &out) {
		got[strings.Join(d.AWS.CloudWatchMetrics[0].Dimensions[0], ",")+"|"+d.Source+"|"+d.Destination] = d.N
	}
	want := map[string]any{
		"function,source|a|": 1.0, "function,source|b|": 2.0,
		"destination,function,source|a|none": 7.0, "function,source|none|": 5.0,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestMetricsStayWithinTheFormatsLimits(t *testing.T) {
	var out bytes.Buffer
	m := newMetrics(&out)
	for i := range 250 {
		m.Duration("N", time.Duration(i)*time.Millisecond)
		m.Count(fmt.Sprintf("M%d", i), 1)
	}
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	metrics, values := map[string]bool{}, 0
	for _, d := range lines(t, &out) {
		names := d.AWS.CloudWatchMetrics[0].Metrics
		if len(names) > maxMetrics {
			t.Errorf("%d metrics in one line", len(names))
		}
		for _, n := range names {
			metrics[n.Name] = true
		}
		if list, ok := d.N.([]any); ok {
			if values += len(list); len(list) > maxValues {
				t.Errorf("%d values of one name", len(list))
			}
		}
	}
	if len(metrics) != 251 || values != 250 {
		t.Errorf("%d metrics, %d values", len(metrics), values)
	}
}

func TestMetricsAreSafeForConcurrentUse(t *testing.T) {
	var out bytes.Buffer
	m := newMetrics(&out)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				m.Count("N", 1)
			}
		})
	}
	for range 20 { // the buffer has one writer: this goroutine
		if err := m.Flush(); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for _, d := range lines(t, &out) {
		n, _ := d.N.(float64)
		total += n
	}
	if total != 800 {
		t.Errorf("%v of 800 counted", total)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestMetricsReportAWriterThatFails(t *testing.T) {
	m := NewMetrics(brokenWriter{}, "x", nil, time.Now)
	m.Count("N", 1)
	if err := m.Flush(); err == nil {
		t.Error("no error")
	}
}
