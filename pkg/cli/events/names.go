package events

import (
	"context"
	"strings"

	"smartlead-receiver/pkg/cli/mailtext"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// names are what a person calls the parts of an event. The ledger keeps ids; the
// names are in the body.
type names struct {
	campaign, lead, subject string
	reply                   string // the first line that was written
}

// showsNames tells whether a table shows names: to a person on a terminal. They cost no
// read, since an item is read whole; scripts know the columns as they are.
func showsNames(s *session.Session) bool { return s.OutTerminal && !s.JSON }

// namesOf reads the names in a body that came with its event. One that is too large
// to be in the item is not fetched for a listing: its event has no names there.
func namesOf(ctx context.Context, st *stack.Stack, r webhook.Record) names {
	if len(r.Payload.Data) == 0 {
		return names{}
	}
	body, err := st.Bodies.Load(ctx, r.Payload)
	if err != nil {
		return names{}
	}
	el, ok := elementOf(body, r)
	if !ok {
		return names{}
	}
	return namesIn(el.Event)
}

func namesIn(ev webhook.Event) names {
	n := names{campaign: ev.CampaignName, subject: ev.Subject}
	if ev.Lead != nil {
		n.lead = ev.Lead.Name
	}
	if ev.Reply != nil {
		n.reply = mailtext.First(ev.Reply.Text, ev.Reply.HTML)
	}
	return n
}

// elementOf reads the stored body of one event.
func elementOf(body []byte, r webhook.Record) (smartlead.Element, bool) {
	batch, err := smartlead.Parse(body, smartlead.Options{Account: r.Account})
	if err != nil || len(batch.Elements) != 1 || batch.Elements[0].Err != nil {
		return smartlead.Element{}, false
	}
	return batch.Elements[0], true
}

// beside is an id or an address, and the name behind it.
func beside(id, name string) string {
	switch {
	case name == "" || name == id:
		return id
	case id == "":
		return name
	}
	return id + " " + name
}

// said is what a mail is about and how it begins.
func (n names) said() string {
	switch {
	case n.reply == "":
		return n.subject
	case n.subject == "":
		return n.reply
	}
	return n.subject + " – " + n.reply
}

func printReply(s *session.Session, r replyView) {
	s.Line("Reply, from %s", output.Dash(output.Clean(r.From)))
	for line := range strings.Lines(r.Text) {
		s.Wrap("  | ", strings.TrimSpace(line))
	}
	if r.More {
		s.Line("  | … (--raw has all, with what it quotes)")
	}
}
