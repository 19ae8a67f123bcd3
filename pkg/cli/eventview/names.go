package eventview

import (
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
