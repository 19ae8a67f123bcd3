package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/webhook"
)

func (p *program) dlqCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "dlq", Short: "See what is dead, and why"}
	cmd.AddCommand(p.dlqListCmd())
	return cmd
}

type dlqOptions struct {
	filter
	events bool
	all    bool
}

func (p *program) dlqListCmd() *cobra.Command {
	var o dlqOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead events by their cause, and what the dead letter queue holds",
		Long: fmt.Sprintf(`List dead events, grouped by what killed them, the largest group first; --events
lists each. The ledger says what is dead; the dead letter queue holds a dead letter for
each, so that the SQS console and alarms work. Both ways back are printed: ours,
which has a pace and a canary, and the native one of SQS.

Up to %d messages of the queue are looked at and given back, to find those that are
no dead letters.`, redrive.MaxLook),
		Example: `  smartleadctl dlq list
  smartleadctl dlq list --type EMAIL_REPLY --events
  smartleadctl dlq list --json | jq 'select(.kind == "cause")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.dlqList(cmd.Context(), o) },
	}
	o.common(cmd)
	cmd.Flags().BoolVar(&o.events, "events", false, "list each event")
	cmd.Flags().BoolVar(&o.all, "all", false, fmt.Sprintf("read more than %s dead events", thousands(maxLook)))
	return cmd
}

// dlqReport is what dlq list shows.
type dlqReport struct {
	Causes []*deathCause
	Dead   int
	Whole  bool // every dead event was read
	Queue  queueView
}

// deathCause is dead events that died of the same.
type deathCause struct {
	Kind        string `json:"kind"` // "cause"
	ErrorClass  string `json:"error_class"`
	Type        string `json:"type"`
	Destination string `json:"destination,omitempty"`
	Count       int    `json:"count"`
	Cause       string `json:"cause"`
	OldestDeath string `json:"oldest_death"`
	LatestDeath string `json:"latest_death"`
	Example     string `json:"example_event_id"`

	oldest, latest time.Time
}

// queueView is what the dead letter queue holds.
type queueView struct {
	Kind        string `json:"kind"` // "queue"
	Dead        int    `json:"dead_events"`
	Whole       bool   `json:"dead_events_complete"`
	DeadLetters int    `json:"messages"`
	InFlight    int    `json:"messages_in_flight"`
	Looked      int    `json:"looked_at"`
	Unclaimed   int    `json:"unclaimed"`
	Foreign     int    `json:"foreign"`
	Stale       int    `json:"without_dead_event"`
	LiveDepth   int    `json:"live_messages"`
	Replay      int    `json:"replay_messages"`
	Native      string `json:"native_redrive"`
	Ours        string `json:"redrive"`
}

// deadView is a dead event of --events.
type deadView struct {
	Kind string `json:"kind"` // "event"
	eventView
}

func (p *program) dlqList(ctx context.Context, o dlqOptions) error {
	o.state = string(webhook.Dead)
	q, err := o.query(p.Now())
	if err != nil {
		return err
	}
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	q.Oldest = true
	bound := maxLook
	if o.all {
		bound = 0
	}
	g := dlqReport{}
	rows := newTable("DIED", "TYPE", "LEAD", "CAMPAIGN", ">TRIES", "EVENT ID", "~CAUSE")
	groups := map[string]*deathCause{}
	w, err := walk(ctx, s, q, 0, bound, func(r webhook.Record) error {
		g.Dead++
		p.addCause(groups, r)
		switch {
		case o.events && p.json:
			return p.emit(deadView{"event", viewOf(r)})
		case o.events:
			rows.add(stamp(r.DiedAt), string(r.Type), r.LeadEmail, r.CampaignID, fmt.Sprint(r.LeaseNumber), string(r.ID), p.cause(r))
		}
		return nil
	})
	if err != nil {
		return err
	}
	g.Whole, g.Causes = w.next == "", sorted(groups)
	if g.Queue, err = p.lookAtQueue(ctx, s, g); err != nil {
		return err
	}
	if p.json {
		return p.emitReport(g)
	}
	if o.events && g.Dead > 0 {
		if err := p.print(rows, ""); err != nil {
			return err
		}
		p.line("")
	}
	return p.showReport(g)
}

// addCause counts a dead event under its cause.
func (p *program) addCause(groups map[string]*deathCause, r webhook.Record) {
	var destinations []string
	for _, a := range lastFailures(r) {
		if a.Destination != "" {
			destinations = append(destinations, a.Destination)
		}
	}
	dest := strings.Join(destinations, ", ")
	key := r.ErrorClass + "\x00" + string(r.Type) + "\x00" + dest
	g := groups[key]
	if g == nil {
		g = &deathCause{
			Kind: "cause", ErrorClass: r.ErrorClass, Type: string(r.Type), Destination: dest,
			Cause: p.cause(r), Example: string(r.ID), oldest: r.DiedAt, latest: r.DiedAt,
		}
		groups[key] = g
	}
	g.Count++
	if r.DiedAt.Before(g.oldest) {
		g.oldest = r.DiedAt
	}
	if r.DiedAt.After(g.latest) {
		// The latest death is the likeliest to tell how things stand now.
		g.latest, g.Cause, g.Example = r.DiedAt, p.cause(r), string(r.ID)
	}
	g.OldestDeath, g.LatestDeath = wire(g.oldest), wire(g.latest)
}

func sorted(groups map[string]*deathCause) []*deathCause {
	out := make([]*deathCause, 0, len(groups))
	for _, g := range groups {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *deathCause) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ErrorClass, b.ErrorClass),
			cmp.Compare(a.Type, b.Type), cmp.Compare(a.Destination, b.Destination))
	})
	return out
}

// lookAtQueue reads the depths, and some messages to find those that are no
// dead letters.
func (p *program) lookAtQueue(ctx context.Context, s *Stack, g dlqReport) (queueView, error) {
	live, replay, dead, err := s.Queues.Depths(ctx)
	if err != nil {
		return queueView{}, err
	}
	found, err := s.DeadLetters.Sample(ctx, depth(dead))
	if err != nil {
		return queueView{}, err
	}
	return queueView{
		Kind: "queue", Dead: g.Dead, Whole: g.Whole, DeadLetters: depth(dead), InFlight: dead.InFlight,
		Looked: found.Looked, Unclaimed: found.Unclaimed, Foreign: found.Foreign, Stale: found.Stale,
		LiveDepth: depth(live), Replay: depth(replay), Native: p.native(s), Ours: p.self() + " redrive start",
	}, nil
}

func depth(d queue.Depth) int { return d.Waiting + d.InFlight + d.Delayed }

// native is the way back that SQS offers itself. The dead letters were sent by the
// worker, not moved by SQS, so AWS needs the destination.
func (p *program) native(s *Stack) string {
	words := []string{"aws", "sqs", "start-message-move-task", "--source-arn", s.DLQARN, "--destination-arn", s.LiveQueueARN}
	if p.target.local {
		words = append(words, "--endpoint-url", s.SQSEndpoint, "--region", orText(s.Region, "us-east-1"))
	}
	if p.target.profile != "" {
		words = append(words, "--profile", p.target.profile)
	}
	if p.target.region != "" {
		words = append(words, "--region", p.target.region)
	}
	for i := range words {
		words[i] = quote(words[i])
	}
	return strings.Join(words, " ")
}

func (p *program) emitReport(g dlqReport) error {
	for _, c := range g.Causes {
		if err := p.emit(c); err != nil {
			return err
		}
	}
	return p.emit(g.Queue)
}

func (p *program) showReport(g dlqReport) error {
	if g.Dead == 0 {
		p.line("No dead event matches.")
	} else {
		more := ""
		if !g.Whole {
			more = " (the oldest; there are more: --all)"
		}
		p.line("%s, by cause%s", count(g.Dead, "dead event", "dead events"), more)
		t := newTable(">COUNT", "CLASS", "TYPE", "OLDEST", "LATEST", "EXAMPLE", "~CAUSE")
		for _, c := range g.Causes {
			t.add(thousands(c.Count), c.ErrorClass, c.Type, p.ago(c.oldest), p.ago(c.latest), c.Example, c.Cause)
		}
		if err := p.print(t, "  "); err != nil {
			return err
		}
	}
	p.line("")
	p.showQueue(g.Queue)
	if g.Dead == 0 {
		return nil
	}
	p.line("")
	p.line("What to do next")
	p.line("  See one:       %s events show ID", p.self())
	p.line("  Fix what failed. Then, at a pace, with a canary first:")
	p.line("                 %s redrive plan", p.self())
	p.line("                 %s", g.Queue.Ours)
	p.line("  Or natively, at the full speed of SQS (in its console: Start DLQ redrive,")
	p.line("  Redrive to a custom destination, the live queue):")
	p.line("                 %s", g.Queue.Native)
	p.line("  %s", notApplied)
	return nil
}

func (p *program) showQueue(v queueView) {
	p.line("Dead letter queue: about %s", count(v.DeadLetters, "message", "messages"))
	if v.DeadLetters > 0 && v.Looked == 0 {
		p.line("  none of them could be looked at: others are looking, such as the redrive function")
	}
	if v.Looked > 0 {
		p.line("  looked at %d of them: %d unclaimed, %d foreign, %d of events that are not dead",
			v.Looked, v.Unclaimed, v.Foreign, v.Stale)
	}
	if v.Unclaimed > 0 {
		p.line("  An unclaimed message is the only copy of its event. The redrive function brings it into the ledger within minutes;")
		p.line("  if the number stays: %s doctor", p.self())
	}
	if v.Foreign > 0 {
		p.line("  A foreign message is none of ours. It is left alone: look at it in the SQS console.")
	}
	if v.Stale > 0 {
		p.line("  A dead letter of an event that is not dead revives nothing; the redrive function clears it.")
	}
}
