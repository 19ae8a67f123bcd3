package console

import (
	"errors"
	"net/url"
	"strings"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/webhook"
)

// repairRecordPage is what is kept of a repair, by whomever.
var repairRecordPage = page{path: "/completeness/repairs/{run}", file: "repairrecord.html", under: completenessPage.path, title: "Repair", units: 250, read: readRepairRecord}

// repairAddress is the page of what is kept of a repair.
func repairAddress(run string) string { return "/completeness/repairs/" + url.PathEscape(run) }

// recordRow is a repair in a list.
type recordRow struct {
	Path, By                string
	Begun, Ended            stamp
	Asked, Made, Here, Left int
}

func (q *request) recordRows(records []repair.Record) []recordRow {
	var rows []recordRow
	for _, r := range records {
		rows = append(rows, recordRow{
			Path: repairAddress(r.Run), By: output.Clean(r.By), Begun: q.at(r.BegunAt), Ended: q.at(r.EndedAt), Asked: len(r.Asked), Made: r.Made, Here: r.Known, Left: r.Left,
		})
	}
	return rows
}

// recordView is a repair with the events that it made.
type recordView struct {
	recordRow

	Run, Mode string
	Asks      []fact // campaign, and what Smartlead said
	Events    panel[[]eventRow]
	Gone      int // events that are not kept any more
	Unnamed   int // events that it made and that the record does not name
}

func readRepairRecord(q *request) (any, error) {
	r, err := q.st.Repair.Find(q.ctx(), q.PathValue("run"))
	if errors.Is(err, webhook.ErrNotFound) {
		return nil, problem.NotFound("nothing is kept of the repair %s", output.Clean(q.PathValue("run"))).Hint("what repairs did is kept for 90 days; their events say for longer who made them")
	}
	if err != nil {
		return nil, err
	}
	v := recordView{recordRow: q.recordRows([]repair.Record{r})[0], Run: output.Clean(r.Run), Mode: string(r.Mode), Unnamed: r.Made - len(r.Events)}
	for _, a := range r.Asked {
		v.Asks = append(v.Asks, fact{Name: output.Clean(a.Campaign), Value: strings.TrimPrefix(askedText(repair.Asked{Campaign: a.Campaign, Count: a.Count}), "campaign "+output.Clean(a.Campaign)+": ")})
	}
	fill(q, &v.Events, func() ([]eventRow, error) {
		found, err := q.st.Ledger.GetMany(q.ctx(), r.Events)
		if err != nil {
			return nil, err
		}
		var list []webhook.Record
		for _, id := range r.Events {
			if rec, there := found[id]; there {
				list = append(list, rec)
			}
		}
		v.Gone = len(r.Events) - len(list)
		return q.rows(list), nil
	})()
	return v, nil
}
