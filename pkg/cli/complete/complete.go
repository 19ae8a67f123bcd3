// Package complete offers what a stack has where a shell completes a word: ids of
// recent events, names of sources and destinations, campaigns. It is quick, or
// offers nothing: a person who presses a key waits for no error.
package complete

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// These bound what one press of a key costs: the newest events of the last month
// are looked at, within System.Patience, or as long as a person waits.
const (
	patience  = 2 * time.Second
	maxEvents = 200
)

// words are what completes a word, each with what a shell shows beside it.
type words func(ctx context.Context, s *session.Session, st *stack.Stack) []cobra.Completion

// Attach completes, for every command below root, the ids and names of its usage
// line, and its flags that name something that a stack has.
func Attach(s *session.Session, root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if of := argumentsOf(cmd); of != nil && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
				if len(args) > 0 && !strings.Contains(cmd.Use, "…") {
					return nil, cobra.ShellCompDirectiveNoFileComp
				}
				return offer(cmd, s, of, args, begun)
			}
		}
		for flag, of := range map[string]words{
			"campaign": campaigns, "source": sources, "destination": destinations, "to": destinations,
		} {
			if cmd.Flags().Lookup(flag) != nil {
				_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
					return offer(cmd, s, of, nil, begun)
				})
			}
		}
		Attach(s, cmd)
	}
}

// argumentsOf is what the arguments of a command name; nil where that is nothing
// that a stack has.
func argumentsOf(cmd *cobra.Command) words {
	use := strings.Fields(strings.NewReplacer("…", "", "[", "", "]", "").Replace(cmd.Use))
	switch {
	case slices.Contains(use, "ID"):
		return eventIDs
	case slices.Contains(use, "INCIDENT"):
		return incidents
	case !slices.Contains(use, "NAME") || cmd.Name() == "add" || !cmd.HasParent():
		return nil
	case cmd.Parent().Name() == "sources":
		return sources
	case cmd.Parent().Name() == "destinations":
		return destinations
	}
	return nil
}

func offer(cmd *cobra.Command, s *session.Session, of words, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), cmp.Or(s.Patience, patience))
	defer cancel()
	st, err := s.Connect(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, c := range of(ctx, s, st) {
		word, _, _ := strings.Cut(c, "\t")
		if !slices.Contains(given, word) && strings.HasPrefix(strings.ToLower(word), strings.ToLower(begun)) {
			out = append(out, c)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

func eventIDs(ctx context.Context, s *session.Session, st *stack.Stack) []cobra.Completion {
	out := []cobra.Completion{cobra.CompletionWithDesc("latest", "the event that came last")}
	for _, r := range recent(ctx, s, st) {
		about := string(r.State)
		if lead := output.Clean(r.LeadEmail); lead != "" {
			about += ", " + lead
		}
		out = append(out, cobra.CompletionWithDesc(output.ShortID(string(r.ID)), about))
	}
	return out
}

func incidents(ctx context.Context, _ *session.Session, st *stack.Stack) []cobra.Completion {
	list, err := st.Incidents.List(ctx, incident.Query{Ongoing: true})
	if err != nil {
		return nil
	}
	var out []cobra.Completion
	for _, in := range list {
		out = append(out, cobra.CompletionWithDesc(in.ID, output.Clean(in.What())))
	}
	return out
}

func campaigns(ctx context.Context, s *session.Session, st *stack.Stack) []cobra.Completion {
	of := make(map[string]int)
	for _, r := range recent(ctx, s, st) {
		if r.CampaignID != "" {
			of[output.Clean(r.CampaignID)]++
		}
	}
	var out []cobra.Completion
	for _, id := range slices.Sorted(maps.Keys(of)) {
		out = append(out, cobra.CompletionWithDesc(id, output.Count(of[id], "recent event", "recent events")))
	}
	return out
}

func recent(ctx context.Context, s *session.Session, st *stack.Stack) []webhook.Record {
	page, err := st.Ledger.List(ctx, ledger.Query{Limit: maxEvents, Now: s.Now()})
	if err != nil {
		return nil
	}
	return page.Records
}

func sources(ctx context.Context, _ *session.Session, st *stack.Stack) []cobra.Completion {
	listed, err := st.Sources.List(ctx)
	if err != nil {
		return nil
	}
	out := make([]cobra.Completion, 0, len(listed))
	for _, l := range listed {
		out = append(out, l.Name)
	}
	return out
}

func destinations(ctx context.Context, _ *session.Session, st *stack.Stack) []cobra.Completion {
	entries, err := st.Destinations.List(ctx)
	if err != nil {
		return nil
	}
	out := make([]cobra.Completion, 0, len(entries))
	for _, e := range entries {
		out = append(out, e.Name)
	}
	return out
}
