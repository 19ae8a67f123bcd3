package destination

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"smartlead-receiver/pkg/webhook"
)

// Encode writes the event as a destination receives it. HTML is not escaped:
// bodies of mails are full of it.
func Encode(e webhook.Event) ([]byte, error) {
	if e.Schema == "" {
		e.Schema = webhook.Schema
	}
	return encode(e)
}

func encode(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// ErrTooLarge is returned for an event that is too large also without what may be left
// out.
var ErrTooLarge = errors.New("the event is larger than the destination takes")

// document is an event for a service that has no headers.
type document struct {
	webhook.Event
	IdempotencyKey string   `json:"idempotency_key"`
	Omitted        []string `json:"omitted,omitempty"` // members left out, because the whole is too large
}

// noncharacters are what JSON may hold as it is and XML may not: services whose older
// protocol is XML refuse a text that has one.
var noncharacters = strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`)

// Document writes the event with its idempotency key for a service that takes at most so
// many bytes. Where it is larger, the original ("raw") is left out, then the reply's HTML;
// the member "omitted" names them. The whole stays in the ledger, under the event's id. It
// returns ErrTooLarge where that is not enough.
func Document(d webhook.Delivery, most int) ([]byte, error) {
	doc := document{Event: d.Event, IdempotencyKey: d.IdempotencyKey}
	if doc.Schema == "" {
		doc.Schema = webhook.Schema
	}
	for _, shorten := range []func(*document){
		func(*document) {},
		func(d *document) { d.Raw, d.Omitted = nil, append(d.Omitted, "raw") },
		func(d *document) {
			if d.Reply != nil {
				short := *d.Reply
				short.HTML = ""
				d.Reply, d.Omitted = &short, append(d.Omitted, "reply.html")
			}
		},
	} {
		shorten(&doc)
		text, err := encode(doc)
		if err != nil {
			return nil, err
		}
		if bytes.ContainsAny(text, "\ufffe\uffff") {
			text = []byte(noncharacters.Replace(string(text)))
		}
		if len(text) <= most {
			return text, nil
		}
	}
	return nil, ErrTooLarge
}

// window is the length from which a common substring counts as a leak.
const window = 8

// Leaks tells whether text shows a part of a secret: eight bytes in a row, or
// all of a shorter one.
func Leaks(text string, secrets []string) bool {
	for _, secret := range secrets {
		if len(secret) < window {
			if secret != "" && strings.Contains(text, secret) {
				return true
			}
			continue
		}
		for i := 0; i+window <= len(secret); i++ {
			if strings.Contains(text, secret[i:i+window]) {
				return true
			}
		}
	}
	return false
}
