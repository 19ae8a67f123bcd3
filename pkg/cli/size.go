package cli

import (
	"bytes"
	"encoding/json"
)

// maxInvocation is what Lambda takes of a request: 6 MB of JSON, in which the
// body is a string.
const maxInvocation = 6 << 20

const tooLargeText = "larger than the receiver takes: 6 MB, with the body quoted as JSON; send it in smaller parts"

// tooLarge tells whether a body cannot reach the receiver. One that is a little
// smaller may not either: the request's headers count, too.
func tooLarge(body []byte) bool {
	if len(body) <= maxInvocation/6 { // no character becomes longer than six
		return false
	}
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	return e.Encode(string(body)) == nil && quoted.Len() > maxInvocation
}
