package tail

import (
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/webhook"
)

func TestOutcome(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	s := session.New(t.Context(), session.System{Now: func() time.Time { return now }})
	at := func(number int, name string, result webhook.Result, status int, class string) webhook.Attempt {
		return webhook.Attempt{Number: number, Destination: name, Result: result, Status: status, ErrorClass: class, Duration: 12 * time.Millisecond}
	}
	for want, r := range map[string]webhook.Record{
		"crm 200 in 12 ms": {State: webhook.Delivered, History: []webhook.Attempt{
			at(1, "crm", webhook.ResultRetry, 503, "http_503"), at(2, "crm", webhook.ResultDelivered, 200, ""),
			at(1, "slack", webhook.ResultUnrouted, 0, ""),
		}},
		"crm 200 in 12 ms, log delivered in 12 ms": {State: webhook.Delivered, History: []webhook.Attempt{
			at(1, "crm", webhook.ResultDelivered, 200, ""), at(1, "log", webhook.ResultDelivered, 0, ""),
		}},
		"crm timeout in 12 ms; again in 5 s": {State: webhook.Pending, NotBefore: now.Add(5 * time.Second), History: []webhook.Attempt{
			at(1, "crm", webhook.ResultRetry, 0, "timeout"),
		}},
		"attempt was abandoned":         {State: webhook.Dead, History: []webhook.Attempt{at(1, "", webhook.ResultAbandoned, 0, "")}},
		"its secret_key is not trusted": {State: webhook.Held},
		"to no destination":             {State: webhook.Delivered, History: []webhook.Attempt{at(1, "crm", webhook.ResultUnrouted, 0, "")}},
	} {
		if got := outcome(s, r, lastAttempts(r)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
