// Package refusal says what becomes of requests that were refused.
package refusal

import (
	"fmt"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

// Advice says what fixes the cause of a refusal; self is how the program was called.
// It is empty where there is nothing to say.
func Advice(self string, r webhook.RejectedRequest) string {
	source := output.Quote(output.OrText(r.Source, "NAME"))
	switch r.Cause {
	case "unknown_source":
		return fmt.Sprintf("the URL names a source that does not exist: %s sources list", self)
	case "no_token", "wrong_token":
		return fmt.Sprintf("enter the whole webhook URL at Smartlead; lost: %s sources rotate %s", self, source)
	case "expired_token":
		return fmt.Sprintf("the sender uses an old URL, which has ended: enter the new one there; lost: %s sources rotate %s", self, source)
	case "expired_signature":
		return fmt.Sprintf("the sender signs with an old secret, which has ended; the new one is lost: %s sources rotate %s --hmac", self, source)
	case "no_signature":
		return fmt.Sprintf("the source asks for a signature: sign at the sender, or stop asking: %s sources rotate %s --no-hmac", self, source)
	case "wrong_signature":
		return fmt.Sprintf("the sender signs with another secret; lost: %s sources rotate %s --hmac", self, source)
	case "unknown_coding":
		return "the sender compresses in a way that is not understood: gzip, deflate, br, zstd, or none"
	case "damaged_coding":
		return "the body is not what its Content-Encoding says: see who sends it, or switch compression off there"
	case "not_json", "encoding", "scalar", "too_complex", "base64":
		return "it can never be an event; see the excerpt, and who sends it"
	case "rejected_elements":
		return "these elements of an array can never be events; what stood beside them was taken"
	case "wrong_path":
		return "somebody posts to a path that is no webhook URL: enter the whole webhook URL at the sender, with nothing behind it"
	case "too_large", "too_many_elements":
		return "send it in smaller parts"
	}
	return ""
}
