package filter

import (
	"slices"
	"strings"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// ParseFlag reads a flag of events that an option of that name takes.
func ParseFlag(option, s string) (string, error) {
	flag := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", "_"))
	if !slices.Contains(webhook.Flags, flag) {
		return "", problem.Usage("%s %s is no flag", option, s).DidYouMean(output.Nearest(flag, webhook.Flags), option+" %s").Hint("one of: %s", strings.Join(webhook.Flags, ", "))
	}
	return flag, nil
}

// ParseType reads the one type that an operator means.
func ParseType(s string) (webhook.Type, error) {
	switch match := MatchTypes(s); len(match) {
	case 0:
		return "", problem.Usage("%s is no event type", s).DidYouMean(output.Nearest(normal(s), TypeNames()), "%s").Hint("one of: %s", strings.Join(TypeNames(), ", "))
	case 1:
		return match[0], nil
	default:
		return "", problem.Usage("%s may be more than one event type", s).Hint("one of: %s", output.Join(match))
	}
}

// MatchTypes finds the types that an operator may mean: whatever a body may call a
// type, an operator may, too.
func MatchTypes(s string) []webhook.Type {
	name := normal(s)
	if slices.Contains(TypeNames(), name) {
		return []webhook.Type{webhook.Type(name)}
	}
	for _, spelling := range []string{name, "EMAIL_" + name, "EMAIL_LINK_" + name} {
		if typ, ok := smartlead.TypeNamed(spelling); ok {
			return []webhook.Type{typ}
		}
	}
	var match []webhook.Type
	for _, known := range TypeNames() {
		if name != "" && (strings.Contains(known, name) || strings.Contains(known, singular(name))) {
			match = append(match, webhook.Type(known))
		}
	}
	return match
}

// normal is a type as it is typed, in the form of a type's name.
func normal(s string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", " ", "_", ".", "_").Replace(strings.TrimSpace(s)))
}

// singular is a word of a type's name without the ending of its plural.
func singular(name string) string {
	if stem, ok := strings.CutSuffix(name, "IES"); ok {
		return stem + "Y"
	}
	if stem := strings.TrimSuffix(name, "S"); stem != "" {
		return stem
	}
	return name
}

// TypeNames are the types of events.
func TypeNames() []string {
	return output.Names(webhook.Types)
}
