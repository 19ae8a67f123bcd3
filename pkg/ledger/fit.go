package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"smartlead-receiver/pkg/webhook"
)

// maxText bounds each text that a sender chose, in bytes. DynamoDB takes index
// keys of up to 2,048 bytes and items of up to 400 KB (AWS, "Quotas in
// DynamoDB"): an event must never be refused for a value of absurd length. The
// payload holds it whole.
const maxText = 1000

// fit cuts a text that is too long and ends it in its digest, so that two
// values stay two and a look-up by the whole value finds the event.
func fit(s string) string {
	if len(s) <= maxText {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return strings.ToValidUTF8(s[:maxText-64], "") + "~" + hex.EncodeToString(sum[:16])
}

// Fit returns the receipt as the ledger keeps it: no text longer than an item
// can hold.
func Fit(r webhook.Receipt) webhook.Receipt {
	for _, s := range []*string{
		&r.RawType, &r.CampaignID, &r.LeadEmail, &r.StatsID, &r.MessageID,
		&r.ProviderEventID, &r.ProviderRequestID, &r.RequestID,
	} {
		*s = fit(*s)
	}
	return r
}
