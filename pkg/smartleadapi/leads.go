package smartleadapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Category is one that leads may have. Ids differ from account to account.
type Category struct {
	ID        string
	Name      string // as somebody typed it
	Sentiment string // positive, negative, neutral; may be empty
}

// Categories returns the categories of the account. Errors are *Error.
func (c *Client) Categories(ctx context.Context) (all []Category, err error) {
	err = c.do(ctx, get("categories", "/leads/fetch-categories", nil), func(body []byte) error {
		rows, err := list[struct {
			ID        text  `json:"id"`
			Name      label `json:"name"`
			Sentiment text  `json:"sentiment_type"`
		}](body, "data")
		if err != nil {
			return err
		}
		all = nil
		for _, r := range rows {
			if r.ID == "" || r.Name == "" {
				return errShape
			}
			all = append(all, Category{ID: string(r.ID), Name: string(r.Name), Sentiment: string(r.Sentiment)})
		}
		return nil
	})
	return all, err
}

// Lead is a person whom campaigns write to.
type Lead struct {
	ID        string
	Email     string // trimmed, lower case
	Campaigns []LeadCampaign
}

// LeadCampaign is what a lead is in one campaign.
type LeadCampaign struct {
	Campaign   string
	MapID      string
	CategoryID string // empty: it has none
}

// In returns what the lead is in a campaign.
func (l Lead) In(campaign string) (LeadCampaign, bool) {
	for _, c := range l.Campaigns {
		if c.Campaign == campaign {
			return c, true
		}
	}
	return LeadCampaign{}, false
}

// leadRow is a lead in the documented shape, which is also what was seen.
type leadRow struct {
	ID        text    `json:"id"`
	Email     address `json:"email"`
	Campaigns []struct {
		Campaign text `json:"campaign_id"`
		Map      text `json:"campaign_lead_map_id"`
		Category text `json:"lead_category_id"`
	} `json:"lead_campaign_data"`
}

// Lead returns the lead of an address. Errors are *Error, ErrNotFound where there is none,
// which Smartlead answers with an empty object.
func (c *Client) Lead(ctx context.Context, email string) (lead Lead, err error) {
	const what = "lead by address" // which is nobody's business in an error
	err = c.do(ctx, get(what, "/leads/", url.Values{"email": {email}}), func(body []byte) error {
		row, err := readLead(body)
		if err != nil {
			return err
		}
		lead = Lead{ID: string(row.ID), Email: string(row.Email)}
		for _, r := range row.Campaigns {
			lead.Campaigns = append(lead.Campaigns, LeadCampaign{Campaign: string(r.Campaign), MapID: string(r.Map), CategoryID: string(r.Category)})
		}
		return nil
	})
	if err == nil && lead.ID == "" {
		err = &Error{Kind: ErrNotFound, What: what}
	}
	return lead, err
}

// readLead reads a lead: bare, below "data", or the only one of a list there. An object
// without members is no lead.
func readLead(body []byte) (row leadRow, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return row, errShape
	}
	if len(members) == 0 {
		return row, nil
	}
	raw := json.RawMessage(body)
	if data, below := members["data"]; below && members["id"] == nil {
		raw = data
		if bytes.HasPrefix(data, []byte("[")) {
			var rows []json.RawMessage
			if err := json.Unmarshal(data, &rows); err != nil || len(rows) > 1 {
				return row, errShape
			}
			if len(rows) == 0 {
				return row, nil
			}
			raw = rows[0]
		}
		if string(raw) == "{}" || string(raw) == "null" {
			return row, nil
		}
	}
	if err := json.Unmarshal(raw, &row); err != nil {
		return row, err
	}
	if row.ID == "" {
		return row, errShape
	}
	return row, nil
}

// LeadStatistics is what became of a lead in a campaign.
type LeadStatistics struct {
	LeadID   string
	Email    string // trimmed, lower case
	Messages []Message
}

const (
	// leadRows are asked for at once, the most that may be.
	leadRows = 100
	// maxLeads bounds the leads of one reading.
	maxLeads = 100_000
)

var errTooManyLeads = fmt.Errorf("more than %d leads: take a shorter time", maxLeads)

// LeadsStatistics hands over the leads of a campaign of which something was heard since a
// day (zero: ever), each once, until each returns an error, which ends it and is returned.
// Other errors are *Error, ErrAnswer where the answer has totals, or a lead without an id
// and an address.
func (c *Client) LeadsStatistics(ctx context.Context, campaign string, since time.Time, each func(LeadStatistics) error) error {
	what := "leads-statistics of campaign " + oneLine(campaign)
	seen := map[string]bool{}
	return pages(leadRows, func(offset, limit int) (int, bool, error) {
		query := url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}}
		if !since.IsZero() {
			query.Set("event_time_gt", since.UTC().Format(time.DateOnly))
		}
		var rows []LeadStatistics
		last := false
		err := c.do(ctx, get(what, campaignPath(campaign, "/leads-statistics"), query), func(body []byte) (err error) {
			rows, last, err = readLeadStatistics(body)
			return err
		})
		if err != nil {
			return 0, false, err
		}
		for _, r := range rows {
			if seen[r.LeadID] {
				continue
			}
			if seen[r.LeadID] = true; len(seen) > maxLeads {
				return 0, false, &Error{Kind: ErrAnswer, What: what, Err: errTooManyLeads}
			}
			if err := each(r); err != nil {
				return 0, false, err
			}
		}
		return len(rows), last, nil
	})
}

func readLeadStatistics(body []byte) (all []LeadStatistics, last bool, err error) {
	rows, err := list[struct {
		ID        text      `json:"lead_id"`
		LeadEmail address   `json:"lead_email"`
		Email     address   `json:"email"`
		To        address   `json:"to"`
		History   []message `json:"history"`
	}](body, "data")
	if err != nil {
		return nil, false, errTotals
	}
	for _, r := range rows {
		lead := LeadStatistics{LeadID: string(r.ID), Email: string(first(r.LeadEmail, r.Email, r.To))}
		if lead.LeadID == "" || lead.Email == "" {
			return nil, false, errShape
		}
		if lead.Messages, err = messages(r.History); err != nil {
			return nil, false, err
		}
		all = append(all, lead)
	}
	more := moreOf(body)
	return all, more != nil && !*more, nil
}
