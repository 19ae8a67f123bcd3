package lambdaio

import (
	"smartlead-receiver/pkg/telemetry"
)

// outcome names what a line tells where no use case has a word for it.
type outcome string

const (
	outcomeEmpty outcome = "empty" // a request without an event
	outcomeSwept outcome = "swept"
)

// maxError bounds the error of a line, in bytes.
const maxError = 500

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return telemetry.Clean(err.Error(), maxError)
}
