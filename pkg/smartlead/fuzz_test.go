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

// FuzzParse: no input panics; refusals are of a known kind and repeat nothing
// of the body; events keep what checkElement says, and no secret shows.
func FuzzParse(f *testing.F) {
	addCorpus(f)
	f.Add([]byte(`{"event_type":"EMAIL_OPEN","a":"Sup3rS3cr3tT0k3n","Sup3rS3cr3tT0k3n":1,"b":"api_key=Sup3rS3cr3tT0k3n."}`))
	f.Add([]byte(`{"a":"/webhooks/x/y?z=\u0053up3rS3cr3tT0k3n","Sup3rS3cr3tT0k3n":1,"redacted":2}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		batch, err := Parse(body, fuzzOptions)
		if string(body) != before {
			t.Fatal("the body was changed")
		}
		if err != nil {
			if !knownRefusal(err) {
				t.Fatalf("unknown refusal: %v", err)
			}
			if strings.Contains(Excerpt(body, 1<<16, fuzzOptions), "Sup3rS3cr3tT0k3n") {
				t.Fatal("the excerpt shows a secret")
			}
		}
		if accepted := err == nil; accepted != json.Valid([]byte(strings.TrimPrefix(before, "\xEF\xBB\xBF"))) &&
			utf8.ValidString(before) && !isAny(err, ErrScalar, ErrTooDeep, ErrTooMany) {
			t.Fatalf("accepted %v unlike encoding/json: %v", accepted, err)
		}
		for _, e := range batch.Elements {
			if e.Err != nil {
				if !knownRefusal(e.Err) {
					t.Fatalf("unknown refusal: %v", e.Err)
				}
				continue
			}
			checkElement(t, e, fuzzOptions)
			event, _ := json.Marshal(e.Event)
			if strings.Contains(string(event)+string(e.Payload), "Sup3rS3cr3tT0k3n") {
				t.Fatalf("the secret shows: %s", event)
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

// FuzzIdentify: an event has one id: written anew by another encoder, with
// other volatile members or in a wrapper, it keeps it.
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
					t.Fatalf("%s: %v\n%s", how, err, text)
				}
				if got := again.Elements[0]; got.Key != e.Key || got.Fingerprint != e.Fingerprint {
					t.Fatalf("%s: another event\n%v\n%v\n%s", how, e.BasisFields, got.BasisFields, text)
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
