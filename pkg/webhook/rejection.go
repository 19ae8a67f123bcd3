package webhook

import "time"

// RejectedRequest is a request that was not accepted, kept so that an operator can see
// why. It holds no secret and is bounded in size.
type RejectedRequest struct {
	At        time.Time
	RequestID string
	Source    string // as named in the URL when it is a possible name, else empty
	Kind      string // what the caller learnt: "unauthorized", "bad_body", "too_large", of elements "rejected"
	Cause     string // countable: "wrong_token", "not_json", "rejected_elements"
	Detail    string
	SourceIP  string
	UserAgent string
	Bytes     int
	Excerpt   string // redacted beginning of the body; empty for callers that were not authenticated
}
