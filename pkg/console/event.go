package console

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/mailtext"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

var eventPage = page{path: "/events/{id}", file: "event.html", under: "/events", title: "Event", units: 10, acts: true, read: readEvent, live: liveEvent}

// eventView is everything that is known of one event.
type eventView struct {
	ID, Short, Type, Lead, LeadLink, Campaign, CampaignName, LeadName string

	State    mark
	Headline string
	Next     []string
	Actions  []eventAction
	Story    []storyStep
	Facts    []fact
	Identity []fact
	Basis    string

	Made     *madeView    // nil: somebody posted it
	Webhook  *variantView // of an event that was made: what Smartlead posted of it after all
	Variants panel[[]variantView]
	Body     panel[*bodyView]
	Erased   stamp
	Curl     string
	Standing []standing
	Offers   []offer
	Live     string // where its story is followed
}

// madeView is who made an event that nobody posted, when and of what.
type madeView struct {
	By, Of string // empty where its body does not say it
	Repair string // address of the repair that made it
	At     stamp
	Came   bool // its webhook came after all
}

// fact is a name and a value.
type fact struct{ Name, Value, Title string }

// bodyView is the stored body of an event, as it is read and as it came.
type bodyView struct {
	Reply      []string // lines
	More       bool     // the mail has more than what was written
	From       string
	Subject    string
	Normalized *node // nil for a body that this version cannot read
	Original   *node
}

func (e eventView) PageTitle() string { return e.Type + " " + e.Lead }

// event reads the event that the address names.
func (q *request) event() (webhook.Record, error) {
	id, err := webhook.ParseEventID(q.PathValue("id"))
	if err != nil {
		return webhook.Record{}, problem.NotFound("%s is no id of an event", output.Clean(q.PathValue("id"))).Hint("search for it above")
	}
	rec, err := q.st.Ledger.Get(q.ctx(), id)
	if errors.Is(err, webhook.ErrNotFound) {
		return webhook.Record{}, problem.NotFound("there is no event %s", id).Hint("delivered events expire; look for others of its lead")
	}
	return rec, err
}

func readEvent(q *request) (any, error) {
	rec, err := q.event()
	if err != nil {
		return nil, err
	}
	e := eventView{
		ID: string(rec.ID), Short: output.ShortID(string(rec.ID)), Type: output.Clean(eventview.TypeText(string(rec.Type), rec.RawType)),
		Lead: output.Clean(rec.LeadEmail), LeadLink: leadAddress(rec.LeadEmail), Campaign: output.Clean(rec.CampaignID),
		State: markOf(rec.State), Headline: eventview.Headline(q.clock, rec), Next: eventview.Advice(q.clock, q.Self, output.ShortID(string(rec.ID)), rec),
		Actions: actionsOf(rec), Facts: q.facts(rec), Basis: strings.Join(rec.Basis, ", "), Erased: q.at(rec.ErasedAt),
		Standing: standings(rec), Offers: q.offers(rec), Live: livePath + eventAddress(string(rec.ID)),
	}
	var body []byte
	if !rec.Erased() {
		body, err = q.st.Bodies.Load(q.ctx(), rec.Payload)
		if err != nil {
			e.Body.Err = q.failure(err)
		} else {
			q.showBody(&e, rec, body)
		}
	}
	e.Made = q.made(rec, body)
	if rec.Variants > 0 || rec.Original != "" {
		fill(q, &e.Variants, func() ([]variantView, error) { return q.variants(rec, body) })()
	}
	e.Story = q.story(rec, e.Variants.Data)
	e.Variants.Data, e.Webhook = apart(e.Variants.Data)
	return e, nil
}

// made says who made an event; nil where somebody posted it.
func (q *request) made(rec webhook.Record, body []byte) *madeView {
	if !rec.Synthesized() {
		return nil
	}
	m := madeView{At: q.at(rec.ReceivedAt), Came: rec.Original != ""}
	if said, is := repair.MadeBy(body); is {
		m.By, m.Of = output.Clean(said.By), output.Clean(said.From)
		if said.Run != "" {
			m.Repair = repairAddress(said.Run)
		}
	}
	return &m
}

// showBody shows what the body says, and the body itself.
func (q *request) showBody(e *eventView, rec webhook.Record, body []byte) {
	b := &bodyView{Original: treeOf(body)}
	e.Body.Data, e.Curl = b, q.curl(body)
	el, ok := eventview.ElementOf(body, rec)
	if !ok {
		return
	}
	names := eventview.NamesIn(el.Event)
	e.LeadName, e.CampaignName, b.Subject = output.Clean(names.Lead), output.Clean(names.Campaign), output.Clean(names.Subject)
	if reply := el.Event.Reply; reply != nil {
		lines, more := mailtext.Of(reply.Text, reply.HTML)
		for _, line := range lines {
			b.Reply = append(b.Reply, output.Plain(line))
		}
		b.From, b.More = output.Clean(reply.From), more
	}
	b.Normalized = normalizedTree(el, rec)
	if el.Key == rec.Key {
		for _, f := range eventview.IdentityOf(el) {
			e.Identity = append(e.Identity, fact{Name: f.Name, Value: output.Clean(f.Value)})
		}
	}
}

// normalizedTree is the event as destinations receive it, without the original.
func normalizedTree(el smartlead.Element, rec webhook.Record) *node {
	ev := el.Event
	ev.ID, ev.Source, ev.ReceivedAt, ev.Flags, ev.Generation, ev.Raw = rec.ID, rec.Source, rec.ReceivedAt, rec.Flags, rec.Generation, nil
	text, err := json.Marshal(ev)
	if err != nil {
		return nil
	}
	return treeOf(text)
}

// curl is the command that posts the stored body once more. The token is the
// reader's to add.
func (q *request) curl(body []byte) string {
	source := output.OrText(q.st.Demo, "SOURCE")
	return "curl -H 'Content-Type: application/json' -d " + output.Quote(string(output.EscapeJSON(body))) +
		" " + q.st.APIURL + "/webhooks/" + source + "/$SMARTLEAD_TOKEN"
}

func (q *request) facts(r webhook.Record) []fact {
	var all []fact
	add := func(name, value string) {
		if value != "" {
			all = append(all, fact{Name: name, Value: value})
		}
	}
	when := func(name string, t time.Time) {
		if s := q.at(t); s.Text != "" {
			all = append(all, fact{name, s.Text + ", " + s.UTC, s.UTC})
		}
	}
	add("account", r.Account)
	add("source", r.Source)
	add("dialect", r.Dialect)
	when("occurred", r.OccurredAt)
	when("received", r.ReceivedAt)
	add("message id", output.Clean(r.MessageID))
	add("stats id", output.Clean(r.StatsID))
	add("provider's id", output.Clean(r.ProviderEventID))
	add("X-Request-Id", output.Clean(r.ProviderRequestID))
	add("our request id", output.Clean(r.RequestID))
	add("idempotency key", r.IdempotencyKey())
	add("flags", strings.Join(r.Flags, ", "))
	when("leased until", r.LeaseUntil)
	when("due", r.DueAt)
	when("expires", r.ExpiresAt)
	return all
}

// eventTick is how often an open story is looked at.
const eventTick = 2 * time.Second

// liveEvent follows the story of one event.
func liveEvent(q *request) (topic, error) {
	id, err := webhook.ParseEventID(q.PathValue("id"))
	if err != nil {
		return topic{}, errBadAddress
	}
	return q.repaint("event.html", readEvent, eventTick, func(now *request) (string, error) {
		found, err := now.st.Ledger.GetMany(now.ctx(), []webhook.EventID{id})
		rec, there := found[id]
		if err != nil || !there {
			return "", err
		}
		return standsAt(rec), nil
	}), nil
}
