package smartleadapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Campaign is one of the account, or of the client whose key it is.
type Campaign struct {
	ID        string
	Name      string // as somebody typed it
	Status    string // ACTIVE, PAUSED, STOPPED, ARCHIVED, DRAFTED, COMPLETED
	ClientID  string
	UpdatedAt time.Time
}

// Campaigns returns every campaign. Errors are *Error.
func (c *Client) Campaigns(ctx context.Context) (all []Campaign, err error) {
	err = c.do(ctx, get("campaigns", "/campaigns/", nil), func(body []byte) error {
		rows, err := list[struct {
			ID      text    `json:"id"`
			Name    text    `json:"name"`
			Status  text    `json:"status"`
			Client  text    `json:"client_id"`
			Updated instant `json:"updated_at"`
		}](body, "data", "campaigns")
		if err != nil {
			return err
		}
		all = nil
		for _, r := range rows {
			if r.ID == "" {
				return errShape
			}
			all = append(all, Campaign{ID: string(r.ID), Name: string(r.Name), Status: strings.ToUpper(string(r.Status)), ClientID: string(r.Client), UpdatedAt: r.Updated.Time})
		}
		return nil
	})
	return all, err
}

// Hook is a webhook of a campaign. URL may hold a token: it is for comparing, not for
// showing.
type Hook struct {
	ID     string
	Name   string // as somebody typed it
	URL    string
	Events []string // as Smartlead names them, sorted
	Off    bool     // Smartlead says that it is not active
}

// Hooks returns the webhooks of a campaign: those that are its own, because Smartlead has
// no list of those of the user or the client. Errors are *Error.
func (c *Client) Hooks(ctx context.Context, campaign string) (all []Hook, err error) {
	err = c.do(ctx, get("webhooks of campaign "+oneLine(campaign), campaignPath(campaign, "/webhooks"), nil), func(body []byte) error {
		rows, err := list[struct {
			ID     text            `json:"id"`
			Name   text            `json:"name"`
			URL    text            `json:"webhook_url"`
			Types  []text          `json:"event_types"`
			Map    map[string]flag `json:"event_type_map"`
			Active *flag           `json:"is_active"`
		}](body, "data", "webhooks")
		if err != nil {
			return err
		}
		all = nil
		for _, r := range rows {
			h := Hook{ID: string(r.ID), Name: string(r.Name), URL: string(r.URL), Off: r.Active != nil && !bool(*r.Active)}
			for _, t := range r.Types {
				h.Events = append(h.Events, string(t))
			}
			for t, on := range r.Map {
				if on {
					h.Events = append(h.Events, t)
				}
			}
			slices.Sort(h.Events)
			h.Events = slices.Compact(h.Events)
			all = append(all, h)
		}
		return nil
	})
	return all, err
}

// Deliveries counts what Smartlead tried to post for a campaign.
type Deliveries struct{ Total, Succeeded, Failed int }

// Deliveries returns what Smartlead counts of its own deliveries in a time. It is a
// private beta: an account may not have it (ErrNotFound, ErrKey). Errors are *Error.
func (c *Client) Deliveries(ctx context.Context, campaign string, w Window) (d Deliveries, err error) {
	query := url.Values{"fromTime": {w.Since.UTC().Format(time.RFC3339)}, "toTime": {w.Until.UTC().Format(time.RFC3339)}}
	for _, path := range []string{"/webhooks/summary", "/webhook-summary"} { // the newer, and the older
		err = c.do(ctx, get("webhook summary of campaign "+oneLine(campaign), campaignPath(campaign, path), query), func(body []byte) error {
			d, err = readDeliveries(body)
			return err
		})
		if !errors.Is(err, ErrNotFound) {
			break
		}
	}
	return d, err
}

// Retriggered is what Smartlead says of failed deliveries that it posts again.
type Retriggered struct {
	Count   int    // -1: it does not say
	Message string // one harmless line; may be empty
}

// Retrigger asks Smartlead to post the deliveries of a campaign again that failed in a
// time. It is asked once, because nobody knows after an error but ErrNotFound, ErrKey,
// ErrRefused and ErrRateLimited whether it was done. Errors are *Error.
func (c *Client) Retrigger(ctx context.Context, campaign string, w Window) (r Retriggered, err error) {
	body, err := json.Marshal(map[string]string{"fromTime": w.Since.UTC().Format(time.RFC3339), "toTime": w.Until.UTC().Format(time.RFC3339)})
	if err != nil {
		return r, err
	}
	for _, path := range []string{"/webhooks/retrigger-failed-events", "/retrigger-webhooks"} { // the newer, and the older
		asked := request{what: "failed deliveries of campaign " + oneLine(campaign), method: http.MethodPost, path: campaignPath(campaign, path), body: body}
		err = c.do(ctx, asked, func(body []byte) error {
			var answer struct {
				Count   *count `json:"retriggered_count"`
				Message text   `json:"message"`
			}
			if err := json.Unmarshal(body, &answer); err != nil {
				return err
			}
			r = Retriggered{Count: -1, Message: c.harmless(string(answer.Message))}
			if answer.Count != nil {
				r.Count = int(*answer.Count)
			}
			return nil
		})
		if !errors.Is(err, ErrNotFound) {
			break
		}
	}
	return r, err
}

func readDeliveries(body []byte) (Deliveries, error) {
	type counts struct {
		Total     *count `json:"total_calls"`
		Succeeded count  `json:"successful_calls"`
		Failed    count  `json:"failed_calls"`
	}
	var answer struct {
		counts
		Data *counts `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return Deliveries{}, err
	}
	found := answer.counts
	if answer.Data != nil {
		found = *answer.Data
	}
	if found.Total == nil {
		return Deliveries{}, errShape
	}
	return Deliveries{Total: int(*found.Total), Succeeded: int(found.Succeeded), Failed: int(found.Failed)}, nil
}
