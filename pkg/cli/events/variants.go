package events

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// variantView is a variant as JSON.
type variantView struct {
	Fingerprint string   `json:"fingerprint"`
	ReceivedAt  string   `json:"received_at"`
	Source      string   `json:"source"`
	RequestID   string   `json:"request_id,omitempty"`
	Flags       []string `json:"flags"`
	Bytes       int      `json:"payload_bytes"`
	SplitAs     string   `json:"split_as,omitempty"`
	Differs     []string `json:"differs,omitempty"`
	Matters     []string `json:"matters,omitempty"`  // facts of the event that differ
	Original    bool     `json:"original,omitempty"` // the event was made, and this is what its webhook brought after all
}

func variantOf(rec webhook.Record, v webhook.Variant) variantView {
	return variantView{
		Fingerprint: v.Fingerprint, ReceivedAt: output.Wire(v.Receipt.ReceivedAt), Source: v.Receipt.Source,
		RequestID: output.OrText(v.Receipt.ProviderRequestID, v.Receipt.RequestID),
		Flags:     append([]string{}, v.Receipt.Flags...), Bytes: v.Receipt.Payload.Size, SplitAs: string(v.SplitAs), Original: v.Fingerprint == rec.Original,
	}
}

func variantsCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "variants ID",
		Short: "Show the other bodies that came under an event's identity, and how they differ",
		Long: `Show the other bodies that came under an event's identity. Each is kept beside the
event and is not delivered; split makes one an event of its own. Named are the facts
that a person acts on (lead, reply, subject, links, category, status …) where the
variant has another one, and the members of the body that differ from the event's.
Where only members differ, it is most likely the same fact in another envelope.`,
		Example: "  smartleadctl events variants EMAIL_REPLY:3PSO7TVY",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return variants(cmd.Context(), s, args[0]) },
	}
}

func variants(ctx context.Context, s *session.Session, arg string) error {
	rec, list, st, err := variantsOf(ctx, s, arg)
	if err != nil {
		return err
	}
	own := body(ctx, st, rec.Payload)
	t := output.NewTable("FINGERPRINT", "RECEIVED", "SOURCE", "FLAGS", "@SPLIT AS", "ANOTHER", "~DIFFERS IN").Early("FINGERPRINT").Dispose("SOURCE", "FLAGS")
	for _, v := range list {
		view := variantOf(rec, v)
		difference := eventview.Differ(own, body(ctx, st, v.Receipt.Payload), rec.Account)
		view.Differs, view.Matters = difference.Members, difference.Matters
		if s.JSON {
			if err := s.Emit(view); err != nil {
				return err
			}
			continue
		}
		t.Add(view.Fingerprint, output.Stamp(v.Receipt.ReceivedAt), view.Source, strings.Join(view.Flags, ","), view.SplitAs,
			strings.Join(view.Matters, ", "), strings.Join(view.Differs, ", "))
	}
	if s.JSON {
		return nil
	}
	if len(list) == 0 {
		s.Say("no other body came under the identity of %s", rec.ID)
		return nil
	}
	if err := s.Print(t, ""); err != nil {
		return err
	}
	if rec.Original != "" {
		s.Say("%s is what its webhook brought after all: a repair had made the event, and it is the same", output.Shorten(rec.Original, 12))
	}
	if !slices.ContainsFunc(list, func(v webhook.Variant) bool { return v.SplitAs == "" && v.Fingerprint != rec.Original }) {
		return nil
	}
	s.Say("make one an event of its own: %s events split %s FINGERPRINT", s.Self(), output.Quote(string(rec.ID)))
	return nil
}

func variantsOf(ctx context.Context, s *session.Session, arg string) (webhook.Record, []webhook.Variant, *stack.Stack, error) {
	st, rec, err := one(ctx, s, arg)
	if err != nil {
		return webhook.Record{}, nil, nil, err
	}
	list, err := st.Ledger.Variants(ctx, rec.ID)
	return rec, list, st, err
}

// body is a stored body; nil when it cannot be read.
func body(ctx context.Context, st *stack.Stack, payload webhook.Payload) []byte {
	b, err := st.Bodies.Load(ctx, payload)
	if err != nil {
		return nil
	}
	return b
}
