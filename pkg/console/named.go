package console

import (
	"regexp"
	"strings"
)

var flagName = regexp.MustCompile(`--([a-z][a-z-]*)`)

// named puts an error about what was typed into words, which name a field by its label
// where the command line names its flag. There is nothing to try again: the form stands
// beside it.
func (q *request) named(err error) *failure {
	f := q.failure(err)
	f.Retry, f.Text = "", labelled(f.Text)
	for i, line := range f.Next {
		if !strings.Contains(line, q.Self) { // a command has flags
			f.Next[i] = labelled(line)
		}
	}
	return f
}

// labelled names fields as forms do: --max-calls is Max calls.
func labelled(text string) string {
	return flagName.ReplaceAllStringFunc(text, func(flag string) string { return fieldLabel(strings.TrimPrefix(flag, "--")) })
}

// fieldLabel is how a form calls the field of a flag.
func fieldLabel(flag string) string {
	switch flag {
	case "url", "arn":
		return strings.ToUpper(flag)
	}
	name := strings.ReplaceAll(flag, "-", " ")
	return strings.ToUpper(name[:1]) + name[1:]
}

// words are those of a field that takes several, with commas or spaces between.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
}
