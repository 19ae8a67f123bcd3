package events

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/search"
	"smartlead-receiver/pkg/cli/session"
)

func findCmd(s *session.Session) *cobra.Command {
	var limit int
	var since, until string
	cmd := &cobra.Command{
		Use: "find TEXT", Aliases: []string{"search"},
		Short: "Find events by a lead's address, a domain, a campaign's name or an id",
		Long: fmt.Sprintf(`Find events by what you have in hand: a lead's address, a message id (with or
without <>), a stats_id, the X-Request-Id of an event's first delivery (where none was
sent, our request id), or an event id, whole or short. Newest first. A variant
(another body under the identity of an event) is found by its own lead and ids: its
event is shown. The request id of a duplicate finds nothing: a duplicate is counted
at its event.

A lead's address and an event id are looked up, of all time. Other ids, and a part of
an address (@acme.com), are looked for in the index of what was received, the newest
first, of at most %s events; a word of a campaign's name in the events themselves, of
at most %s. How far it looked is said, and how to look further back.`,
			output.Thousands(filter.MaxLookByIndex), output.Thousands(filter.MaxLook)),
		Example: `  smartleadctl events find tom@acme.example.com
  smartleadctl events find @acme.example.com --since 7d
  smartleadctl events find '<CAF+7@mail.example.com>'
  smartleadctl events find 5b1f7a52-0c3e-4d9a-9a41-1f5c2d7e8a01`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return find(cmd.Context(), s, args[0], since, until, limit)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "events to list for each kind of id")
	cmd.Flags().StringVar(&since, "since", "31d", "look through what was received since: a length of time (2h, 2d3h, 1w) or a time")
	cmd.Flags().StringVar(&until, "until", "", "look through what was received until then")
	return cmd
}

func find(ctx context.Context, s *session.Session, text, since, until string, limit int) error {
	text = strings.TrimSpace(text)
	if text == "" || limit < 1 || limit > 1000 {
		return problem.Usage("find needs a text, and a limit of 1 to 1,000")
	}
	from, err := filter.ParseTime("--since", since, s.Now())
	if err != nil {
		return err
	}
	to, err := filter.ParseTime("--until", until, s.Now())
	if err != nil {
		return err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	f, err := search.Search{
		Asker: s, Stack: st, Limit: limit, Since: from, Until: to, Names: showsNames(s), MaxIndex: filter.MaxLookByIndex, MaxRead: filter.MaxLook,
	}.Find(ctx, text)
	if err != nil {
		return err
	}
	if len(f.Records) == 0 {
		return notFound(s, text, f)
	}
	if f.Looked != "" {
		s.Say("looked at %s; further back: %s", f.Looked, f.Further)
	}
	rows := newEventTable(s, st)
	for _, r := range f.Records {
		if s.JSON {
			if err := s.Emit(foundView{eventview.Of(r), f.ByVariant[r.ID]}); err != nil {
				return err
			}
			continue
		}
		rows.addNoted(ctx, r, variantNote(f.ByVariant[r.ID]))
	}
	if f.More {
		s.Say("there are more than %d: narrow it with %s events list --lead … --since …", limit, s.Self())
	}
	if s.JSON {
		return nil
	}
	return s.Print(rows.Table, "")
}

// notFound says what was looked at in vain, and what to try.
func notFound(s *session.Session, text string, f search.Found) error {
	if !f.ErasedAt.IsZero() {
		return problem.NotFound("no event has the lead %s, which was erased at %s", text, output.Stamp(f.ErasedAt)).
			Hint("by whom, and what of it: %s leads forgotten %s", s.Self(), output.Quote(text))
	}
	e := problem.NotFound("no event has the lead or event id %s", text)
	if f.Looked != "" {
		e = problem.NotFound("no event has the lead or event id %s; it is in no %s, of %s", text, strings.Join(f.Asked, ", "), f.Looked).
			Hint("further back: %s", f.Further)
	}
	return e.Hint("a request id is that of an event's first delivery, or of a variant: a duplicate is counted, and its request id is not kept").
		Hint("was it refused? %s events refused; larger than 10 MB, or an array beyond 6 MB? Then the access log alone has it (status 413)", s.Self()).
		Hint("by campaign: %s events list --campaign %s", s.Self(), campaign(text)).
		Hint("make Smartlead send it again: %s resend-guide TYPE", s.Self())
}

// campaign is the text where it can be the id of a campaign, which find does not look
// for; else what stands for one.
func campaign(text string) string {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return "ID"
	}
	return text
}

// foundView is an event as JSON, and the variant that has what was looked up.
type foundView struct {
	eventview.View
	Variant string `json:"found_by_variant,omitempty"`
}

func variantNote(fingerprint string) string {
	if fingerprint == "" {
		return ""
	}
	return "found by its variant " + output.Shorten(fingerprint, 12)
}
