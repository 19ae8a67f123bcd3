package events

import (
	"strings"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
)

// showsNames tells whether a table shows names: to a person on a terminal. They cost no
// read, since an item is read whole; scripts know the columns as they are.
func showsNames(s *session.Session) bool { return s.OutTerminal && !s.JSON }

func printReply(s *session.Session, r replyView) {
	s.Line("Reply, from %s", output.Dash(output.Clean(r.From)))
	for line := range strings.Lines(r.Text) {
		s.Wrap("  | ", strings.TrimSpace(line))
	}
	if r.More {
		s.Line("  | … (--raw has all, with what it quotes)")
	}
}
