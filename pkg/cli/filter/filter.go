// Package filter reads from the command line which events are meant, and walks
// over those that match.
package filter

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// Filter is what selects events on the command line, as it was typed.
type Filter struct {
	State, Type, Campaign, Lead, Source, Account, Flag, Class, Destination string
	Since, Until                                                           string
}

// AddFlags adds every filter to a command.
func (f *Filter) AddFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.State, "state", "", "only in this state: "+output.Join(webhook.States))
	flags.StringVar(&f.Since, "since", "", "received since: a length of time (2h, 2d3h, 1w), a day (today, yesterday, monday, 2026-03-04) or a time (\"2026-03-04 17:00\", RFC 3339, as tables print it), in UTC without a zone; with --state dead or parked: died since, unless --lead is given")
	flags.StringVar(&f.Until, "until", "", "received until then; with --state dead or parked: died until then")
	flags.StringVar(&f.Flag, "flag", "", "only with this flag: "+strings.Join(webhook.Flags, ", "))
	f.AddDestination(cmd)
	f.AddCommon(cmd)
}

// AddDestination adds the filter of what has been to a destination, or failed there:
// an event has destinations from its first attempt on.
func (f *Filter) AddDestination(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.Destination, "destination", "", "only what was delivered, or failed, at this destination; of dead events: what is dead there")
}

// AddCommon adds the filters that every listing of events has.
func (f *Filter) AddCommon(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.Type, "type", "", "only of this type, such as EMAIL_REPLY")
	flags.StringVar(&f.Campaign, "campaign", "", "only of this campaign id")
	flags.StringVar(&f.Lead, "lead", "", "only of this lead's address")
	flags.StringVar(&f.Source, "source", "", "only received through this source")
	flags.StringVar(&f.Account, "account", "", "only of this account")
	flags.StringVar(&f.Class, "error-class", "", "only with this error class, such as http_503")
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(TypeNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("flag", cobra.FixedCompletions(webhook.Flags, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(output.Names(webhook.States), cobra.ShellCompDirectiveNoFileComp))
}

// Empty tells whether nothing was typed.
func (f Filter) Empty() bool { return f == Filter{} }

// Query is the ledger's form of the filter. Events that wait for an operator have
// an index of their own: dead and parked ones in order of their death.
func (f Filter) Query(now time.Time) (ledger.Query, error) {
	q := ledger.Query{
		Campaign: f.Campaign, Lead: strings.ToLower(strings.TrimSpace(f.Lead)), Source: f.Source,
		Account: f.Account, ErrorClass: f.Class, Destination: f.Destination, Now: now,
	}
	var err error
	if f.Type != "" {
		if q.Type, err = ParseType(f.Type); err != nil {
			return ledger.Query{}, err
		}
	}
	if f.State != "" {
		q.State = webhook.State(strings.ToLower(f.State))
		if !slices.Contains(webhook.States, q.State) {
			return ledger.Query{}, problem.Usage("--state %s is no state", f.State).
				DidYouMean(output.Nearest(f.State, output.Names(webhook.States)), "--state %s").Hint("one of: %s", output.Join(webhook.States))
		}
	}
	if f.Flag != "" {
		if q.Flag, err = ParseFlag("--flag", f.Flag); err != nil {
			return ledger.Query{}, err
		}
	}
	q.Dead = q.State == webhook.Dead
	if q.Since, err = ParseTime("--since", f.Since, now); err != nil {
		return ledger.Query{}, err
	}
	if q.Until, err = ParseTime("--until", f.Until, now); err != nil {
		return ledger.Query{}, err
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		return ledger.Query{}, problem.Usage("--since is not before --until")
	}
	return q, nil
}
