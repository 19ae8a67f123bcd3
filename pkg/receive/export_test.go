package receive

import (
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// ReadWith puts a defective reader in the place of smartlead.Parse.
func (s *Service) ReadWith(read func([]byte, smartlead.Options) (smartlead.Batch, error)) {
	s.read = read
}

// RecentReceipts is how many are remembered at least.
const RecentReceipts = recentReceipts

// Remembered counts the receipts that are remembered.
func (s *Service) Remembered() int { return len(s.recent.newer) + len(s.recent.before) }

// RepeatsPlainly tells whether a receipt is remembered.
func RepeatsPlainly(c webhook.Claimed, r webhook.Receipt) bool { return repeatsPlainly(c, &r) }
