package webhook

import "time"

// Seen is what the index of what was received shows of an event, or of a variant.
type Seen struct {
	ID      EventID
	Type    Type
	At      time.Time // of its receipt
	Source  string
	Account string
	Variant bool // another body under the identity of the event
}
