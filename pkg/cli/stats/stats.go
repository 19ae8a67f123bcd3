// Package stats counts what was received by type and hour, and what became of it.
package stats

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/webhook"
)

// New returns the command stats.
func New(s *session.Session) *cobra.Command {
	var f filter.Filter
	var maxEvents int
	f.Since = "24h"
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Count events by type and hour, and what became of them",
		Long: `Count what was received by type and hour, and the states in which it stands, from
the indexes of the table. With --campaign, --lead, --destination or --error-class each event is read
instead. At most --max are counted, the newest first; the counts say when that was
not all.`,
		Example: `  smartleadctl stats
  smartleadctl stats --since 7d --type EMAIL_REPLY
  smartleadctl stats --since 6h --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), s, f, maxEvents) },
	}
	f.AddCommon(cmd)
	f.AddDestination(cmd)
	cmd.Flags().StringVar(&f.Since, "since", "24h", "received since: a length of time (2h, 2d3h, 1w) or a time")
	cmd.Flags().IntVar(&maxEvents, "max", 0, fmt.Sprintf("events to count at most; 0: %s, or %s where each must be read", output.Thousands(maxCounted), output.Thousands(filter.MaxLook)))
	return cmd
}

// typeStats counts the events of one type.
type typeStats struct {
	Type   string         `json:"type"`
	Count  int            `json:"count"`
	States map[string]int `json:"states"`
	Hours  map[string]int `json:"hours"` // beginning of the hour, UTC
	Repeat int            `json:"duplicates"`
	Others int            `json:"variants"`
}

const hourLayout = "2006-01-02T15:00:00Z"

func run(ctx context.Context, s *session.Session, f filter.Filter, maxEvents int) error {
	now := s.Now().UTC()
	q, err := f.Query(now)
	if err != nil {
		return err
	}
	switch {
	case maxEvents < 0:
		return problem.Usage("--max is at least 1, or 0 for what is usual")
	case now.Sub(q.Since) > 31*24*time.Hour:
		return problem.Usage("--since reaches back more than 31 days")
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	c := counts{byType: map[string]*typeStats{}, oldest: now}
	count, limit := c.read, filter.MaxLook
	if indexed(q) {
		count, limit = c.fromIndexes, maxCounted
	}
	if maxEvents > 0 {
		limit = maxEvents
	}
	more, err := count(ctx, s, st.Ledger, q, limit)
	if err != nil {
		return err
	}
	since := q.Since
	if more {
		since = c.oldest
		s.Say("counted the newest %s only, back to %s; more: --max", output.Count(limit, "event", "events"), output.Stamp(since))
	}
	return show(s, c.byType, since, now)
}

func show(s *session.Session, byType map[string]*typeStats, since, now time.Time) error {
	types := slices.Sorted(maps.Keys(byType))
	if s.JSON {
		for _, name := range types {
			if err := s.Emit(byType[name]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(types) == 0 {
		s.Say("nothing was received since %s", output.Stamp(since))
		return nil
	}
	hours := hoursOf(since, now)
	total := typeStats{Type: "all", States: map[string]int{}, Hours: map[string]int{}}
	for _, name := range types {
		s := byType[name]
		total.Count, total.Repeat, total.Others = total.Count+s.Count, total.Repeat+s.Repeat, total.Others+s.Others
		for k, n := range s.States {
			total.States[k] += n
		}
		for k, n := range s.Hours {
			total.Hours[k] += n
		}
	}
	shown := columnsOf(total, s.OutTerminal)
	headings := []string{"TYPE"}
	for _, c := range shown {
		headings = append(headings, ">"+c.heading)
	}
	t := output.NewTable(append(headings, byHour)...).Dispose("OTHER", "UNROUTED", "VARIANTS", "DUPLICATES", "UNDER WAY", "HELD", byHour)
	for _, name := range types {
		addStats(t, shown, *byType[name], hours)
	}
	if len(types) > 1 {
		addStats(t, shown, total, hours)
	}
	if err := s.Print(t, ""); err != nil {
		return err
	}
	s.Line("from %s to %s, %s a column", output.Stamp(since), output.Stamp(now), hourStep(len(hours)))
	return nil
}

const byHour = "BY HOUR, UTC"

// statColumn is a count of the table.
type statColumn struct {
	heading string
	always  bool // also where it is 0 for every type
	count   func(t typeStats) int
}

func ofStates(states ...string) func(t typeStats) int {
	return func(t typeStats) (sum int) {
		for _, state := range states {
			sum += t.States[state]
		}
		return sum
	}
}

var statColumns = []statColumn{
	{"EVENTS", true, func(t typeStats) int { return t.Count }},
	{"DELIVERED", true, ofStates(string(webhook.Delivered))},
	{"UNROUTED", false, ofStates(string(webhook.Unrouted))},
	{"UNDER WAY", false, ofStates(string(webhook.Pending), string(webhook.Processing), underWay)},
	{"DEAD", true, ofStates(string(webhook.Dead))},
	{"HELD", false, ofStates(string(webhook.Held))},
	{"OTHER", false, ofStates(string(webhook.Parked), string(webhook.Discarded))},
	{"DUPLICATES", false, func(t typeStats) int { return t.Repeat }},
	{"VARIANTS", false, func(t typeStats) int { return t.Others }},
}

// columnsOf leaves out, for a person, what nothing was counted in. A script finds
// every column where it was.
func columnsOf(total typeStats, terminal bool) (shown []statColumn) {
	for _, c := range statColumns {
		if c.always || !terminal || c.count(total) > 0 {
			shown = append(shown, c)
		}
	}
	return shown
}

func addStats(t *output.Table, columns []statColumn, s typeStats, hours []string) {
	cells := []string{s.Type}
	for _, c := range columns {
		cells = append(cells, output.Thousands(c.count(s)))
	}
	t.Add(append(cells, sparkline(s.Hours, hours))...)
}

func hoursOf(since, now time.Time) []string {
	var out []string
	for h := since.UTC().Truncate(time.Hour); !h.After(now); h = h.Add(time.Hour) {
		out = append(out, h.Format(hourLayout))
	}
	return out
}

// maxColumns bounds a sparkline.
const maxColumns = 48

func perColumn(hours int) int { return (hours + maxColumns - 1) / maxColumns }

func hourStep(hours int) string {
	if n := perColumn(hours); n > 1 {
		return fmt.Sprintf("%d hours", n)
	}
	return "1 hour"
}

var levels = []rune("▁▂▃▄▅▆▇█")

// sparkline draws counts; a column without any is blank, one with any shows.
func sparkline(counts map[string]int, hours []string) string {
	step := perColumn(len(hours))
	var sums []int
	highest := 0
	for part := range slices.Chunk(hours, max(1, step)) {
		sum := 0
		for _, h := range part {
			sum += counts[h]
		}
		sums, highest = append(sums, sum), max(highest, sum)
	}
	var out strings.Builder
	for _, sum := range sums {
		if sum == 0 {
			out.WriteRune('·')
			continue
		}
		out.WriteRune(levels[(sum*len(levels)-1)/max(1, highest)])
	}
	return out.String()
}
