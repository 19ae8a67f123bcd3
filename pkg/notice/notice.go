// Package notice sends notices of incidents to a target outside: an incoming webhook of
// Slack, or any URL that takes JSON. They go where a destination may be, and are posted
// and signed as events are.
package notice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/webhook"
)

// The targets. There is at most one of each.
const (
	Slack = "slack" // gets {"text": …}
	HTTP  = "http"  // gets the document, signed
)

// Names lists every target.
var Names = []string{Slack, HTTP}

// timeout bounds one notice: the sweeper has little time for all of them.
const timeout = 4 * time.Second

// Message is what a notice says.
type Message struct {
	ID       string // the same for the same notice: a target may dedupe by it
	Text     string // plain, lines; data
	Document any
}

// Target is where notices go. It holds secrets; what shows it shows scheme and host.
type Target struct {
	Name string
	desthttp.Config
}

// NewSecret returns a secret that signs, of 32 random bytes.
func NewSecret(random io.Reader) (string, error) { return desthttp.NewSecret(random) }

// NewTarget checks a target. nearby lets it be on this machine, without TLS. The error
// quotes no URL.
func NewTarget(name, url string, secrets []string, nearby bool) (Target, error) {
	if !slices.Contains(Names, name) {
		return Target{}, fmt.Errorf("a target is %s, not %q", strings.Join(Names, " or "), name)
	}
	t := Target{Name: name, Config: desthttp.Config{URL: url, Secrets: secrets}}
	if nearby {
		t.AllowNearby()
	}
	return t, t.check()
}

func (t Target) check() error {
	var errs []error
	t.Validate(func(field, problem string) { errs = append(errs, fmt.Errorf("%s: %s", field, problem)) })
	return errors.Join(errs...)
}

// Encode is how a target is stored: secret.
func (t Target) Encode() ([]byte, error) { return json.Marshal(t.Config) }

// Decode reads a stored target. The error quotes nothing of it.
func Decode(name string, form []byte) (Target, error) {
	t := Target{Name: name}
	if json.Unmarshal(form, &t.Config) != nil {
		return t, fmt.Errorf("the stored target %s cannot be read", name)
	}
	return t, t.check()
}

// Send sends a message once. The error says what the target answered, without a secret.
func (t Target) Send(ctx context.Context, deps destination.Deps, m Message) error {
	document := m.Document
	if t.Name == Slack {
		document = slackMessage{Text: escapeSlack(m.Text)}
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("encode a notice: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out, err := t.Post(ctx, deps.WithDefaults(), m.ID, bytes.TrimSpace(body.Bytes()))
	if err != nil {
		return err
	}
	if out.Result != webhook.ResultDelivered {
		return fmt.Errorf("notice to %s: %s (%s)", t.Name, out.Error, out.ErrorClass)
	}
	return nil
}

// slackMessage is what an incoming webhook takes
// (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). Nothing in it is
// fetched or linked.
type slackMessage struct {
	Text        string `json:"text"`
	UnfurlLinks bool   `json:"unfurl_links"`
	UnfurlMedia bool   `json:"unfurl_media"`
}

// maxSlack bounds a text in bytes, before what Slack reads is escaped: it takes 40,000
// characters, and nobody reads as many.
const maxSlack = 8000

// escapeSlack takes the meaning out of what Slack reads in a text: the three characters
// that begin mentions, links and entities
// (docs.slack.dev/messaging/formatting-message-text).
func escapeSlack(text string) string {
	if len(text) > maxSlack {
		text = strings.ToValidUTF8(text[:maxSlack], "") + "…"
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// Stored hands over the stored targets by name.
type Stored interface {
	Destinations(ctx context.Context) (map[string][]byte, error)
}

// Sender sends to the targets that are stored. It is safe for concurrent use.
type Sender struct {
	stored Stored
	deps   destination.Deps
}

// NewSender returns a sender. It makes no call.
func NewSender(stored Stored, deps destination.Deps) *Sender {
	return &Sender{stored: stored, deps: deps.WithDefaults()}
}

// Targets are the names of the stored targets.
func (s *Sender) Targets(ctx context.Context) ([]string, error) {
	all, err := s.stored.Destinations(ctx)
	if err != nil {
		return nil, fmt.Errorf("where notices go: %w", err)
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// Send sends a message to a stored target.
func (s *Sender) Send(ctx context.Context, name string, m Message) error {
	all, err := s.stored.Destinations(ctx)
	if err != nil {
		return fmt.Errorf("where notices go: %w", err)
	}
	t, err := Decode(name, all[name])
	if err != nil {
		return err
	}
	return t.Send(ctx, s.deps, m)
}
