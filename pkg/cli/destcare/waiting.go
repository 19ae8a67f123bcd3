package destcare

import (
	"context"
	"errors"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// MaxWaiting bounds the events that a command looks at for what waits for a destination.
const MaxWaiting = 10_000

// Waiting counts the events that a destination has not had and may still get.
type Waiting struct {
	ByState map[webhook.State]int
	Alone   int               // no other destination has them, or may still get them
	More    bool              // there are more events than were looked at
	IDs     []webhook.EventID // of those that wait and can be handed over

	looked int // events
	most   int // to look at; 0: every one
}

// LookFor finds the events that wait for a destination; it looks at so many at most, 0 for
// every one, and counts them by seen. Held events, and those that no worker has taken yet,
// have no destinations: they get those that are configured by then.
func (d Desk) LookFor(ctx context.Context, name string, most int, seen func(n int)) (*Waiting, error) {
	w := &Waiting{ByState: make(map[webhook.State]int), most: most}
	return w, w.look(ctx, d.Stack, d.Now(), name, seen)
}

// Total is how many wait.
func (w *Waiting) Total() int {
	n := 0
	for _, of := range w.ByState {
		n += of
	}
	return n
}

// States words a count by state.
func States(byState map[webhook.State]int) string {
	var parts []string
	for _, state := range webhook.States {
		if n := byState[state]; n > 0 {
			parts = append(parts, output.Thousands(n)+" "+string(state))
		}
	}
	return strings.Join(parts, ", ")
}

// Text is a sentence about what waits, behind another.
func (w *Waiting) Text() string {
	total := w.Total()
	looked := ""
	if w.More {
		looked = " among the " + output.Thousands(w.most) + " looked at, and there are more"
	}
	if total == 0 {
		return ". None waits for it" + looked
	}
	text := ". " + output.Count(total, "waits", "wait") + " for it" + looked + ": " + States(w.ByState)
	if w.Alone > 0 && w.most > 0 { // else they are handed over
		text += "; " + output.Count(w.Alone, "has", "have") + " no other destination, and will be unrouted when tried again"
	}
	return text
}

// look walks over everything that is not settled and has destinations: by the due index
// what is pending or processing, by that of the dead the rest. A new event, which the due
// index does not list, has none.
func (w *Waiting) look(ctx context.Context, st *stack.Stack, now time.Time, name string, seen func(n int)) error {
	for shard := range ledger.DueShards {
		for after := ""; !w.More; {
			ids, next, err := st.Ledger.Due(ctx, shard, now.AddDate(10, 0, 0), after, 100)
			if err != nil {
				return err
			}
			records, err := st.Ledger.GetMany(ctx, ids)
			if err != nil {
				return err
			}
			seen(len(records))
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
		for !w.More {
			page, err := st.Ledger.List(ctx, q)
			if err != nil {
				return err
			}
			seen(len(page.Records))
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

func (w *Waiting) add(r webhook.Record, name string) {
	if w.looked++; w.most > 0 && w.looked > w.most {
		w.More = true
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
	w.ByState[r.State]++
	if r.HandsOver(name) {
		w.IDs = append(w.IDs, r.ID)
	}
	if alone {
		w.Alone++
	}
}

// HandedOver is what a hand-over did.
type HandedOver struct {
	Name    string `json:"name"`
	To      string `json:"to"`
	Removed bool   `json:"removed"` // by it, and not before
	Events  int    `json:"handed_over"`
	Had     int    `json:"had"`     // of these: the other one had or did not want them before
	Refused int    `json:"refused"` // of these: the other one refused them for good before
	Left    int    `json:"left"`    // a worker holds them, or took them meanwhile
	Failed  int    `json:"failed"`  // the ledger did not answer

	Waiting map[webhook.State]int `json:"-"` // the rest of these, by state
	Done    []webhook.Record      `json:"-"`
	Failure error                 `json:"-"`
}

// Exists tells whether there is a destination of that name, readable or not.
func (d Desk) Exists(ctx context.Context, name string) (bool, error) {
	_, err := d.Stack.Destinations.Get(ctx, name)
	if errors.Is(err, sourcestore.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// HandOver removes a destination, unless it is removed already, and hands over to another
// what waits for it, before and after: as long as it is configured, an attempt that fails
// leaves its event waiting. w is what waits; look finds it once more; moved is told of
// each event that had its turn.
func (d Desk) HandOver(ctx context.Context, name, to string, removed bool, w *Waiting, look func() (*Waiting, error), moved func()) (HandedOver, error) {
	out := HandedOver{Name: name, To: to}
	got := d.Stack.Operator.HandOver(ctx, w.IDs, name, to, moved)
	if got.Failed == 0 && !removed {
		if err := d.Delete(ctx, name); err != nil {
			return out, err
		}
		out.Removed = true
	}
	if got.Failed == 0 {
		w, err := look()
		if err != nil {
			return out, err
		}
		again := d.Stack.Operator.HandOver(ctx, w.IDs, name, to, moved)
		got.Done, got.Failed, got.Failure = append(got.Done, again.Done...), again.Failed, again.Failure
		out.Left = w.Total() - len(again.Done) - again.Failed
	}
	out.Events, out.Failed, out.Done, out.Failure = len(got.Done), got.Failed, got.Done, got.Failure
	out.Waiting = make(map[webhook.State]int)
	for _, r := range out.Done {
		switch p := r.At(to); {
		case p.Result.Settled():
			out.Had++
		case p.Result == webhook.ResultPermanent:
			out.Refused++
		default:
			out.Waiting[r.State]++
		}
	}
	return out, nil
}

// Text says what became of the events, in sentences.
func (o HandedOver) Text() string {
	var said []string
	if n := o.Events - o.Had - o.Refused; n > 0 {
		said = append(said, output.Count(n, "event waits", "events wait")+" now for "+o.To+": "+States(o.Waiting))
	}
	if o.Had > 0 {
		said = append(said, o.To+" had "+output.Count(o.Had, "event", "events")+" before, or did not want "+map[bool]string{true: "it", false: "them"}[o.Had == 1]+": nothing more of that is sent to it")
	}
	if o.Refused > 0 {
		said = append(said, o.To+" refused "+output.Count(o.Refused, "event", "events")+" for good before, which a replay sends once more")
	}
	return strings.Join(said, ". ")
}
