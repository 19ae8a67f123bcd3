package fakeapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// lead answers with the lead of an address and what it is in each campaign.
func (s *Server) lead(w http.ResponseWriter, r *http.Request) {
	email := r.URL.Query().Get("email")
	if email == "" {
		invalid(w, `"email" is required`, "email")
		return
	}
	var found *Mail
	in := []any{}
	for _, c := range s.o.Account.Campaigns {
		for _, mails := range c.leads(s.o.Now()) {
			if !strings.EqualFold(mails[0].Lead, email) {
				continue
			}
			found = mails[0]
			in = append(in, map[string]any{
				"campaign_lead_map_id": fmt.Sprint(found.LeadID + 7), "campaign_id": c.ID, "campaign_name": c.Name,
				"lead_category_id": s.o.Account.categoryID(c.category(found, s.o.Now())),
			})
		}
	}
	if found == nil {
		answer(w, http.StatusOK, map[string]any{})
		return
	}
	row := map[string]any{"id": fmt.Sprint(found.LeadID), "email": found.Lead, "unsubscribed_client_id_map": map[string]any{}, "lead_campaign_data": in}
	if s.o.Documented {
		answer(w, http.StatusOK, map[string]any{"success": true, "data": row})
		return
	}
	answer(w, http.StatusOK, row)
}

func (a *Account) categoryID(name string) any {
	if i := slices.Index(a.Categories, name); i >= 0 {
		return i + 1
	}
	return nil
}

func (s *Server) categories(w http.ResponseWriter, _ *http.Request) {
	rows := []any{}
	for i, name := range s.o.Account.Categories {
		rows = append(rows, map[string]any{"id": i + 1, "name": name, "sentiment_type": "positive", "created_at": "2026-01-15T10:30:00.000Z"})
	}
	answer(w, http.StatusOK, rows)
}

// untracked answers with the replies that belong to no campaign.
func (s *Server) untracked(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, offset := atLeast(query.Get("limit"), 20), atLeast(query.Get("offset"), 0)
	if limit < 1 || limit > 100 {
		invalid(w, `"limit" must be less than or equal to 100`, "limit")
		return
	}
	rows := []any{}
	for i, u := range s.o.Account.Untracked {
		if !past(u.At, s.o.Now()) {
			continue
		}
		if s.o.Documented {
			rows = append(rows, map[string]any{
				"id": fmt.Sprintf("untracked_%d", i), "from_email": u.From, "to_email": u.To, "subject": u.Subject, "received_at": wire(u.At), "has_attachments": false,
			})
			continue
		}
		rows = append(rows, map[string]any{
			"id": i, "message_id": u.MessageID, "from": "Somebody <" + u.From + ">", "to": u.To, "subject": u.Subject, "email_body": u.Text, "time": wire(u.At),
		})
	}
	page, _ := part(rows, offset, min(limit, s.o.PageLimit))
	if s.o.Documented {
		answer(w, http.StatusOK, map[string]any{"untracked_replies": page, "total_count": len(rows)})
		return
	}
	answer(w, http.StatusOK, map[string]any{"ok": true, "data": page})
}

// hookNames are the types that the registration takes; it refuses those of other dialects.
var hookNames = []string{
	"EMAIL_SENT", "FIRST_EMAIL_SENT", "EMAIL_OPEN", "EMAIL_LINK_CLICK", "EMAIL_REPLY", "EMAIL_BOUNCE", "LEAD_UNSUBSCRIBED", "LEAD_CATEGORY_UPDATED",
	"CAMPAIGN_STATUS_CHANGED", "UNTRACKED_REPLIES", "MANUAL_STEP_REACHED",
}

// saveHook makes a webhook of a campaign, or changes one. It is as strict as the live API:
// an id is a number, and the list of categories is not empty.
func (s *Server) saveHook(w http.ResponseWriter, r *http.Request, c *Campaign) {
	var asked struct {
		ID         *json.RawMessage `json:"id"`
		Name       string           `json:"name"`
		URL        string           `json:"webhook_url"`
		Events     []string         `json:"event_types"`
		Categories []string         `json:"categories"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&asked); err != nil {
		invalid(w, "a member is not allowed", "body")
		return
	}
	var id int
	if asked.ID != nil && !bytes.Equal(*asked.ID, []byte("null")) && json.Unmarshal(*asked.ID, &id) != nil {
		invalid(w, `"id" must be a number`, "id")
		return
	}
	wrong := slices.DeleteFunc(slices.Clone(asked.Events), func(name string) bool { return slices.Contains(hookNames, name) })
	switch {
	case asked.Name == "":
		invalid(w, `"name" is required`, "name")
		return
	case !strings.HasPrefix(asked.URL, "http"):
		invalid(w, `"webhook_url" must be a valid uri`, "webhook_url")
		return
	case len(asked.Events) == 0:
		invalid(w, `"event_types" does not contain 1 required value(s)`, "event_types")
		return
	case len(wrong) > 0:
		invalid(w, "Invalid event_types - "+strings.Join(wrong, ", "))
		return
	case len(asked.Categories) == 0:
		invalid(w, `"categories" does not contain 1 required value(s)`, "categories")
		return
	}
	s.mu.Lock()
	saved := c.save(Hook{ID: id, Name: asked.Name, URL: asked.URL, Events: asked.Events})
	s.mu.Unlock()
	switch {
	case saved.ID == 0:
		answer(w, http.StatusNotFound, map[string]any{"error": "Webhook not found"})
	case s.o.Documented:
		answer(w, http.StatusOK, map[string]any{"success": true, "data": map[string]any{
			"id": saved.ID, "name": saved.Name, "webhook_url": saved.URL, "event_types": saved.Events,
		}})
	default:
		answer(w, http.StatusOK, map[string]any{"ok": true, "id": fmt.Sprint(saved.ID), "webhook_url": saved.URL})
	}
}

// save puts a webhook into its place. One that is off stays off: no page says that saving
// it switches it on.
func (c *Campaign) save(h Hook) Hook {
	if h.ID != 0 {
		i := slices.IndexFunc(c.Hooks, func(known Hook) bool { return known.ID == h.ID })
		if i < 0 {
			return Hook{}
		}
		h.Off = c.Hooks[i].Off
		c.Hooks[i] = h
		return h
	}
	h.ID = 90_100 + len(c.Hooks)
	c.Hooks = append(c.Hooks, h)
	return h
}
