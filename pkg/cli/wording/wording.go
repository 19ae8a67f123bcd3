// Package wording puts a filter and a redrive into words, for the command line and the
// console alike.
package wording

import (
	"fmt"
	"strings"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/redrive"
)

// Takes says in words which events a destination gets.
func Takes(f destination.Filter) string {
	var parts []string
	add := func(name string, values []string) {
		if len(values) > 0 {
			parts = append(parts, name+" "+strings.Join(values, " or "))
		}
	}
	add("type", output.Names(f.Types))
	add("campaign", f.CampaignIDs)
	add("campaign name", f.CampaignNames)
	add("account", f.Accounts)
	add("client", f.ClientIDs)
	add("flag", f.Flags)
	add("without flag", f.NotFlags)
	add("category", f.Categories)
	add("sentiment", f.Sentiments)
	add("lead domain", f.LeadDomains)
	if f.If != "" {
		parts = append(parts, "if "+f.If)
	}
	if len(parts) == 0 {
		return "everything"
	}
	return output.Clean(strings.Join(parts, "; "))
}

// RequestText says what a redrive brings back.
func RequestText(o redrive.Request) string {
	var words []string
	add := func(on bool, format string, args ...any) {
		if on {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	f := o.Filter
	add(len(f.Types) > 0, "type %s", output.Join(f.Types))
	add(f.Campaign != "", "campaign %s", f.Campaign)
	add(f.Account != "", "account %s", f.Account)
	add(f.Source != "", "source %s", f.Source)
	add(f.ErrorClass != "", "error class %s", f.ErrorClass)
	add(f.Destination != "", "dead at %s", f.Destination)
	add(f.OlderThan > 0, "dead for %s", output.Span(f.OlderThan))
	add(len(f.IDs) > 0, "%s", output.Count(len(f.IDs), "id", "ids"))
	add(o.Limit > 0, "at most %s", output.Thousands(o.Limit))
	add(o.MaxRate > 0, "at most %g a second", o.MaxRate)
	add(o.Canary > 0, "the first %d alone", o.Canary)
	if len(words) == 0 {
		return "all that is dead"
	}
	return output.Clean(strings.Join(words, ", "))
}
