// Package identify shows which event a payload is, without asking AWS.
package identify

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/payload"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/gateway"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/smartlead"
)

type options struct {
	account     string
	contentType string
	guessed     bool // the account is the default
	explain     bool
}

// New returns the command identify.
func New(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "identify FILE…",
		Short: "Show which event a payload is, and which fields decide that",
		Long: `Read payloads as the receiver does and show the identity of each event, without
asking AWS. The account is part of the identity: name that of the source (sources
list). '-' reads stdin. Not on a terminal, or with --json, one JSON line for
each element of each file. Exit code 1 when any element is refused.

API Gateway passes JSON and text types on as text, in which U+FFFD takes the place
of each byte that is not UTF-8; under another type the receiver sees the bytes
themselves, and refuses them. --content-type says under which type the payload is
sent.

An event that can repeat for real with an identical body is "timeless": from its
second occurrence on, the ledger adds ~2, ~3 … to the id that is shown here.`,
		Example: `  smartleadctl identify payload.json
  smartleadctl identify --explain payload.json
  pbpaste | smartleadctl identify --account acme -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.guessed = !cmd.Flags().Changed("account")
			return run(s, o, args)
		},
	}
	cmd.Flags().StringVar(&o.account, "account", "default", "account in whose name the payload is read: part of the identity")
	cmd.Flags().StringVar(&o.contentType, "content-type", "application/json", "Content-Type under which the payload is sent; none for no header")
	cmd.Flags().BoolVar(&o.explain, "explain", false, "show the fields of the identity with their values")
	return cmd
}

// identified is one line of the answer.
type identified struct {
	File             string                    `json:"file"`
	Index            int                       `json:"index"`
	EventID          string                    `json:"event_id,omitempty"`
	Type             string                    `json:"type,omitempty"`
	RawType          string                    `json:"raw_type,omitempty"`
	Dialect          string                    `json:"dialect,omitempty"`
	LeadEmail        string                    `json:"lead_email,omitempty"`
	CampaignID       string                    `json:"campaign_id,omitempty"`
	OccurredAt       string                    `json:"occurred_at,omitempty"`
	OccurredAtSource string                    `json:"occurred_at_source,omitempty"`
	IdentityBasis    []string                  `json:"identity_basis,omitempty"`
	Flags            *[]string                 `json:"flags,omitempty"` // [] for none; absent with an error
	Timeless         bool                      `json:"timeless,omitempty"`
	Identity         []eventview.IdentityField `json:"identity,omitempty"`
	ReplacedBytes    int                       `json:"replaced_bytes,omitempty"` // in the body: U+FFFD for what is not UTF-8
	Error            string                    `json:"error,omitempty"`
	unread           bool                      // the error is one of the file
}

// trouble says why there is no identity.
func (id identified) trouble() string {
	if id.unread {
		return id.Error
	}
	return "refused: " + id.Error
}

func run(s *session.Session, o options, files []string) error {
	if err := auth.ValidateName(o.account); err != nil {
		return problem.Usage("--account: %v", err)
	}
	var all []identified
	refused, unread := 0, 0
	for _, file := range files {
		for i, id := range identifyFile(s, o, file) {
			if i == 0 && id.ReplacedBytes > 0 && !s.JSON {
				s.Say("%s: %s not UTF-8; API Gateway puts U+FFFD in the place of each under the type %s", output.Clean(file),
					output.Count(id.ReplacedBytes, "byte is", "bytes are"), output.Clean(o.contentType))
			}
			switch {
			case id.unread:
				unread++
			case id.Error != "":
				refused++
			}
			if s.JSON || !s.OutTerminal {
				if err := s.Emit(id); err != nil {
					return err
				}
				continue
			}
			all = append(all, id)
		}
	}
	if err := showIdentified(s, o, all); err != nil {
		return err
	}
	if o.guessed && !s.JSON {
		s.Say("read as account %s; another one: --account NAME", o.account)
	}
	return identifyError(refused, unread)
}

func identifyError(refused, unread int) error {
	files, payloads := output.Count(unread, "file", "files")+" cannot be read", output.Count(refused, "payload is", "payloads are")+" refused"
	const answers = "the receiver would answer 400 for a whole body (413 for one that is too large), and \"rejected\" for an element of an array"
	switch {
	case refused > 0 && unread > 0:
		return problem.Failed(nil, "%s, and %s", files, payloads).Hint(answers)
	case refused > 0:
		return problem.Failed(nil, "%s", payloads).Hint(answers)
	case unread > 0:
		return problem.Failed(nil, "%s", files)
	}
	return nil
}

func identifyFile(s *session.Session, o options, file string) []identified {
	body, err := payload.Read(s.In, file)
	if err != nil {
		return []identified{{File: file, Error: "cannot be read: " + err.Error(), unread: true}}
	}
	if payload.TooLarge(body) {
		return []identified{{File: file, Error: payload.TooLargeText}}
	}
	body, replaced := gateway.Passed(o.contentType, "", body)
	batch, err := receive.Read(body, smartlead.Options{Account: o.account})
	if err != nil {
		return []identified{{File: file, ReplacedBytes: replaced, Error: wordsOf(err)}}
	}
	out := make([]identified, 0, len(batch.Elements))
	for _, el := range batch.Elements {
		id := identified{File: file, Index: el.Index, ReplacedBytes: replaced}
		if el.Err != nil {
			id.Error = el.Err.Error()
			out = append(out, id)
			continue
		}
		out = append(out, identifiedOf(id, el, o.explain))
	}
	return out
}

// wordsOf are those of the receiver's answer.
func wordsOf(err error) string {
	if refusal, ok := errors.AsType[*receive.Error](err); ok && refusal.Public != "" {
		return refusal.Public
	}
	return err.Error()
}

func identifiedOf(id identified, el smartlead.Element, explain bool) identified {
	ev := el.Event
	id.EventID, id.Type, id.RawType, id.Dialect = el.Key, string(ev.Type), ev.RawType, ev.Dialect
	id.CampaignID, id.OccurredAt, id.OccurredAtSource = ev.CampaignID, output.Wire(ev.OccurredAt), string(ev.OccurredAtSource)
	id.IdentityBasis, id.Timeless = el.Basis, el.Timeless
	if ev.Lead != nil {
		id.LeadEmail = ev.Lead.Email
	}
	flags := append([]string{}, ev.Flags...)
	id.Flags = &flags
	if explain {
		id.Identity = eventview.IdentityOf(el)
	}
	return id
}

func showIdentified(s *session.Session, o options, all []identified) error {
	if len(all) == 0 {
		return nil
	}
	if o.explain {
		for i, id := range all {
			if i > 0 {
				s.Line("")
			}
			explain(s, id)
		}
		return nil
	}
	t := output.NewTable("FILE", ">#", "EVENT ID", "LEAD", "OCCURRED", "RESTS ON")
	for _, id := range all {
		if id.Error != "" {
			t.Add(id.File, fmt.Sprint(id.Index), id.trouble())
			continue
		}
		t.Add(id.File, fmt.Sprint(id.Index), id.EventID, id.LeadEmail, output.OrText(id.OccurredAt, "no time in the body"), basisText(id))
	}
	if width := s.Columns(); width > 0 && t.Width() > width { // neither an id nor what it rests on may be cut
		for _, id := range all {
			block(s, id)
		}
		return nil
	}
	return s.Print(t, "")
}

// block is a row of the table for a narrow terminal.
func block(s *session.Session, id identified) {
	if id.Error != "" {
		s.Line("%s #%d  %s", output.Clean(id.File), id.Index, output.Clean(id.trouble()))
		return
	}
	s.Line("%s #%d  %s  %s", output.Clean(id.File), id.Index, output.Clean(output.OrText(id.LeadEmail, "no lead")), output.OrText(id.OccurredAt, "no time in the body"))
	s.Line("  %s", id.EventID)
	s.Line("  rests on %s", basisText(id))
}

func basisText(id identified) string {
	s := strings.Join(id.IdentityBasis, ", ")
	if id.Timeless {
		s += " (timeless: may repeat)"
	}
	return s
}

func explain(s *session.Session, id identified) {
	if id.Error != "" {
		s.Line("%s #%d  %s", output.Clean(id.File), id.Index, output.Clean(id.trouble()))
		return
	}
	s.Line("%s #%d  %s", output.Clean(id.File), id.Index, id.EventID)
	var f output.Fields
	f.Add("type", output.Clean(eventview.TypeText(id.Type, id.RawType))+", dialect "+id.Dialect)
	f.Add("lead", output.Clean(id.LeadEmail))
	f.Add("campaign", output.Clean(id.CampaignID))
	f.Add("occurred", output.OrText(id.OccurredAt, "the body has no time: the receipt counts"))
	f.Add("flags", strings.Join(*id.Flags, ", "))
	s.PrintFields(f)
	s.Line("  the identity rests on")
	for _, field := range id.Identity {
		s.Line("    %-16s %s", field.Name, output.Clean(field.Value))
	}
	if id.Timeless {
		s.Line("  timeless: neither a time nor an id; received again after its window it is a new event (~2, ~3 …)")
	}
}
