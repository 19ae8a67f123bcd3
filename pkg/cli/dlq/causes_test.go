package dlq

import (
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// One failure of one destination is one cause, however its report is numbered.
func TestCausesAreToldApartByWhatFailed(t *testing.T) {
	died := time.Date(2126, 3, 4, 12, 0, 0, 0, time.UTC)
	dead := func(destination, class, text string, typ webhook.Type) webhook.Record {
		died = died.Add(time.Second)
		return webhook.Record{
			ID: "v1:" + webhook.EventID(typ) + ":A", Receipt: webhook.Receipt{Type: typ}, DiedAt: died, ErrorClass: class,
			History: []webhook.Attempt{{Number: 1, Destination: destination, Result: webhook.ResultRetry, ErrorClass: class, Error: text}},
		}
	}
	one := dead("crm", "timeout", "read 10.0.0.7:51234: no answer to 5b1f7a52-0c3e-4d9a-9a41-1f5c2d7e8a01", webhook.EmailReply)
	for name, c := range map[string]struct {
		other webhook.Record
		same  bool
	}{
		"another port and id": {dead("crm", "timeout", "read 10.0.0.7:61234: no answer to 77aa7a52-0c3e-4d9a-9a41-1f5c2d7e8a01", webhook.EmailReply), true},
		"another type":        {dead("crm", "timeout", "read 10.0.0.7:51234: no answer to 5b1f7a52-0c3e-4d9a-9a41-1f5c2d7e8a01", webhook.EmailOpen), true},
		"another address":     {dead("crm", "timeout", "read 10.0.0.8:1: no answer to 5b1f7a52-0c3e-4d9a-9a41-1f5c2d7e8a01", webhook.EmailReply), true},
		"another destination": {dead("warehouse", "timeout", "read 10.0.0.7:51234: no answer to 5b1f7a52-0c3e-4d9a-9a41-1f5c2d7e8a01", webhook.EmailReply), false},
		"another class":       {dead("crm", "tls", "read 10.0.0.7:51234: no answer to 5b1f7a52-0c3e-4d9a-9a41-1f5c2d7e8a01", webhook.EmailReply), false},
		"another word":        {dead("crm", "timeout", "write 10.0.0.7:51234: no answer to 5b1f7a52-0c3e-4d9a-9a41-1f5c2d7e8a01", webhook.EmailReply), false},
	} {
		groups := map[causeKey]*deathCause{}
		addCause(groups, one)
		addCause(groups, c.other)
		if (len(groups) == 1) != c.same {
			t.Errorf("%s: %d causes", name, len(groups))
		}
	}
}

func TestACauseCountsItsTypes(t *testing.T) {
	groups := map[causeKey]*deathCause{}
	for i, typ := range []webhook.Type{webhook.EmailOpen, webhook.EmailReply, webhook.EmailReply} {
		addCause(groups, webhook.Record{
			ID: webhook.EventID("v1:" + string(typ) + ":A"), Receipt: webhook.Receipt{Type: typ}, ErrorClass: "timeout",
			DiedAt: time.Date(2126, 3, 4, 12, 3-i, 0, 0, time.UTC),
		})
	}
	all := sorted(groups)
	if len(all) != 1 || all[0].typeCounts() != "2 EMAIL_REPLY, 1 EMAIL_OPEN" || all[0].Example != "v1:EMAIL_OPEN:A" ||
		all[0].OldestDeath != "2126-03-04T12:01:00.000Z" || all[0].LatestDeath != "2126-03-04T12:03:00.000Z" {
		t.Errorf("got %+v", all[0])
	}
}
