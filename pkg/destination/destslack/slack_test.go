package destslack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/destslack"
	"smartlead-receiver/pkg/webhook"
)

const hook = "https://hooks.slack.com/services/T0/B0/topsecret"

// slack answers each request the same, and keeps the last.
type slack struct {
	status int
	body   string
	header http.Header
	last   []byte
}

func (s *slack) RoundTrip(r *http.Request) (*http.Response, error) {
	var err error
	if s.last, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: s.status, Header: s.header, Request: r, Body: io.NopCloser(strings.NewReader(s.body))}, nil
}

func (s *slack) deliver(t *testing.T, cfg destslack.Config, e webhook.Event) webhook.Outcome {
	t.Helper()
	target, err := destination.New("x", destination.Config{Type: "slack", Settings: &cfg}, destination.Deps{Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	return target.Deliver(t.Context(), webhook.Delivery{Event: e, IdempotencyKey: string(e.ID)})
}

func TestAConfigurationThatCannotPostIsRefusedInOneLine(t *testing.T) {
	for config, want := range map[string]string{
		`{}`: "config.webhook_url: is needed, or a token with a channel",
		`{"webhook_url":"` + hook + `","token":"xoxb-topsecret"}`:           "config.token: is given beside webhook_url",
		`{"webhook_url":"` + hook + `","channel":"C1"}`:                     "config.channel: is the webhook's own",
		`{"webhook_url":"https://hooks.slack.com.evil.example/topsecret"}`:  "config.webhook_url: begins with https://hooks.slack.com/",
		`{"webhook_url":"http://hooks.slack.com/services/topsecret"}`:       "config.webhook_url: begins with",
		`{"webhook_url":"https://hooks.slack.com:8443/services/topsecret"}`: "config.webhook_url: begins with",
		`{"webhook_url":"` + hook + `","threads":true}`:                     "config.threads: need a bot token with a channel",
		`{"token":"xoxp-topsecret","channel":"C1"}`:                         "config.token: is a bot token, which begins with xoxb-",
		`{"token":"xoxb-topsecret\r\nX: y","channel":"C1"}`:                 "config.token: is a bot token",
		`{"token":"xoxb-topsecret"}`:                                        "config.channel: is the id of a channel",
		`{"token":"xoxb-topsecret","channel":"@tom"}`:                       "config.channel: is the id of a channel",
	} {
		_, err := destination.Types{destslack.Type}.Parse([]byte(`{"type":"slack","config":` + config + `}`))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", config, err, want)
		}
	}
}

// What fails is in a 200 as well.
func TestWhatSlackAnswers(t *testing.T) {
	bot, incoming := destslack.Config{Token: "xoxb-1", Channel: "#sales"}, destslack.Config{WebhookURL: hook}
	for _, c := range []struct {
		cfg    destslack.Config
		status int
		body   string
		result webhook.Result
		words  string
	}{
		{bot, 200, `{"ok":true}`, webhook.ResultDelivered, ""},
		{bot, 200, `{"ok":false,"error":"not_in_channel"}`, webhook.ResultPermanent, "invite the app to the channel"},
		{bot, 200, `{"ok":false,"error":"ratelimited"}`, webhook.ResultRetry, "ratelimited"},
		{bot, 200, `{"ok":false,"error":"internal_error"}`, webhook.ResultRetry, "internal_error"},
		{bot, 200, `{"ok":false,"error":"token_revoked"}`, webhook.ResultPermanent, "set a new one"},
		{bot, 200, `{"ok":false,"error":"new_error_of_theirs"}`, webhook.ResultPermanent, "slack.com answered new_error_of_theirs"},
		{bot, 200, `{"ok":false,"error":"<x> xoxb-1"}`, webhook.ResultRetry, "cannot be read"},
		{bot, 200, `{"ok":false}`, webhook.ResultRetry, "cannot be read"},
		{bot, 200, `ok`, webhook.ResultRetry, "cannot be read"},
		{bot, 429, ``, webhook.ResultRetry, "429"},
		{bot, 503, `<html>`, webhook.ResultRetry, "503"},
		{incoming, 200, "ok", webhook.ResultDelivered, ""},
		{incoming, 200, "<html>", webhook.ResultRetry, "cannot be read"},
		{incoming, 404, "no_service", webhook.ResultPermanent, "the webhook was removed: set a new one"},
		{incoming, 410, "channel_is_archived", webhook.ResultPermanent, "archived"},
		{incoming, 403, "invalid_token", webhook.ResultPermanent, "set a new one"},
		{incoming, 400, "<html>", webhook.ResultPermanent, "400"},
		{incoming, 429, "rate_limited", webhook.ResultRetry, "429"},
		{incoming, 500, "rollup_error", webhook.ResultRetry, "500"},
	} {
		s := &slack{status: c.status, body: c.body, header: http.Header{"Retry-After": {"30"}}}
		out := s.deliver(t, c.cfg, webhook.Event{ID: "e", Type: webhook.EmailOpen})
		if out.Result != c.result || !strings.Contains(out.Error, c.words) || (out.Result == webhook.ResultRetry && c.status == 429 && out.RetryAfter != 30*time.Second) {
			t.Errorf("%d %s: %+v, want %s with %q", c.status, c.body, out, c.result, c.words)
		}
	}
}

// Text from outside is never markup, and every part is within Slack's limits.
func TestAMessageIsWithinSlacksLimits(t *testing.T) {
	long := strings.Repeat("<!channel> *ä* \x00\u202e\n", 5000)
	for _, typ := range webhook.Types {
		for _, cfg := range []destslack.Config{{Token: "xoxb-1", Channel: "C1"}, {WebhookURL: hook}} {
			s := &slack{status: 200, body: `{"ok":true}`}
			s.deliver(t, cfg, webhook.Event{
				ID: "v1:X:A", Type: typ, RawType: long, Account: long, CampaignName: long, Subject: long, Mailbox: long, Flags: []string{long},
				Lead: &webhook.Lead{Email: long}, Reply: &webhook.Reply{Text: long}, Bounce: &webhook.Bounce{Reason: long},
			})
			var m struct {
				Text     string
				Metadata any
				Blocks   []struct {
					Type     string
					Text     *struct{ Type, Text string }
					Fields   []struct{ Type, Text string }
					Elements []struct{ Type, Text string }
				}
			}
			if err := json.Unmarshal(s.last, &m); err != nil {
				t.Fatal(err)
			}
			total := 0
			part := func(kind, text string, most int) {
				n := utf8.RuneCountInString(text)
				total += n
				if kind != "plain_text" || n == 0 || n > most || strings.ContainsAny(text, "\x00\u202e") {
					t.Errorf("%s: a text of type %s with %d characters, want plain_text with 1 to %d, without control characters", typ, kind, n, most)
				}
			}
			for _, b := range m.Blocks {
				if b.Text != nil {
					part(b.Text.Type, b.Text.Text, map[string]int{"header": 150, "section": 3000}[b.Type])
				}
				for _, f := range append(b.Fields, b.Elements...) {
					part(f.Type, f.Text, 2000)
				}
				if len(b.Fields) > 10 {
					t.Errorf("%d fields", len(b.Fields))
				}
			}
			if total > 12000 || len(m.Blocks) > 50 || strings.Contains(m.Text, "<") || m.Text == "" {
				t.Errorf("%s: %d characters in %d blocks, notification %.100q", typ, total, len(m.Blocks), m.Text)
			}
			if (m.Metadata != nil) != (cfg.Token != "") {
				t.Errorf("metadata %v, which an incoming webhook does not take", m.Metadata)
			}
		}
	}
}
