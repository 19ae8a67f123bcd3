package destination

import (
	"fmt"
	"slices"

	"smartlead-receiver/pkg/webhook"
)

// Filter selects events by what they are, never by the source that happened to
// bring them first. An event matches when every list that is not empty holds
// one of its values, and none of its flags is in NotFlags. The zero Filter
// matches everything.
type Filter struct {
	Accounts    []string       `json:"accounts,omitempty"`
	ClientIDs   []string       `json:"client_ids,omitempty"`
	CampaignIDs []string       `json:"campaign_ids,omitempty"`
	Types       []webhook.Type `json:"types,omitempty"`
	Flags       []string       `json:"flags,omitempty"`
	NotFlags    []string       `json:"not_flags,omitempty"`
}

// IsZero tells whether the filter matches everything.
func (f Filter) IsZero() bool {
	return len(f.Accounts)+len(f.ClientIDs)+len(f.CampaignIDs)+len(f.Types)+len(f.Flags)+len(f.NotFlags) == 0
}

// Match tells whether the destination wants the event. An event without a
// client or campaign matches no list of clients or campaigns.
func (f Filter) Match(e webhook.Event) bool {
	return wants(f.Accounts, e.Account) &&
		wants(f.ClientIDs, e.ClientID) &&
		wants(f.CampaignIDs, e.CampaignID) &&
		wants(f.Types, e.Type) &&
		(len(f.Flags) == 0 || overlap(f.Flags, e.Flags)) &&
		!overlap(f.NotFlags, e.Flags)
}

func wants[T comparable](list []T, value T) bool {
	return len(list) == 0 || slices.Contains(list, value)
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// problems finds what would silently match nothing: an empty value, an unknown
// type, an unknown flag.
func (f Filter) problems() []*FieldError {
	var found []*FieldError
	check := func(field string, n int, at func(int) string, known func(string) bool, what string) {
		for i := range n {
			switch value := at(i); {
			case value == "":
				found = append(found, &FieldError{fmt.Sprintf("filter.%s[%d]", field, i), "is empty"})
			case known != nil && !known(value):
				found = append(found, &FieldError{fmt.Sprintf("filter.%s[%d]", field, i), "is not a known " + what})
			}
		}
	}
	strings := func(field string, list []string, known func(string) bool) {
		check(field, len(list), func(i int) string { return list[i] }, known, "flag")
	}
	isFlag := func(s string) bool { return slices.Contains(webhook.Flags, s) }
	isType := func(s string) bool { return slices.Contains(webhook.Types, webhook.Type(s)) }

	strings("accounts", f.Accounts, nil)
	strings("client_ids", f.ClientIDs, nil)
	strings("campaign_ids", f.CampaignIDs, nil)
	strings("flags", f.Flags, isFlag)
	strings("not_flags", f.NotFlags, isFlag)
	check("types", len(f.Types), func(i int) string { return string(f.Types[i]) }, isType, "event type")
	return found
}
