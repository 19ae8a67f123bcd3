package destinations

import (
	"context"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// maxWaiting bounds the events that are looked at for what waits for a destination.
const maxWaiting = 10_000

// waiting counts the events that a destination has not had and may still get.
type waiting struct {
	byState map[webhook.State]int
	alone   int  // no other destination has them, or may still get them
	looked  int  // events
	more    bool // there are more events than were looked at

	all bool              // look at every event
	ids []webhook.EventID // of those that wait and can be handed over
}

// lookFor finds the events that wait for a destination; all: every one. Held events,
// and those that no worker has taken yet, have no destinations: they get those that
// are configured by then.
func lookFor(ctx context.Context, s *session.Session, st *stack.Stack, name string, all bool) (*waiting, error) {
	w := &waiting{byState: make(map[webhook.State]int), all: all}
	progress := s.Progress("events")
	defer progress.End()
	return w, w.look(ctx, st, s.Now(), name, progress)
}

// total is how many wait.
func (w *waiting) total() int {
	n := 0
	for _, of := range w.byState {
		n += of
	}
	return n
}

// states words a count by state.
func states(byState map[webhook.State]int) string {
	var parts []string
	for _, state := range webhook.States {
		if n := byState[state]; n > 0 {
			parts = append(parts, output.Thousands(n)+" "+string(state))
		}
	}
	return strings.Join(parts, ", ")
}

func (w *waiting) text() string {
	total := w.total()
	looked := ""
	if w.more {
		looked = " among the " + output.Thousands(maxWaiting) + " looked at, and there are more"
	}
	if total == 0 {
		return ". None waits for it" + looked
	}
	text := ". " + output.Count(total, "waits", "wait") + " for it" + looked + ": " + states(w.byState)
	if w.alone > 0 && !w.all { // else they are handed over
		text += "; " + output.Count(w.alone, "has", "have") + " no other destination, and will be unrouted when tried again"
	}
	return text
}

// look walks over everything that is not settled: by the due index what is pending
// or processing, by that of the dead the rest.
func (w *waiting) look(ctx context.Context, st *stack.Stack, now time.Time, name string, progress *output.Progress) error {
	for shard := range ledger.DueShards {
		for after := ""; !w.more; {
			ids, next, err := st.Ledger.Due(ctx, shard, now.AddDate(10, 0, 0), after, 100)
			if err != nil {
				return err
			}
			records, err := st.Ledger.GetMany(ctx, ids)
			if err != nil {
				return err
			}
			progress.Add(len(records))
			for _, r := range records {
				if !r.Finished() { // a dead event that owes its dead letter is counted below
					w.add(r, name)
				}
			}
			if after = next; after == "" {
				break
			}
		}
	}
	for _, q := range []ledger.Query{{Dead: true}, {State: webhook.Parked}} {
		q.Now, q.Limit = now, 100
		for !w.more {
			page, err := st.Ledger.List(ctx, q)
			if err != nil {
				return err
			}
			progress.Add(len(page.Records))
			for _, r := range page.Records {
				w.add(r, name)
			}
			if q.After = page.Next; q.After == "" {
				break
			}
		}
	}
	return nil
}

func (w *waiting) add(r webhook.Record, name string) {
	if w.looked++; w.looked > maxWaiting && !w.all {
		w.more = true
		return
	}
	waits, alone := false, true
	for _, p := range r.Destinations {
		switch {
		case p.Name == name:
			waits = !p.Result.Settled()
		case p.Result == webhook.ResultDelivered || !p.Result.Settled():
			alone = false
		}
	}
	if !waits {
		return
	}
	w.byState[r.State]++
	if r.HandsOver(name) {
		w.ids = append(w.ids, r.ID)
	}
	if alone {
		w.alone++
	}
}
