package console

import (
	"net/url"
	"strings"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/search"
	"smartlead-receiver/pkg/ledger"
)

var leadPage = page{path: "/leads/{address}", file: "lead.html", under: "/events", title: "Lead", units: 60, read: readLead}

// leadAddress is the page of a lead; "" for none.
func leadAddress(email string) string {
	if email == "" {
		return ""
	}
	return "/leads/" + url.PathEscape(email)
}

// leadRows is how many events of a lead a page shows; each takes a unit.
const leadRows = 50

// leadView is all that is kept of one person, by campaign.
type leadView struct {
	Address   string
	Self      string // how smartleadctl is called
	Campaigns []leadCampaign
	Older     string
	Shown     int
	Unread    int   // events that this version cannot read
	Erased    stamp // where nothing is shown: when the person was erased; zero: they were not
}

// leadCampaign are the events of a lead in one campaign, the newest first.
type leadCampaign struct {
	ID, Name string
	Rows     []eventRow
}

func (l leadView) PageTitle() string { return l.Address }

func readLead(q *request) (any, error) {
	l := leadView{Self: q.Self, Address: strings.ToLower(strings.TrimSpace(q.PathValue("address")))}
	query := ledger.Query{Lead: l.Address, Variants: true, Limit: leadRows, After: q.arg("after"), Now: q.clock.Now(), Payloads: true}
	if err := query.Check(); err != nil {
		return nil, errBadAddress
	}
	page, err := q.st.Ledger.List(q.ctx(), query)
	if err != nil {
		return nil, err
	}
	place := map[string]int{}
	for _, r := range page.Records {
		i, known := place[r.CampaignID]
		if !known {
			i = len(l.Campaigns)
			place[r.CampaignID] = i
			l.Campaigns = append(l.Campaigns, leadCampaign{ID: output.Clean(r.CampaignID)})
		}
		c := &l.Campaigns[i]
		if c.Name == "" {
			c.Name = output.Clean(eventview.NamesOf(q.ctx(), q.st.Bodies, r).Campaign)
		}
		row := q.row(r)
		if by := page.ByVariant[r.ID]; by != "" {
			row.Note = strings.TrimPrefix(row.Note+", found by its variant "+output.Shorten(by, 12), ", ")
		}
		c.Rows = append(c.Rows, row)
	}
	l.Unread = len(page.Unreadable)
	if l.Shown = len(page.Records); l.Shown+l.Unread == 0 && page.Next == "" && query.After == "" {
		l.Erased = q.at(search.ErasedAt(q.ctx(), q.st, l.Address))
	}
	if page.Next != "" {
		l.Older = leadAddress(l.Address) + "?" + url.Values{"after": {page.Next}}.Encode()
	}
	return l, nil
}

// Erase is the command that forgets the lead.
func (l leadView) Erase() string { return "leads forget " + output.Quote(l.Address) }

// Forgotten is the command that says when, and what of the lead, was erased.
func (l leadView) Forgotten() string { return "leads forgotten " + output.Quote(l.Address) }
