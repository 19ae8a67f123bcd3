package lambdaio

import (
	"context"
	"log/slog"
	"time"

	"smartlead-receiver/pkg/telemetry"
)

// Telemetry takes what a handler reports. It is safe for concurrent use.
type Telemetry struct {
	Log     *slog.Logger
	Metrics *telemetry.Metrics
	Now     func() time.Time
}

// outcome names what a line tells where no use case has a word for it.
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
