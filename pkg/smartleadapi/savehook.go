package smartleadapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// HookChange is what a webhook of a campaign is to be.
type HookChange struct {
	ID         string // empty: a new one
	Name       string
	URL        string // may hold a token: it stands in no error
	Events     []string
	Categories []string // names; Smartlead takes no empty list, whatever the events are
}

var errHookID = errors.New("the id of the webhook is no number")

// SaveHook makes a webhook of a campaign, or changes the one of the id, and returns its id.
// It is asked once. No page says whether a webhook that is off is switched on by it, so
// read it again (Hooks). Errors are *Error; after ErrUnavailable and ErrAnswer nobody knows
// whether it was done.
func (c *Client) SaveHook(ctx context.Context, campaign string, h HookChange) (id string, err error) {
	what := "webhook of campaign " + oneLine(campaign)
	var known any // null: a new one
	if h.ID != "" {
		if _, err := strconv.ParseUint(h.ID, 10, 64); err != nil {
			return "", &Error{Kind: ErrRefused, What: what, Err: errHookID}
		}
		known = json.Number(h.ID)
	}
	body, err := json.Marshal(map[string]any{
		"id": known, "name": h.Name, "webhook_url": h.URL, "event_types": h.Events, "categories": h.Categories,
	})
	if err != nil {
		return "", err
	}
	asked := request{what: what, method: http.MethodPost, path: campaignPath(campaign, "/webhooks"), body: body, secret: h.URL}
	err = c.do(ctx, asked, func(body []byte) error {
		var answer struct {
			ID   text `json:"id"`
			Data *struct {
				ID text `json:"id"`
			} `json:"data"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return errShape
		}
		if id = string(answer.ID); id == "" && answer.Data != nil {
			id = string(answer.Data.ID)
		}
		if id == "" {
			return errShape
		}
		return nil
	})
	return id, err
}
