package scopes

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"smartlead-receiver/pkg/webhook"
)

// maxDocuments bounds a listing: more accounts than that have no record.
const maxDocuments = 100 * shards

// Lister is what a listing needs of the table.
type Lister interface {
	ListDocuments(ctx context.Context, kind string, limit int) ([]webhook.Document, error)
}

// List returns the whole record, by account, campaign, type, source and webhook. It
// returns webhook.ErrUnavailable, wrapped.
func List(ctx context.Context, from Lister) ([]Entry, error) {
	documents, err := from.ListDocuments(ctx, Kind, maxDocuments)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, d := range documents {
		account, _, _ := strings.Cut(d.Name, "#")
		all = append(all, parse(account, d.Body)...)
	}
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(
			cmp.Compare(a.Account, b.Account), cmp.Compare(a.Campaign, b.Campaign), cmp.Compare(a.Type, b.Type),
			cmp.Compare(a.Source, b.Source), cmp.Compare(a.Hook, b.Hook), cmp.Compare(a.Level, b.Level),
		)
	})
	return all, nil
}
