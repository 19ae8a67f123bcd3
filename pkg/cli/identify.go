package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/smartlead"
)

type identifyOptions struct {
	account string
	guessed bool // the account is the default
	explain bool
}

func (p *program) identifyCmd() *cobra.Command {
	var o identifyOptions
	cmd := &cobra.Command{
		Use:   "identify FILE…",
		Short: "Show which event a payload is, and on which fields that rests",
		Long: `Read payloads as the receiver does and show the identity of each event, without
asking AWS. The account is part of the identity: name that of the source (sources
list). '-' reads stdin. Not on a terminal, or with --json, one JSON line for
each element of each file. Exit code 1 when any element is refused.

An event that can repeat for real with an identical body is "timeless": from its
second occurrence on, the ledger adds ~2, ~3 … to the id that is shown here.`,
		Example: `  smartleadctl identify payload.json
  smartleadctl identify --explain payload.json
  pbpaste | smartleadctl identify --account acme -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.guessed = !cmd.Flags().Changed("account")
			return p.identify(o, args)
		},
	}
	cmd.Flags().StringVar(&o.account, "account", "default", "account in whose name the payload is read: part of the identity")
	cmd.Flags().BoolVar(&o.explain, "explain", false, "show the fields of the identity with their values")
	return cmd
}

// identified is one line of the answer.
type identified struct {
	File             string          `json:"file"`
	Index            int             `json:"index"`
	EventID          string          `json:"event_id,omitempty"`
	Type             string          `json:"type,omitempty"`
	RawType          string          `json:"raw_type,omitempty"`
	Dialect          string          `json:"dialect,omitempty"`
	LeadEmail        string          `json:"lead_email,omitempty"`
	CampaignID       string          `json:"campaign_id,omitempty"`
	OccurredAt       string          `json:"occurred_at,omitempty"`
	OccurredAtSource string          `json:"occurred_at_source,omitempty"`
	IdentityBasis    []string        `json:"identity_basis,omitempty"`
	Flags            *[]string       `json:"flags,omitempty"` // [] for none; absent with an error
	Timeless         bool            `json:"timeless,omitempty"`
	Identity         []identityField `json:"identity,omitempty"`
	Error            string          `json:"error,omitempty"`
	unread           bool            // the error is one of the file
}

type identityField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// trouble says why there is no identity.
func (id identified) trouble() string {
	if id.unread {
		return id.Error
	}
	return "refused: " + id.Error
}

func (p *program) identify(o identifyOptions, files []string) error {
	if err := auth.ValidateName(o.account); err != nil {
		return usage("--account: %v", err)
	}
	var all []identified
	refused, unread := 0, 0
	for _, file := range files {
		for _, id := range p.identifyFile(o, file) {
			switch {
			case id.unread:
				unread++
			case id.Error != "":
				refused++
			}
			if p.json || !p.OutTerminal {
				if err := p.emit(id); err != nil {
					return err
				}
				continue
			}
			all = append(all, id)
		}
	}
	if err := p.showIdentified(o, all); err != nil {
		return err
	}
	if o.guessed && !p.json {
		p.say("read as account %s; another one: --account NAME", o.account)
	}
	return identifyError(refused, unread)
}

func identifyError(refused, unread int) error {
	files, payloads := count(unread, "file", "files")+" cannot be read", count(refused, "payload is", "payloads are")+" refused"
	const answers = "the receiver would answer 400 for a whole body (413 for one that is too large), and \"rejected\" for an element of an array"
	switch {
	case refused > 0 && unread > 0:
		return failed(nil, "%s, and %s", files, payloads).hint(answers)
	case refused > 0:
		return failed(nil, "%s", payloads).hint(answers)
	case unread > 0:
		return failed(nil, "%s", files)
	}
	return nil
}

// maxFile bounds what is read of a file: more than Lambda lets in.
const maxFile = 16 << 20

func (p *program) read(file string) ([]byte, error) {
	in := io.Reader(p.in)
	if file != "-" {
		f, err := os.Open(file) //nolint:gosec // the operator names it
		if err != nil {
			return nil, pathless(err)
		}
		defer f.Close()
		in = f
	}
	body, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, pathless(err)
	}
	if len(body) > maxFile {
		return nil, fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	return body, nil
}

// pathless drops the name of the file, which stands beside the error.
func pathless(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func (p *program) identifyFile(o identifyOptions, file string) []identified {
	body, err := p.read(file)
	if err != nil {
		return []identified{{File: file, Error: "cannot be read: " + err.Error(), unread: true}}
	}
	if tooLarge(body) {
		return []identified{{File: file, Error: tooLargeText}}
	}
	batch, err := smartlead.Parse(body, smartlead.Options{Account: o.account})
	if err != nil {
		return []identified{{File: file, Error: err.Error()}}
	}
	out := make([]identified, 0, len(batch.Elements))
	for _, el := range batch.Elements {
		id := identified{File: file, Index: el.Index}
		if el.Err != nil {
			id.Error = el.Err.Error()
			out = append(out, id)
			continue
		}
		out = append(out, identifiedOf(id, el, o.explain))
	}
	return out
}

func identifiedOf(id identified, el smartlead.Element, explain bool) identified {
	ev := el.Event
	id.EventID, id.Type, id.RawType, id.Dialect = el.Key, string(ev.Type), ev.RawType, ev.Dialect
	id.CampaignID, id.OccurredAt, id.OccurredAtSource = ev.CampaignID, wire(ev.OccurredAt), string(ev.OccurredAtSource)
	id.IdentityBasis, id.Timeless = el.Basis, el.Timeless
	if ev.Lead != nil {
		id.LeadEmail = ev.Lead.Email
	}
	flags := append([]string{}, ev.Flags...)
	id.Flags = &flags
	if explain {
		id.Identity = fieldsOf(el)
	}
	return id
}

func fieldsOf(el smartlead.Element) []identityField {
	out := make([]identityField, 0, len(el.BasisFields))
	for _, f := range el.BasisFields {
		out = append(out, identityField{Name: f.Name, Value: f.Value})
	}
	return out
}

func (p *program) showIdentified(o identifyOptions, all []identified) error {
	if len(all) == 0 {
		return nil
	}
	if o.explain {
		for i, id := range all {
			if i > 0 {
				p.line("")
			}
			p.explain(id)
		}
		return nil
	}
	t := newTable("FILE", ">#", "EVENT ID", "LEAD", "OCCURRED", "RESTS ON")
	for _, id := range all {
		if id.Error != "" {
			t.add(id.File, fmt.Sprint(id.Index), id.trouble())
			continue
		}
		t.add(id.File, fmt.Sprint(id.Index), id.EventID, id.LeadEmail, orText(id.OccurredAt, "no time in the body"), basisText(id))
	}
	if p.Width > 0 && t.width() > p.Width { // neither an id nor what it rests on may be cut
		for _, id := range all {
			p.block(id)
		}
		return nil
	}
	return p.print(t, "")
}

// block is a row of the table for a narrow terminal.
func (p *program) block(id identified) {
	if id.Error != "" {
		p.line("%s #%d  %s", clean(id.File), id.Index, clean(id.trouble()))
		return
	}
	p.line("%s #%d  %s  %s", clean(id.File), id.Index, clean(orText(id.LeadEmail, "no lead")), orText(id.OccurredAt, "no time in the body"))
	p.line("  %s", id.EventID)
	p.line("  rests on %s", basisText(id))
}

func basisText(id identified) string {
	s := strings.Join(id.IdentityBasis, ", ")
	if id.Timeless {
		s += " (timeless: may repeat)"
	}
	return s
}

func typeText(typ, raw string) string {
	if typ == raw || raw == "" {
		return typ
	}
	return typ + " (" + raw + ")"
}

func (p *program) explain(id identified) {
	if id.Error != "" {
		p.line("%s #%d  %s", clean(id.File), id.Index, clean(id.trouble()))
		return
	}
	p.line("%s #%d  %s", clean(id.File), id.Index, id.EventID)
	var f fields
	f.add("type", clean(typeText(id.Type, id.RawType))+", dialect "+id.Dialect)
	f.add("lead", clean(id.LeadEmail))
	f.add("campaign", clean(id.CampaignID))
	f.add("occurred", orText(id.OccurredAt, "the body has no time: the receipt counts"))
	f.add("flags", strings.Join(*id.Flags, ", "))
	p.printFields(f)
	p.line("  the identity rests on")
	for _, field := range id.Identity {
		p.line("    %-16s %s", field.Name, clean(field.Value))
	}
	if id.Timeless {
		p.line("  timeless: neither a time nor an id; received again after its window it is a new event (~2, ~3 …)")
	}
}
