package webhook

import "slices"

// Complete returns an event that was normalized from the stored body, under the identity
// and with the facts that the ledger keeps, as an attempt of that number delivers it.
func (r Record) Complete(e Event, attempt int) Event {
	e.ID, e.Source, e.Origin, e.ReceivedAt = r.ID, r.Source, r.Origin(), r.ReceivedAt
	e.OccurredAt, e.OccurredAtSource = r.OccurredAt, r.OccurredAtSource
	e.Attempt, e.Generation = attempt, r.Generation
	for _, flag := range r.Flags {
		if !slices.Contains(e.Flags, flag) {
			e.Flags = append(e.Flags, flag)
		}
	}
	return e
}
