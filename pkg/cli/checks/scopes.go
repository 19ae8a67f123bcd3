package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/scopes"
	"smartlead-receiver/pkg/stack"
)

// checkScopes finds webhooks at Smartlead that stand in each other's way: two that send
// the same, one of the user level that silences a campaign's own, and one of another
// level than its source expects.
func checkScopes(ctx context.Context, s Asker, st *stack.Stack) Finding {
	entries, err := scopes.List(ctx, st.Ledger)
	if err != nil {
		return silent(s, err, "the table")
	}
	listed, _ := st.Sources.List(ctx) // who may not read them is told what needs none of them
	expected := map[string]auth.Level{}
	for _, l := range listed {
		expected[l.Name] = l.Source.ExpectedLevel
	}
	now := s.Now()
	var found, next []string
	say := func(what []string, todo string) {
		if len(what) == 0 {
			return
		}
		more := ""
		if over := len(what) - maxNamed; over > 0 {
			what, more = what[:maxNamed], fmt.Sprintf(" and %d more", over)
		}
		found, next = append(found, strings.Join(what, "; ")+more), append(next, todo)
	}
	say(twice(entries, now), "two webhooks send the same: see "+s.Self+" scopes list, and delete one of them at Smartlead. Until then give their sources one --account, so that an event of both is one")
	say(silenced(entries, expected, now), "at Smartlead, delete the webhook of the user level, or leave it the types that the other does not have; or let it bring everything, and delete the other")
	say(otherLevel(entries, expected, now), "is the URL entered at the level that it is meant for? If so: "+s.Self+" sources set NAME --level any")
	switch {
	case len(found) > 0:
		return noted(strings.Join(next, "; "), "%s", strings.Join(found, "; "))
	case len(entries) == 0:
		return fine("none is recorded yet")
	}
	return fine("%s: none sends what another one sends", output.Count(len(entries), "webhook, campaign and type", "webhooks, campaigns and types"))
}

// subject names a type of a campaign.
func subject(e scopes.Entry) string {
	if e.Campaign == "" {
		return string(e.Type) + " of account " + e.Account
	}
	return fmt.Sprintf("%s of campaign %s", e.Type, output.Clean(e.Campaign))
}

// hookOf names a webhook, where it is known.
func hookOf(e scopes.Entry) string {
	text := "webhook " + output.Dash(output.Clean(e.Hook))
	if e.Level != "" {
		text += " (" + e.Level + ", source " + e.Source + ")"
	} else {
		text += " (source " + e.Source + ")"
	}
	return text
}

func twice(entries []scopes.Entry, now time.Time) (found []string) {
	told := map[string]bool{}
	for i, a := range entries {
		for _, b := range entries[i+1:] {
			if a.Account != b.Account || a.Campaign != b.Campaign || a.Type != b.Type {
				break // they are in order
			}
			pair := fmt.Sprintf("%s comes through %s and %s", subject(a), hookOf(a), hookOf(b))
			if a.Conflicts(b) && a.Recent(now) && b.Recent(now) && !told[pair] {
				told[pair] = true
				found = append(found, pair)
			}
		}
	}
	return found
}

func silenced(entries []scopes.Entry, expected map[string]auth.Level, now time.Time) (found []string) {
	level := func(e scopes.Entry) string { return output.OrText(e.Level, string(expected[e.Source])) }
	for _, x := range scopes.Silences(entries, level, now) {
		found = append(found, fmt.Sprintf("%s: %s is silent since %s, and %s speaks", subject(x.Own), hookOf(x.Own), output.Stamp(x.Own.LastSeen()), hookOf(x.Speaks)))
	}
	return found
}

func otherLevel(entries []scopes.Entry, expected map[string]auth.Level, now time.Time) (found []string) {
	for _, e := range entries {
		want := expected[e.Source]
		text := fmt.Sprintf("source %s expects the level %s, and webhook %s is of the level %s", e.Source, want, output.Dash(output.Clean(e.Hook)), e.Level)
		if want != "" && e.Level != "" && e.Level != string(want) && e.Recent(now) && !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	return found
}
