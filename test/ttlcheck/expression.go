package ttlcheck

import (
	"regexp"
	"strings"

	"smartlead-receiver/pkg/local/tabledef"
)

var (
	clauseNames = regexp.MustCompile(`(?i)(?:^|\s)(SET|REMOVE|ADD|DELETE)\s`)
	valueNames  = regexp.MustCompile(`:\w+`)
)

// assigned returns the names of the values that an update expression may give
// the TTL attribute. It is not readable if the expression gives it any other.
func assigned(expression string, names map[string]string) (values []string, readable bool) {
	clauses := clauseNames.FindAllStringSubmatchIndex(expression, -1)
	for i, clause := range clauses {
		end := len(expression)
		if i+1 < len(clauses) {
			end = clauses[i+1][0]
		}
		kind := strings.ToUpper(expression[clause[2]:clause[3]])
		for _, action := range actions(expression[clause[1]:end]) {
			target, value := action, ""
			if at := strings.IndexAny(action, "= \t\n"); at >= 0 {
				target, value = action[:at], action[at:]
			}
			if name, found := names[target]; found {
				target = name
			}
			if target != tabledef.TTLAttribute || kind == "REMOVE" {
				continue
			}
			found := valueNames.FindAllString(value, -1)
			if kind != "SET" || len(found) == 0 {
				return nil, false
			}
			values = append(values, found...)
		}
	}
	return values, true
}

// actions splits a clause at its commas, not at those between parentheses.
func actions(clause string) []string {
	var out []string
	depth, begin := 0, 0
	for i, c := range clause {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(clause[begin:i]))
				begin = i + 1
			}
		}
	}
	return append(out, strings.TrimSpace(clause[begin:]))
}
