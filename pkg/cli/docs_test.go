package cli

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// The example of docs/DELIVERY.md is what the README's source would deliver.
func TestTheExampleOfADelivery(t *testing.T) {
	s := newTestStack(t)
	text, err := os.ReadFile("../../docs/DELIVERY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```json\n")
	block, _, _ := strings.Cut(after, "```")
	var example struct {
		ID      string `json:"event_id"`
		Account string `json:"account"`
		Source  string `json:"source"`
	}
	if err := json.Unmarshal([]byte(block), &example); err != nil {
		t.Fatal(err)
	}
	if example.Account != "main" || example.Source != "main" {
		t.Errorf("sources add main has account main: %+v", example)
	}
	got := lines(t, s.ok("identify", "--account", example.Account, "../../events/payloads/help/category.json").out)[0]
	if got["event_id"] != example.ID {
		t.Errorf("the payload is %v, the example says %s", got["event_id"], example.ID)
	}
}
