package filter

import (
	"slices"

	"smartlead-receiver/pkg/cli/payload"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/webhook"
)

// IDs reads event ids from the arguments, each once; '-' stands for those of stdin,
// one a line, or in the lines that --json prints.
func IDs(s *session.Session, args []string) ([]webhook.EventID, error) {
	var out []webhook.EventID
	for _, arg := range args {
		words := []string{arg}
		if arg == "-" {
			text, err := payload.Read(s.In, "-")
			if err != nil {
				return nil, problem.Failed(err, "stdin cannot be read")
			}
			if words, err = idsIn(text); err != nil {
				return nil, err
			}
		}
		for _, word := range words {
			id, err := webhook.ParseEventID(word)
			if err != nil {
				return nil, problem.Usage("%s: %v", word, err).Hint("find it: %s events find TEXT", s.Self())
			}
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out, nil
}
