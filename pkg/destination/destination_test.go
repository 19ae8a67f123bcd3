package destination

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

type deliverFunc func() webhook.Outcome

func (f deliverFunc) Deliver(context.Context, webhook.Delivery) webhook.Outcome { return f() }

func TestTargetSurvivesWhatADestinationDoes(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for name, c := range map[string]struct {
		deliver func() webhook.Outcome
		want    webhook.Outcome
	}{
		"a runtime panic": {
			func() webhook.Outcome { var list []int; _ = list[len(list)]; return webhook.Outcome{} },
			webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "panic", Error: "the destination's code failed: runtime error: index out of range [0] with length 0"},
		},
		"a panic that carries a secret": {
			func() webhook.Outcome { panic("topsecret") },
			webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "panic", Error: "the destination's code failed: panic of type string"},
		},
		"no result": {
			func() webhook.Outcome { return webhook.Outcome{} },
			webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "bad_outcome", Error: `the destination returned the result ""`},
		},
		"a result that is the worker's to give": {
			func() webhook.Outcome { return webhook.Outcome{Result: webhook.ResultRemoved} },
			webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "bad_outcome", Error: `the destination returned the result "removed"`},
		},
		"delivered, with leftovers": {
			func() webhook.Outcome {
				return webhook.Outcome{Result: webhook.ResultDelivered, Status: 200, Error: "x", RetryAfter: 1}
			},
			webhook.Outcome{Result: webhook.ResultDelivered, Status: 200},
		},
		"unbounded values": {
			func() webhook.Outcome {
				return webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: long, Error: "a\nb" + long, RetryAfter: -5}
			},
			webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: cleanTo(long, maxClass), Error: "a b" + strings.Repeat("x", 294) + "…"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			target := &Target{name: "x", next: deliverFunc(c.deliver), logger: slog.New(slog.NewJSONHandler(&log, nil))}
			if got := target.Deliver(t.Context(), webhook.Delivery{}); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if strings.Contains(log.String(), "topsecret") {
				t.Errorf("the log shows what the panic carried: %s", log.String())
			}
			if c.want.ErrorClass == "panic" && !strings.Contains(log.String(), "goroutine") {
				t.Error("no stack in the log")
			}
		})
	}
}

func TestTargetTakesOnlyWhatItsFilterWants(t *testing.T) {
	called := false
	target := &Target{filter: Filter{Accounts: []string{"other"}}, next: deliverFunc(func() webhook.Outcome {
		called = true
		return webhook.Outcome{Result: webhook.ResultDelivered}
	})}
	d := webhook.Delivery{Event: webhook.Event{Account: "acme"}}
	if out := target.Deliver(t.Context(), d); target.Wants(d.Event) || out.Result != webhook.ResultUnrouted || called {
		t.Errorf("outcome %+v, called %t", out, called)
	}
}

func TestFilterMatch(t *testing.T) {
	event := webhook.Event{
		Account: "acme", ClientID: "7", CampaignID: "42", Type: webhook.EmailReply,
		Flags: []string{webhook.FlagTimeless, webhook.FlagColleague},
	}
	for name, c := range map[string]struct {
		filter Filter
		want   bool
	}{
		"empty":                   {Filter{}, true},
		"everything right":        {Filter{[]string{"acme"}, []string{"7"}, []string{"41", "42"}, []webhook.Type{webhook.EmailReply}, []string{webhook.FlagColleague}, []string{webhook.FlagTestEvent}}, true},
		"another account":         {Filter{Accounts: []string{"acm"}}, false},
		"another client":          {Filter{ClientIDs: []string{"70"}}, false},
		"another campaign":        {Filter{CampaignIDs: []string{"4"}}, false},
		"another type":            {Filter{Types: []webhook.Type{webhook.EmailOpen}}, false},
		"one right, one wrong":    {Filter{Accounts: []string{"acme"}, Types: []webhook.Type{webhook.EmailOpen}}, false},
		"a flag it has":           {Filter{Flags: []string{webhook.FlagTestEvent, webhook.FlagTimeless}}, true},
		"flags it has not":        {Filter{Flags: []string{webhook.FlagTestEvent}}, false},
		"a flag that it must not": {Filter{NotFlags: []string{webhook.FlagColleague}}, false},
		"flag wanted and refused": {Filter{Flags: []string{webhook.FlagTimeless}, NotFlags: []string{webhook.FlagColleague}}, false},
	} {
		if got := c.filter.Match(event); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if (Filter{ClientIDs: []string{"7"}}).Match(webhook.Event{}) || (Filter{Flags: []string{webhook.FlagTimeless}}).Match(webhook.Event{}) {
		t.Error("an event without the fact matches a list")
	}
}

func TestParseConfig(t *testing.T) {
	whsec := "whsec_" + strings.Repeat("QUJD", 8)
	cfg, err := ParseConfig([]byte(`{"type":"http","url":"https://crm.example/in","secrets":["` + whsec + `"],"timeout":"1m0s",
		"headers":{"X-Team":"a"},"filter":{"types":["EMAIL_REPLY"],"not_flags":["test_event"]}}`))
	if err != nil || time.Duration(cfg.Timeout) != time.Minute || cfg.Filter.Types[0] != webhook.EmailReply {
		t.Fatalf("%+v, error %v", cfg, err)
	}
	for name, c := range map[string]struct{ form, field string }{
		"no JSON":            {`x`, ""},
		"two objects":        {`{"type":"log"} {}`, ""},
		"misspelt filter":    {`{"type":"log","filters":{}}`, "filters"},
		"misspelt condition": {`{"type":"log","filter":{"account":["a"]}}`, "account"},
		"no type":            {`{}`, "type"},
		"unknown type":       {`{"type":"slack"}`, "type"},
		"wrong JSON type":    {`{"type":"http","url":47110815}`, "url: has the wrong JSON type"},
		"no URL":             {`{"type":"http"}`, "url"},
		"another scheme":     {`{"type":"http","url":"ftp://topsecret/x"}`, "url"},
		"no host":            {`{"type":"http","url":"https:///topsecret"}`, "url"},
		"unparsable URL":     {`{"type":"http","url":"https://x/%topsecret"}`, "url"},
		"fragment":           {`{"type":"http","url":"https://x/#topsecret"}`, "url"},
		"secret, no prefix":  {`{"type":"http","url":"https://x","secrets":["topsecret"]}`, "secrets[0]"},
		"secret, short":      {`{"type":"http","url":"https://x","secrets":["whsec_dG9wc2VjcmV0"]}`, "secrets[0]"},
		"secret, no base64":  {`{"type":"http","url":"https://x","secrets":["whsec_topsecret!"]}`, "secrets[0]"},
		"empty secret":       {`{"type":"http","url":"https://x","secrets":[""]}`, "secrets[0]"},
		"many secrets":       {`{"type":"http","url":"https://x","secrets":["` + strings.Repeat(whsec+`","`, MaxSecrets) + whsec + `"]}`, "secrets"},
		"timeout, no unit":   {`{"type":"http","url":"https://x","timeout":"10"}`, "duration"},
		"timeout, long":      {`{"type":"http","url":"https://x","timeout":"2m"}`, "timeout"},
		"timeout, negative":  {`{"type":"http","url":"https://x","timeout":"-1s"}`, "timeout"},
		"header of ours":     {`{"type":"http","url":"https://x","headers":{"Webhook-Id":"a"}}`, "headers.Webhook-Id"},
		"host header":        {`{"type":"http","url":"https://x","headers":{"Host":"a"}}`, "headers.Host"},
		"header injection":   {`{"type":"http","url":"https://x","headers":{"X":"topsecret\r\nY: z"}}`, "headers.X"},
		"header name":        {`{"type":"http","url":"https://x","headers":{"X Y":"z"}}`, "headers"},
		"unknown event type": {`{"type":"log","filter":{"types":["EMAIL_OPEN","EMAIL_REPLYED"]}}`, "filter.types[1]"},
		"unknown flag":       {`{"type":"log","filter":{"not_flags":["testevent"]}}`, "filter.not_flags[0]"},
		"empty account":      {`{"type":"log","filter":{"accounts":[""]}}`, "filter.accounts[0]"},
		"log with a URL":     {`{"type":"log","url":"https://topsecret"}`, "url"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseConfig([]byte(c.form))
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("accepted, or another error: %v", err)
			}
			if !strings.Contains(err.Error(), c.field) {
				t.Errorf("%q does not name %q", err, c.field)
			}
			for _, secret := range []string{"topsecret", "47110815"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error quotes a value: %v", err)
				}
			}
		})
	}
}

func TestConfigPrintsNoSecret(t *testing.T) {
	cfg := Config{
		Type: "http", URL: "https://u:passw0rd@crm.example/pathsecret?k=querysecret",
		Secrets: []string{"whsec_signsecret"}, Headers: map[string]string{"Authorization": "headersecret"},
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", cfg)
	shown := log.String() + fmt.Sprintf("%v %+v %#v %+v %+v", cfg, cfg, cfg, struct{ C Config }{cfg}, cfg.Summary())
	for _, secret := range []string{"passw0rd", "pathsecret", "querysecret", "signsecret", "headersecret"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s is in %s", secret, shown)
		}
	}
	if !strings.Contains(shown, "crm.example") {
		t.Errorf("no host in %s", shown)
	}
}

func TestLogNamesTheEventAndShowsNoMail(t *testing.T) {
	var log bytes.Buffer
	d, err := New("log", Config{Type: "log"}, Deps{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
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

func TestNewRefusesABadName(t *testing.T) {
	for _, name := range []string{"", "-a", "A", "a/b", "a#b", strings.Repeat("a", 64)} {
		if _, err := New(name, Config{Type: "log"}, Deps{}); !errors.Is(err, ErrConfig) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if want := []string{"http", "log"}; !slices.Equal(Types(), want) {
		t.Errorf("types %v", Types())
	}
}
