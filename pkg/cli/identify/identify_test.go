package identify_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestIdentify(t *testing.T) {
	s := clitest.New(t)
	good, bad := s.File("reply.json", clitest.Reply(1)), s.File("bad.json", `{"event_type"`)
	status := `{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":9,"previous_status":"ACTIVE","current_status":"PAUSED"}`
	mixed := s.File("mixed.json", `[`+clitest.Reply(2)+`,5,`+status+`]`)
	s.Input = clitest.Reply(3)
	r := s.Run("identify", good, mixed, bad, s.Dir+"/absent.json", "-")
	got := clitest.Lines(t, r.Out)
	if r.Code != 1 || len(got) != 7 || !strings.Contains(r.Err, "1 file cannot be read, and 2 payloads are refused") {
		t.Fatalf("exit %d, %d lines: %s%s", r.Code, len(got), r.Out, r.Err)
	}
	first := got[0]
	if first["file"] != good || first["index"] != 0.0 || first["type"] != "EMAIL_REPLY" || first["dialect"] != "help" ||
		first["lead_email"] != "lead1@acme.example.com" || first["campaign_id"] != "4100001" ||
		first["occurred_at"] != "2126-03-04T11:59:58.500Z" || first["occurred_at_source"] != "event" ||
		len(first["flags"].([]any)) != 0 || first["error"] != nil {
		t.Errorf("got %v", first)
	}
	if got[2]["index"] != 1.0 || got[2]["error"] == nil || got[2]["flags"] != nil {
		t.Errorf("a refused element: %v", got[2])
	}
	if got[3]["timeless"] != true || got[3]["occurred_at"] != nil || got[3]["occurred_at_source"] != "receipt" {
		t.Errorf("a timeless element: %v", got[3])
	}
	if got[4]["file"] != bad || got[4]["error"] == nil || got[5]["error"] == nil || got[6]["file"] != "-" || got[6]["error"] != nil {
		t.Errorf("refused bodies and stdin: %v", got[4:])
	}
	posted := s.Post(clitest.Reply(1))
	if first["event_id"] != posted {
		t.Errorf("identify says %v, the receiver %s", first["event_id"], posted)
	}
	other := clitest.Lines(t, s.OK("identify", "--account", "other", good).Out)[0]
	if other["event_id"] == first["event_id"] {
		t.Error("the account must be part of the identity")
	}
	s.Fails(2, "--account", "identify", "--account", "No Good", good)
	s.Fails(2, "needs files", "identify")
}

func TestIdentifyOnATerminal(t *testing.T) {
	s := clitest.New(t)
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("reply.json", []byte(clitest.Reply(1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("bad.json", []byte(`no`), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Terminal, s.Width = true, 200
	s.Golden("identify-table", s.Run("identify", "reply.json", "bad.json").Out)
	s.Width = 80
	s.Golden("identify-narrow", s.Run("identify", "reply.json", "bad.json").Out)
	s.Golden("identify-explain", s.OK("identify", "--explain", "reply.json").Out)
}

func TestIdentifySaysTheAccount(t *testing.T) {
	s := clitest.New(t)
	file := s.File("reply.json", clitest.Reply(1))
	for _, c := range []struct {
		args []string
		want bool
	}{
		{[]string{"identify", file}, true},
		{[]string{"identify", "--json", file}, false},
		{[]string{"identify", "--account", "default", file}, false},
	} {
		if r := s.OK(c.args...); strings.Contains(r.Err, "read as account default; another one: --account NAME") != c.want {
			t.Errorf("%v: %s", c.args, r.Err)
		}
	}
}

// The example of docs/DELIVERY.md is what the README's source would deliver.
func TestTheExampleOfADelivery(t *testing.T) {
	s := clitest.New(t)
	text, err := os.ReadFile("../../../docs/DELIVERY.md")
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
	got := clitest.Lines(t, s.OK("identify", "--account", example.Account, "../../../events/payloads/help/category.json").Out)[0]
	if got["event_id"] != example.ID {
		t.Errorf("the payload is %v, the example says %s", got["event_id"], example.ID)
	}
}
