package filter

import (
	"bytes"
	"encoding/json"
	"strings"

	"smartlead-receiver/pkg/cli/problem"
)

// idsIn reads the ids of a text: words, and the event_id of each line that is an
// object as --json prints it. Objects of another kind, such as the causes that dlq
// list prints beside the events, name none.
func idsIn(text []byte) ([]string, error) {
	var ids []string
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if line = bytes.TrimSpace(line); !bytes.HasPrefix(line, []byte("{")) {
			ids = append(ids, strings.Fields(string(line))...)
			continue
		}
		var object struct {
			ID   string `json:"event_id"`
			Kind string `json:"kind"`
		}
		err := json.Unmarshal(line, &object)
		switch {
		case err != nil:
			return nil, problem.Usage("line %d of stdin is no JSON object: %v", n, err).Hint("give one id or one object a line, as --json prints it")
		case object.ID != "":
			ids = append(ids, object.ID)
		case object.Kind == "" || object.Kind == "event":
			return nil, problem.Usage("line %d of stdin has no event_id", n).Hint("give one id or one object a line, as --json prints it")
		}
	}
	return ids, nil
}
