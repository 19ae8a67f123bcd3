package hooks

import (
	"context"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/scopes"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/stack"
)

// seen is what webhooks brought here.
type seen struct {
	entries  []scopes.Entry
	expected map[string]auth.Level // of sources
	now      time.Time
	unread   bool // the record could not be read: nothing is said of silence
}

// readSeen reads the record of which webhook sends what. Who may not read it learns what
// Smartlead says all the same.
func readSeen(ctx context.Context, s *session.Session, st *stack.Stack) seen {
	out := seen{now: s.Now(), expected: map[string]auth.Level{}}
	var err error
	if out.entries, err = scopes.List(ctx, st.Ledger); err != nil {
		s.Say("what the webhooks brought cannot be read, so that silence is not judged: %v", err)
		out.unread = true
		return out
	}
	listed, _ := st.Sources.List(ctx) // who may not read them knows no expected level
	for _, l := range listed {
		out.expected[l.Name] = l.Source.ExpectedLevel
	}
	return out
}

// heard is what was seen of one campaign.
type heard struct {
	seen
	entries []scopes.Entry // of the campaign
	own     []string       // ids of its webhooks, as Smartlead lists them
}

func (s seen) of(campaign string, hooks []smartleadapi.Hook) heard {
	h := heard{seen: s}
	for _, hook := range hooks {
		h.own = append(h.own, hook.ID)
	}
	for _, e := range s.entries {
		if e.Campaign == campaign && e.Hook != "" {
			h.entries = append(h.entries, e)
		}
	}
	return h
}

// level is what the request said, or what the source expects; else what Smartlead's list
// tells: a webhook that is not among those of the campaign is not one of the campaign.
func (h heard) level(e scopes.Entry) string {
	switch {
	case e.Level != "":
		return e.Level
	case h.expected[e.Source] != "":
		return string(h.expected[e.Source])
	case slices.Contains(h.own, e.Hook):
		return scopes.Campaign
	}
	return scopes.User
}

// other is a webhook that brings a campaign's events lately, and is none of its own.
type other struct {
	Hook     string `json:"hook_id"`
	Name     string `json:"hook_name,omitempty"`
	Level    string `json:"level,omitempty"` // as the request or the source says; absent: unknown
	Source   string `json:"source"`
	LastSeen string `json:"last_seen"`
}

func (h heard) others() (all []other) {
	for _, e := range h.entries {
		if !e.Recent(h.now) || slices.Contains(h.own, e.Hook) || slices.ContainsFunc(all, func(o other) bool { return o.Hook == e.Hook && o.Source == e.Source }) {
			continue
		}
		all = append(all, other{
			Hook: e.Hook, Name: e.Name, Level: output.OrText(e.Level, string(h.expected[e.Source])), Source: e.Source, LastSeen: output.Wire(e.LastSeen()),
		})
	}
	return all
}

func (o other) String() string {
	level := "of the user or the client level, or deleted since"
	if o.Level != "" {
		level = "of the " + o.Level + " level"
	}
	return "webhook " + output.Clean(o.Hook) + " (" + level + ", source " + o.Source + ")"
}

// last is when a webhook last brought an event of the campaign; zero: never.
func (h heard) last(hook string) (at time.Time) {
	for _, e := range h.entries {
		if e.Hook == hook && e.LastSeen().After(at) {
			at = e.LastSeen()
		}
	}
	return at
}

// silence says that a webhook of the campaign that is on brings nothing, and why, where it
// does: another one has taken its place for good, or for some types, or nothing has.
func (h heard) silence(hook string) (problem, words string) {
	if h.unread {
		return "", ""
	}
	var types []string
	var by *scopes.Entry
	for _, x := range scopes.Silences(h.entries, h.level, h.now) {
		if x.Own.Hook == hook {
			types, by = append(types, string(x.Own.Type)), &x.Speaks
		}
	}
	last, others := h.last(hook), h.others()
	switch {
	case by != nil:
		o := other{Hook: by.Hook, Level: output.OrText(by.Level, string(h.expected[by.Source])), Source: by.Source}
		return problemSilenced, "it brings no " + strings.Join(types, ", ") + " since " + output.Stamp(last) + ", and " + o.String() + " does" + silencedAdvice
	case last.IsZero() && len(others) > 0:
		return problemSilenced, "nothing of this campaign ever came from it, and " + others[0].String() + " brings its events" + silencedAdvice
	case last.IsZero() || h.now.Sub(last) < scopes.Lately || h.now.Sub(last) > scopes.Missed:
		return "", ""
	case len(others) > 0:
		return problemSilenced, "nothing came from it since " + output.Stamp(last) + ", and " + others[0].String() + " brings the campaign's events"
	default:
		return problemSilent, "nothing came from it since " + output.Stamp(last) + ", nor from another one: does the campaign still send?"
	}
}

const silencedAdvice = ": a webhook of the user level silences those of campaigns. If it is meant to, delete this one; else delete that one, or take the types off it"

// nobodyBrings are the types that no other webhook brings either.
func (h heard) nobodyBrings(types []string) []string {
	return slices.DeleteFunc(slices.Clone(types), func(name string) bool {
		return slices.ContainsFunc(h.entries, func(e scopes.Entry) bool { return string(e.Type) == name && e.Recent(h.now) })
	})
}

// withoutHook says how the events of a campaign come that has no webhook.
func (h heard) withoutHook() string {
	const none = "the campaign has no webhook of its own: "
	switch others := h.others(); {
	case len(others) > 0:
		return none + "its events come by " + others[0].String()
	case h.unread:
		return none + "its events come only by one of the user or the client"
	}
	return none + "its events come only by one of the user or the client, and none brought any in three days"
}
