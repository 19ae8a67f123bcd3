package cli

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

	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

func (p *program) showCmd() *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show the whole story of one event, and what to do next",
		Long: `Show what came, through which source and request, on which fields the identity
rests, every attempt at every destination, duplicates and variants, deaths and
redrives, and what to do next. --raw prints the stored body, credentials removed.`,
		Example: `  smartleadctl events show v1:EMAIL_REPLY:…
  smartleadctl events show ID --raw | jq .`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.show(cmd.Context(), args[0], raw) },
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "print the stored body")
	return cmd
}

// eventDetail is an event with all that is known of it.
type eventDetail struct {
	eventView
	Subject       string          `json:"subject,omitempty"`
	IdentityBasis []string        `json:"identity_basis"`
	Identity      []identityField `json:"identity,omitempty"`
	SplitFrom     string          `json:"split_from,omitempty"`
	Fingerprint   string          `json:"fingerprint"`
	History       []attemptView   `json:"history"`
	VariantList   []variantView   `json:"variant_list,omitempty"`
	BodyError     string          `json:"body_error,omitempty"`
	Headline      string          `json:"headline"`
	Next          []string        `json:"next"`

	record   webhook.Record
	variants []webhook.Variant
}

func (p *program) show(ctx context.Context, arg string, raw bool) error {
	ids, err := p.ids([]string{arg})
	if err != nil {
		return err
	}
	if len(ids) != 1 {
		return usage("show takes one event id")
	}
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	rec, err := p.get(ctx, s, ids[0])
	if err != nil {
		return err
	}
	if raw {
		return p.showRaw(ctx, s, rec)
	}
	st, err := p.eventDetail(ctx, s, rec)
	if err != nil {
		return err
	}
	if p.json {
		return p.emit(st)
	}
	return p.printDetail(st)
}

// get reads an event; an absent one is named with what to do.
func (p *program) get(ctx context.Context, s *Stack, id webhook.EventID) (webhook.Record, error) {
	rec, err := s.Ledger.Get(ctx, id)
	if errors.Is(err, webhook.ErrNotFound) {
		return webhook.Record{}, notFound("there is no event %s", id).
			hint("delivered events expire; find others of the lead: %s events find ADDRESS", p.self())
	}
	return rec, err
}

func (p *program) showRaw(ctx context.Context, s *Stack, rec webhook.Record) error {
	body, err := s.Bodies.Load(ctx, rec.Payload)
	if err != nil {
		return failed(err, "the stored body of %s cannot be read", rec.ID)
	}
	if p.OutTerminal {
		var pretty bytes.Buffer
		if json.Indent(&pretty, body, "", "  ") == nil {
			body = pretty.Bytes()
		}
	}
	_, err = p.Out.Write(append(escapeJSON(body), '\n'))
	return err
}

func (p *program) eventDetail(ctx context.Context, s *Stack, rec webhook.Record) (eventDetail, error) {
	st := eventDetail{
		eventView: viewOf(rec), IdentityBasis: append([]string{}, rec.Basis...), Fingerprint: rec.Fingerprint,
		History: attemptsOf(rec), Headline: p.headline(rec), Next: p.advice(rec), record: rec,
	}
	if rec.Variants > 0 {
		var err error
		if st.variants, err = s.Ledger.Variants(ctx, rec.ID); err != nil {
			return eventDetail{}, err
		}
		for _, v := range st.variants {
			st.VariantList = append(st.VariantList, variantOf(v))
		}
	}
	body, err := s.Bodies.Load(ctx, rec.Payload)
	if err != nil {
		st.BodyError = err.Error()
		return st, nil //nolint:nilerr // the story without its body is worth telling
	}
	batch, err := smartlead.Parse(body, smartlead.Options{Account: rec.Account})
	if err != nil || len(batch.Elements) != 1 || batch.Elements[0].Err != nil {
		return st, nil //nolint:nilerr // as above
	}
	el := batch.Elements[0]
	st.Subject = el.Event.Subject
	st.SplitFrom = string(splitFrom(el.Key, rec))
	if el.Key == rec.Key { // another one: the identity rests on a trusted header, or on rules of another version
		st.Identity = fieldsOf(el)
	}
	return st, nil
}

// printDetail prints an event for a person, the conclusion first.
func (p *program) printDetail(st eventDetail) error {
	r := st.record
	p.line("%s", r.ID)
	p.line("%s", st.Headline)
	p.line("")
	p.line("Event")
	p.printFields(p.eventFields(st))
	p.line("")
	p.printIdentity(st)
	p.line("")
	p.line("How it came")
	p.printFields(p.arrivalFields(st))
	if err := p.printDestinations(r); err != nil {
		return err
	}
	if f := p.stateFields(r); len(f.names) > 0 {
		p.line("")
		p.line("Since it was last revived")
		p.printFields(f)
	}
	p.line("")
	p.line("What to do next")
	for _, l := range st.Next {
		p.line("  %s", l)
	}
	return nil
}

func (p *program) eventFields(st eventDetail) fields {
	r := st.record
	var f fields
	f.add("type", clean(typeText(string(r.Type), r.RawType))+", dialect "+r.Dialect)
	f.add("lead", clean(r.LeadEmail))
	f.add("campaign", clean(r.CampaignID))
	f.add("account", r.Account)
	f.add("subject", clean(st.Subject))
	if r.OccurredAtSource == webhook.TimeFromEvent {
		f.add("occurred", fmt.Sprintf("%s, received %s later", stamp(r.OccurredAt), span(r.ReceivedAt.Sub(r.OccurredAt))))
	} else {
		f.add("occurred", "the body has no time: the receipt counts")
	}
	f.add("received", p.when(r.ReceivedAt))
	f.add("message id", clean(r.MessageID))
	f.add("stats id", clean(r.StatsID))
	f.add("provider's id", clean(r.ProviderEventID))
	for _, flag := range r.Flags {
		f.add("flag", flag+": "+orText(flagTexts[flag], "unknown to this version"))
	}
	if st.BodyError != "" {
		f.add("body", "cannot be read: "+clean(st.BodyError))
	} else {
		f.add("body", fmt.Sprintf("%s bytes (--raw)", thousands(r.Payload.Size)))
	}
	return f
}

func (p *program) printIdentity(st eventDetail) {
	switch flagged := slices.Contains(st.record.Flags, webhook.FlagVariant); {
	case st.SplitFrom != "":
		p.line("Identity: split from %s, another body under the same identity", st.SplitFrom)
		p.line("  how they differ: %s events variants %s", p.self(), quote(st.SplitFrom))
		return
	case flagged:
		p.line("Identity: split from an event that had the same identity and another body")
		return
	}
	p.line("Identity, resting on %s", strings.Join(st.IdentityBasis, ", "))
	var f fields
	for _, field := range st.Identity {
		f.add(field.Name, clean(field.Value))
	}
	p.printFields(f)
	if st.record.Timeless {
		p.line("  timeless: occurrence %d; received again after its window it is a new event", st.record.ID.Occurrence())
	}
}

func (p *program) arrivalFields(st eventDetail) fields {
	r := st.record
	var f fields
	f.add("source", r.Source)
	f.add("X-Request-Id", clean(orText(r.ProviderRequestID, "none was sent")))
	f.add("our request id", clean(r.RequestID))
	if r.Duplicates > 0 {
		f.add("duplicates", fmt.Sprintf("%d, the latest %s", r.Duplicates, p.when(r.LastSeenAt)))
	} else {
		f.add("duplicates", "none")
	}
	if r.Variants > 0 {
		f.add("variants", fmt.Sprintf("%d: another body under this identity", r.Variants))
	}
	for _, v := range st.variants {
		what := "kept beside the event"
		if v.SplitAs != "" {
			what = "split as " + string(v.SplitAs)
		}
		f.add("  "+shorten(v.Fingerprint, 12), fmt.Sprintf("%s through %s, %s", stamp(v.Receipt.ReceivedAt), v.Receipt.Source, what))
	}
	return f
}

func (p *program) printDestinations(r webhook.Record) error {
	p.line("")
	if len(r.Destinations) == 0 {
		p.line("Destinations: not chosen yet, no worker has taken it")
	} else {
		p.line("Destinations, idempotency key %s", r.IdempotencyKey())
		t := newTable("NAME", "STANDS", ">ATTEMPTS SINCE REVIVAL")
		for _, d := range r.Destinations {
			t.add(d.Name, stands(r, d), fmt.Sprint(d.Attempts))
		}
		if err := p.print(t, "  "); err != nil {
			return err
		}
	}
	if len(r.History) == 0 {
		return nil
	}
	p.line("")
	p.line("Attempts, UTC%s", forgotten(r))
	t := newTable(">#", "STARTED", "DESTINATION", "RESULT", ">HTTP", ">TOOK", "~ERROR")
	for _, a := range r.History {
		status := ""
		if a.Status != 0 {
			status = fmt.Sprint(a.Status)
		}
		t.add(fmt.Sprint(a.Number), stamp(a.StartedAt), a.Destination, string(a.Result), status,
			took(a), attemptError(a))
	}
	return p.print(t, "  ")
}

// stands says how far one destination is with an event.
func stands(r webhook.Record, d webhook.Progress) string {
	over := r.State == webhook.Dead || r.State == webhook.Parked || r.State == webhook.Discarded
	switch {
	case d.Result == webhook.ResultUnrouted:
		return "not wanted by its filter"
	case d.Result == webhook.ResultRemoved:
		return "removed since"
	case d.Result.Settled():
		return string(d.Result)
	case d.Result == webhook.ResultPermanent:
		return "refused for good"
	case over:
		return "failed"
	case d.Attempts > 0:
		return "failed, is retried"
	}
	return "not tried yet"
}

func took(a webhook.Attempt) string {
	if a.Result == webhook.ResultAbandoned {
		return ""
	}
	return span(a.Duration)
}

func attemptError(a webhook.Attempt) string {
	if a.ErrorClass == "" && a.Error == "" {
		return ""
	}
	return failureText(a.ErrorClass, a.Error, 0)
}

func forgotten(r webhook.Record) string {
	if len(r.History) < webhook.MaxHistory {
		return ""
	}
	return fmt.Sprintf(" (the latest %d)", webhook.MaxHistory)
}

func (p *program) stateFields(r webhook.Record) fields {
	var f fields
	if r.Death > 0 {
		f.add("died", fmt.Sprintf("%s, at attempt %d", p.when(r.DiedAt), r.Death))
		if !r.FirstDied.Equal(r.DiedAt) {
			f.add("first died", p.when(r.FirstDied))
		}
	}
	if r.State == webhook.Dead {
		deadLetter := "was sent to the dead letter queue"
		if !r.DueAt.IsZero() {
			deadLetter = "owed: the sweeper sends it to the dead letter queue " + p.ago(r.DueAt)
		}
		f.add("dead letter", deadLetter)
	}
	if r.Redrives > 0 {
		f.add("redrives", fmt.Sprint(r.Redrives))
	}
	if r.Generation > 0 {
		f.add("replays", fmt.Sprintf("%d after delivery", r.Generation))
	}
	if r.Abandoned > 0 {
		f.add("abandoned", fmt.Sprintf("%d abandoned leases since it was last revived", r.Abandoned))
	}
	if r.State == webhook.Processing {
		f.add("leased until", p.when(r.LeaseUntil))
	}
	if (r.State == webhook.Pending || r.State == webhook.Processing) && !r.DueAt.IsZero() {
		f.add("due", p.when(r.DueAt)+", "+string(r.Lane)+" lane")
	}
	if r.Sweeps > 0 {
		f.add("sweeps", fmt.Sprintf("sent by the sweeper %d times", r.Sweeps))
	}
	f.add("expires", expiry(p, r.ExpiresAt))
	return f
}

func expiry(p *program, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.when(t)
}
