package smartlead

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseTime(t *testing.T) {
	noon := time.Date(2026, 3, 4, 12, 0, 1, 618_000_000, time.UTC)
	for s, want := range map[string]time.Time{
		"2026-03-04T12:00:01.618Z":           noon,
		"2026-03-04T12:00:01.618881+00:00":   noon,
		"2026-03-04T12:00:01.6188810Z":       noon,
		"2026-03-04 12:00:01.618Z":           noon,
		"2026-03-04t12:00:01.618z":           noon,
		" 2026-03-04T12:00:01.618 ":          noon,
		"2026-03-04T12:00:01,618+0000":       noon,
		"2026-03-04T14:00:01.618+02:00":      noon,
		"2026-03-04T17:30:01.618+0530":       noon,
		"2026-03-04T07:00:01.618-05":         noon,
		"2026-03-04 12:00:01.618 UTC":        noon,
		"1772625601618":                      noon,
		"1772625601.618":                     noon,
		"1772625601618000":                   noon,
		"1772625601":                         noon.Truncate(time.Second),
		"2026-03-04T12:00:01+00:00":          noon.Truncate(time.Second),
		"2024-02-29T00:00:00Z":               time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
		"":                                   {},
		"soon":                               {},
		"2026-03-04":                         {},
		"2026-02-29T00:00:00Z":               {},
		"2026-13-01T00:00:00Z":               {},
		"2026-03-04T25:00:00Z":               {},
		"2026-03-04T12:00:01.Z":              {},
		"2026-03-04T12:00:01+99:00":          {},
		"2026-03-04T12:00:01 tomorrow":       {},
		"0001-01-01T00:00:00Z":               {},
		"1970-01-01T00:00:00Z":               {},
		"0":                                  {},
		"123":                                {},
		"-1772625601":                        {},
		"99999999999999999999":               {},
		"1e12":                               {},
		"177262560x":                         {},
		"2026-03-04T12:00:01.1234567890123Z": time.Date(2026, 3, 4, 12, 0, 1, 123_000_000, time.UTC),
	} {
		got, ok := parseTime(s)
		if ok == want.IsZero() || !got.Equal(want) {
			t.Errorf("%q: got %v %v, want %v", s, got, ok, want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for raw, want := range map[string]string{
		"0": "0", "-0": "0", "12": "12", "12.0": "12", "1.2e1": "12", "1E3": "1000", "1e+3": "1000", "1200e-2": "12",
		"12.50": "12.5", "-1.5": "-1.5", "0.001": "0.001", "1e-3": "0.001", "-0.0": "0",
		"12345678901234567890123": "12345678901234567890123", "9007199254740993.0": "9007199254740993",
		"1e999999": "1e999999", "1e-999999": "1e-999999", "1e99999999999999999999": "1e99999999999999999999",
	} {
		if got := decimal([]byte(raw)); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}

// TestDecimalIsExact compares with big rationals.
func TestDecimalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.StringMatching(`-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,8})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		got := decimal([]byte(raw))
		a, okA := new(big.Rat).SetString(raw)
		b, okB := new(big.Rat).SetString(got)
		if !okA || !okB || a.Cmp(b) != 0 {
			t.Fatalf("got %s, want the number %s", got, raw)
		}
		if again := decimal([]byte(got)); again != got {
			t.Fatalf("again: got %s, want %s", again, got)
		}
	})
}

func TestAddress(t *testing.T) {
	for s, want := range map[string]string{
		" Tom@Acme.Example.com ":                  "tom@acme.example.com",
		"Tom Example <Tom@acme.example.com>":      "tom@acme.example.com",
		`"Example, Tom" <tom+x@acme.example.com>`: "tom+x@acme.example.com",
		"a@x.example, b@x.example":                "a@x.example",
		"A <a@x.example>; B <b@x.example>":        "a@x.example",
		"<<a@x.example>>":                         "a@x.example",
		"Jürgen <JÜRGEN@Bücher.example>":          "jürgen@bücher.example",
		"mailto:a@x.example":                      "a@x.example",
		"untracked":                               "",
		"":                                        "",
		"tom":                                     "",
		"@x.example":                              "",
		"tom@":                                    "",
		"tom at x.example":                        "",
		strings.Repeat("a", 400) + "@x.example":   "",
	} {
		if got := address(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func TestIsDaemon(t *testing.T) {
	for _, a := range []string{"mailer-daemon@x.example", "postmaster@x.example", "no-reply@x.example", "noreply+7@x.example", "do-not-reply@x.example", "noreply2@x.example"} {
		if !isDaemon(a) {
			t.Errorf("%s: got no daemon, want one", a)
		}
	}
	for _, a := range []string{"", "tom@x.example", "noreplyton@x.example", "postmasters@x.example", "tom.noreply@x.example"} {
		if isDaemon(a) {
			t.Errorf("%s: got a daemon, want none", a)
		}
	}
}

func TestLookUp(t *testing.T) {
	for raw, want := range map[string]string{
		"EMAIL_REPLY": "EMAIL_REPLY", " email.replied\t": "EMAIL_REPLY", "Lead Replied": "EMAIL_REPLY", "email-link-click": "EMAIL_LINK_CLICK",
		"Campaign Status Change": "CAMPAIGN_STATUS_CHANGED", "first  email  sent": "FIRST_EMAIL_SENT", "campaign.bounce.threshold.breached": "CAMPAIGN_BOUNCE_BREACH",
		"LEAD_SENT": "UNKNOWN", "": "UNKNOWN", "EMAILREPLY": "UNKNOWN", "THREADED_REPLIES": "UNKNOWN",
	} {
		if got := lookUp(raw).typ; string(got) != want {
			t.Errorf("%q: got %s, want %s", raw, got, want)
		}
	}
}

// TestScanAgreesWithStandardLibrary holds that what is JSON is not our invention.
func TestScanAgreesWithStandardLibrary(t *testing.T) {
	for _, s := range []string{
		`{}`, `[]`, ` [ ] `, `{"a":1}`, `{"a":1,}`, `{,}`, `[1,]`, `[,1]`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1}}`, `[`, `{`, `{"a`, `"\`, `"\u12`,
		`"\u12G4"`, `"\x"`, "\"\n\"", "\"\t\"", `01`, `-`, `-0`, `-01`, `1.`, `.5`, `1.5e`, `1e+`, `1e5`, `+1`, `tru`, `true`, `truee`, `nul`, `null`, `[1 2]`,
		`{"a":1 "b":2}`, `{"a":{"b":[{"c":[[]]}]}}`, `"\/\b\f\n\r\t\"\\"`, `NaN`, `'a'`, `{"a":1}//`, "\u00a0{}", `[1}`, `{"a":1]`, ``, ` `,
	} {
		tree, err := scanTree([]byte(s), bodyLimits)
		if (err == nil) != json.Valid([]byte(s)) {
			t.Errorf("%q: got %v, want valid: %v", s, err, json.Valid([]byte(s)))
		}
		if err == nil {
			tree.free()
		}
	}
}
