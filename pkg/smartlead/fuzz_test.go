package smartlead

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// addCorpus seeds a fuzz target with the payloads.
func addCorpus(f *testing.F) {
	for _, path := range corpusFiles(f, "") {
		if info, err := os.Stat(path); err == nil && info.Size() < 8<<10 && !strings.Contains(path, "/same/") {
			f.Add(readFile(f, path))
		}
	}
}

var fuzzOptions = Options{Account: "default", RedactionKey: []byte("k"), Secrets: []string{"Sup3rS3cr3tT0k3n"}}

// FuzzParse holds that no input panics, that refusals are of a known kind and
// repeat nothing of the body, that events keep what checkElement says, and that no
// secret shows.
func FuzzParse(f *testing.F) {
	addCorpus(f)
	f.Add([]byte(`{"event_type":"EMAIL_OPEN","a":"Sup3rS3cr3tT0k3n","Sup3rS3cr3tT0k3n":1,"b":"api_key=Sup3rS3cr3tT0k3n."}`))
	f.Add([]byte(`{"a":"/webhooks/x/y?z=\u0053up3rS3cr3tT0k3n","Sup3rS3cr3tT0k3n":1,"redacted":2}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		batch, err := Parse(body, fuzzOptions)
		if string(body) != before {
			t.Fatalf("got the body %q, want it untouched: %q", body, before)
		}
		if err != nil {
			if !knownRefusal(err) {
				t.Fatalf("got the refusal %v, want a known one", err)
			}
			if got := Excerpt(body, 1<<16, fuzzOptions); strings.Contains(got, "Sup3rS3cr3tT0k3n") {
				t.Fatalf("got the excerpt %q, want none of the secret", got)
			}
		}
		want := json.Valid([]byte(strings.TrimPrefix(before, "\xEF\xBB\xBF")))
		if got := err == nil; got != want && utf8.ValidString(before) && !isAny(err, ErrScalar, ErrTooDeep, ErrTooMany) {
			t.Fatalf("accepted: got %v, want %v, as by encoding/json: %v", got, want, err)
		}
		for _, e := range batch.Elements {
			if e.Err != nil {
				if !knownRefusal(e.Err) {
					t.Fatalf("got the refusal %v, want a known one", e.Err)
				}
				continue
			}
			checkElement(t, e, fuzzOptions)
			event, _ := json.Marshal(e.Event)
			if strings.Contains(string(event)+string(e.Payload), "Sup3rS3cr3tT0k3n") {
				t.Fatalf("got %s and %s, want none of the secret", event, e.Payload)
			}
		}
	})
}

func knownRefusal(err error) bool {
	return isAny(err, ErrNotJSON, ErrScalar, ErrEncoding, ErrTooDeep, ErrTooMany, ErrNotObject)
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// FuzzIdentify holds that an event has one id: written anew by another encoder,
// with other volatile members or in a wrapper, it keeps it.
func FuzzIdentify(f *testing.F) {
	addCorpus(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		batch, err := Parse(body, fuzzOptions)
		if err != nil {
			return
		}
		for _, e := range batch.Elements {
			if e.Err != nil {
				continue
			}
			same := func(how, text string) {
				again, err := Parse([]byte(text), fuzzOptions)
				if err != nil || len(again.Elements) != 1 || again.Elements[0].Err != nil {
					t.Fatalf("%s: got %+v and the error %v, want one event\n%s", how, again.Elements, err, text)
				}
				if got := again.Elements[0]; got.Key != e.Key || got.Fingerprint != e.Fingerprint {
					t.Fatalf("%s: got the event %v %s\nwant %v %s\n%s", how, got.BasisFields, got.Fingerprint, e.BasisFields, e.Fingerprint, text)
				}
			}
			if opensAgain(e.Payload) {
				continue // the payload of a wrapper within wrappers beyond the bound
			}
			payload := string(e.Payload)
			same("array", "["+payload+"]")
			if e.Event.Type != "UNKNOWN" {
				same("wrapper", `{"headers":{},"body":`+payload+`}`)
			}
			if canon, err := reencode(e.Payload); err == nil {
				same("encoder", canon)
			}
			if strings.TrimSpace(payload[1:]) != "}" {
				same("volatile", `{"webhook_name":"x","webhook_id":5,"secret_key":"y",`+payload[1:])
			}
		}
	})
}

func opensAgain(payload []byte) bool {
	t, err := scanTree(payload, bodyLimits)
	if err != nil {
		return true
	}
	defer t.free()
	return t.member(0, "body") != 0 || t.member(0, "headers") != 0
}

// reencode writes JSON by encoding/json: members sorted, escapes and white
// space its own.
func reencode(payload []byte) (string, error) {
	var v any
	d := json.NewDecoder(strings.NewReader(string(payload)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", err
	}
	text, err := json.Marshal(v)
	return string(text), err
}
