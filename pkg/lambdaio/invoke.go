package lambdaio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json/jsontext"
)

// Invoke is what Lambda's runtime calls, with the event as it came. The runtime's own
// reading, by encoding/json, takes nearly twice the time, most of it for the body.
func (h ReceiverHandler) Invoke(ctx context.Context, form []byte) ([]byte, error) {
	rest, body := splitBody(form)
	var ev events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(rest, &ev); err != nil {
		return nil, fmt.Errorf("not an event of an HTTP API: %w", err)
	}
	if ev.Body == "" {
		ev.Body = body
	}
	answer, err := h(ctx, ev)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// splitBody takes the text of the member "body" out of an event, and leaves an empty
// one. It leaves an event in which it does not find a text of plain UTF-8 as it is.
func splitBody(form []byte) (rest []byte, body string) {
	d := jsontext.NewDecoder(bytes.NewBuffer(form), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return form, ""
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return form, ""
		}
		found := name.String() == "body"
		value, err := d.ReadValue()
		if err != nil {
			return form, ""
		}
		if !found {
			continue
		}
		text, err := jsontext.AppendUnquote(make([]byte, 0, len(value)), value)
		if err != nil {
			return form, ""
		}
		end := d.InputOffset()
		rest = make([]byte, 0, len(form)-len(value)+2)
		rest = append(append(rest, form[:end-int64(len(value))]...), `""`...)
		return append(rest, form[end:]...), string(text)
	}
	return form, ""
}
