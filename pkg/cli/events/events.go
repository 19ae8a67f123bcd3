// Package events finds events, shows what became of them and sends them again.
package events

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// New returns the command events and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "events",
		Aliases: []string{"event"},
		Short:   "Find events, see what became of them, send them again",
	}
	cmd.AddCommand(
		listCmd(s), findCmd(s), showCmd(s), replayCmd(s),
		moveCmd(s, parking), moveCmd(s, unparking), moveCmd(s, discarding), moveCmd(s, releasing),
		variantsCmd(s), splitCmd(s), refusedCmd(s),
	)
	return cmd
}

// eventTable lists events.
type eventTable struct {
	*output.Table
	clock output.Clock
	stack *stack.Stack
	named bool
}

func newEventTable(s *session.Session, st *stack.Stack) eventTable {
	headings := []string{"RECEIVED", "*STATE", "!TYPE", "LEAD", "CAMPAIGN", ">TRIES", "@EVENT ID", "~NOTE"}
	if showsNames(s) {
		headings = []string{"RECEIVED", "*STATE", "LEAD", "CAMPAIGN", "SAYS", ">TRIES", "@EVENT ID", "~NOTE"}
	}
	return eventTable{
		clock: s.Clock, stack: st, named: showsNames(s),
		Table: output.NewTable(headings...).Early("SAYS", "CAMPAIGN").Late("LEAD").Dispose("SAYS", "TRIES", "CAMPAIGN", "LEAD"),
	}
}

func (t eventTable) add(ctx context.Context, r webhook.Record) { t.addNoted(ctx, r, "") }

// addNoted adds an event with a note before the others.
func (t eventTable) addNoted(ctx context.Context, r webhook.Record, first string) {
	tries, note := fmt.Sprint(r.Tries()), eventview.Note(t.clock, r)
	if first != "" {
		note = strings.TrimSuffix(first+", "+note, ", ")
	}
	if t.named {
		n := eventview.NamesOf(ctx, t.stack.Bodies, r)
		t.Add(output.Stamp(r.ReceivedAt), string(r.State), eventview.Beside(r.LeadEmail, n.Lead), eventview.Beside(r.CampaignID, n.Campaign),
			n.Said(), tries, string(r.ID), note)
		return
	}
	t.Add(output.Stamp(r.ReceivedAt), string(r.State), string(r.Type), r.LeadEmail, r.CampaignID, tries, string(r.ID), note)
}
