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
}

// countWaiting says how many events the removal of a destination settles. Held events, and those that no worker has taken yet,
// have no destinations: they get those that are configured by then.
func countWaiting(ctx context.Context, s *session.Session, st *stack.Stack, name string) (string, error) {
	w := waiting{byState: make(map[webhook.State]int)}
	if err := w.look(ctx, st, s.Now(), name); err != nil {
		return "", err
	}
	return w.text(), nil
}

func (w *waiting) text() string {
	var parts []string
	total := 0
	for _, state := range webhook.States {
		if n := w.byState[state]; n > 0 {
			parts, total = append(parts, output.Thousands(n)+" "+string(state)), total+n
		}
	}
	looked := ""
	if w.more {
		looked = " among the " + output.Thousands(maxWaiting) + " looked at, and there are more"
	}
	if total == 0 {
		return ". None waits for it" + looked
	}
	text := ". " + output.Count(total, "waits", "wait") + " for it" + looked + ": " + strings.Join(parts, ", ")
	if w.alone > 0 {
		text += "; " + output.Count(w.alone, "has", "have") + " no other destination, and will be unrouted when tried again"
	}
	return text
}

// look walks over everything that is not settled: by the due index what is pending
// or processing, by that of the dead the rest.
func (w *waiting) look(ctx context.Context, st *stack.Stack, now time.Time, name string) error {
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
	if w.looked++; w.looked > maxWaiting {
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
	if alone {
		w.alone++
	}
}
