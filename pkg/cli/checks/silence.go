package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/stack"
)

const (
	// silenceSpan is what is usual: two weekends are in it.
	silenceSpan = 14 * 24 * time.Hour
	// maxSilenceEntries bounds what is looked at, some 2,000 read units.
	maxSilenceEntries = 100_000
	// fewest events of a source tell how long its gaps are.
	fewest = 20
	// longest gap, times this, is no gap any more.
	unusual = 2
	// shortest silence that anybody is told of.
	shortest = 2 * time.Hour
	// unused is how old a source may get without an event.
	unused = 24 * time.Hour
)

// rhythm is when events of a source came, the latest first.
type rhythm struct {
	rule            incident.SilenceRule
	latest, earlier time.Time
	longest         time.Duration // between two events that followed each other
	events          int
}

func (r *rhythm) add(at time.Time) {
	if r.events == 0 {
		r.latest = at
	} else {
		r.longest = max(r.longest, r.rule.Quiet.Active(at, r.earlier))
	}
	r.earlier = at
	r.events++
}

// silentFor is how long a source has been silent beyond what is usual for it, or what an
// operator set; 0: it is not. Quiet hours are left out.
func (r *rhythm) silentFor(now time.Time) time.Duration {
	silence := r.rule.Quiet.Active(r.latest, now)
	switch {
	case r.rule.Never:
		return 0
	case r.rule.After > 0:
		if silence < r.rule.After {
			return 0
		}
	case r.events < fewest || silence < shortest || silence < unusual*r.longest:
		return 0
	}
	return silence
}

func fellText(name string, silence time.Duration, r *rhythm) string {
	if r.rule.After > 0 {
		return fmt.Sprintf("%s for %s, and set are %s", name, output.Span(silence), output.Span(r.rule.After))
	}
	return fmt.Sprintf("%s for %s, and never longer than %s before", name, output.Span(silence), output.Span(r.longest))
}

// checkSilence finds sources that sent and do not any more, and those that never did. A
// hook that Smartlead switched off, or that another one overrides, leaves no other trace.
func checkSilence(ctx context.Context, s Asker, st *stack.Stack) Finding {
	listed, listErr := st.Sources.List(ctx) // who may not read them is told of those that sent
	rules, err := st.Silences.All(ctx)
	if err != nil {
		return silent(s, err, "the table")
	}
	now := s.Now()
	rhythms, cut := map[string]*rhythm{}, false
	looked := 0
	for e, err := range st.Ledger.Entries(ctx, ledger.Query{Since: now.Add(-silenceSpan), Now: now}) {
		if err != nil {
			return silent(s, err, "the table's indexes")
		}
		if looked++; looked > maxSilenceEntries {
			cut = true
			break
		}
		if rhythms[e.Source] == nil {
			rhythms[e.Source] = &rhythm{rule: rules[e.Source]}
		}
		rhythms[e.Source].add(e.At)
	}
	var never []string
	there := map[string]bool{}
	for _, l := range listed {
		there[l.Name] = true
		if rhythms[l.Name] == nil && l.Err == nil && !cut && now.Sub(l.Source.CreatedAt) > unused {
			never = append(never, l.Name)
		}
	}
	var fell []string
	for name, r := range rhythms {
		if silence := r.silentFor(now); silence > 0 && (there[name] || listErr != nil) {
			fell = append(fell, fellText(name, silence, r))
		}
	}
	slices.Sort(fell)
	switch {
	case len(fell) > 0:
		return noted("is the webhook still active at Smartlead, does a campaign run, and does a user-level webhook override it?",
			"no event through %s", strings.Join(fell, "; "))
	case len(never) > 0:
		return noted("enter the URL at Smartlead, and wait for the test: "+s.Self+" sources watch NAME",
			"no event in 14 days through %s", strings.Join(never, ", "))
	}
	return fine("none: each sends as it usually does")
}
