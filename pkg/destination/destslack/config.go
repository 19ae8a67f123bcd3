// Package destslack posts each event as a message to a channel of Slack.
package destslack

import (
	"flag"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

// Type is the type "slack".
var Type = destination.Type{
	Name: "slack",
	Help: `posts events to a channel: by an incoming webhook
(--webhook-url), or with a bot token (--token and --channel), and then also
in a thread for each lead (--threads).`,
	New: func() destination.Settings { return new(Config) },
}

// timeout bounds one attempt, its answer included.
const timeout = 10 * time.Second

// Config is where to post: WebhookURL, or Token and Channel.
type Config struct {
	// WebhookURL is an incoming webhook; its path is a credential.
	WebhookURL string `json:"webhook_url,omitempty"`
	// Token is a bot token with the scope chat:write.
	Token string `json:"token,omitempty"`
	// Channel is the id of a channel that the bot is in, or #name of a public one.
	Channel string `json:"channel,omitempty"`
	// Threads puts what comes of a lead into the thread of its first message.
	Threads bool `json:"threads,omitempty"`
}

// hosts are those of incoming webhooks (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
// docs.slack.dev/govslack).
var hosts = []string{"hooks.slack.com", "hooks.slack-gov.com"}

// Validate reports every broken rule.
func (c Config) Validate(report func(field, problem string)) {
	switch {
	case c.WebhookURL == "" && c.Token == "":
		report("webhook_url", "is needed, or a token with a channel")
		return
	case c.WebhookURL != "" && c.Token != "":
		report("token", "is given beside webhook_url: one of them posts")
		return
	case c.WebhookURL != "" && c.Channel != "":
		report("channel", "is the webhook's own: give a token to choose one")
	}
	if c.WebhookURL != "" && c.Threads {
		report("threads", "need a bot token with a channel: an incoming webhook does not say which message it posted")
	}
	if c.WebhookURL != "" && webhookHost(c.WebhookURL) == "" {
		report("webhook_url", "begins with https://hooks.slack.com/")
	}
	if c.Token == "" {
		return
	}
	if !strings.HasPrefix(c.Token, "xoxb-") || len(c.Token) > 255 || strings.ContainsFunc(c.Token, notToken) {
		report("token", "is a bot token, which begins with xoxb-")
	}
	if name := strings.TrimPrefix(c.Channel, "#"); name == "" || len(name) > 80 || strings.ContainsFunc(name, notChannel) {
		report("channel", "is the id of a channel, such as C0123ABCD, or #name")
	}
}

func notToken(r rune) bool { return r <= ' ' || r > '~' }

func notChannel(r rune) bool { return r <= ' ' || strings.ContainsRune("#@,.:/<>&\"'", r) }

// webhookHost is the host of an incoming webhook, "" for what is none.
func webhookHost(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(u.Path) < 2 {
		return ""
	}
	for _, host := range hosts {
		if u.Host == host {
			return host
		}
	}
	return ""
}

// Open returns a destination of that channel.
func (c Config) Open(name string, deps destination.Deps) (webhook.Destination, error) {
	p := &poster{
		client: destination.NewClient(deps, timeout), now: deps.Now, logger: deps.Logger, name: name,
		config: c, host: "slack.com", url: "https://slack.com/api/chat.postMessage",
	}
	if c.WebhookURL != "" {
		p.host, p.url = webhookHost(c.WebhookURL), c.WebhookURL
	}
	if c.Threads && deps.Documents != nil {
		p.threads = documents{deps.Documents, deps.Now}
	}
	return p, nil
}

// String says which channel, never a credential.
func (c Config) String() string {
	if c.WebhookURL != "" {
		return "an incoming webhook"
	}
	return c.Channel
}

// GoString keeps %#v from printing a credential.
func (c Config) GoString() string { return c.String() }

// LogValue shows what String does.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Summary shows by what it posts, and the channel.
func (c Config) Summary() map[string]any {
	if c.WebhookURL != "" {
		return map[string]any{"by": "incoming webhook"}
	}
	shown := map[string]any{"by": "bot token", "channel": c.Channel}
	if c.Threads {
		shown["threads"] = true
	}
	return shown
}

// Flags declares --webhook-url, --token, --channel and --threads.
func (c *Config) Flags(flags *flag.FlagSet) {
	flags.Func("webhook-url", "`address` of an incoming webhook of Slack", func(text string) error {
		c.WebhookURL, c.Token, c.Channel = text, "", ""
		return nil
	})
	flags.Func("token", "`token` of the service: a bot token of Slack (xoxb-…), a service key of HubSpot", func(text string) error {
		c.Token, c.WebhookURL = text, ""
		return nil
	})
	flags.BoolVar(&c.Threads, "threads", c.Threads, "put what comes of a lead into the thread of its first message (Slack, with a token)")
	flags.StringVar(&c.Channel, "channel", c.Channel, "`channel` to post to with a token: its id, or #name")
}
