package reconcilecmd

import (
	"context"
	"encoding/csv"
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

// The forms of a report.
const (
	formMarkdown = "markdown"
	formCSV      = "csv"
)

func reportCmd(s *session.Session) *cobra.Command {
	var o options
	form, kept := formMarkdown, false
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Compare, and print a report for whoever asks whether all arrived",
		Long: `Compare as reconcile run does, and print the outcome to stdout: as Markdown, a page to
send to a client, or as CSV, a line for each event that is not complete. Leads stand in
both. The exit code is that of reconcile run.

With --stored it asks Smartlead nothing, and prints what the stack's own comparisons
found last (reconcile status), which name up to 200 events of a campaign.`,
		Example: `  smartleadctl reconcile report --since 2026-03-01 --until 2026-04-01 > march.md
  smartleadctl reconcile report --campaign 4100001 --format csv > missing.csv
  smartleadctl reconcile report --stored`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !kept {
				return report(cmd.Context(), s, o, form)
			}
			for _, name := range []string{"since", "until", "type", "lag", "api-url", "plan", "max-calls"} {
				if cmd.Flags().Changed(name) {
					return problem.Usage("--%s says what is compared, and --stored compares nothing", name)
				}
			}
			return reportStored(cmd.Context(), s, o.Campaigns, form)
		},
	}
	o.addFlags(cmd)
	cmd.Flags().BoolVar(&kept, "stored", false, "print what the stack's own comparisons found, without asking Smartlead")
	cmd.Flags().StringVar(&form, "format", formMarkdown, "form of the report: markdown, csv")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{formMarkdown, formCSV}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func report(ctx context.Context, s *session.Session, o options, form string) error {
	if err := checkForm(s, form, "run"); err != nil {
		return err
	}
	c, err := compare(ctx, s, o)
	if err != nil {
		return err
	}
	return c.report(s, form)
}

// reportStored prints what is kept.
func reportStored(ctx context.Context, s *session.Session, campaigns []string, form string) error {
	if err := checkForm(s, form, "status"); err != nil {
		return err
	}
	at, err := stored(ctx, s, campaigns)
	if err != nil {
		return err
	}
	if len(at.campaigns) == 0 {
		return problem.NotFound("the stack has compared nothing yet").Hint("why: %s reconcile status", s.Self())
	}
	return at.comparison().report(s, form)
}

func checkForm(s *session.Session, form, command string) error {
	if form != formMarkdown && form != formCSV {
		return problem.Usage("--format %s is none of markdown, csv", output.Plain(form))
	}
	if s.JSON {
		return problem.Usage("a report is Markdown or CSV").Hint("as JSON: %s reconcile %s --json", s.Self(), command)
	}
	return nil
}

func (c comparison) report(s *session.Session, form string) (err error) {
	if form == formCSV {
		err = c.csv(s)
	} else {
		_, err = fmt.Fprint(s.Out, c.markdown())
	}
	if err != nil {
		return err
	}
	return c.outcome(s)
}

// markdown is the report as a page.
func (c comparison) markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Completeness of Smartlead events\n")
	line("Compared at %s: mails %s, with the events that arrived since. An event counts as missing %s after it happened.\n",
		output.Stamp(c.At), window(c.Window), output.Span(c.Lag))
	for i, campaign := range c.Results() {
		if i > 0 {
			line("")
		}
		if campaign.ID == "" {
			line("## The %s\n", comparing.Inbox)
		} else {
			line("## Campaign %s: %s\n", cell(campaign.ID), cell(c.Names[campaign.ID]))
		}
		line("**%s**\n", c.sentence(campaign))
		if !campaign.Judged {
			continue
		}
		line("| Event | Complete | Late | Missing | Extra | Unknowable |")
		line("|---|---:|---:|---:|---:|---:|")
		for _, count := range campaign.Types {
			row := "| " + string(count.Type)
			for _, v := range reconcile.Verdicts {
				row += " | " + output.Thousands(count.Counts[v])
			}
			line("%s |", row)
		}
		line("")
		for _, count := range campaign.Types {
			for _, note := range wording.Compared(count) {
				line("- %s", cell(note))
			}
		}
		if reasons := reasonsOf(campaign); reasons != "" {
			line("- %s", reasons)
		}
		for _, note := range furtherNotes(campaign) {
			line("- %s", cell(note))
		}
		if text := c.SupportText(campaign); text != "" {
			line("\nTo Smartlead's support:\n\n```\n%s```", strings.ReplaceAll(text, "`", "'"))
		}
		c.missing(line, campaign)
	}
	line("\n_Complete: Smartlead says that it happened, and the event arrived. Late: it may still come. Missing: it did not arrive. " +
		"Extra: it arrived, and Smartlead's statistics do not have it. Unknowable: neither side can tell any more._")
	return b.String()
}

// sentence is the outcome of a campaign in words.
func (c comparison) sentence(campaign reconcile.Campaign) string {
	mails, missing := output.Count(campaign.Mails, "mail", "mails"), campaign.Of(reconcile.Missing)
	if campaign.ID == "" {
		mails = "the " + comparing.Inbox
	}
	switch {
	case !campaign.Judged:
		return "Not compared: " + cell(problem.Words(campaign.Cause)) + "."
	case missing > 0:
		return fmt.Sprintf("%s missing, of %s.", output.Count(missing, "event is", "events are"), mails)
	case campaign.Cause != nil:
		return "Nothing that could be read is missing, and not all could be read: " + cell(problem.Words(campaign.Cause)) + "."
	case campaign.Of(reconcile.Late) > 0:
		return fmt.Sprintf("Nothing is missing of %s; %s may still come.", mails, output.Count(campaign.Of(reconcile.Late), "event", "events"))
	}
	return fmt.Sprintf("Nothing is missing of %s.", mails)
}

func (c comparison) missing(line func(string, ...any), campaign reconcile.Campaign) {
	begun := false
	for _, f := range campaign.Findings {
		if f.Verdict != reconcile.Missing {
			continue
		}
		if !begun {
			line("\n| Missing | Lead | Step | Happened | Mail sent |")
			line("|---|---|---:|---|---|")
			begun = true
		}
		line("| %s | %s | %s | %s | %s |", f.Type, cell(f.Lead), cell(f.Step), output.Stamp(f.At), output.Stamp(f.SentAt))
	}
	if campaign.Unnamed > 0 {
		line("\n%s not named here.", output.Count(campaign.Unnamed, "more event is", "more events are"))
	}
}

// cell is a text from outside in Markdown: nothing in it is markup.
func cell(text string) string {
	var b strings.Builder
	for _, r := range output.Clean(text) {
		if strings.ContainsRune("\\`*_{}[]<>()#|!~&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// csv writes a line for each finding.
func (c comparison) csv(s *session.Session) error {
	w := csv.NewWriter(s.Out)
	rows := [][]string{{"campaign_id", "campaign_name", "type", "verdict", "reason", "lead_email", "sequence_number", "happened_at", "sent_at", "stats_id", "event_id"}}
	for _, campaign := range c.Results() {
		for _, f := range campaign.Findings {
			rows = append(rows, []string{
				plain(campaign.ID), plain(c.Names[campaign.ID]), string(f.Type), string(f.Verdict), string(f.Reason), plain(f.Lead), plain(f.Step),
				output.Wire(f.At), output.Wire(f.SentAt), plain(f.StatsID), string(f.EventID),
			})
		}
		if campaign.Unnamed > 0 {
			s.Say("%s: %s not in the report", comparing.Title(campaign), output.Count(campaign.Unnamed, "more event is", "more events are"))
		}
	}
	for _, line := range c.notes() { // a table has no place for sentences
		s.Say("%s", line)
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return w.Error()
}

// plain is a text from outside in a cell, which a spreadsheet must not take for a formula.
func plain(text string) string {
	text = output.Clean(text)
	if text != "" && strings.ContainsRune("=+-@", rune(text[0])) {
		return "'" + text
	}
	return text
}
