package events

import (
	"context"
	"strings"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// showsNames tells whether a table shows names: to a person on a terminal. They cost no
// read, since an item is read whole; scripts know the columns as they are.
func showsNames(s *session.Session) bool { return s.OutTerminal && !s.JSON }

// namesOf reads the names in a body that came with its event. One that is too large
// to be in the item is not fetched for a listing: its event has no names there.
func namesOf(ctx context.Context, st *stack.Stack, r webhook.Record) eventview.Names {
	if len(r.Payload.Data) == 0 {
		return eventview.Names{}
	}
	body, err := st.Bodies.Load(ctx, r.Payload)
	if err != nil {
		return eventview.Names{}
	}
	el, ok := eventview.ElementOf(body, r)
	if !ok {
		return eventview.Names{}
	}
	return eventview.NamesIn(el.Event)
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
