package console

import (
	"net/url"
	"strings"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

// eventRow is an event in a list.
type eventRow struct {
	ID, Row, Type, Lead, LeadLink, Campaign, Note string
	Received                                      stamp
	State                                         mark
	Destinations                                  []standing
	Tries                                         int
	At                                            int64 // of receipt, in milliseconds: where the row belongs
	Pick                                          bool  // it has a box to be selected by
}

// standing is how far one destination is with an event.
type standing struct{ Name, Glyph, Text string }

func (q *request) rows(records []webhook.Record) []eventRow {
	rows := make([]eventRow, 0, len(records))
	for _, r := range records {
		rows = append(rows, q.row(r))
	}
	return rows
}

func (q *request) row(r webhook.Record) eventRow {
	row := eventRow{
		ID: string(r.ID), Row: rowID(r.ID), Type: output.Clean(eventview.TypeText(string(r.Type), r.RawType)), Lead: output.Clean(r.LeadEmail),
		LeadLink: leadAddress(r.LeadEmail), Campaign: output.Clean(r.CampaignID), Received: q.at(r.ReceivedAt), State: markOf(r.State),
		Tries: r.Tries(), At: r.ReceivedAt.UnixMilli(), Note: eventview.Note(q.clock, r), Destinations: standings(r),
	}
	return row
}

func standings(r webhook.Record) []standing {
	var all []standing
	for _, d := range r.Destinations {
		all = append(all, standing{d.Name, glyphOf(r, d), eventview.Stands(r, d)})
	}
	return all
}

func glyphOf(r webhook.Record, d webhook.Progress) string {
	switch {
	case d.Result == webhook.ResultUnrouted, d.Result == webhook.ResultRemoved:
		return "⊘"
	case d.Result == webhook.ResultDelivered:
		return "✓"
	case d.Result == webhook.ResultPermanent, r.Finished():
		return "✗"
	case d.Attempts+d.Postponed > 0:
		return "↻"
	}
	return "○"
}

// rowID is the id of an event's row in a page. An event id has characters that a
// selector would need escaped.
func rowID(id webhook.EventID) string {
	return "e-" + strings.Map(func(c rune) rune {
		if c == ':' || c == '~' {
			return '-'
		}
		return c
	}, string(id))
}

// eventAddress is the page of an event.
func eventAddress(id string) string { return "/events/" + url.PathEscape(id) }
