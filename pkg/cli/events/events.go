// Package events finds events, shows what became of them and sends them again.
package events

import (
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
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
}

func newEventTable(clock output.Clock) eventTable {
	return eventTable{clock: clock, Table: output.NewTable("RECEIVED", "*STATE", "!TYPE", "LEAD", "CAMPAIGN", ">TRIES", "@EVENT ID", "~NOTE").
		Early("CAMPAIGN", "LEAD").Dispose("TRIES", "CAMPAIGN", "LEAD")}
}

func (t eventTable) add(r webhook.Record) {
	t.Add(output.Stamp(r.ReceivedAt), string(r.State), string(r.Type), r.LeadEmail, r.CampaignID,
		fmt.Sprint(r.LeaseNumber), string(r.ID), eventview.Note(t.clock, r))
}
