package console

import (
	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var overviewPage = page{path: "/", file: "overview.html", title: "Overview", bar: "Overview", key: "o", units: 700, read: readOverview}

// overview is what the first page shows.
type overview struct {
	Latest panel[[]eventRow]
}

// latestEvents is how many events the first page lists.
const latestEvents = 20

func readOverview(q *request) (any, error) {
	var o overview
	panels(fill(q, &o.Latest, func() ([]eventRow, error) {
		page, err := q.st.Ledger.List(q.ctx(), ledger.Query{Limit: latestEvents, Now: q.clock.Now()})
		return q.rows(page.Records), err
	}))
	return o, nil
}

// eventRow is an event in a list.
type eventRow struct {
	ID, Type, Lead, Campaign, Note string
	Received                       stamp
	State                          mark
	Tries                          int
}

func (q *request) rows(records []webhook.Record) []eventRow {
	rows := make([]eventRow, 0, len(records))
	for _, r := range records {
		rows = append(rows, eventRow{
			ID: string(r.ID), Type: output.Clean(eventview.TypeText(string(r.Type), r.RawType)), Lead: output.Clean(r.LeadEmail),
			Campaign: output.Clean(r.CampaignID), Received: q.at(r.ReceivedAt), State: markOf(r.State), Tries: r.LeaseNumber,
			Note: eventview.Note(q.clock, r),
		})
	}
	return rows
}
