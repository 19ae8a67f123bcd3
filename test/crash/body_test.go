package crash

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// marker names a body: it travels inside it, and tells what arrived.
func (w *world) marker(n int) string { return fmt.Sprintf("mark-%s-%d", w.name, n) }

// reply is an EMAIL_REPLY; text is all that variants differ in.
func reply(message, text string) string {
	return fmt.Sprintf(`{"event_type":"EMAIL_REPLY","campaign_id":4100001,"stats_id":"stats-%[1]s",
		"sl_lead_email":"lead-%[1]s@acme.example.com","from_email":"mira@outbound.example","to_email":"lead-%[1]s@acme.example.com",
		"event_timestamp":"2126-03-04T11:29:11.618+00:00","secret_key":%[3]q,
		"reply_message":{"message_id":"<%[1]s@acme.example.com>","html":"<p>%[2]s</p>","text":%[2]q}}`, message, text, bodyKey)
}

// status is a timeless CAMPAIGN_STATUS_CHANGED.
func status(campaign, name string) string {
	return fmt.Sprintf(`{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":%q,"campaign_name":%q,"previous_status":"ACTIVE","current_status":"PAUSED","note":%q}`,
		campaign, name, name)
}

// unsubscribed and campaignStatus set a state, too.
func (w *world) unsubscribed(n, second int) *request {
	body := fmt.Sprintf(`{"event_type":"LEAD_UNSUBSCRIBED","campaign_id":4100001,"lead_email":"lead-%[1]s@acme.example.com",
		"lead_name":%[3]q,"event_timestamp":"2126-03-04T11:29:%02[2]d.000+00:00","secret_key":%[4]q}`, w.name, second, w.marker(n), bodyKey)
	return &request{source: "demo", body: body, markers: []string{w.marker(n)}}
}

func (w *world) campaignStatus(n, second int) *request {
	body := fmt.Sprintf(`{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":4100001,"campaign_name":%[2]q,"status":"S%[1]d",
		"event_timestamp":"2126-03-04T11:29:%02[1]d.000+00:00","secret_key":%[3]q}`, second, w.marker(n), bodyKey)
	return &request{source: "demo", body: body, markers: []string{w.marker(n)}}
}

// category says how the lead of a world stands from that second on.
func (w *world) category(n, second int) *request {
	body := fmt.Sprintf(`{"event_type":"LEAD_CATEGORY_UPDATED","campaign_id":4100001,"sl_lead_email":"lead-%[1]s@acme.example.com",
		"event_timestamp":"2126-03-04T11:29:%02[2]d.000+00:00","lead_category":{"old_category":"","new_category":%[3]q},"secret_key":%[4]q}`,
		w.name, second, w.marker(n), bodyKey)
	return &request{source: "demo", body: body, markers: []string{w.marker(n)}}
}

// event is a request with one element. The number names it within the world.
func (w *world) event(n int) *request {
	return &request{source: "demo", body: reply(fmt.Sprint(w.name, "-", n), w.marker(n)), markers: []string{w.marker(n)}}
}

// variant is another body under the identity of an event.
func (w *world) variant(of, n int) *request {
	return &request{source: "demo", body: reply(fmt.Sprint(w.name, "-", of), w.marker(n)), markers: []string{w.marker(n)}}
}

// large is an event whose body is kept in S3.
func (w *world) large(n int) *request {
	noise := make([]byte, 96<<10)
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	text := w.marker(n) + " " + base64.StdEncoding.EncodeToString(noise)
	return &request{source: "demo", body: reply(fmt.Sprint(w.name, "-", n), text), markers: []string{w.marker(n)}}
}

// timeless is an event without a time or an id.
func (w *world) timeless(n int) *request {
	return &request{source: "demo", body: status(fmt.Sprint(w.name, "-", n), w.marker(n)), markers: []string{w.marker(n)}}
}

// array is a request with several elements, and one that cannot be an event.
func (w *world) array(first, n int) *request {
	r := &request{source: "demo", bad: 1}
	bodies := []string{"42"}
	for i := first; i < first+n; i++ {
		e := w.event(i)
		bodies, r.markers = append(bodies, e.body), append(r.markers, e.markers...)
	}
	r.body = "[" + strings.Join(bodies, ",") + "]"
	return r
}

// untrusted is an event whose body names a key that the source does not know.
func (w *world) untrusted(n int) *request {
	r := w.event(n)
	r.source, r.body = "strict", strings.Replace(r.body, bodyKey, "somebody-elses-key", 1)
	return r
}

// trusted is the same event from a sender whose key is known.
func (w *world) trusted(n int) *request {
	r := w.event(n)
	r.source = "strict"
	return r
}

// elementsOf are the events that a request brings, read without the receiver.
func elementsOf(r *request) (elements []smartlead.Element) {
	batch, err := smartlead.Parse([]byte(r.body), smartlead.Options{Account: account})
	if err != nil {
		return nil
	}
	for _, el := range batch.Elements {
		if el.Err == nil {
			elements = append(elements, el)
		}
	}
	return elements
}

// keysOf are their identities.
func keysOf(r *request) (keys []string) {
	for _, el := range elementsOf(r) {
		keys = append(keys, el.Key)
	}
	return keys
}

// identitiesOf are those that an element may have: its own; that of a body that
// stands alone beside another one; and beside one that did and was given up.
func identitiesOf(el smartlead.Element) []string {
	id := webhook.NewEventID(el.Key, 1)
	alone := ledger.SplitID(webhook.Variant{ID: id, Fingerprint: el.Fingerprint})
	return []string{string(id), string(alone), string(ledger.SplitID(webhook.Variant{ID: alone, Fingerprint: el.Fingerprint}))}
}
