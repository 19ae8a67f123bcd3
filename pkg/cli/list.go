package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

func (p *program) eventsCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "events",
		Aliases: []string{"event"},
		Short:   "Find events, see what became of them, send them again",
	}
	cmd.AddCommand(
		p.listCmd(), p.findCmd(), p.showCmd(), p.replayCmd(),
		p.moveCmd(parking), p.moveCmd(unparking), p.moveCmd(discarding), p.moveCmd(releasing),
		p.variantsCmd(), p.splitCmd(), p.refusedCmd(),
	)
	return cmd
}

type listOptions struct {
	filter
	after  string
	limit  int
	all    bool
	oldest bool
}

func (p *program) listCmd() *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List events, newest first",
		Long: `List events, newest first. Without --since, of the last 31 days; with --lead,
--campaign, or --state dead, parked or held, of all time. With --state dead or
parked, and no --lead, the times are those of the death.

Nothing scans the table. A lead, a campaign and a state that waits for an operator
(dead, parked, held) are looked up; the other filters choose among what a look-up,
or the time, shows. Where they match little, a call ends after 20,000 events or
400 days. When there is more, the last line on stderr says where to go on
(--after); nothing is lost or repeated between two such calls. --all follows every
page.`,
		Example: `  smartleadctl events list --since 2h
  smartleadctl events list --state dead --error-class http_503
  smartleadctl events list --lead tom@acme.example.com --json
  smartleadctl events list --state held --json | jq -r .event_id`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.list(cmd.Context(), o) },
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.IntVar(&o.limit, "limit", 50, "events to list")
	f.StringVar(&o.after, "after", "", "go on behind this place of an earlier listing")
	f.BoolVar(&o.all, "all", false, "list all that match, page by page")
	f.BoolVar(&o.oldest, "oldest", false, "oldest first")
	return cmd
}

func (p *program) list(ctx context.Context, o listOptions) error {
	q, err := o.query(p.Now())
	if err != nil {
		return err
	}
	if o.limit < 1 {
		return usage("--limit is at least 1")
	}
	q.After, q.Oldest = o.after, o.oldest
	probe := q
	probe.Limit = 1
	if err := probe.Check(); err != nil {
		return usage("--after %s is not where a listing may continue", o.after)
	}
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	limit, bound := o.limit, maxLook
	if o.all {
		limit, bound = 0, 0
	}
	rows := newEventTable()
	w, err := walk(ctx, s, q, limit, bound, func(r webhook.Record) error {
		if p.json {
			return p.emit(viewOf(r))
		}
		rows.add(p, r)
		return nil
	})
	if err != nil {
		return err
	}
	if !p.json && len(rows.rows) > 0 {
		if err := p.print(rows.table, ""); err != nil {
			return err
		}
	}
	p.sayMore(q, w, len(rows.rows))
	return nil
}

// sayMore says on stderr where a listing goes on. stdout holds events alone.
func (p *program) sayMore(q ledger.Query, w walked, shown int) {
	switch {
	case w.spent:
		p.say("looked at %s; there may be more: --after %s (or narrow it with --since)", w.what(), quote(w.next))
	case w.next != "":
		p.say("there is more: --after %s", quote(w.next))
	case shown == 0 && !p.json:
		since, _ := q.Bounds()
		p.say("no event matches since %s", stamp(since))
	}
}

// eventTable lists events.
type eventTable struct{ *table }

func newEventTable() eventTable {
	return eventTable{newTable("RECEIVED", "STATE", "TYPE", "LEAD", "CAMPAIGN", ">TRIES", "EVENT ID", "~NOTE")}
}

func (t eventTable) add(p *program, r webhook.Record) {
	t.table.add(stamp(r.ReceivedAt), string(r.State), string(r.Type), r.LeadEmail, r.CampaignID,
		fmt.Sprint(r.LeaseNumber), string(r.ID), p.note(r))
}

// note is what is worth knowing of an event in a listing.
func (p *program) note(r webhook.Record) string {
	var notes []string
	add := func(on bool, format string, args ...any) {
		if on {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	add(r.State != webhook.Delivered && r.ErrorClass != "", "%s", r.ErrorClass)
	add(r.State == webhook.Dead, "died %s", p.ago(r.DiedAt))
	add(r.State == webhook.Pending && r.NotBefore.After(p.Now()), "retried %s", p.ago(r.NotBefore))
	add(p.overdue(r), "overdue")
	add(r.Generation > 0, "replayed %d×", r.Generation)
	add(r.Redrives > 0, "redriven %d×", r.Redrives)
	add(r.Duplicates > 0, "%s", count(r.Duplicates, "duplicate", "duplicates"))
	add(r.Variants > 0, "%s", count(r.Variants, "variant", "variants"))
	notes = append(notes, r.Flags...)
	return strings.Join(notes, ", ")
}

func (p *program) findCmd() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "find TEXT",
		Short: "Find events by a lead's address or an id",
		Long: `Find events by what you have in hand: a lead's address, a message id (with or
without <>), a stats_id, the X-Request-Id of an event's first delivery (where none was
sent, our request id), or an event id. Newest first. The request id of a repeat
finds nothing: a repeat is counted at its event.`,
		Example: `  smartleadctl events find tom@acme.example.com
  smartleadctl events find '<CAF+7@mail.example.com>'
  smartleadctl events find 5b1f7a52-0c3e-4d9a-9a41-1f5c2d7e8a01`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.find(cmd.Context(), args[0], limit) },
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "events to list for each kind of id")
	return cmd
}

func (p *program) find(ctx context.Context, text string, limit int) error {
	text = strings.TrimSpace(text)
	if text == "" || limit < 1 || limit > 1000 {
		return usage("find needs a text, and a limit of 1 to 1,000")
	}
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	found, more, err := p.lookUp(ctx, s, text, limit)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return notFound("no event has the lead, message id, stats_id, request id or event id %s", text).
			hint("a request id is that of an event's first delivery: a repeat is counted, and its request id is not kept").
			hint("was it refused? %s events refused", p.self()).
			hint("by campaign: %s events list --campaign ID", p.self()).
			hint("make Smartlead send it again: %s resend-guide TYPE", p.self())
	}
	rows := newEventTable()
	for _, r := range found {
		if p.json {
			if err := p.emit(viewOf(r)); err != nil {
				return err
			}
			continue
		}
		rows.add(p, r)
	}
	if more {
		p.say("there are more than %d: narrow it with events list --lead … --since …", limit)
	}
	if p.json {
		return nil
	}
	return p.print(rows.table, "")
}

// lookUp asks every index that the text may be a key of.
func (p *program) lookUp(ctx context.Context, s *Stack, text string, limit int) (found []webhook.Record, more bool, err error) {
	if id, err := webhook.ParseEventID(text); err == nil {
		r, err := s.Ledger.Get(ctx, id)
		if errors.Is(err, webhook.ErrNotFound) {
			return nil, false, nil
		}
		return []webhook.Record{r}, false, err
	}
	base := ledger.Query{Limit: limit, Now: p.Now()}
	var queries []ledger.Query
	for _, set := range []func(q *ledger.Query){
		func(q *ledger.Query) { q.Lead = strings.ToLower(text) },
		func(q *ledger.Query) { q.MessageID = strings.Trim(text, "<>") },
		func(q *ledger.Query) { q.StatsID = text },
		func(q *ledger.Query) { q.RequestID = text },
	} {
		q := base
		set(&q)
		queries = append(queries, q)
	}
	known := map[webhook.EventID]bool{}
	for _, q := range queries {
		page, err := s.Ledger.List(ctx, q)
		if err != nil {
			return nil, false, err
		}
		more = more || page.Next != ""
		for _, r := range page.Records {
			if !known[r.ID] {
				known[r.ID] = true
				found = append(found, r)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b webhook.Record) int { return b.ReceivedAt.Compare(a.ReceivedAt) })
	return found, more, nil
}
