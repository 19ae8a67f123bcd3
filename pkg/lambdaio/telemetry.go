package lambdaio

import (
	"smartlead-receiver/pkg/telemetry"
)

// outcome names what a line tells where no use case has a word for it.
type outcome string

const (
	outcomeEmpty outcome = "empty" // a request without an event
	outcomeSwept outcome = "swept"
	// A comparison, or the archive, is at its end, goes on with the next slice, was not this
	// one's to make, or is nobody's.
	outcomeEnded  outcome = "ended"
	outcomeGoesOn outcome = "goes_on"
	outcomeWaits  outcome = "waits"
	outcomeOff    outcome = "off"
	// outcomeCounted: an error that a tool reported counts on an incident.
	outcomeCounted outcome = "counted"
)

// maxError bounds the error of a line, in bytes.
const maxError = 500

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return telemetry.Clean(err.Error(), maxError)
}
