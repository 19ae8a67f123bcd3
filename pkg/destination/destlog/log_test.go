package destlog_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/destlog"
	"smartlead-receiver/pkg/webhook"
)

func TestLogNamesTheEventAndShowsNoMail(t *testing.T) {
	var log bytes.Buffer
	d, err := destination.New("log", destination.Config{Type: destlog.Type.Name, Settings: new(destlog.Config)},
		destination.Deps{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	out := d.Deliver(t.Context(), webhook.Delivery{Event: webhook.Event{
		ID: "v1:EMAIL_REPLY:A", Type: webhook.EmailReply, Source: "main", Account: "acme", CampaignID: "42", Attempt: 2,
		Subject: "private", Lead: &webhook.Lead{Email: "private@example.com"}, Reply: &webhook.Reply{Text: "private"},
		Raw: []byte(`{"x":"private"}`),
	}})
	if out.Result != webhook.ResultDelivered {
		t.Errorf("outcome %+v", out)
	}
	for _, part := range []string{`"event_id":"v1:EMAIL_REPLY:A"`, `"type":"EMAIL_REPLY"`, `"source":"main"`, `"attempt":2`, `"outcome":"delivered"`, `"campaign_id":"42"`} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("%s is not in %s", part, log.String())
		}
	}
	if strings.Contains(log.String(), "private") || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("log %s", log.String())
	}
}
