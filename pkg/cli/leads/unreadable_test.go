package leads_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/cli/clitest"
)

// What an older smartleadctl cannot read is not erased, and nobody is told that it was.
func TestAnEventThatCannotBeReadKeepsAnErasureOpen(t *testing.T) {
	s := clitest.New(t)
	s.Post(clitest.Reply(1))
	newer := s.Post(strings.Replace(clitest.Reply(1), "<reply-1@", "<reply-newer@", 1))
	s.Work()
	out, err := s.Clients.DynamoDB.Scan(t.Context(), &dynamodb.ScanInput{TableName: &s.At.Table})
	if err != nil {
		t.Fatal(err)
	}
	put := func(item map[string]types.AttributeValue) {
		if _, err := s.Clients.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.At.Table, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	i := slices.IndexFunc(out.Items, func(item map[string]types.AttributeValue) bool {
		pk, _ := item["pk"].(*types.AttributeValueMemberS)
		return item["facts"] != nil && strings.Contains(newer, pk.Value)
	})
	if i < 0 {
		t.Fatal("there is no such item")
	}
	item := out.Items[i]
	facts, _ := item["facts"].(*types.AttributeValueMemberB)
	before := slices.Clone(facts.Value)
	facts.Value = append(facts.Value, 99, 0) // a field that a newer version knows
	put(item)

	for range 2 { // also where nothing else is left
		r := s.Run("leads", "forget", "lead1@acme.example.com", "--yes")
		if r.Code != 1 || !strings.Contains(r.Err, newer) || !strings.Contains(r.Err, "the version that is deployed") {
			t.Errorf("exit code %d, it does not name %s:\n%s", r.Code, newer, r.Err)
		}
		if r := s.Run("leads", "forgotten", "lead1@acme.example.com", "--json"); strings.Contains(r.Out, "ended_at") {
			t.Errorf("recorded as ended:\n%s", r.Out)
		}
	}
	facts.Value = before
	put(item)
	s.OK("leads", "forget", "lead1@acme.example.com", "--yes")
	if text, payloads, _ := kept(t, s); strings.Contains(text, "lead1@acme") || payloads > 0 {
		t.Errorf("%d payloads are left, or the address", payloads)
	}
}
