package ledger

import (
	"testing"

	"smartlead-receiver/pkg/webhook"
)

// The truth table of classify, over every state: what is not named in a row is
// a state like any other.
func TestClassify(t *testing.T) {
	type row struct {
		sameBody, trusted bool
	}
	usual := map[row]repeatAction{
		{true, true}:   actionDuplicate,
		{true, false}:  actionDuplicate,
		{false, true}:  actionVariant,
		{false, false}: actionVariant,
	}
	exceptions := map[string]map[row]repeatAction{
		"held": {
			{true, true}:  actionTakeOver,
			{false, true}: actionTakeOver,
		},
		"discarded, not trusted": {
			{true, true}:  actionSplit,
			{false, true}: actionSplit,
		},
	}
	for _, state := range webhook.States {
		for _, untrusted := range []bool{false, true} {
			name := string(state)
			if untrusted && state == webhook.Discarded {
				name += ", not trusted"
			}
			for r, want := range usual {
				if exception, ok := exceptions[name][r]; ok {
					want = exception
				}
				old := item{State: string(state), facts: facts{Fingerprint: "the event's"}}
				if untrusted {
					old.Flags = []string{webhook.FlagColleague, webhook.FlagUntrustedSender}
				}
				receipt := webhook.Receipt{Fingerprint: "another", Held: !r.trusted}
				if r.sameBody {
					receipt.Fingerprint = old.Fingerprint
				}
				if got := classify(old, receipt); got != want {
					t.Errorf("%s, same body %v, trusted sender %v (event flagged %v): got %s, want %s",
						name, r.sameBody, r.trusted, old.Flags, got, want)
				}
			}
		}
	}
}
