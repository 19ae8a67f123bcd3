package destination

import (
	"context"
	"time"
)

// Documents keeps small pieces of what types have to remember, beside the events, under a
// version that every write must have seen; ledger.Ledger does.
type Documents interface {
	// LoadDocument returns webhook.ErrNotFound where there is none; its version is then 0.
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
	// SaveDocument returns webhook.ErrChanged, having changed nothing, where the version is
	// no longer the one seen.
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
}

// Kept names a document of a type.
type Kept struct{ Kind, Name string }

// Keeper is what Settings also are of a type that remembers something of a lead. The
// document's name holds nothing by which the lead can be told without a secret that the
// table does not have. An operator who forgets a lead has its documents emptied; a type
// takes an empty one for none.
type Keeper interface {
	// Keeps names what there may be of a lead: its address, in lower case.
	Keeps(lead string) []Kept
}
