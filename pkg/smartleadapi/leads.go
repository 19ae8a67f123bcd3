package smartleadapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
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
