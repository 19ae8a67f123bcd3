package telemetry

import (
	"context"
	"strings"
)

// traceKey is under which the Lambda runtime's library keeps the X-Ray header of an
// invocation (aws-lambda-go, package lambda).
const traceKey = "x-amzn-trace-id"

// traceID returns the id of the trace that X-Ray keeps of an invocation, "" where it
// keeps none: the id of a trace that nobody can look up costs its bytes in every line
// (docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader).
func traceID(ctx context.Context) string {
	header, _ := ctx.Value(traceKey).(string)
	id, sampled := "", false
	for part := range strings.SplitSeq(header, ";") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "Root":
			id = value
		case "Sampled":
			sampled = value == "1"
		}
	}
	if !sampled {
		return ""
	}
	return Clean(id, maxTraceID)
}

// maxTraceID is longer than any id, "1-" and 8 and 24 hexadecimal digits with a "-"
// between, in bytes: the header may be a stranger's.
const maxTraceID = 40
