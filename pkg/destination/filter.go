package destination

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"smartlead-receiver/pkg/jq"
	"smartlead-receiver/pkg/webhook"
)

// Filter selects events by what they are, never by the source that happened to
// bring them first. An event matches when every list that is not empty holds
// one of its values, none of its flags is in NotFlags, and If is true. The zero Filter
// matches everything.
type Filter struct {
	Accounts      []string       `json:"accounts,omitempty"`
	ClientIDs     []string       `json:"client_ids,omitempty"`
	CampaignIDs   []string       `json:"campaign_ids,omitempty"`
	CampaignNames []string       `json:"campaign_names,omitempty"` // a * stands for anything; in any case
	Types         []webhook.Type `json:"types,omitempty"`
	Flags         []string       `json:"flags,omitempty"`
	NotFlags      []string       `json:"not_flags,omitempty"`
	Categories    []string       `json:"categories,omitempty"`   // of the new category: its name, as above
	Sentiments    []string       `json:"sentiments,omitempty"`   // of the new category, in any case
	LeadDomains   []string       `json:"lead_domains,omitempty"` // of the lead's address, as above
	// If is a program of package jq over the event as it is delivered, whose result is true
	// or false.
	If string `json:"if,omitempty"`
}

// IsZero tells whether the filter matches everything.
func (f Filter) IsZero() bool { return reflect.ValueOf(f).IsZero() }

// Selection is a filter that can be asked. It is safe for concurrent use.
type Selection struct {
	filter  Filter
	program *jq.Program // nil without a condition
	noUse   func(webhook.Event) string
}

// Selection is that of the filter, and of the type where it has no use for some events. It
// returns the error of Filter.Selection.
func (c Config) Selection() (Selection, error) {
	s, err := c.Filter.Selection()
	if chooser, ok := c.Settings.(Chooser); ok {
		s.noUse = chooser.NoUse
	}
	return s, err
}

// Selection returns an error of one line for a condition that is not allowed.
func (f Filter) Selection() (Selection, error) {
	s := Selection{filter: f}
	if f.If == "" {
		return s, nil
	}
	var err error
	s.program, err = jq.Compile(f.If)
	return s, err
}

// ErrCondition is returned for an event with which a condition cannot be decided.
var ErrCondition = errors.New("the condition cannot be decided")

// Against says why the destination does not want the event, in an operator's words: empty,
// and it wants it. An event without a fact matches no list of that fact. It returns
// ErrCondition, wrapped, where the condition fails: nobody knows then whether it wants it.
func (s Selection) Against(ctx context.Context, d webhook.Delivery) ([]string, error) {
	reasons := s.filter.against(d.Event)
	if s.noUse != nil {
		if reason := s.noUse(d.Event); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	if len(reasons) > 0 || s.program == nil {
		return reasons, nil
	}
	input, err := Input(d)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCondition, err)
	}
	value, err := s.program.Run(ctx, input)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCondition, err)
	}
	switch yes, isBool := value.(bool); {
	case !isBool:
		return nil, fmt.Errorf("%w: its result is neither true nor false", ErrCondition)
	case !yes:
		return []string{"the condition is false"}, nil
	}
	return nil, nil
}

// Input is an event as programs are given it: what a destination receives, shortened to
// what they may have.
func Input(d webhook.Delivery) (any, error) {
	text, err := Document(d, jq.MaxInput)
	if err != nil {
		return nil, err
	}
	var input any
	err = json.Unmarshal(text, &input)
	return input, err
}

// against is what the lists say.
func (f Filter) against(e webhook.Event) []string {
	lead, category, sentiment := "", "", ""
	if e.Lead != nil {
		_, lead, _ = strings.Cut(e.Lead.Email, "@")
	}
	if e.Category != nil {
		category, sentiment = e.Category.New, e.Category.Sentiment
	}
	types := make([]string, len(f.Types))
	for i, t := range f.Types {
		types[i] = string(t)
	}
	equal := func(a, b string) bool { return a == b }
	var reasons []string
	for _, c := range []struct {
		name, value string
		list        []string
		fits        func(wanted, value string) bool
	}{
		{"type", string(e.Type), types, equal},
		{"account", e.Account, f.Accounts, equal},
		{"client", e.ClientID, f.ClientIDs, equal},
		{"campaign", e.CampaignID, f.CampaignIDs, equal},
		{"campaign name", e.CampaignName, f.CampaignNames, glob},
		{"category", category, f.Categories, glob},
		{"sentiment", sentiment, f.Sentiments, strings.EqualFold},
		{"lead's domain", lead, f.LeadDomains, glob},
	} {
		fits := func(wanted string) bool { return c.value != "" && c.fits(wanted, c.value) }
		switch {
		case len(c.list) == 0 || slices.ContainsFunc(c.list, fits):
		case c.value == "":
			reasons = append(reasons, "it has no "+c.name+", and "+strings.Join(c.list, " or ")+" is wanted")
		default:
			reasons = append(reasons, "its "+c.name+" is "+c.value+", and "+strings.Join(c.list, " or ")+" is wanted")
		}
	}
	if len(f.Flags) > 0 && !overlap(f.Flags, e.Flags) {
		reasons = append(reasons, "it has no flag "+strings.Join(f.Flags, " or "))
	}
	for _, flag := range f.NotFlags {
		if slices.Contains(e.Flags, flag) {
			reasons = append(reasons, "it has the flag "+flag)
		}
	}
	return reasons
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// glob tells whether a value fits a text in which a * stands for anything, in any case.
func glob(wanted, value string) bool {
	parts := strings.Split(strings.ToLower(wanted), "*")
	rest, found := strings.CutPrefix(strings.ToLower(value), parts[0])
	if !found || len(parts) == 1 {
		return found && rest == ""
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return strings.HasSuffix(rest, last)
}

// problems finds what would silently match nothing: an empty value, an unknown
// type, an unknown flag; and a condition that is not allowed.
func (f Filter) problems() []*FieldError {
	var found []*FieldError
	check := func(field string, list []string, bad func(string) bool, problem string) {
		for i, value := range list {
			switch {
			case value == "":
				found = append(found, &FieldError{fmt.Sprintf("filter.%s[%d]", field, i), "is empty"})
			case bad != nil && bad(value):
				found = append(found, &FieldError{fmt.Sprintf("filter.%s[%d]", field, i), problem})
			}
		}
	}
	noFlag := func(s string) bool { return !slices.Contains(webhook.Flags, s) }
	types := make([]string, len(f.Types))
	for i, t := range f.Types {
		types[i] = string(t)
	}
	check("accounts", f.Accounts, nil, "")
	check("client_ids", f.ClientIDs, nil, "")
	check("campaign_ids", f.CampaignIDs, nil, "")
	check("campaign_names", f.CampaignNames, nil, "")
	check("flags", f.Flags, noFlag, "is not a known flag")
	check("not_flags", f.NotFlags, noFlag, "is not a known flag")
	check("types", types, func(s string) bool { return !slices.Contains(webhook.Types, webhook.Type(s)) }, "is not a known event type")
	check("categories", f.Categories, nil, "")
	check("sentiments", f.Sentiments, nil, "")
	check("lead_domains", f.LeadDomains, func(s string) bool { return strings.ContainsAny(s, "@ /") }, "is a domain, such as example.com or *.example.com")
	if _, err := f.Selection(); err != nil {
		found = append(found, &FieldError{"filter.if", err.Error()})
	}
	return found
}
