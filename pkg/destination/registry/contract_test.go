package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/webhook"
)

// row is what the contract needs to know of a type.
type row struct {
	// config is the member "config" with every field set, as it is stored. Every
	// part of it that may be a credential contains "topsecret" in some case.
	config string
	// flags are given by an operator and make settings that are valid.
	flags []string
	// far is the service; nil: it speaks to none.
	far *far
}

const (
	busARN    = "arn:aws:events:us-east-1:123456789012:event-bus/default"
	topicARN  = "arn:aws:sns:us-east-1:123456789012:events"
	queueARN  = "arn:aws:sqs:us-east-1:123456789012:events"
	streamARN = "arn:aws:firehose:us-east-1:123456789012:deliverystream/events"
)

// rows has one for each registered type.
var rows = map[string]row{
	"http": {
		config: `{"url":"https://topsecret:topsecret@crm.example/topsecret?key=topsecret",
			"secrets":["whsec_topsecrettopsecrettopsecrettopsecret","whsec_TOPSECRETTOPSECRETTOPSECRETTOPSECRET"],
			"timeout":"10s","headers":{"Authorization":"Bearer topsecret"},"query_programs":{"type":".type"},"header_programs":{"X-Type":".type"}}`,
		flags: []string{"--url", "https://crm.example/in", "--header", "X-Team: a", "--timeout", "5s", "--path-program", `"/\(.type)"`, "--body-program", "{t: .type}", "--header-program", "X-T: .type", "--query-program", "t=.type", "--allow-http", "--allow-private"},
		far:   &farHTTP,
	},
	"log": {config: `{}`},
	"slack": {
		config: `{"token":"xoxb-topsecret","channel":"C0123ABCD","threads":true}`,
		flags:  []string{"--webhook-url", "https://hooks.slack.com/services/T0/B0/topsecret"}, far: &farSlack,
	},
	"hubspot": {
		config: `{"token":"pat-na1-topsecret","properties":{"last_reply":".reply.text"},"notes":["EMAIL_REPLY"]}`,
		flags:  []string{"--token", "pat-na1-topsecret", "--property", `smartlead_category=.category.new // ""`, "--note", "email-reply", "--no-notes"}, far: &farHubSpot,
	},
	"eventbridge": {config: `{"arn":"` + busARN + `"}`, flags: []string{"--arn", busARN}, far: &farEventBridge},
	"sns":         {config: `{"arn":"` + topicARN + `","max_bytes":262144}`, flags: []string{"--arn", topicARN + ".fifo", "--max-bytes", "1048576"}, far: &farSNS},
	"sqs":         {config: `{"arn":"` + queueARN + `","max_bytes":262144}`, flags: []string{"--arn", queueARN + ".fifo", "--max-bytes", "1048576"}, far: &farSQS},
	"firehose":    {config: `{"arn":"` + streamARN + `"}`, flags: []string{"--arn", streamARN}, far: &farFirehose},
}

// TestContract holds every registered type to what each owes.
func TestContract(t *testing.T) {
	if len(rows) != len(registry.Types) {
		t.Errorf("%d rows for %d types", len(rows), len(registry.Types))
	}
	for _, typ := range registry.Types {
		r, found := rows[typ.Name]
		if !found {
			t.Errorf("the type %s has no row: give it one in rows", typ.Name)
			continue
		}
		s := subject{typ, r, `{"type":"` + typ.Name + `","config":` + r.config + `}`}
		t.Run(typ.Name, func(t *testing.T) {
			t.Run("is described", s.isDescribed)
			t.Run("its stored form survives a round trip", s.roundTrip)
			t.Run("an unknown member is refused", s.unknownMember)
			t.Run("a broken form shows no secret", s.brokenForm)
			t.Run("nothing that is shown holds a secret", s.shows)
			t.Run("its flags make valid settings", s.flagsMakeSettings)
			t.Run("its signing secrets rotate", s.rotates)
			t.Run("every answer is a valid outcome", s.answers)
			t.Run("an attempt ends with its context", s.endsWithContext)
		})
	}
}

// Events go to the log while nothing is configured.
func TestDefaultIsRegistered(t *testing.T) {
	var log bytes.Buffer
	cache := destination.NewCache(registry.Types, nothing{}, destination.Deps{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	all, err := cache.Destinations(t.Context())
	if err != nil || len(all) != 1 || all["log"] == nil {
		t.Fatalf("destinations %v, error %v, want log alone", all, err)
	}
	out := all["log"].Deliver(t.Context(), sample())
	if out.Result != webhook.ResultDelivered || !strings.Contains(log.String(), string(sample().Event.ID)) {
		t.Errorf("outcome %+v, log %s", out, log.String())
	}
}

type nothing struct{}

func (nothing) Destinations(context.Context) (map[string][]byte, error) { return nil, nil }

func sample() webhook.Delivery {
	return webhook.Delivery{
		Event: webhook.Event{
			ID: "v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", Type: webhook.EmailReply, Account: "acme",
			Source: "main", Attempt: 1, Raw: json.RawMessage(`{}`), Lead: &webhook.Lead{Email: "tom@acme.example"},
		},
		IdempotencyKey: "v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
	}
}

type subject struct {
	typ  destination.Type
	row  row
	form string
}

func (s subject) parse(t *testing.T) destination.Config {
	t.Helper()
	cfg, err := registry.Types.Parse([]byte(s.form))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func (s subject) open(t *testing.T, deps destination.Deps) *destination.Target {
	t.Helper()
	target, err := destination.New("subject", s.parse(t), deps)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func leaks(text string) bool { return strings.Contains(strings.ToLower(text), "topsecret") }

func (s subject) isDescribed(t *testing.T) {
	if s.typ.Help == "" {
		t.Error("no help for an operator")
	}
	for _, line := range strings.Split("--kind "+s.typ.Name+" (the default) "+s.typ.Help, "\n") {
		if len([]rune(line)) > 85 {
			t.Errorf("the help has a line of %d characters, want at most 85: %s", len([]rune(line)), line)
		}
	}
	if kind := reflect.TypeOf(s.typ.New()).Kind(); kind != reflect.Pointer {
		t.Errorf("New returns a %s, want a pointer", kind)
	}
}

func (s subject) roundTrip(t *testing.T) {
	first := s.parse(t)
	form, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Compact(&want, []byte(s.form)); err != nil {
		t.Fatal(err)
	}
	if string(form) != want.String() {
		t.Errorf("stored as %s\nwant %s", form, want.String())
	}
	if second, err := registry.Types.Parse(form); err != nil || !reflect.DeepEqual(first, second) {
		t.Errorf("read back as %s, error %v", second, err)
	}
}

// members returns the members of the type's config.
func (s subject) members(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(s.row.config), &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// with returns the form with one member of config set to value.
func (s subject) with(t *testing.T, name, value string) []byte {
	t.Helper()
	members := s.members(t)
	members[name] = json.RawMessage(value)
	config, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"type":%q,"config":%s}`, s.typ.Name, config)
}

func (s subject) unknownMember(t *testing.T) {
	_, err := registry.Types.Parse(s.with(t, "unheard_of", `"topsecret"`))
	var field *destination.FieldError
	if !errors.Is(err, destination.ErrConfig) || !errors.As(err, &field) || field.Field != "config.unheard_of" {
		t.Errorf("error %v, want one of config.unheard_of", err)
	}
	if leaks(fmt.Sprint(err)) {
		t.Errorf("the error quotes a value: %v", err)
	}
}

func (s subject) brokenForm(t *testing.T) {
	forms := [][]byte{fmt.Appendf(nil, `{"type":%q,"config":["topsecret"]}`, s.typ.Name), []byte(s.form + `"topsecret"`)}
	for name := range s.members(t) {
		for _, value := range []string{
			`"topsecret"`, `"topsecret\u0000://topsecret%"`, `["topsecret"]`, `{"x":["topsecret"]}`, `[["topsecret"]]`, `-1`, `true`,
		} {
			forms = append(forms, s.with(t, name, value))
		}
	}
	for _, form := range forms {
		if _, err := registry.Types.Parse(form); err != nil && (!errors.Is(err, destination.ErrConfig) || leaks(err.Error())) {
			t.Errorf("%s: error %v, want %v without a value", form, err, destination.ErrConfig)
		}
	}
}

func (s subject) shows(t *testing.T) {
	cfg := s.parse(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "config", cfg, "settings", cfg.Settings)
	summary, err := json.Marshal(cfg.Summary())
	if err != nil {
		t.Fatal(err)
	}
	value := reflect.ValueOf(cfg.Settings).Elem().Interface()
	shown := []string{log.String(), string(summary), cfg.String(), cfg.Settings.String()}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		shown = append(shown, fmt.Sprintf(format, cfg), fmt.Sprintf(format, cfg.Settings), fmt.Sprintf(format, value),
			fmt.Sprintf(format, struct{ C destination.Config }{cfg}))
	}
	for _, text := range shown {
		if leaks(text) {
			t.Errorf("a secret is shown: %s", text)
		}
	}
	for _, common := range []string{"name", "type", "filter", "updated_at", "error"} {
		if _, taken := cfg.Settings.Summary()[common]; taken {
			t.Errorf("the summary uses the name %q, which is common to all types", common)
		}
	}
}

func (s subject) flagsMakeSettings(t *testing.T) {
	cfg := destination.Config{Type: s.typ.Name, Settings: s.typ.New()}
	flags := flag.NewFlagSet(s.typ.Name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	cfg.Settings.Flags(flags)
	if err := flags.Parse(s.row.flags); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil {
		t.Errorf("%v make settings that are refused: %v", s.row.flags, err)
	}
}

func (s subject) rotates(t *testing.T) {
	cfg := destination.Config{Type: s.typ.Name, Settings: s.parse(t).Settings}
	signer, signs := cfg.Settings.(destination.Signer)
	if !signs {
		t.Skip("it signs nothing")
	}
	signer.DropOldSigningSecrets()
	if _, err := signer.AddSigningSecret(strings.NewReader("short")); err == nil || signer.SigningSecrets() != 1 {
		t.Errorf("without randomness: error %v and %d secrets, want an error and 1", err, signer.SigningSecrets())
	}
	secret, err := signer.AddSigningSecret(strings.NewReader(strings.Repeat("random", 20)))
	if err != nil || signer.SigningSecrets() != 2 {
		t.Fatalf("error %v and %d secrets, want 2", err, signer.SigningSecrets())
	}
	signer.DropOldSigningSecrets()
	form, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Types.Parse(form); err != nil || signer.SigningSecrets() != 1 || !strings.Contains(string(form), secret) {
		t.Errorf("after a rotation: error %v, %d secrets, want the new one alone", err, signer.SigningSecrets())
	}
	if shown, err := json.Marshal(cfg.Summary()); err != nil || strings.Contains(string(shown), secret) {
		t.Errorf("the summary shows the new secret, or error %v", err)
	}
	signer.DropOldSigningSecrets()
	if signer.SigningSecrets() != 1 {
		t.Errorf("%d secrets after nothing was to drop, want 1", signer.SigningSecrets())
	}
}

// outside answers what a destination sends over HTTP.
type outside func(*http.Request) (*http.Response, error)

func (o outside) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return o(r)
}

func status(code int) outside {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: code, Header: http.Header{"Retry-After": {"99999999"}}, Request: r,
			Body: io.NopCloser(strings.NewReader(`{"error":"topsecret","token":"TOPSECRET"}`)),
		}, nil
	}
}

// valid reports what the ledger could not keep or an operator must not see.
func valid(t *testing.T, out webhook.Outcome) {
	t.Helper()
	ended := out.Result == webhook.ResultDelivered || out.Result == webhook.ResultRetry || out.Result == webhook.ResultPermanent
	if !ended || out.ErrorClass == "bad_outcome" || out.ErrorClass == "panic" {
		t.Errorf("outcome %+v is none that a destination may return", out)
	}
	if failed := out.Result != webhook.ResultDelivered; failed != (out.ErrorClass != "") || failed != (out.Error != "") {
		t.Errorf("outcome %+v: a failure has a class and a text, success has neither", out)
	}
	if out.RetryAfter < 0 || out.RetryAfter > destination.MaxRetryAfter || leaks(out.Error) || leaks(out.ErrorClass) {
		t.Errorf("outcome %+v has a wish out of bounds or shows a secret", out)
	}
}

func (s subject) answers(t *testing.T) {
	for name, answer := range map[string]outside{
		"200": status(200), "302": status(302), "400": status(400), "401": status(401), "429": status(429), "503": status(503),
		"no answer": func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("post %s: proxy topsecret refused at http://topsecret", r.URL)
		},
		"a reset": func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			deps := through(answer)
			deps.Logger = slog.New(slog.NewJSONHandler(&log, nil))
			target := s.open(t, deps)
			valid(t, target.Deliver(t.Context(), sample()))
			if leaks(log.String()) {
				t.Errorf("the log shows a secret: %s", log.String())
			}
		})
	}
}

// Whatever the other side does, an attempt ends when its context does, and has
// not failed for good.
func (s subject) endsWithContext(t *testing.T) {
	hangs := outside(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	synctest.Test(t, func(t *testing.T) {
		target := s.open(t, through(hangs))
		for name, ends := range map[string]time.Duration{"before it begins": 0, "while it waits": time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), ends)
			began := time.Now()
			out := target.Deliver(ctx, sample())
			cancel()
			valid(t, out)
			if took := time.Since(began); took > ends || out.Result == webhook.ResultPermanent {
				t.Errorf("a context that ends %s: outcome %+v after %s, want one that may be tried again by %s", name, out, took, ends)
			}
		}
	})
}
