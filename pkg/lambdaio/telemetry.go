package lambdaio

import (
	"context"
	"log/slog"
	"time"

	"smartlead-receiver/pkg/telemetry"
)

// Telemetry is what every handler reports to.
type Telemetry struct {
	Log     *slog.Logger
	Metrics *telemetry.Metrics
	Now     func() time.Time
}

// outcome is the outcome of a line of which no use case has a word.
type outcome string

const (
	outcomeEmpty outcome = "empty" // a request without an event
	outcomeSwept outcome = "swept"
)

// flush writes the metrics of one invocation. Its failure is logged, and fails
// no invocation that acknowledged something: a repeat would not bring them back.
func (t Telemetry) flush(ctx context.Context) {
	if err := t.Metrics.Flush(); err != nil {
		t.Log.WarnContext(ctx, "metrics were not written", "error", err.Error())
	}
}

// maxError bounds the error of a line, in bytes.
const maxError = 500

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return telemetry.Clean(err.Error(), maxError)
}
