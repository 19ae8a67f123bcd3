package console

import (
	"smartlead-receiver/pkg/ledger"
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
