package receive

import (
	"context"
	"slices"
	"strings"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// scopeOf is what an element says of the webhook that sent it. The name is of the
// redacted body; the webhook's URL is a credential, and no part of it.
func scopeOf(el smartlead.Element, src auth.Source, req Request) *webhook.Scope {
	level := auth.Level(strings.ToLower(strings.TrimSpace(clip(req.WebhookLevel, 20))))
	if !slices.Contains(auth.Levels, level) {
		level = ""
	}
	return &webhook.Scope{
		Account: src.Account, Source: src.Name, Campaign: el.Event.CampaignID, Type: el.Event.Type,
		Hook: el.HookID, Name: el.HookName, Level: string(level), Checked: src.ChecksBodies(),
	}
}

// unknownScopes are the elements of which it is to be recorded who sent them: those that
// the ledger has. It makes no call.
func (s *Service) unknownScopes(elements []*element) (unknown []*element) {
	for _, u := range elements {
		durable := u.result.Status == Accepted || u.result.Status == Duplicate || u.result.Status == Variant
		if u.scope != nil && durable && !s.Scopes.Known(*u.scope) {
			unknown = append(unknown, u)
		}
	}
	return unknown
}

// recordScopes records them. Nothing of it concerns the events, so a failure is for the
// log alone; the next event of that webhook records it.
func (s *Service) recordScopes(ctx context.Context, unknown []*element) {
	seen := make([]webhook.Scope, len(unknown))
	for i, u := range unknown {
		seen[i] = *u.scope
	}
	second, err := s.Scopes.Record(ctx, seen)
	for _, scope := range second {
		i := slices.Index(seen, scope)
		unknown[i].secondHook = true
	}
	if err != nil {
		unknown[0].unrecorded = err
	}
}
