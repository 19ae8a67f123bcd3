package console

import (
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

// stamp is a time on a page: as its reader sees it, and in UTC.
type stamp struct {
	Text string // 14:02:31 of today, else 27 Nov 14:02
	UTC  string
}

// at is a time on a page; empty for none.
func (q *request) at(t time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	here, today := t.In(q.zone), q.clock.Now().In(q.zone)
	layout := "2 Jan 15:04"
	switch {
	case here.YearDay() == today.YearDay() && here.Year() == today.Year():
		layout = "15:04:05"
	case here.Year() != today.Year():
		layout = "2 Jan 2006 15:04"
	}
	return stamp{Text: here.Format(layout), UTC: output.Stamp(t)}
}

// mark is how a state is shown: never by its colour alone.
type mark struct {
	State, Glyph string
}

var glyphs = map[webhook.State]string{
	webhook.Pending: "○", webhook.Processing: "◐", webhook.Delivered: "✓", webhook.Unrouted: "⊘", webhook.Dead: "✗",
	webhook.Held: "!", webhook.Parked: "P", webhook.Discarded: "–",
}

func markOf(state webhook.State) mark { return mark{State: string(state), Glyph: glyphs[state]} }
