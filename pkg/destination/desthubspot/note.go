package desthubspot

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

const (
	noteToContact = 202    // type of the association
	maxBody       = 65_536 // characters of a note
	maxText       = 20_000 // of the event's own text; less where HTML needs more room for it
	maxFact       = 200
)

// note writes a note, unless one of the same key is there already. HubSpot knows no key by
// which it would recognise a second one, so the key stands in the note, and whoever tries
// again asks for it first: a note is doubled only where the search does not know it yet, or
// is refused.
func (w *writer) note(ctx context.Context, d webhook.Delivery, contactID string) webhook.Outcome {
	if d.Repeat {
		there, failure := w.noted(ctx, d, contactID)
		if failure != nil {
			return *failure
		}
		if there {
			return webhook.Outcome{Result: webhook.ResultDelivered}
		}
	}
	a := w.post(ctx, noteURL, map[string]any{
		"properties": map[string]string{"hs_timestamp": stamp(d.Event), "hs_note_body": noteBody(d)},
		"associations": []any{map[string]any{
			"to":    map[string]string{"id": contactID},
			"types": []any{map[string]any{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": noteToContact}},
		}},
	})
	if !succeeded(a) {
		return w.whole(a, "the note")
	}
	var made struct{ ID string }
	if json.Unmarshal(a.Body, &made) != nil || !isNumber(made.ID) {
		return destination.BadAnswer(host, a.Status)
	}
	return webhook.Outcome{Result: webhook.ResultDelivered, Status: a.Status}
}

// stamp is where on the contact's timeline the event is, in milliseconds.
func stamp(e webhook.Event) string {
	at := e.OccurredAt
	if at.IsZero() {
		at = e.ReceivedAt
	}
	return strconv.FormatInt(max(at.UnixMilli(), 0), 10)
}

type filter struct {
	Property string `json:"propertyName"`
	Operator string `json:"operator"`
	Value    string `json:"value"`
}

// noted tells whether the contact has a note of this key. A search that is refused for
// good is no reason to lose a note: it is written, and may be there twice. So is one that
// is forbidden: the same token has just written the contact.
func (w *writer) noted(ctx context.Context, d webhook.Delivery, contactID string) (bool, *webhook.Outcome) {
	a := w.post(ctx, searchURL, map[string]any{
		"filterGroups": []any{map[string]any{"filters": []filter{
			{"associations.contact", "EQ", contactID}, {"hs_timestamp", "EQ", stamp(d.Event)},
		}}},
		"properties": []string{"hs_note_body"}, "limit": 100,
	})
	if !succeeded(a) {
		out := w.whole(a, "the search for a note")
		if out.Result == webhook.ResultPermanent && (aboutInputs(a.Status) || a.Status == http.StatusForbidden) {
			w.logger.WarnContext(ctx, "hubspot.search_refused", "outcome", "the note is written, and may be there twice", "destination", w.name,
				"event_id", d.Event.ID, "error", out.Error)
			return false, nil
		}
		return false, &out
	}
	var found struct {
		Results []struct {
			Properties struct {
				Body string `json:"hs_note_body"`
			}
		}
	}
	if json.Unmarshal(a.Body, &found) != nil || found.Results == nil {
		out := destination.BadAnswer(host, a.Status)
		return false, &out
	}
	for _, r := range found.Results {
		if names(r.Properties.Body, d.IdempotencyKey) {
			return true, nil
		}
	}
	return false, nil
}

// names tells whether a note has the key, and not one that it is the beginning of.
func names(body, key string) bool {
	for {
		_, after, found := strings.Cut(body, key)
		if !found {
			return false
		}
		if after == "" || !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789~#_:-", rune(after[0])) {
			return true
		}
		body = after
	}
}

// escape is for HTML, which a note is.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "\n", "<br>")

// noteBody writes an event as a note: what happened, its text, facts, and the key.
func noteBody(d webhook.Delivery) string {
	e := d.Event
	head := "<p><strong>" + escape.Replace(destination.Clean(destination.Title(e), maxFact)) + "</strong></p>"
	var facts []string
	for _, f := range []struct{ name, value string }{
		{"Campaign", e.CampaignName}, {"Subject", e.Subject}, {"Mailbox", e.Mailbox}, {"Account", e.Account},
		{"Flags", strings.Join(e.Flags, ", ")}, {"At", e.OccurredAt.UTC().Format(time.RFC3339)}, {"smartlead event", d.IdempotencyKey},
	} {
		if value := destination.Clean(f.value, maxFact); value != "" {
			facts = append(facts, f.name+": "+escape.Replace(value))
		}
	}
	tail := "<p>" + strings.Join(facts, "<br>") + "</p>"
	text := destination.Lines(destination.Text(e), maxText)
	for most := maxText; ; most /= 2 {
		text = destination.Lines(text, most)
		middle := escape.Replace(text)
		if len(middle) <= maxBody-len(head)-len(tail)-len("<p></p>") {
			if middle != "" {
				middle = "<p>" + middle + "</p>"
			}
			return head + middle + tail
		}
	}
}
