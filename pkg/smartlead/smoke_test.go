package smartlead

import (
	"encoding/json"
	"testing"
)

func TestSmoke(t *testing.T) {
	body := `[{"webhook_id":90017,"webhook_url":"https://h.example/webhooks/demo/tokentoken","event_type":"EMAIL_REPLY","campaign_id":4100001,"client_id":null,"campaign_status":"ACTIVE",
 "stats_id":"5b1f7a52-0c3e-4d9a-9a41-1f5c2d7e8a01","sl_email_lead_id":"3120045671","sl_email_lead_map_id":3511002233,
 "sl_lead_email":"tom@acme.example.com","from_email":"mira@outbound.example","to_email":"tom@acme.example.com",
 "event_timestamp":"2026-03-04T17:29:11.618+00:00","message_id":"<reply@acme.example.com>",
 "reply_message":{"message_id":"<reply@acme.example.com>","html":"<div>Yes</div>","text":"Yes","time":"2026-03-04T17:29:11.618+00:00"},
 "leadCorrespondence":{"targetLeadEmail":"tom@acme.example.com","replyReceivedFrom":"tom@acme.example.com","repliedCompanyDomain":"SameCompany"},
 "secret_key":"abc-def","metadata":{"webhook_created_at":"2026-01-09T07:15:42.551Z"}}, null, {}, "x", {"body":{"event_type":"EMAIL_OPEN","to_email":"a@b.example","time_opened":1741109351618,"campaign_id":"12"}}]`
	b, err := Parse([]byte(body), Options{Account: "default", RedactionKey: []byte("k")})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range b.Elements {
		j, _ := json.MarshalIndent(e.Event, "", " ")
		t.Log(e.Index, e.Err, e.Key, e.Basis, e.BasisFields, e.Fingerprint, string(j), string(e.Payload))
	}
}
