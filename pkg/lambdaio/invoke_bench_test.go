package lambdaio_test

import (
	"context"
	stdjson "encoding/json"
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"smartlead-receiver/pkg/lambdaio"
)

// BenchmarkEvent reads an event as ReceiverHandler does, and as the runtime would.
func BenchmarkEvent(b *testing.B) {
	form, err := os.ReadFile("../../events/receiver-accepted.json")
	if err != nil {
		b.Fatal(err)
	}
	var ev events.APIGatewayV2HTTPRequest
	if err := stdjson.Unmarshal(form, &ev); err != nil {
		b.Fatal(err)
	}
	for len(ev.Body) < 4000 {
		ev.Body += ev.Body
	}
	if form, err = stdjson.Marshal(ev); err != nil {
		b.Fatal(err)
	}
	handle := func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return events.APIGatewayV2HTTPResponse{}, nil
	}
	for name, h := range map[string]lambda.Handler{
		"ours": lambdaio.ReceiverHandler(handle), "runtime": lambda.NewHandler(handle),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := h.Invoke(b.Context(), form); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
