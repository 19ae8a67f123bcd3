package smartlead

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// one parses a body that must be one event.
func one(t rapid.TB, body string, opts Options) Element {
	t.Helper()
	batch, err := Parse([]byte(body), opts)
	if err != nil || len(batch.Elements) != 1 || batch.Elements[0].Err != nil {
		t.Fatalf("got %+v and the error %v, want one event\n%s", batch.Elements, err, body)
	}
	return batch.Elements[0]
}

// TestOtherSpellings holds that how one event is written changes neither its id
// nor its fingerprint.
func TestOtherSpellings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := generateEvent(t)
		want := one(t, g.body.String(), corpusOptions)
		got := one(t, respell(t, g.body), corpusOptions)
		if got.Key != want.Key || got.Fingerprint != want.Fingerprint {
			t.Fatalf("got another event\n%v %v\nwant\n%v %v", got.BasisFields, got.Fingerprint, want.BasisFields, want.Fingerprint)
		}
	})
}

// respell writes the same members in another order, with other white space,
// escapes, kinds of number and spellings of time.
func respell(t *rapid.T, o object) string {
	o = rapid.Permutation(o).Draw(t, "order")
	space := rapid.SampledFrom([]string{"", " ", "\n\t", "\r\n  "})
	var text strings.Builder
	text.WriteString(space.Draw(t, "space") + "{")
	for i, m := range o {
		if i > 0 {
			text.WriteString(",")
		}
		name := escaped(t, m.name)
		text.WriteString(space.Draw(t, "space") + name + space.Draw(t, "space") + ":" + space.Draw(t, "space"))
		text.WriteString(respellValue(t, m.value))
	}
	text.WriteString(space.Draw(t, "space") + "}")
	return text.String()
}

func respellValue(t *rapid.T, value string) string {
	switch {
	case isDigits(value):
		return rapid.SampledFrom([]string{value, quoted(value), value + ".0", value + "e0"}).Draw(t, "number")
	case isDigits(strings.Trim(value, `"`)) && len(value) < 30:
		return rapid.SampledFrom([]string{value, strings.Trim(value, `"`)}).Draw(t, "text")
	case value[0] == '"':
		s := strings.Trim(value, `"`)
		if at, err := time.Parse(timeLayout, s); err == nil {
			return rapid.SampledFrom([]string{
				value, quoted(at.Format("2006-01-02T15:04:05.000+00:00")), quoted(at.Format("2006-01-02 15:04:05.000") + "Z"),
				quoted(at.Format("2006-01-02T15:04:05.000") + "999+00:00"), quoted(at.In(time.FixedZone("", 7200)).Format("2006-01-02T15:04:05.000Z07:00")),
				fmt.Sprint(at.UnixMilli()), quoted(fmt.Sprint(at.UnixMilli())),
			}).Draw(t, "time")
		}
		if !strings.Contains(s, `\`) && rapid.Bool().Draw(t, "escape") {
			return escaped(t, s)
		}
	}
	return value
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == "" && (s[0] != '0' || s == "0")
}

// escaped writes some characters as \u escapes.
func escaped(t *rapid.T, s string) string {
	var text strings.Builder
	text.WriteByte('"')
	for _, r := range s {
		if r < 0x80 && r >= ' ' && r != '"' && r != '\\' && rapid.IntRange(0, 9).Draw(t, "one") == 0 {
			fmt.Fprintf(&text, `\u%04x`, r)
			continue
		}
		text.WriteString(strings.Trim(quoted(string(r)), `"`))
	}
	text.WriteByte('"')
	return text.String()
}

// TestVolatileMembers holds that what differs between hooks and deliveries does
// not change the event.
func TestVolatileMembers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := generateEvent(t)
		want := one(t, g.body.String(), corpusOptions)
		other := g.body.with(
			member{"webhook_id", drawID(t, "hook")}, member{"webhook_name", quoted(drawText(t, "hook name"))},
			member{"webhook_url", `"https://other.example/webhooks/a/b"`}, member{"secret_key", quoted(drawText(t, "key"))},
			member{"campaign_name", quoted(drawText(t, "renamed"))}, member{"reply_category", "3"},
			member{"history", `[{"a":1}]`}, member{"last_reply", "{}"}, member{"client_id", drawID(t, "client")},
			member{"description", `"words"`}, member{"app_url", `"https://app.example"`}, member{"meta", `{"attempt":2}`},
			member{"metadata", "{}"}, member{"a_null", "null"},
		)
		if g.body.find("current_status") >= 0 || !strings.Contains(g.body.String(), "CAMPAIGN_STATUS") {
			other = other.with(member{"campaign_status", `"COMPLETED"`})
		}
		got := one(t, other.String(), corpusOptions)
		if got.Key != want.Key || got.Fingerprint != want.Fingerprint {
			t.Fatalf("got another event\n%v %v\nwant\n%v %v", got.BasisFields, got.Fingerprint, want.BasisFields, want.Fingerprint)
		}
	})
}

// TestDiscriminatingFields holds that each of an event's discriminating fields
// makes another event, and so does another account.
func TestDiscriminatingFields(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := generateEvent(t)
		first := one(t, g.body.String(), corpusOptions)
		names := make([]string, 0, len(g.changes))
		for name := range g.changes {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if one(t, g.changes[name](g.body).String(), corpusOptions).Key == first.Key {
				t.Fatalf("with another %s: got the same event %v, want another one\n%s", name, first.BasisFields, g.body)
			}
		}
		opts := corpusOptions
		opts.Account = "another"
		if one(t, g.body.String(), opts).Key == first.Key {
			t.Fatalf("got one event %s of two accounts, want two", first.Key)
		}
	})
}

// TestRedactionKeepsIdentity holds that neither the redaction's key nor its
// literals change the event.
func TestRedactionKeepsIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := generateEvent(t).body.with(member{"x_api_key", quoted(drawText(t, "key"))},
			member{"reply_body", `"see https://x.example/?api_key=abc"`}, member{"link_clicked", `"https://x.example/?api_key=abc"`}).String()
		first := one(t, body, corpusOptions)
		checkElement(t, first, corpusOptions)
		for _, key := range []string{"", "another key"} {
			opts := Options{Account: corpusOptions.Account, RedactionKey: []byte(key)}
			e := one(t, body, opts)
			if e.Key != first.Key || e.Fingerprint != first.Fingerprint {
				t.Fatalf("under the key %q: got %s %s, want %s %s", key, e.Key, e.Fingerprint, first.Key, first.Fingerprint)
			}
		}
	})
}

// TestSecretsNeverShow holds that a literal is gone from everything but SecretKey,
// wherever and however it stands in the body.
func TestSecretsNeverShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9_/+=-]{16,40}`).Draw(t, "secret")
		opts := Options{Account: "a", RedactionKey: []byte("k"), Secrets: []string{secret}}
		body := generateEvent(t).body
		spelled := rapid.SampledFrom([]string{secret, escapeAll(secret), strings.ReplaceAll(secret, "/", `\/`)}).Draw(t, "spelling")
		member1 := rapid.SampledFrom([]string{`"note":"see %s now"`, `"%s":1`, `"deep":[{"x":"https://h.example/webhooks/demo/%s"}]`, `"subject":"%s"`, `"event_id":"%s"`, `"to_name":"%s"`}).Draw(t, "place")
		text := strings.TrimSuffix(body.String(), "}") + "," + fmt.Sprintf(member1, spelled) + "}"
		e := one(t, text, opts)
		checkElement(t, e, opts)
		if shown := fmt.Sprintf("%+v %s", e.Event, e.Payload); strings.Contains(shown, secret) || strings.Contains(shown, spelled) {
			t.Fatalf("got %s, want none of the secret %s", shown, secret)
		}
	})
}

func escapeAll(s string) string {
	var text strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&text, `\u%04X`, c)
	}
	return text.String()
}
