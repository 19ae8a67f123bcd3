package output

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ms", 250 * time.Millisecond: "250 ms", 1500 * time.Millisecond: "1.5 s", 2 * time.Second: "2 s",
		90 * time.Second: "1 min 30 s", 2 * time.Hour: "2 h", 26 * time.Hour: "1 d 2 h", -time.Minute: "1 min",
	} {
		if got := Span(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Thousands(n); got != want {
			t.Errorf("%d: got %q", n, got)
		}
	}
}

func TestEncodeShowsNoControlCharacterAndMeansTheSame(t *testing.T) {
	in := "a\x1b\x7f\u0080\u009b\u202e\U000e0001é世\n"
	line, err := encode(in)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(strings.TrimSuffix(string(line), "\n"), "\x1b\x7f\u0080\u009b\u202e\U000e0001\n") {
		t.Errorf("got %q", line)
	}
	var back string
	if err := json.Unmarshal(line, &back); err != nil || back != in {
		t.Errorf("%v: got %q, want %q", err, back, in)
	}
	if !strings.Contains(string(line), "é世") {
		t.Errorf("printable text must stay: %s", line)
	}
}

func TestTableCleansItsCells(t *testing.T) {
	table := NewTable("NAME", ">N", "~TEXT")
	table.Add("a\x1b[0m", "5", strings.Repeat("long ", 30))
	table.Add("b", "10", "")
	shown, _ := onTerminal(t, table, "", 40)
	if !strings.Contains(shown, "…") || strings.Contains(shown, "\x1b") || !strings.Contains(shown, "10  -") {
		t.Errorf("got\n%s", shown)
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"a-b": "a-b", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "v1:A:B~2": "'v1:A:B~2'"} {
		if got := Quote(in); got != want {
			t.Errorf("%q: got %s", in, got)
		}
	}
}
