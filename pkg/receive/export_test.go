package receive

import "smartlead-receiver/pkg/smartlead"

// ReadWith puts a defective reader in the place of smartlead.Parse.
func (s *Service) ReadWith(read func([]byte, smartlead.Options) (smartlead.Batch, error)) {
	s.read = read
}
