package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

const (
	// variantsSince is how far back the check looks: a variant stays beside its event
	// until it is split.
	variantsSince = 31 * 24 * time.Hour
	maxVariants   = 1000 // counted
	maxCompared   = 50   // events whose bodies are read
	maxNamed      = 3    // of those, by their ids
)

// checkVariants tells of bodies that were kept beside an event and delivered to
// nobody. One that differs in the envelope alone is counted; one that says something
// else, on which somebody would act, is a finding.
func checkVariants(ctx context.Context, s Asker, st *stack.Stack) Finding {
	var ids []webhook.EventID // the latest first
	counted := 0
	for v, err := range st.Ledger.UnsplitVariants(ctx, s.Now().Add(-variantsSince)) {
		if err != nil {
			return silent(s, err, "the table's indexes")
		}
		if counted++; !slices.Contains(ids, v.ID) {
			ids = append(ids, v.ID)
		}
		if counted == maxVariants {
			break
		}
	}
	if counted == 0 {
		return fine("none in the last 31 days")
	}
	var differing []string
	for _, id := range ids[:min(len(ids), maxCompared)] {
		facts, err := otherFacts(ctx, st, id)
		if err != nil {
			return silent(s, err, "the table")
		}
		if len(facts) > 0 {
			differing = append(differing, fmt.Sprintf("%s (%s)", id, strings.Join(facts, ", ")))
		}
	}
	text := fmt.Sprintf("%s of %s in the last 31 days, delivered to nobody", output.Count(counted, "variant", "variants"), output.Count(len(ids), "event", "events"))
	if counted == maxVariants {
		text = fmt.Sprintf("%s variants or more, delivered to nobody", output.Thousands(maxVariants))
	}
	compared := ""
	if len(ids) > maxCompared {
		compared = fmt.Sprintf(" of the latest %d", maxCompared)
	}
	if len(differing) == 0 {
		return fine("%s; they differ in the envelope alone%s", text, compared)
	}
	named := strings.Join(differing[:min(len(differing), maxNamed)], ", ")
	if over := len(differing) - maxNamed; over > 0 {
		named += fmt.Sprintf(" and %d more", over)
	}
	return noted("how they differ: "+s.Self+" events variants ID. To deliver one: "+s.Self+" events split ID FINGERPRINT",
		"%s; %s%s came with another fact, too: %s", text, output.Count(len(differing), "event", "events"), compared, named)
}

// otherFacts are those in which the variants of an event that were not split differ
// from it. Nothing can be said where the event has expired.
func otherFacts(ctx context.Context, st *stack.Stack, id webhook.EventID) ([]string, error) {
	rec, err := st.Ledger.Get(ctx, id)
	if errors.Is(err, webhook.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := st.Ledger.Variants(ctx, id)
	if err != nil {
		return nil, err
	}
	load := func(p webhook.Payload) []byte {
		body, err := st.Bodies.Load(ctx, p)
		if err != nil {
			return nil // Differ says so
		}
		return body
	}
	own := load(rec.Payload)
	var facts []string
	for _, v := range list {
		if v.SplitAs == "" {
			facts = append(facts, eventview.Differ(own, load(v.Receipt.Payload), rec.Account).Matters...)
		}
	}
	slices.Sort(facts)
	return slices.Compact(facts), nil
}
