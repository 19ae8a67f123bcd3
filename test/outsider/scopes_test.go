package outsider

import (
	"fmt"
	"testing"

	"smartlead-receiver/pkg/scopes"
)

// Whoever merely has the URL writes nothing into the record of webhooks, whatever his
// bodies look like, and however many they are; a trusted sender does.
func TestAnOutsiderIsNotRecordedAsAWebhook(t *testing.T) {
	w := newWorld(t)
	body := func(campaign int) string {
		return fmt.Sprintf(`{"event_type":"EMAIL_OPEN","campaign_id":%d,"stats_id":"s-%d","event_timestamp":"2126-03-04T11:00:00Z","webhook_id":%d,"webhook_name":"alien"}`,
			campaign, campaign, campaign)
	}
	for i, d := range disguises {
		for _, source := range []string{"strict", "header"} {
			w.post(source, fmt.Sprintf("outsider-%d", i), d.wear(body(i)))
		}
	}
	found, err := scopes.List(t.Context(), w.ledger)
	w.must(err)
	if len(found) > 0 {
		t.Errorf("recorded %+v", found)
	}
	w.post("strict", "trusted", with(body(1000), key(secret)))
	found, err = scopes.List(t.Context(), w.ledger)
	w.must(err)
	if len(found) != 1 || found[0].Campaign != "1000" || !found[0].Checked {
		t.Errorf("of a trusted sender: %+v", found)
	}
}
