package reconcilecmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/comparing"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/reconcile"
)

func runCmd(s *session.Session) *cobra.Command {
	var o options
	var named int
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Compare, and name what is missing",
		Long: `Read from Smartlead's statistics what became of each mail that was sent, and compare
it with the events that arrived. A fact is complete (its event is there), late (it may
still come), missing, or unknowable (neither side can tell: see docs/COMPLETENESS.md); an
event that the statistics do not have is extra. What could not be read is said, and
never counted as missing or complete.

--deep asks Smartlead for more: the message history of leads that answered (further
replies of a thread, which the statistics hide), the category of each lead, the replies
of the master inbox that belong to no campaign, and how many of its deliveries Smartlead
counts. Where it counts failed ones and nothing was refused here, a text for Smartlead's
support is printed. Of the plan standard, twelve leads are read in a minute (--threads).

It needs the key of Smartlead's API: ` + "SMARTLEAD_API_KEY" + `, or that of the stack (reconcile
set-key). It changes nothing. Exit code 1 when an event is missing, or when not all
could be read.`,
		Example: `  smartleadctl reconcile run
  smartleadctl reconcile run --campaign 4100001 --since 2d
  smartleadctl reconcile run --deep --threads 200
  smartleadctl reconcile run --type EMAIL_REPLY --json | jq '.findings[]'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if named < 0 {
				return problem.Usage("--show is at least 0")
			}
			return run(cmd.Context(), s, o, named)
		},
	}
	o.addFlags(cmd)
	cmd.Flags().IntVar(&named, "show", 20, "missing and extra events to name at most; --json names up to 1,000 of each campaign")
	return cmd
}

func run(ctx context.Context, s *session.Session, o options, named int) error {
	c, err := compare(ctx, s, o)
	if err != nil {
		return err
	}
	if s.JSON {
		for _, campaign := range c.Results() {
			if err := s.Emit(c.json(campaign)); err != nil {
				return err
			}
		}
		return c.outcome(s)
	}
	t := output.NewTable("CAMPAIGN", "TYPE", ">COMPLETE", ">LATE", ">MISSING", ">EXTRA", ">UNKNOWABLE").Early("CAMPAIGN")
	for _, campaign := range c.Results() {
		for _, count := range campaign.Types {
			t.Add(c.row(campaign, count)...)
		}
	}
	if t.Len() > 0 {
		if err := s.Print(t, ""); err != nil {
			return err
		}
	}
	s.Line("mails %s; looked at %s of the ledger, in %s of Smartlead's API", window(c.Window),
		output.Count(c.Looked, "entry", "entries"), output.Count(c.Calls, "call", "calls"))
	for _, line := range c.notes() {
		s.Line("%s", line)
	}
	c.support(s)
	if err := c.name(s, named); err != nil {
		return err
	}
	return c.outcome(s)
}

// row is a line of the table; of a campaign's name a part is enough to know it.
func (c comparison) row(campaign reconcile.Campaign, count reconcile.TypeCount) []string {
	name := comparing.Inbox
	if campaign.ID != "" {
		name = campaign.ID + " " + c.Names[campaign.ID]
	}
	cells := []string{name, string(count.Type)}
	for _, v := range reconcile.Verdicts {
		cells = append(cells, output.Thousands(count.Counts[v]))
	}
	return cells
}

// notes are the sentences below the table: what the numbers do not say.
func (c comparison) notes() (lines []string) {
	for _, campaign := range c.Results() {
		if campaign.Cause != nil {
			said := "not judged"
			if campaign.Judged {
				said = "not whole"
			}
			lines = append(lines, fmt.Sprintf("%s is %s: %s", comparing.Title(campaign), said, output.Clean(problem.Words(campaign.Cause))))
		}
		for _, count := range campaign.Types {
			for _, note := range wording.Compared(count) {
				lines = append(lines, comparing.Title(campaign)+", "+note)
			}
		}
		if reasons := reasonsOf(campaign); reasons != "" {
			lines = append(lines, comparing.Title(campaign)+": "+reasons)
		}
		for _, note := range furtherNotes(campaign) {
			lines = append(lines, comparing.Title(campaign)+": "+note)
		}
	}
	return lines
}

// reasonTexts are the reasons in an operator's words.
var reasonTexts = map[reconcile.Reason]string{
	reconcile.Untimed:        "without a time at Smartlead, so it may be of a moment ago",
	reconcile.Expired:        "older than events are kept",
	reconcile.BeforeReceiver: "older than the receiver's first source",
	reconcile.Erased:         "perhaps of a lead that was erased",
	reconcile.Unreadable:     "perhaps an event that is here and cannot be read",
	reconcile.IgnoredReply:   "a reply that Smartlead does not count",
	reconcile.NoSuchMail:     "of a mail that the statistics do not have",
	reconcile.NotCounted:     "not among what Smartlead shows",
	reconcile.Differs:        "the newest event has another category",
}

// reasonsOf counts why facts are unknowable, as far as they are named.
func reasonsOf(campaign reconcile.Campaign) string {
	counts := make(map[reconcile.Reason]int)
	for _, f := range campaign.Findings {
		if f.Verdict == reconcile.Unknowable {
			counts[f.Reason]++
		}
	}
	unknowable := campaign.Of(reconcile.Unknowable)
	if n := unknowable - len(campaign.Findings); n > 0 && campaign.Unnamed == 0 {
		counts[reconcile.BeforeReceiver] = unknowable - sum(counts)
	}
	var parts []string
	for _, r := range reconcile.Reasons {
		if counts[r] > 0 {
			parts = append(parts, fmt.Sprintf("%s unknowable: %s", output.Thousands(counts[r]), reasonTexts[r]))
		}
	}
	return strings.Join(parts, "; ")
}

func sum(counts map[reconcile.Reason]int) (n int) {
	for _, v := range counts {
		n += v
	}
	return n
}

// name lists what an operator looks for: what is missing, and what is extra.
func (c comparison) name(s *session.Session, most int) error {
	t := output.NewTable("CAMPAIGN", "TYPE", "*VERDICT", "LEAD", ">STEP", "HAPPENED", "MAIL SENT", "STATS ID", "REASON").
		Late("LEAD").Dispose("REASON", "STATS ID", "MAIL SENT", "STEP")
	left := 0
	for _, campaign := range c.Results() {
		left += campaign.Unnamed
		for _, f := range campaign.Findings {
			switch {
			case f.Verdict != reconcile.Missing && f.Verdict != reconcile.Extra:
			case t.Len() == most:
				left++
			default:
				t.Add(output.OrText(campaign.ID, comparing.Inbox), string(f.Type), string(f.Verdict), f.Lead, f.Step, output.Stamp(f.At), output.Stamp(f.SentAt), f.StatsID, reasonTexts[f.Reason])
			}
		}
	}
	if t.Len() > 0 {
		s.Line("")
		if err := s.Print(t, ""); err != nil {
			return err
		}
	}
	if left > 0 {
		s.Say("%s named: --show, --json or reconcile report has more", output.Count(left, "event is not", "events are not"))
	}
	return nil
}
