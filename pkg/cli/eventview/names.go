package eventview

import (
	"context"

	"smartlead-receiver/pkg/cli/mailtext"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// Names are what a person calls the parts of an event. The ledger keeps ids; the
// names are in the body.
type Names struct {
	Campaign, Lead, Subject string
	Reply                   string // the first line that was written
}

// NamesIn are the names in a normalized event.
func NamesIn(ev webhook.Event) Names {
	n := Names{Campaign: ev.CampaignName, Subject: ev.Subject}
	if ev.Lead != nil {
		n.Lead = ev.Lead.Name
	}
	if ev.Reply != nil {
		n.Reply = mailtext.First(ev.Reply.Text, ev.Reply.HTML)
	}
	return n
}

// Bodies are where stored bodies are read.
type Bodies interface {
	Load(ctx context.Context, p webhook.Payload) ([]byte, error)
}

// NamesOf reads the names in a body that came with its event. One that is too large
// to be in the item is not fetched for a listing: its event has no names there.
func NamesOf(ctx context.Context, bodies Bodies, r webhook.Record) Names {
	if len(r.Payload.Data) == 0 {
		return Names{}
	}
	body, err := bodies.Load(ctx, r.Payload)
	if err != nil {
		return Names{}
	}
	el, ok := ElementOf(body, r)
	if !ok {
		return Names{}
	}
	return NamesIn(el.Event)
}

// ElementOf reads the stored body of one event; ok is false for one that this
// version cannot read.
func ElementOf(body []byte, r webhook.Record) (el smartlead.Element, ok bool) {
	batch, err := smartlead.Parse(body, smartlead.Options{Account: r.Account})
	if err != nil || len(batch.Elements) != 1 || batch.Elements[0].Err != nil {
		return smartlead.Element{}, false
	}
	return batch.Elements[0], true
}

// Said is what a mail is about and how it begins.
func (n Names) Said() string {
	switch {
	case n.Reply == "":
		return n.Subject
	case n.Subject == "":
		return n.Reply
	}
	return n.Subject + " – " + n.Reply
}

// Beside is an id or an address, and the name behind it.
func Beside(id, name string) string {
	switch {
	case name == "" || name == id:
		return id
	case id == "":
		return name
	}
	return id + " " + name
}
