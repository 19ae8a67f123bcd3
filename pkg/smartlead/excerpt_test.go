package smartlead

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

const (
	excerptToken = "slr_abcdefghijklmnopqrstuvwxyz234567"
	excerptValue = "Zq7Kx94TmWb2"
	excerptLimit = 2048
)

var excerptOptions = Options{RedactionKey: []byte("k"), Secrets: []string{excerptToken}}

// utf16Text is a text in UTF-16 or UTF-32, by the bytes of a unit.
func utf16Text(s string, order binary.AppendByteOrder, width int) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if width == 4 {
			out = order.AppendUint32(out, uint32(u))
		} else {
			out = order.AppendUint16(out, u)
		}
	}
	return string(out)
}

func each(s, format string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&out, format, c)
	}
	return out.String()
}

func TestExcerpt(t *testing.T) {
	const V, T = excerptValue, excerptToken
	object, url := `{"secret_key":"`+V+`"}`, "https://x.example/webhooks/demo/"+T
	wide := strings.Repeat("\u00e9", maxExcerptInput)
	const dropped = "[redacted to the end]"
	for name, c := range map[string][2]string{
		"nothing to hide":         {`{"event_type":"EMAIL_OPEN","to_email":"a@b.example",`, `{"event_type":"EMAIL_OPEN","to_email":"a@b.example",`},
		"what stands before":      {`{"event_type":"EMAIL_OPEN","secret_key":"` + V, `{"event_type":"EMAIL_OPEN","` + dropped},
		"a form":                  {"event_type=EMAIL_OPEN&campaign_id=42&secret_key=" + V, "event_type=EMAIL_OPEN&campaign_id=42&" + dropped},
		"a page":                  {"<html><body>502 Bad Gateway</body></html>", "<html><body>502 Bad Gateway</body></html>"},
		"a UUID and a time":       {"5b1f7a52-0c3e-4d9a-9a41-000000000001 at 2026-03-04T17:29:11", "5b1f7a52-0c3e-4d9a-9a41-000000000001 at 2026-03-04T17:29:11"},
		"escapes of letters":      {`{"a":"\u00e9 \ud83d\ude00 %C3%A9", bad`, `{"a":"é 😀 é", bad`},
		"UTF-16":                  {utf16Text(object, binary.LittleEndian, 2), notTextMark},
		"UTF-16, big end":         {utf16Text(object, binary.BigEndian, 2), notTextMark},
		"UTF-32":                  {utf16Text(object, binary.LittleEndian, 4), notTextMark},
		"UTF-16, read as UTF-8":   {"\uFFFD\uFFFD" + utf16Text(object, binary.LittleEndian, 2), notTextMark},
		"replaced characters":     {"caf\uFFFD " + V, notTextMark},
		"NUL, escaped":            {`s\u0000e\u0000c ` + V, notTextMark},
		"NUL, percent":            {"s%00e%00c " + V, notTextMark},
		"Latin-1":                 {"caf\xe9 " + V, notTextMark},
		"Latin-1, percent":        {"caf%E9 " + V, notTextMark},
		"NUL far behind":          {strings.Repeat("a ", maxExcerptInput) + "\x00", notTextMark},
		"line break after colon":  {"{\"secret_key\":\n \"" + V + "\", bad", `{"` + dropped},
		"tab before colon":        {"{\"secret_key\"\t:\t\"" + V + "\", bad", `{"` + dropped},
		"line break before colon": {"{\"secret_key\"\r\n:\"" + V + "\", bad", `{"` + dropped},
		"name, escaped":           {`{"secret\u005fkey":"` + V + `" bad`, `{"` + dropped},
		"name, all escaped":       {`{"` + each("api_key", `\u%04x`) + `":"` + V + `" bad`, `{"` + dropped},
		"name, percent":           {"a=1&api%5Fkey=" + V, "a=1&" + dropped},
		"name, percent twice":     {"a=1&api%255Fkey=" + V, "a=1&" + dropped},
		"name, entity":            {"<a>1</a><api&#95;key>" + V, "<a>1</a><" + dropped},
		"name, unseen characters": {"sec\u200bret\u00adkey: " + V, dropped},
		"name, wide":              {"API - KEY " + V, dropped},
		"name, soft line break":   {"pass=\r\nword " + V, dropped},
		"XML":                     {"<secret_key>" + V + "</secret_key>", "<" + dropped},
		"multipart":               {"--b\r\nContent-Disposition: form-data; name=\"secret_key\"\r\n\r\n" + V, dropped},
		"arrow":                   {"secret_key => " + V, dropped},
		"arrow, quoted":           {`["api_key"=>"` + V + `"]`, `["` + dropped},
		"Python":                  {`{'secret_key': u'` + V + `'`, `{'` + dropped},
		"PHP":                     {`a:1:{s:10:"secret_key";s:12:"` + V + `";}`, dropped},
		"value before its name":   {`<a b="1"><input value="` + V + `" name="client_secret">`, dropped},
		"pair":                    {`[{"value":"` + V + `","name\u0022\u003a"x-api-key"}`, dropped},
		"pair, XML":               {"<value>" + V + "</value><name>\n token</name>", dropped},
		"name behind an entity":   {"&#x" + each("apikey="+V, "%%25%02x"), "&#x" + dropped},
		"two words":               {`{"secret_key" : "A ` + V + `"`, `{"` + dropped},
		"header":                  {"Authorization: Basic " + V, dropped},
		"cookie":                  {"Cookie: a=" + V, dropped},
		"password":                {"user=a password " + V, "user=a " + dropped},
		"base64":                  {"x " + base64.StdEncoding.EncodeToString([]byte(`{"a":"b",`+object)) + " y", "x [encoded] y"},
		"base64, short":           {base64.RawStdEncoding.EncodeToString([]byte(object)), "[encoded]"},
		"base64, behind a name":   {"data=" + base64.URLEncoding.EncodeToString([]byte(object)), "data=[encoded]"},
		"base64, in lines":        {lines(base64.StdEncoding.EncodeToString([]byte(object+strings.Repeat(" ", 40)+object)), 40), "[encoded]"},
		"base64 of UTF-16":        {base64.StdEncoding.EncodeToString([]byte(utf16Text(V+V, binary.LittleEndian, 2))), "[encoded]"},
		"hexadecimal":             {"0x" + hex.EncodeToString([]byte("key "+V)), "[encoded]"},
		"URL":                     {"GET " + url + " 1", "GET https://x.example/webhooks/redacted 1"},
		"URL, all escaped":        {`"` + each(url, `\u%04X`) + `" 1`, `"https://x.example/webhooks/redacted" 1`},
		"URL, escaped slashes":    {strings.ReplaceAll(url, "/", `\/`) + " 1", "https://x.example/webhooks/redacted 1"},
		"URL, percent":            {each(url, "%%%02x") + " 1", "https://x.example/webhooks/redacted 1"},
		"URL of another":          {"/webhooks/demo/" + V + " 1", "/webhooks/redacted 1"},
		"URL, places changed":     {"/webhooks/" + V + "/demo 1", "/webhooks/redacted 1"},
		"token":                   {"<" + T + ">", "<redacted>"},
		"token, upper case":       {"<" + strings.ToUpper(T) + ">", "<redacted>"},
		"token, in lines":         {"<" + lines(T, 7) + ">", "<redacted>"},
		"token of another":        {"a slr_" + V, "a " + dropped},
		"token across the clip":   {strings.Repeat("a ", (excerptLimit-10)/2) + T, strings.Repeat("a ", (excerptLimit-10)/2) + "redacted"},
		"clip at a character":     {wide, strings.Repeat("\u00e9", excerptLimit/2)},
	} {
		t.Run(name, func(t *testing.T) {
			got := Excerpt([]byte(c[0]), excerptLimit, excerptOptions)
			if got != c[1] {
				t.Errorf("got  %q\nwant %q", got, c[1])
			}
			checkExcerpt(t, got, excerptValue, excerptToken)
		})
	}
}

// TestExcerptOfLongBodies brings the cut of a long body into view by what is
// dropped before it: what lies across it must not be seen in part.
func TestExcerptOfLongBodies(t *testing.T) {
	url := each(excerptToken, `\u%04x`)
	encoded := base64.StdEncoding.EncodeToString([]byte(`{"a":"` + excerptValue + `"}`))
	for _, secret := range []string{excerptToken, url, lines(excerptToken, 1), each(excerptToken, "%%%02x"), encoded} {
		for before := 0; before < len(secret)+2*maxEscape; before += 23 {
			body := strings.Repeat("A", maxExcerptInput-before-2) + ". " + secret + strings.Repeat(" z", 99)
			checkExcerpt(t, Excerpt([]byte(body), excerptLimit, excerptOptions), excerptValue, excerptToken[4:])
		}
	}
}

func lines(s string, n int) string {
	var out []string
	for ; len(s) > n; s = s[n:] {
		out = append(out, s[:n])
	}
	return strings.Join(append(out, s), "\r\n")
}

// checkExcerpt holds for every excerpt: it is short text, and shows no secret,
// nor six characters of one.
func checkExcerpt(t rapid.TB, got string, secrets ...string) {
	t.Helper()
	if len(got) > excerptLimit || !utf8.ValidString(got) {
		t.Fatalf("got %d bytes, want %d at most, of UTF-8: %q", len(got), excerptLimit, got)
	}
	for _, secret := range secrets {
		for i := range len(secret) - 5 {
			if strings.Contains(squeeze(got).text, squeeze(secret[i:i+6]).text) {
				t.Fatalf("got %q, want nothing of %q in it", got, secret[i:i+6])
			}
		}
	}
}

// excerptForms are the forms in which a credential comes: %s is its value.
var excerptForms = []string{
	`"secret_key":"%s"`, `"secret_key" : "A %s"`, "\"api_key\"\t:\n\"%s\"", `'Authorization': u'Bearer %s'`, `<api-key>%s</api-key>`, `<a api_key='%s'>`,
	"name=\"Secret Key\"\r\n\r\n%s", `apiKey => %s`, `s:8:"password";s:9:"%s";`, "X-Access-Token: %s", "set-cookie: a=%s",
	"/webhooks/demo/%s", "https://x.example/webhooks/%s?x", "webhooks?token=%s", "slr_%s", "passwd = [%s", `secretkey"|%s`,
	`"value":"%s","name":"secret_key"`, `<input value=%s name='api-key'>`, "<v>%s</v><k>X-Auth-Token</k>",
}

// excerptSpellings keep every character of a text, in another form.
var excerptSpellings = map[string]func(string) string{
	"plain":   func(s string) string { return s },
	"quoted":  func(s string) string { return strings.Trim(quoted(quoted(s)), `"`) },
	"escaped": func(s string) string { return each(s, `\u%04x`) },
	"Escaped": func(s string) string { return each(s, `\\u%04X`) },
	"braces":  func(s string) string { return each(s, `\u{%x}`) },
	"hex":     func(s string) string { return each(s, `\x%02x`) },
	"percent": func(s string) string { return each(s, "%%%02X") },
	"twice":   func(s string) string { return each(s, "%%25%02x") },
	"entity":  func(s string) string { return each(s, "&#x%x;") },
	"base64":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"URL64":   func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"lines64": func(s string) string { return lines(base64.StdEncoding.EncodeToString([]byte(s)), 76) },
	"hexed":   func(s string) string { return hex.EncodeToString([]byte(s)) },
	"utf16":   func(s string) string { return utf16Text(s, binary.LittleEndian, 2) },
	"utf16be": func(s string) string { return "\uFFFD\uFFFD" + utf16Text(s, binary.BigEndian, 2) },
	"utf32":   func(s string) string { return utf16Text(s, binary.BigEndian, 4) },
}

var excerptNoise = []string{
	"", " ", "\n", "\t", "{", "}", `"`, "'", "&", "=", ":", ",", `\`, "%", "%2", `\u`, `\u00`, "&#", "<", "/", "webhooks", "secretary", "\u00e9", "é%C3%A9",
	`{"event_type":"EMAIL_OPEN",`, "redacted", excerptToken[:9], strings.Repeat("x ", excerptLimit/2-9), strings.Repeat("\u00e9", maxExcerptInput/2-40),
}

func TestExcerptNeverShowsASecret(t *testing.T) {
	var names []string
	for name := range excerptSpellings {
		names = append(names, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		noise := rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(excerptNoise), 0, 4).Draw(t, "noise"), "")
		})
		value := rapid.StringMatching(`[A-Z][a-z0-9]{11}[A-Z]{3}`).Draw(t, "value")
		opts := Options{Secrets: []string{value}}
		text := value // a literal needs no name
		if rapid.Bool().Draw(t, "named") {
			opts = excerptOptions
			text = fmt.Sprintf(rapid.SampledFrom(excerptForms).Draw(t, "form"), value)
		}
		spell := excerptSpellings[rapid.SampledFrom(names).Draw(t, "spelling")]
		body := noise.Draw(t, "before") + spell(text) + noise.Draw(t, "after")
		checkExcerpt(t, Excerpt([]byte(body), excerptLimit, opts), value)
	})
}

// FuzzExcerpt holds that what is named a credential, and the token, do not show,
// whatever stands around them.
func FuzzExcerpt(f *testing.F) {
	for i := range excerptForms {
		f.Add(byte(i), `{"event_type":"EMAIL_OPEN",`, ` bad`)
	}
	f.Fuzz(func(t *testing.T, form byte, before, after string) {
		text := excerptToken + " " + fmt.Sprintf(excerptForms[int(form)%len(excerptForms)], excerptValue)
		checkExcerpt(t, Excerpt([]byte(before+text+after), excerptLimit, excerptOptions), excerptValue, excerptToken[4:])
	})
}

func TestShowsSecret(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "req-1": false, "%zz \xff": false, excerptToken: true, "x" + strings.ToUpper(excerptToken) + "y": true,
		each(excerptToken, "%%%02x"): true, excerptToken[:20]: false, excerptToken[:20] + "-" + excerptToken[20:]: true,
	} {
		if got := ShowsSecret(text, excerptOptions); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}
