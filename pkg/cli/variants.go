package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/operator"
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
}

func variantOf(v webhook.Variant) variantView {
	return variantView{
		Fingerprint: v.Fingerprint, ReceivedAt: wire(v.Receipt.ReceivedAt), Source: v.Receipt.Source,
		RequestID: orText(v.Receipt.ProviderRequestID, v.Receipt.RequestID),
		Flags:     append([]string{}, v.Receipt.Flags...), Bytes: v.Receipt.Payload.Size, SplitAs: string(v.SplitAs),
	}
}

func (p *program) variantsCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "variants ID",
		Short: "Show the other bodies that came under an event's identity, and how they differ",
		Long: `Show the other bodies that came under an event's identity. Each is kept beside the
event and is not delivered; split makes one an event of its own. Members of the
body that differ from the event's are named.`,
		Example: "  smartleadctl events variants v1:EMAIL_REPLY:…",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return p.variants(cmd.Context(), args[0]) },
	}
}

func (p *program) variants(ctx context.Context, arg string) error {
	rec, list, s, err := p.variantsOf(ctx, arg)
	if err != nil {
		return err
	}
	own := members(ctx, s, rec.Payload)
	t := newTable("FINGERPRINT", "RECEIVED", "SOURCE", "FLAGS", "SPLIT AS", "~DIFFERS IN")
	for _, v := range list {
		view := variantOf(v)
		view.Differs = difference(own, members(ctx, s, v.Receipt.Payload))
		if p.json {
			if err := p.emit(view); err != nil {
				return err
			}
			continue
		}
		t.add(view.Fingerprint, stamp(v.Receipt.ReceivedAt), view.Source, strings.Join(view.Flags, ","), view.SplitAs,
			strings.Join(view.Differs, ", "))
	}
	if p.json {
		return nil
	}
	if len(list) == 0 {
		p.say("no other body came under the identity of %s", rec.ID)
		return nil
	}
	if err := p.print(t, ""); err != nil {
		return err
	}
	p.say("make one an event of its own: %s events split %s FINGERPRINT", p.self(), quote(string(rec.ID)))
	return nil
}

func (p *program) variantsOf(ctx context.Context, arg string) (webhook.Record, []webhook.Variant, *Stack, error) {
	ids, err := p.ids([]string{arg})
	if err != nil {
		return webhook.Record{}, nil, nil, err
	}
	if len(ids) != 1 {
		return webhook.Record{}, nil, nil, usage("one event id is needed")
	}
	s, err := p.connected(ctx)
	if err != nil {
		return webhook.Record{}, nil, nil, err
	}
	rec, err := p.get(ctx, s, ids[0])
	if err != nil {
		return webhook.Record{}, nil, nil, err
	}
	list, err := s.Ledger.Variants(ctx, rec.ID)
	return rec, list, s, err
}

// members are the values of a body by their path; nil when it cannot be read.
func members(ctx context.Context, s *Stack, payload webhook.Payload) map[string]string {
	body, err := s.Bodies.Load(ctx, payload)
	if err != nil {
		return nil
	}
	var value any
	if json.Unmarshal(body, &value) != nil {
		return nil
	}
	out := map[string]string{}
	flatten(out, "", value)
	return out
}

func flatten(out map[string]string, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, child := range v {
			flatten(out, strings.TrimPrefix(path+"."+name, "."), child)
		}
	case []any:
		for i, child := range v {
			flatten(out, fmt.Sprintf("%s[%d]", path, i), child)
		}
	default:
		out[path] = fmt.Sprint(v)
	}
}

// maxDiffers bounds the members that are named.
const maxDiffers = 12

// difference names the members that one body has and the other has not, or has
// with another value.
func difference(a, b map[string]string) []string {
	if a == nil || b == nil {
		return []string{"a body that cannot be read"}
	}
	paths := map[string]bool{}
	for path, value := range a {
		if other, ok := b[path]; !ok || other != value {
			paths[path] = true
		}
	}
	for path := range b {
		if _, ok := a[path]; !ok {
			paths[path] = true
		}
	}
	all := slices.Sorted(maps.Keys(paths))
	if over := len(all) - maxDiffers; over > 0 {
		all = append(all[:maxDiffers], fmt.Sprintf("and %d more", over))
	}
	return all
}

func (p *program) splitCmd() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "split ID [FINGERPRINT]",
		Short: "Make a variant an event of its own, and deliver it",
		Long: `Make another body that came under an event's identity an event of its own, and
deliver it. The beginning of a fingerprint is enough; without one, the event must
have one variant that was not split yet. Repeating a split changes nothing. A body
whose secret_key is not trusted is delivered only after a confirmation, unless the
same body came from a trusted sender since.`,
		Example: "  smartleadctl events split v1:EMAIL_REPLY:… 4KJ2",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			fingerprint := ""
			if len(args) == 2 {
				fingerprint = args[1]
			}
			return p.split(cmd.Context(), args[0], fingerprint, yes)
		},
	}
	addYes(cmd, &yes)
	return cmd
}

func (p *program) split(ctx context.Context, arg, fingerprint string, yes bool) error {
	rec, list, s, err := p.variantsOf(ctx, arg)
	if err != nil {
		return err
	}
	v, err := p.chooseVariant(rec, list, fingerprint)
	if err != nil {
		return err
	}
	if operator.Untrusted(v) {
		if err := p.confirm(yes, "deliver a body whose secret_key is not trusted"); err != nil {
			return err
		}
	}
	made, err := s.Operator.Split(ctx, v, true)
	var held *operator.SplitHeldError
	if errors.As(err, &held) {
		return failed(held.Err, "it is an event of its own, %s, and is held", held.ID).
			hint("deliver it: %s events release %s", p.self(), quote(string(held.ID)))
	}
	if err != nil {
		return err
	}
	if p.json {
		return p.emit(struct {
			EventID     string    `json:"event_id"`
			SplitFrom   string    `json:"split_from"`
			Fingerprint string    `json:"fingerprint"`
			At          time.Time `json:"at"`
		}{string(made.ID), string(rec.ID), v.Fingerprint, made.At.UTC()})
	}
	p.line("%s", made.ID)
	switch {
	case made.UnderWay:
		p.say("it is an event of its own now and on its way: %s events show %s", p.self(), quote(string(made.ID)))
	case made.Event.State == "":
		p.say("it was split before, and the event has expired since")
	default:
		p.say("it is an event of its own already, %s", p.headline(made.Event))
	}
	return nil
}

// maxOrigins bounds the occurrences of a timeless identity that are tried.
const maxOrigins = 1000

// splitFrom is the event of the natural key that this one was split from; ""
// where it is none of them.
func splitFrom(key string, rec webhook.Record) webhook.EventID {
	if key == rec.Key {
		return ""
	}
	for n := range maxOrigins {
		id := webhook.NewEventID(key, n+1)
		if ledger.SplitID(webhook.Variant{ID: id, Fingerprint: rec.Fingerprint}) == rec.ID {
			return id
		}
	}
	return ""
}

func (p *program) chooseVariant(rec webhook.Record, list []webhook.Variant, fingerprint string) (webhook.Variant, error) {
	v, err := operator.ChooseVariant(list, fingerprint)
	var several *operator.AmbiguousError
	switch {
	case errors.Is(err, operator.ErrAllSplit):
		return v, notFound("every variant of event %s is split already", rec.ID).
			hint("as what: %s events variants %s", p.self(), quote(string(rec.ID)))
	case errors.Is(err, operator.ErrNoVariant):
		return v, notFound("event %s has no such variant", rec.ID).
			hint("which it has: %s events variants %s", p.self(), quote(string(rec.ID)))
	case errors.As(err, &several):
		e := usage("%d variants match: name one by its fingerprint", len(several.Matches))
		for _, m := range several.Matches {
			e = e.hint("%s, received %s", m.Fingerprint, stamp(m.Receipt.ReceivedAt))
		}
		return v, e
	}
	return v, err
}
