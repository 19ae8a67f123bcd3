package sourcestore

import (
	"context"
	"fmt"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
)

// Outlines tells of a source what is no secret, without a key, from the table as it is at
// this moment. It is safe for concurrent use.
type Outlines struct{ documents DocumentReader }

// NewOutlines returns a reader of the sources in the table. It makes no call.
func NewOutlines(documents DocumentReader) Outlines { return Outlines{documents} }

// Source returns a source without its secrets. It returns webhook.ErrNotFound where there
// is none of that name, or no more; auth.ErrNoOutline, auth.ErrInvalidSource or
// webhook.ErrUnavailable; each wrapped.
func (o Outlines) Source(ctx context.Context, name string) (auth.Source, error) {
	sealed, err := loadSealed(ctx, o.documents, name)
	if err != nil {
		return auth.Source{}, fmt.Errorf("source %s: %w", name, err)
	}
	if sealed.Removed {
		return auth.Source{}, fmt.Errorf("source %s: %w: it was removed", name, webhook.ErrNotFound)
	}
	source, err := sealed.Outlined()
	if err != nil {
		return auth.Source{}, fmt.Errorf("source %s, revision %d: %w: sources list writes it", name, sealed.Revision, err)
	}
	return source, nil
}
