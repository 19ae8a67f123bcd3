package repair

import "context"

// NobodyForgotten tells for a function, which may not read the key under which erased leads
// are on record: where none is on record, none was erased. It is a Forgotten.
type NobodyForgotten struct{ Documents Documents }

// forgottenKind is the partition of those records.
const forgottenKind = "forgotten"

// WasForgotten returns an error as soon as any lead was erased.
func (n NobodyForgotten) WasForgotten(ctx context.Context, _ string) (bool, error) {
	documents, err := n.Documents.ListDocuments(ctx, forgottenKind, 1)
	if err == nil && len(documents) > 0 {
		err = errUntold
	}
	return false, err
}
