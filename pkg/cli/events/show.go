package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/mailtext"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

func showCmd(s *session.Session) *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use: "show ID", Aliases: []string{"get"},
		Short: "Show the whole story of one event, and what to do next",
		Long: `Show what came, through which source and request, on which fields the identity
rests, every attempt at every destination, duplicates and variants, deaths and
redrives, and what to do next. --raw prints the stored body, credentials removed.

` + filter.IDsUsage,
		Example: `  smartleadctl events show EMAIL_REPLY:3PSO7TVY
  smartleadctl events show latest
  smartleadctl events show ID --raw | jq .`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return show(cmd.Context(), s, args[0], raw) },
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "print the stored body")
	return cmd
}

// eventDetail is an event with all that is known of it.
type eventDetail struct {
	eventview.View
	CampaignName  string                    `json:"campaign_name,omitempty"`
	LeadName      string                    `json:"lead_name,omitempty"`
	Subject       string                    `json:"subject,omitempty"`
	Reply         *replyView                `json:"reply,omitempty"`
	IdentityBasis []string                  `json:"identity_basis"`
	Identity      []eventview.IdentityField `json:"identity,omitempty"`
	SplitFrom     string                    `json:"split_from,omitempty"`
	Fingerprint   string                    `json:"fingerprint"`
	History       []eventview.Attempt       `json:"history"`
	VariantList   []variantView             `json:"variant_list,omitempty"`
	BodyError     string                    `json:"body_error,omitempty"`
	Made          *repair.Mark              `json:"made,omitempty"` // of a synthesized event
	Headline      string                    `json:"headline"`
	Next          []string                  `json:"next"`

	record   webhook.Record
	variants []webhook.Variant
}

// replyView is a reply as a person reads it.
type replyView struct {
	From string `json:"from,omitempty"`
	Text string `json:"text"`
	More bool   `json:"more,omitempty"` // text was left out: quoted history, or the rest of a long mail
}

func show(ctx context.Context, s *session.Session, arg string, raw bool) error {
	st, rec, err := one(ctx, s, arg)
	if err != nil {
		return err
	}
	if raw {
		return showRaw(ctx, s, st, rec)
	}
	d, err := detailOf(ctx, s, st, rec)
	if err != nil {
		return err
	}
	if s.JSON {
		return s.Emit(d)
	}
	return printDetail(s, d)
}

// one reads the one event that an argument names.
func one(ctx context.Context, s *session.Session, arg string) (*stack.Stack, webhook.Record, error) {
	refs, err := filter.Refs(s, []string{arg})
	if err != nil {
		return nil, webhook.Record{}, err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return nil, webhook.Record{}, err
	}
	ids, err := filter.IDs(ctx, s, st.Ledger, refs)
	if err != nil {
		return nil, webhook.Record{}, err
	}
	if len(ids) != 1 {
		return nil, webhook.Record{}, problem.Usage("one event id is needed")
	}
	rec, err := get(ctx, s, st, ids[0])
	return st, rec, err
}

// get reads an event; an absent one is named with what to do.
func get(ctx context.Context, s *session.Session, st *stack.Stack, id webhook.EventID) (webhook.Record, error) {
	rec, err := st.Ledger.Get(ctx, id)
	if errors.Is(err, webhook.ErrNotFound) {
		return webhook.Record{}, problem.NotFound("there is no event %s", id).
			Hint("delivered events expire; find others of the lead: %s events find ADDRESS", s.Self())
	}
	return rec, err
}

func showRaw(ctx context.Context, s *session.Session, st *stack.Stack, rec webhook.Record) error {
	if rec.Erased() {
		return problem.NotFound("the body of %s was erased %s", rec.ID, s.When(rec.ErasedAt))
	}
	body, err := st.Bodies.Load(ctx, rec.Payload)
	if err != nil {
		return problem.Failed(err, "the stored body of %s cannot be read", rec.ID)
	}
	if s.OutTerminal {
		var pretty bytes.Buffer
		if json.Indent(&pretty, body, "", "  ") == nil {
			body = pretty.Bytes()
		}
	}
	_, err = s.Out.Write(append(output.EscapeJSON(body), '\n'))
	return err
}

func detailOf(ctx context.Context, s *session.Session, st *stack.Stack, rec webhook.Record) (eventDetail, error) {
	d := eventDetail{
		View: eventview.Of(rec), IdentityBasis: append([]string{}, rec.Basis...), Fingerprint: rec.Fingerprint,
		History: eventview.AttemptsOf(rec), Headline: eventview.Headline(s.Clock, rec), Next: eventview.Advice(s.Clock, s.Self(), s.ID(string(rec.ID)), rec), record: rec,
	}
	if rec.Variants > 0 || rec.Original != "" {
		var err error
		if d.variants, err = st.Ledger.Variants(ctx, rec.ID); err != nil {
			return eventDetail{}, err
		}
		for _, v := range d.variants {
			d.VariantList = append(d.VariantList, variantOf(rec, v))
		}
	}
	if rec.Erased() {
		return d, nil
	}
	body, err := st.Bodies.Load(ctx, rec.Payload)
	if err != nil {
		d.BodyError = err.Error()
		return d, nil //nolint:nilerr // the story without its body is worth telling
	}
	if made, is := repair.MadeBy(body); is && rec.Synthesized() {
		d.Made = &made
	}
	el, ok := eventview.ElementOf(body, rec)
	if !ok {
		return d, nil
	}
	n := eventview.NamesIn(el.Event)
	d.Subject, d.CampaignName, d.LeadName = n.Subject, n.Campaign, n.Lead
	if reply := el.Event.Reply; reply != nil {
		lines, more := mailtext.Of(reply.Text, reply.HTML)
		d.Reply = &replyView{From: reply.From, Text: strings.Join(lines, "\n"), More: more}
	}
	d.SplitFrom = string(splitFrom(el.Key, rec))
	if el.Key == rec.Key { // another one: the identity rests on a trusted header, or on rules of another version
		d.Identity = eventview.IdentityOf(el)
	}
	return d, nil
}

// printDetail prints an event for a person, the conclusion first.
func printDetail(s *session.Session, d eventDetail) error {
	r := d.record
	s.Line("%s", r.ID)
	s.LineOf(string(r.State), "%s", d.Headline)
	s.Line("")
	s.Line("Event")
	s.PrintFields(eventFields(s, d))
	s.Line("")
	if d.Reply != nil {
		printReply(s, *d.Reply)
		s.Line("")
	}
	printIdentity(s, d)
	s.Line("")
	s.Line("How it came")
	s.PrintFields(arrivalFields(s, d))
	if err := printDestinations(s, r); err != nil {
		return err
	}
	if f := stateFields(s, r); f.Len() > 0 {
		s.Line("")
		s.Line("Where it stands")
		s.PrintFields(f)
	}
	s.Line("")
	s.Line("What to do next")
	for _, l := range d.Next {
		if strings.Contains(l, s.Self()) { // a command
			s.Line("  %s", l)
			continue
		}
		s.Wrap("  ", l)
	}
	return nil
}

func eventFields(s *session.Session, d eventDetail) output.Fields {
	r := d.record
	var f output.Fields
	f.Add("type", output.Clean(eventview.TypeText(string(r.Type), r.RawType))+", dialect "+r.Dialect)
	f.Add("lead", output.Clean(eventview.Beside(r.LeadEmail, d.LeadName)))
	f.Add("campaign", output.Clean(eventview.Beside(r.CampaignID, d.CampaignName)))
	f.Add("account", r.Account)
	f.Add("subject", output.Clean(d.Subject))
	if r.OccurredAtSource == webhook.TimeFromEvent {
		f.Add("occurred", fmt.Sprintf("%s, received %s later", output.Stamp(r.OccurredAt), output.Span(r.ReceivedAt.Sub(r.OccurredAt))))
	} else {
		f.Add("occurred", "the body has no time: the receipt counts")
	}
	f.Add("received", s.When(r.ReceivedAt))
	f.Add("message id", output.Clean(r.MessageID))
	f.Add("stats id", output.Clean(r.StatsID))
	f.Add("provider's id", output.Clean(r.ProviderEventID))
	for _, flag := range r.Flags {
		f.Add("flag", flag+": "+output.OrText(flagTexts[flag], "unknown to this version"))
	}
	if r.Erased() {
		f.Add("body", "erased "+s.When(r.ErasedAt)+", with all that names the lead")
	} else if d.BodyError != "" {
		f.Add("body", "cannot be read: "+output.Clean(d.BodyError))
	} else {
		f.Add("body", fmt.Sprintf("%s bytes (--raw)", output.Thousands(r.Payload.Size)))
	}
	return f
}

func printIdentity(s *session.Session, d eventDetail) {
	switch flagged := slices.Contains(d.record.Flags, webhook.FlagVariant); {
	case d.SplitFrom != "":
		s.Line("Identity: split from %s, another body under the same identity", d.SplitFrom)
		s.Line("  how they differ: %s events variants %s", s.Self(), output.Quote(d.SplitFrom))
		return
	case flagged:
		s.Line("Identity: split from an event that had the same identity and another body")
		return
	}
	s.Line("Identity, resting on %s", strings.Join(d.IdentityBasis, ", "))
	var f output.Fields
	for _, field := range d.Identity {
		f.Add(field.Name, output.Clean(field.Value))
	}
	s.PrintFields(f)
	if d.record.Timeless {
		s.Line("  timeless: occurrence %d; received again after its window it is a new event", d.record.ID.Occurrence())
	}
}

func arrivalFields(s *session.Session, d eventDetail) output.Fields {
	r := d.record
	var f output.Fields
	f.Add("source", r.Source)
	if r.Synthesized() {
		f.Add("origin", "made by reconciliation: Smartlead's API says that it happened, and no webhook brought it"+madeText(d.Made))
	}
	f.Add("X-Request-Id", output.Clean(output.OrText(r.ProviderRequestID, "none was sent")))
	f.Add("our request id", output.Clean(r.RequestID))
	if r.Duplicates > 0 {
		f.Add("duplicates", fmt.Sprintf("%d, the latest %s", r.Duplicates, s.When(r.LastSeenAt)))
	} else {
		f.Add("duplicates", "none")
	}
	if r.Variants > 0 {
		text := "another body under this identity, not delivered"
		if r.Erased() {
			text = "erased with it"
		}
		f.Add("variants", fmt.Sprintf("%d: %s", r.Variants, text))
	}
	for _, v := range d.variants {
		what := "kept beside the event"
		if v.Fingerprint == r.Original {
			what = "its webhook, which came after all"
		}
		if v.SplitAs != "" {
			what = "split as " + string(v.SplitAs)
		}
		f.Add("  "+output.Shorten(v.Fingerprint, 12), fmt.Sprintf("%s through %s, %s", output.Stamp(v.Receipt.ReceivedAt), v.Receipt.Source, what))
	}
	return f
}

// madeText says who made an event.
func madeText(m *repair.Mark) string {
	if m == nil {
		return ""
	}
	text := "; of its " + m.From + ", in repair " + m.Run
	if m.By != "" {
		text += " by " + m.By
	}
	return output.Clean(text)
}

func stateFields(s *session.Session, r webhook.Record) output.Fields {
	var f output.Fields
	if r.Death > 0 {
		f.Add("died", fmt.Sprintf("%s, at attempt %d", s.When(r.DiedAt), r.Death))
		if !r.FirstDied.Equal(r.DiedAt) {
			f.Add("first died", s.When(r.FirstDied))
		}
	}
	if r.State == webhook.Dead {
		deadLetter := "was sent to the dead letter queue"
		if !r.DueAt.IsZero() {
			deadLetter = "owed: the sweeper sends it to the dead letter queue " + s.Ago(r.DueAt)
		}
		f.Add("dead letter", deadLetter)
	}
	if r.Redrives > 0 {
		f.Add("redrives", fmt.Sprint(r.Redrives))
	}
	if r.Generation > 0 {
		f.Add("replays", fmt.Sprintf("%d after it was settled", r.Generation))
	}
	if r.Abandoned > 0 {
		f.Add("abandoned", fmt.Sprintf("%d abandoned leases since it was last revived", r.Abandoned))
	}
	if r.State == webhook.Processing {
		f.Add("leased until", s.When(r.LeaseUntil))
	}
	if (r.State == webhook.Pending || r.State == webhook.Processing) && !r.DueAt.IsZero() {
		f.Add("due", s.When(r.DueAt)+", "+string(r.Lane)+" lane")
	}
	if r.Sweeps > 0 {
		f.Add("sweeps", fmt.Sprintf("sent by the sweeper %d times", r.Sweeps))
	}
	f.Add("expires", expiry(s, r.ExpiresAt))
	return f
}

func expiry(s *session.Session, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return s.When(t)
}
