package lambdaio

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
)

// Invoke is what Lambda's runtime calls, with the event as it came. The runtime's own
// reading, by encoding/json, takes half as long again and more, most of it for the body.
func (h ReceiverHandler) Invoke(ctx context.Context, form []byte) ([]byte, error) {
	var ev events.APIGatewayV2HTTPRequest
	if !readEvent(form, &ev) {
		ev = events.APIGatewayV2HTTPRequest{}
		if err := json.Unmarshal(form, &ev); err != nil {
			return nil, fmt.Errorf("not an event of an HTTP API: %w", err)
		}
	}
	answer, err := h(ctx, ev)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}
