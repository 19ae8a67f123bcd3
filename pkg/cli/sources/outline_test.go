package sources_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/sourcestore"
)

// What is no secret of a source changes with it, by every command, and is written where it
// is missing.
func TestEveryCommandKeepsWhatIsNoSecretOfASource(t *testing.T) {
	s := clitest.New(t)
	table := ledger.New(awssdk.DynamoDB{Client: s.Clients.DynamoDB}, s.At.Table)
	says := func(days int, requestID bool) {
		t.Helper()
		source, err := sourcestore.NewOutlines(table).Source(t.Context(), "acme")
		if err != nil || source.Account != "agency" || source.RetentionDays != days || source.TrustRequestID != requestID {
			t.Errorf("%+v, %v", source, err)
		}
	}
	s.OK("sources", "add", "acme", "--account", "agency")
	s.Said = nil // it shows the URL
	says(0, false)
	s.OK("sources", "set", "acme", "--retention-days", "40", "--yes")
	says(40, false)
	s.OK("sources", "rotate", "acme", "--yes")
	s.Said = nil
	says(40, false)
	body, version, err := table.LoadDocument(t.Context(), "source", "acme")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), "redaction_key") || strings.Contains(string(body), "hmac") {
		t.Errorf("the item says %s", body)
	}
	sealed, err := auth.ParseSealed(body)
	if err != nil {
		t.Fatal(err)
	}
	sealed.Outline, sealed.Revision = nil, version+1
	form, err := json.Marshal(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.SaveDocument(t.Context(), "source", "acme", form, version, s.Clock(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if r := s.OK("sources", "list"); !strings.Contains(r.Err, "what is no secret of 1 source was missing") {
		t.Errorf("said %s", r.Err)
	}
	says(40, false)
	if r := s.OK("sources", "list"); strings.Contains(r.Err, "missing") {
		t.Errorf("said %s once more", r.Err)
	}
	s.OK("sources", "remove", "acme", "--yes")
	if _, err := sourcestore.NewOutlines(table).Source(t.Context(), "acme"); err == nil {
		t.Error("a removed source is said to be there")
	}
}
