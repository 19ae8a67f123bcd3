package webhook

// Received is a part of what was received, in order.
type Received struct {
	Records []Record
	// Unreadable are events that may be of the part, and cannot be read.
	Unreadable []EventID
	Next       string // continues it; empty at the end
	Looked     int    // events that were looked at
}
