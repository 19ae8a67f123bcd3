package destslack

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

// poster posts to one channel.
type poster struct {
	client *destination.Client
	now    func() time.Time
	logger *slog.Logger
	name   string
	config Config
	host   string
	url    string

	threads Threads // nil: each message by itself
	turns   turns
}

// Deliver posts the event: into its lead's thread, where there are threads. A message whose
// answer was lost is posted again: Slack knows no key by which it would recognise it.
func (p *poster) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	if lead := d.Event.Lead; p.threads != nil && lead != nil && strings.TrimSpace(lead.Email) != "" {
		return p.deliverInThread(ctx, d)
	}
	out, _ := p.post(ctx, d, "")
	return out
}

// posted is what Slack says of a message that it took.
type posted struct {
	TS      string `json:"ts"`
	Message *struct {
		ThreadTS string `json:"thread_ts"`
	} `json:"message"`
}

// post posts the event once, into a thread if one is given.
func (p *poster) post(ctx context.Context, d webhook.Delivery, thread string) (webhook.Outcome, posted) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	message := compose(d, p.config.Channel)
	message.ThreadTS = thread
	if err := encoder.Encode(message); err != nil {
		return webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: "encode", Error: "the stored event cannot be written as JSON"}, posted{}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, &body)
	if err != nil {
		return destination.Decide(destination.Answer{Err: err}, p.host, p.now()), posted{}
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	if p.config.Token != "" {
		request.Header.Set("Authorization", "Bearer "+p.config.Token)
	}
	answer := p.client.Do(ctx, request)
	if p.config.Token == "" {
		return p.ofWebhook(answer), posted{}
	}
	return p.ofBot(answer)
}

// ofBot reads an answer of the Web API: what failed is in a 200, too
// (docs.slack.dev/apis/web-api, "Evaluating responses").
func (p *poster) ofBot(a destination.Answer) (webhook.Outcome, posted) {
	if a.Err != nil || a.Status < 200 || a.Status >= 300 {
		return destination.Decide(a, p.host, p.now()), posted{}
	}
	var told struct {
		OK    *bool
		Error string
		posted
	}
	if json.Unmarshal(a.Body, &told) != nil || told.OK == nil {
		return destination.BadAnswer(p.host, a.Status), posted{}
	}
	if *told.OK {
		return webhook.Outcome{Result: webhook.ResultDelivered, Status: a.Status}, told.posted
	}
	out := p.refused(told.Error, a)
	out.RetryAfter = destination.LongestRetryAfter(a.RetryAfter, p.now())
	return out, posted{}
}

// ofWebhook reads an answer of an incoming webhook: "ok", or a status and a word.
func (p *poster) ofWebhook(a destination.Answer) webhook.Outcome {
	word := strings.TrimSpace(string(a.Body))
	switch {
	case a.Err == nil && a.Status == http.StatusOK && word == "ok":
		return webhook.Outcome{Result: webhook.ResultDelivered, Status: a.Status}
	case a.Err == nil && a.Status >= 200 && a.Status < 300:
		return destination.BadAnswer(p.host, a.Status)
	case a.Err == nil && a.Status >= 400 && a.Status < 500 && a.Status != http.StatusTooManyRequests && isWord(word):
		return p.refused(word, a)
	}
	return destination.Decide(a, p.host, p.now())
}

// isWord tells whether text looks like an error's name of Slack's.
func isWord(s string) bool {
	return s != "" && len(s) <= 60 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// passing are the errors that pass by themselves
// (docs.slack.dev/reference/methods/chat.postMessage, "Errors").
var passing = []string{
	"rate_limited", "ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
	"rollup_error", "message_limit_exceeded", "team_added_to_org",
}

// hints say what an operator can do about an error.
var hints = map[string]string{ //nolint:gosec // names of errors, and no credential
	"not_in_channel": "invite the app to the channel: /invite @app", "channel_not_found": "check --channel, and invite the app to a private one",
	"is_archived": "the channel is archived", "channel_is_archived": "the channel is archived",
	"invalid_auth": "the token is not valid: set a new one", "not_authed": "the token is not valid: set a new one",
	"token_revoked": "the token was revoked: set a new one", "token_expired": "the token has expired: set a new one", "account_inactive": "the app was removed: install it again, and set its new token",
	"missing_scope": "give the app the scope chat:write, and install it again", "no_permission": "the app may not post there",
	"restricted_action": "the workspace does not let the app post there", "action_prohibited": "the workspace does not let the webhook post there",
	"no_service": "the webhook was removed: set a new one", "no_service_id": "the webhook was removed: set a new one", "no_team": "the workspace is gone",
	"invalid_token": "the webhook's address is not valid: set a new one", "team_disabled": "the workspace is gone",
	"restricted_action_thread_locked": "an admin has locked the lead's thread",
	"msg_blocks_too_long":             "the message is too long", "msg_too_long": "the message is too long",
}

func (p *poster) refused(name string, a destination.Answer) webhook.Outcome {
	if !isWord(name) {
		return destination.BadAnswer(p.host, a.Status)
	}
	out := webhook.Outcome{Result: webhook.ResultPermanent, Status: a.Status, ErrorClass: name, Error: p.host + " answered " + name}
	if slices.Contains(passing, name) {
		out.Result = webhook.ResultRetry
	}
	if hint := hints[name]; hint != "" {
		out.Error += " (" + hint + ")"
	}
	return out
}
