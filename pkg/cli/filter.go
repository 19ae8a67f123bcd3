package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// filter is what selects events on the command line.
type filter struct {
	state, typ, campaign, lead, source, account, flag, class string
	since, until                                             string
}

func (f *filter) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.state, "state", "", "only in this state: "+join(webhook.States))
	flags.StringVar(&f.since, "since", "", "received since: a length of time (2h, 2d3h, 1w) or a time in UTC (as tables print it, RFC 3339, or a day); with --state dead or parked: died since, unless --lead is given")
	flags.StringVar(&f.until, "until", "", "received until then; with --state dead or parked: died until then")
	flags.StringVar(&f.flag, "flag", "", "only with this flag: "+strings.Join(webhook.Flags, ", "))
	f.common(cmd)
}

// common are the filters that every listing of events has.
func (f *filter) common(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.typ, "type", "", "only of this type, such as EMAIL_REPLY")
	flags.StringVar(&f.campaign, "campaign", "", "only of this campaign id")
	flags.StringVar(&f.lead, "lead", "", "only of this lead's address")
	flags.StringVar(&f.source, "source", "", "only received through this source")
	flags.StringVar(&f.account, "account", "", "only of this account")
	flags.StringVar(&f.class, "error-class", "", "only with this error class, such as http_503")
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(typeNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("flag", cobra.FixedCompletions(webhook.Flags, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(names(webhook.States), cobra.ShellCompDirectiveNoFileComp))
}

func (f filter) empty() bool { return f == filter{} }

// query is the ledger's form of the filter. Events that wait for an operator have
// an index of their own: dead and parked ones in order of their death.
func (f filter) query(now time.Time) (ledger.Query, error) {
	q := ledger.Query{
		Campaign: f.campaign, Lead: strings.ToLower(strings.TrimSpace(f.lead)), Source: f.source,
		Account: f.account, ErrorClass: f.class, Now: now,
	}
	var err error
	if f.typ != "" {
		if q.Type, err = parseType(f.typ); err != nil {
			return ledger.Query{}, err
		}
	}
	if f.state != "" {
		q.State = webhook.State(strings.ToLower(f.state))
		if !slices.Contains(webhook.States, q.State) {
			return ledger.Query{}, usage("--state %s is no state", f.state).hint("one of: %s", join(webhook.States))
		}
	}
	if f.flag != "" {
		if q.Flag, err = parseFlag("--flag", f.flag); err != nil {
			return ledger.Query{}, err
		}
	}
	q.Dead = q.State == webhook.Dead
	if q.Since, err = parseTime("--since", f.since, now); err != nil {
		return ledger.Query{}, err
	}
	if q.Until, err = parseTime("--until", f.until, now); err != nil {
		return ledger.Query{}, err
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		return ledger.Query{}, usage("--since is not before --until")
	}
	return q, nil
}

// timeForms are how a time may be written; without a zone it is UTC. A table
// prints the first.
var timeForms = []string{"2006-01-02 15:04:05Z07:00", time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly}

// parseTime reads a length of time before now, a time or a day.
func parseTime(name, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := parseSpan(s); err == nil {
		return now.Add(-d).UTC(), nil
	}
	for _, layout := range timeForms {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usage("%s %s is neither a length of time (2h, 2d3h, 1w) nor a time in UTC (2026-03-04 17:00:00Z, 2026-03-04T17:00:00Z, 2026-03-04)", name, s)
}

// maxSpan bounds a length of time, so that no sum overflows.
const maxSpan = 3650 * 24 * time.Hour

// parseSpan reads what time.ParseDuration reads, behind weeks and days.
func parseSpan(s string) (time.Duration, error) {
	var sum time.Duration
	rest := s
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, after, found := strings.Cut(rest, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 16)
		if sum += time.Duration(n) * unit.length; err != nil || sum > maxSpan {
			return 0, fmt.Errorf("%q is no number of days or weeks", s)
		}
		rest = after
	}
	if rest == "" && s != "" {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d > maxSpan || strings.ContainsAny(rest, "+-") {
		return 0, fmt.Errorf("%q is no length of time", s)
	}
	return sum + d, nil
}

// parseFlag reads a flag of events that an option of that name takes.
func parseFlag(option, s string) (string, error) {
	flag := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", "_"))
	if !slices.Contains(webhook.Flags, flag) {
		return "", usage("%s %s is no flag", option, s).hint("one of: %s", strings.Join(webhook.Flags, ", "))
	}
	return flag, nil
}

func parseType(s string) (webhook.Type, error) {
	switch match := matchTypes(s); len(match) {
	case 0:
		return "", usage("%s is no event type", s).hint("one of: %s", strings.Join(typeNames(), ", "))
	case 1:
		return match[0], nil
	default:
		return "", usage("%s may be more than one event type", s).hint("one of: %s", join(match))
	}
}

// matchTypes finds the types that an operator may mean: whatever a body may call
// a type, an operator may, too.
func matchTypes(s string) []webhook.Type {
	name := strings.ToUpper(strings.NewReplacer("-", "_", " ", "_", ".", "_").Replace(strings.TrimSpace(s)))
	if slices.Contains(typeNames(), name) {
		return []webhook.Type{webhook.Type(name)}
	}
	for _, spelling := range []string{name, "EMAIL_" + name, "EMAIL_LINK_" + name} {
		if typ, ok := smartlead.TypeNamed(spelling); ok {
			return []webhook.Type{typ}
		}
	}
	var match []webhook.Type
	for _, known := range typeNames() {
		if name != "" && (strings.Contains(known, name) || strings.Contains(known, singular(name))) {
			match = append(match, webhook.Type(known))
		}
	}
	return match
}

// singular is a word of a type's name without the ending of its plural.
func singular(name string) string {
	if stem, ok := strings.CutSuffix(name, "IES"); ok {
		return stem + "Y"
	}
	if stem := strings.TrimSuffix(name, "S"); stem != "" {
		return stem
	}
	return name
}

func typeNames() []string {
	return names(webhook.Types)
}

func names[T ~string](list []T) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}

func join[T ~string](list []T) string { return strings.Join(names(list), ", ") }

// What one command looks at of a listing unless it is told to list all: a filter
// that matches nothing must not read for ever, nor ask the index for every day
// of ten years. test: TestCapacity.
const (
	maxLook     = 20_000 // events
	maxLookDays = 400
)

// walked says how a walk ended.
type walked struct {
	next   string // where to go on; empty at the end
	looked int    // events looked at
	days   int    // days looked into
	spent  bool   // it ended because it had looked at enough
}

// what says in words at how much a walk looked.
func (w walked) what() string {
	text := count(w.looked, "event", "events")
	if w.days >= maxLookDays {
		text += " of " + count(w.days, "day", "days")
	}
	return text
}

// walk hands over the events of a listing, page by page, until there are limit
// of them (0: all) or it has looked at bound events, or at maxLookDays days (0:
// no bound). No event is lost or repeated between walks: next is a unique index
// key.
func walk(ctx context.Context, s *Stack, q ledger.Query, limit, bound int, each func(webhook.Record) error) (walked, error) {
	var w walked
	w.next = q.After
	for n := 0; ; {
		q.After, q.Limit = w.next, 200
		if limit > 0 {
			q.Limit = min(q.Limit, limit-n)
		}
		if bound > 0 {
			q.Limit = min(q.Limit, bound-w.looked)
		}
		page, err := s.Ledger.List(ctx, q)
		if err != nil {
			return w, err
		}
		w.next, w.looked, w.days = page.Next, w.looked+page.Scanned, w.days+page.Days
		w.spent = bound > 0 && w.next != "" && (w.looked >= bound || w.days >= maxLookDays)
		for _, r := range page.Records {
			if err := each(r); err != nil {
				return w, err
			}
			n++
		}
		if w.next == "" || (limit > 0 && n >= limit) || w.spent {
			return w, nil
		}
	}
}

// ids reads event ids from the arguments; '-' stands for one id a line of
// stdin.
func (p *program) ids(args []string) ([]webhook.EventID, error) {
	var out []webhook.EventID
	for _, arg := range args {
		words := []string{arg}
		if arg == "-" {
			text, err := p.read("-")
			if err != nil {
				return nil, failed(err, "stdin cannot be read")
			}
			words = strings.Fields(string(text))
		}
		for _, word := range words {
			id, err := webhook.ParseEventID(word)
			if err != nil {
				return nil, usage("%s: %v", word, err).hint("find it: %s events find TEXT", p.self())
			}
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out, nil
}
