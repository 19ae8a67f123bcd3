package console

import (
	"errors"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/repair"
)

var completenessPage = page{path: "/completeness", file: "completeness.html", title: "Completeness", bar: "Completeness", key: "c", units: 300, read: readCompleteness}

const (
	// listedRuns is how many runs the page lists.
	listedRuns = 10
	// listedRepairs is how many records of repairs are looked through for those of the
	// listed runs: a run has one for each campaign.
	listedRepairs = 50
	// listedDays bounds the days, campaigns and types of which the page counts what is missing.
	listedDays = 50
	// listedMissing bounds the missing events that the page names, over all campaigns.
	listedMissing = 50
	// listedCampaigns bounds the campaigns that the page reads.
	listedCampaigns = 200
)

// completenessData is what the comparisons with Smartlead found.
type completenessData struct {
	Standing  []string
	Campaigns panel[[]comparedRow]
	Missing   []missingRow
	Days      []dayRow
	Cut       bool // there may be more campaigns
	Unnamed   int  // missing events that are not named
	Runs      panel[[]reconcileRow]
	Repairs   panel[[]recordRow]
	Repair    string // asks for a dry run
	Looks     bool   // a look may be asked for
}

// comparedRow is a campaign and type; Notes stand with the last of a campaign.
type comparedRow struct {
	Campaign, Name, Type string
	Counts               []int // in the order of reconcile.Verdicts
	Missing              bool
	Notes                []string
}

// missingRow is an event that did not arrive.
type missingRow struct {
	Campaign, Type, Lead, LeadLink, Step string
	At, SentAt                           stamp
}

// dayRow is what is missing of a campaign and type of one day, as far as it is named.
type dayRow struct {
	Day, Campaign, Type string
	N                   int
	at                  time.Time
}

// reconcileRow is a run that has ended.
type reconcileRow struct {
	Began                                             stamp
	Look, Took, Repaired, Cause                       string
	Campaigns, Unproven, Mails, Missing, Calls, Parts int
	Records                                           []fact // names and addresses of what it repaired

	id string
}

func readCompleteness(q *request) (any, error) {
	st, err := scheduled.Standing(q.ctx(), q.st.Ledger)
	if err != nil {
		return nil, err
	}
	var records []repair.Record
	d := completenessData{Repair: repairPath, Standing: wording.Standing(st, q.clock.Now(), q.Self), Looks: st.Off == "" && st.AskedAt.IsZero()}
	panels(
		fill(q, &d.Campaigns, func() ([]comparedRow, error) {
			list, err := scheduled.Latest(q.ctx(), q.st.Ledger, listedCampaigns)
			d.Cut = len(list) == listedCampaigns
			d.Missing, d.Unnamed = q.missingRows(list)
			d.Days = q.dayRows(list)
			return comparedRows(list, st.Drift), err
		}),
		fill(q, &d.Runs, func() ([]reconcileRow, error) {
			runs, err := scheduled.Runs(q.ctx(), q.st.Ledger, listedRuns)
			return q.reconcileRows(runs), err
		}),
		fill(q, &d.Repairs, func() (rows []recordRow, err error) {
			records, err = q.st.Repair.Runs(q.ctx(), listedRepairs)
			return q.recordRows(records[:min(len(records), listedRuns)]), err
		}),
	)
	for i := range d.Runs.Data {
		d.Runs.Data[i].repairedBy(records)
	}
	return d, nil
}

func comparedRows(list []scheduled.Campaign, of scheduled.Drift) (rows []comparedRow) {
	for _, c := range list {
		types := c.Now().Types
		if len(types) == 0 { // it could not be read yet
			types = []reconcile.TypeCount{{}}
		}
		for i, count := range types {
			row := comparedRow{Campaign: output.Clean(c.ID), Name: output.Clean(c.Name), Type: string(count.Type), Missing: count.Counts[reconcile.Missing] > 0}
			for _, v := range reconcile.Verdicts {
				row.Counts = append(row.Counts, count.Counts[v])
			}
			if i == len(types)-1 {
				row.Notes = wording.KeptOf(c, of)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func (q *request) missingRows(list []scheduled.Campaign) (rows []missingRow, unnamed int) {
	for _, c := range list {
		now := c.Now()
		named := 0
		for _, f := range now.Findings {
			if f.Verdict != reconcile.Missing || len(rows) == listedMissing {
				continue
			}
			named++
			row := missingRow{
				Campaign: output.Clean(c.ID), Type: string(f.Type), Lead: output.Clean(f.Lead), Step: output.Clean(f.Step), At: q.at(f.At), SentAt: q.at(f.SentAt),
			}
			if f.Lead != "" {
				row.LeadLink = leadAddress(f.Lead)
			}
			rows = append(rows, row)
		}
		unnamed += now.Of(reconcile.Missing) - named
	}
	return rows, unnamed
}

// dayRows counts by day what is missing and named, the latest day first.
func (q *request) dayRows(list []scheduled.Campaign) (rows []dayRow) {
	for _, c := range list {
		for _, f := range c.Now().Findings {
			at := f.At
			if at.IsZero() {
				at = f.SentAt
			}
			if f.Verdict != reconcile.Missing || at.IsZero() {
				continue
			}
			year, month, day := at.In(q.zone).Date()
			row := dayRow{Campaign: output.Clean(c.ID), Type: string(f.Type), N: 1, at: time.Date(year, month, day, 0, 0, 0, 0, q.zone)}
			row.Day = row.at.Format("Mon 2 Jan 2006")
			i := slices.IndexFunc(rows, func(r dayRow) bool { return r.at.Equal(row.at) && r.Campaign == row.Campaign && r.Type == row.Type })
			if i < 0 {
				rows = append(rows, row)
				continue
			}
			rows[i].N++
		}
	}
	slices.SortStableFunc(rows, func(a, b dayRow) int { return b.at.Compare(a.at) })
	return rows[:min(len(rows), listedDays)]
}

func (q *request) reconcileRows(runs []scheduled.Run) (rows []reconcileRow) {
	for _, r := range runs {
		rows = append(rows, reconcileRow{
			Began: q.at(r.StartedAt), Look: string(r.Look), Took: output.Span(r.EndedAt.Sub(r.StartedAt)), Campaigns: r.Campaigns, Unproven: r.Unproven,
			Mails: r.Mails, Missing: r.Counts[reconcile.Missing], Repaired: repairedText(r.Repaired), Cause: output.Clean(r.Cause), Calls: r.Calls, Parts: r.Slices, id: r.ID,
		})
	}
	return rows
}

// repairedText says what the repairs of a run did.
func repairedText(r scheduled.Repaired) string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{r.Retriggered, "posted again"}, {r.Waiting, "waited for"}, {r.Synthesized, "made"}, {r.Left, "left"}} {
		if p.n > 0 {
			parts = append(parts, output.Thousands(p.n)+" "+p.what)
		}
	}
	return strings.Join(parts, ", ")
}

// repairedBy finds the records of what the run repaired.
func (r *reconcileRow) repairedBy(records []repair.Record) {
	for _, rec := range records {
		if rec.By == repair.BySchedule(r.id) {
			r.Records = append(r.Records, fact{Name: "repair " + output.Thousands(len(r.Records)+1), Value: repairAddress(rec.Run)})
		}
	}
}

// compareNowAction asks the function for a look; it changes no event.
var compareNowAction = action{
	path: "/completeness/now", name: "reconcile now", back: func(*request) string { return completenessPage.path },
	do: func(q *request) (*done, error) {
		_, err := scheduled.Ask(q.ctx(), q.st.Ledger, q.clock.Now())
		if errors.Is(err, scheduled.ErrNoKey) {
			return nil, problem.Failed(err, "nothing is compared").Hint("keep a key of Smartlead's API: %s reconcile set-key", q.Self)
		}
		if err != nil {
			return nil, err
		}
		return &done{To: completenessPage.path, On: "all campaigns", Notice: notice{Text: "Asked for: a second look begins within five minutes."}}, nil
	},
}
