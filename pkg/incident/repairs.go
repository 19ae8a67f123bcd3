package incident

import (
	"context"
	"fmt"
)

// The causes of KindRepair: what the repair did.
const (
	causeAsked  = "events were missing, and Smartlead was asked for them"
	causeMade   = "events that never came were made of what Smartlead says"
	causeUnsure = "an event was made whose lead may have been erased meanwhile"
)

// Repair is what was needed in a campaign because events were missing.
type Repair struct {
	Campaign string
	Account  string
	Made     int    // events
	Asked    bool   // Smartlead was asked to post again
	Example  string // id of an event that was made
	Unsure   string // id of one whose lead may have been erased meanwhile; may be empty
}

// RepairNeeded notes that events of a campaign were missing, and what was done. It may be
// noted again: a repair that breaks off counts what it did once more.
func (s *Store) RepairNeeded(ctx context.Context, r Repair) error {
	now := s.now().UTC()
	if r.Unsure != "" {
		_, err := s.Record(ctx, Sighting{
			Key:     Key{Kind: KindRepair, Cause: causeUnsure, Subject: r.Campaign, Account: r.Account},
			Text:    "events show " + r.Unsure + " names the lead; where it was erased, run leads forget for it again",
			Example: r.Unsure, Count: 1, First: now, Last: now,
		})
		if err != nil {
			return err
		}
	}
	if r.Made > 0 {
		_, err := s.Record(ctx, Sighting{
			Key:  Key{Kind: KindRepair, Cause: causeMade, Subject: r.Campaign, Account: r.Account},
			Text: fmt.Sprintf("%d made in the latest repair", r.Made), Example: r.Example, Count: r.Made, First: now, Last: now,
		})
		return err
	}
	if r.Asked {
		_, err := s.Record(ctx, Sighting{
			Key:   Key{Kind: KindRepair, Cause: causeAsked, Subject: r.Campaign, Account: r.Account},
			Count: 1, First: now, Last: now,
		})
		return err
	}
	return nil
}
