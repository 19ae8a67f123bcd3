package destination

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

func TestParseReadsWhatIsWritten(t *testing.T) {
	want := Config{
		Type:     "fake",
		Filter:   Filter{Types: []webhook.Type{webhook.EmailReply}, NotFlags: []string{webhook.FlagTestEvent}},
		Settings: &fakeSettings{To: "there", Wait: Duration(90 * time.Second), Labels: map[string]string{"a": "b"}, Parts: []part{{"c"}}},
	}
	form, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	const stored = `{"type":"fake","filter":{"types":["EMAIL_REPLY"],"not_flags":["test_event"]},` +
		`"config":{"to":"there","wait":"1m30s","labels":{"a":"b"},"parts":[{"name":"c"}]}}`
	if string(form) != stored {
		t.Errorf("the stored form is %s\nwant %s", form, stored)
	}
	got, err := fakeTypes.Parse(form)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, error %v\nwant %#v", got, err, want)
	}
	if got, err := fakeTypes.Parse([]byte(`{"type":"log"}`)); err != nil || got.Type != "log" {
		t.Errorf("without settings: %v, error %v", got, err)
	}
}

// Each problem is found and named by its path; no value is quoted.
func TestParseNamesEachProblem(t *testing.T) {
	for name, c := range map[string]struct {
		form string
		want []string
	}{
		"no JSON":                {`topsecret`, []string{"is not JSON"}},
		"two objects":            {`{"type":"log"} {}`, []string{"is not JSON"}},
		"a list":                 {`["topsecret"]`, []string{"has the wrong JSON type"}},
		"nothing":                {`null`, []string{"type: is one of fake, log"}},
		"no type":                {`{}`, []string{"type: is one of fake, log"}},
		"unknown type":           {`{"type":"topsecret"}`, []string{"type: is one of fake, log"}},
		"misspelt filter":        {`{"type":"log","filters":{}}`, []string{"filters: is no member"}},
		"misspelt condition":     {`{"type":"log","filter":{"account":["topsecret"]}}`, []string{"filter.account: is no member"}},
		"another case":           {`{"type":"log","Filter":{}}`, []string{"Filter: is no member"}},
		"condition of no list":   {`{"type":"log","filter":{"accounts":"topsecret"}}`, []string{"filter.accounts: has the wrong JSON type"}},
		"unknown event type":     {`{"type":"log","filter":{"types":["EMAIL_OPEN","EMAIL_REPLYED"]}}`, []string{"filter.types[1]: is not a known event type"}},
		"unknown flag":           {`{"type":"log","filter":{"not_flags":["testevent"]}}`, []string{"filter.not_flags[0]: is not a known flag"}},
		"empty account":          {`{"type":"log","filter":{"accounts":[""]}}`, []string{"filter.accounts[0]: is empty"}},
		"settings of no object":  {`{"type":"fake","config":"topsecret"}`, []string{"config: has the wrong JSON type"}},
		"settings of another":    {`{"type":"log","config":{"to":"topsecret"}}`, []string{"config.to: is no member"}},
		"an unknown setting":     {`{"type":"fake","config":{"to":"a","too":"topsecret"}}`, []string{"config.too: is no member"}},
		"an unknown nested one":  {`{"type":"fake","config":{"to":"a","parts":[{"name":"b"},{"names":"topsecret"}]}}`, []string{"config.parts[1].names: is no member"}},
		"a field without a name": {`{"type":"fake","config":{"to":"a","":"topsecret","-":1,"hidden":"x"}}`, []string{"config.-: is no member", "config.hidden: is no member"}},
		"several unknown ones":   {`{"type":"fake","config":{"a":1,"b":2}}`, []string{"config.a: is no member", "config.b: is no member"}},
		"a wrong JSON type":      {`{"type":"fake","config":{"to":47110815}}`, []string{"config.to: has the wrong JSON type"}},
		"one within a list":      {`{"type":"fake","config":{"to":"a","parts":["topsecret"]}}`, []string{"config.parts: has the wrong JSON type"}},
		"one within a map":       {`{"type":"fake","config":{"to":"a","labels":{"x":47110815}}}`, []string{"config.labels", "has the wrong JSON type"}},
		"text that is refused":   {`{"type":"fake","config":{"to":"a","wait":"topsecret"}}`, []string{`config.wait: a duration looks like "10s"`}},
		"a duration of no text":  {`{"type":"fake","config":{"to":"a","wait":10}}`, []string{"config.wait: has the wrong JSON type"}},
		"several rules": {
			`{"type":"fake","config":{"wait":"-1s"},"filter":{"accounts":[""]}}`,
			[]string{"config.to: is needed", "config.wait: is negative", "filter.accounts[0]: is empty"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fakeTypes.Parse([]byte(c.form))
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("error %v, want %v", err, ErrConfig)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not hold %q", err, want)
				}
			}
			for _, value := range []string{"topsecret", "47110815"} {
				if strings.Contains(err.Error(), value) {
					t.Errorf("the error quotes a value: %v", err)
				}
			}
		})
	}
}

func TestConfigShowsItsSummary(t *testing.T) {
	cfg := Config{Type: "fake", Filter: Filter{Accounts: []string{"acme"}}, Settings: &fakeSettings{To: "there", hidden: "topsecret"}}
	shown, err := json.Marshal(cfg.Summary())
	if want := `{"filter":{"accounts":["acme"]},"to":"there","type":"fake"}`; err != nil || string(shown) != want {
		t.Errorf("summary %s, error %v\nwant %s", shown, err, want)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, cfg); got != "fake there" {
			t.Errorf("%s shows %q", format, got)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", cfg)
	if want := `"config":{"filter":{"accounts":["acme"]},"to":"there","type":"fake"}`; !strings.Contains(log.String(), want) {
		t.Errorf("the log shows %s\nwant %s", log.String(), want)
	}
	if got := (Config{Type: "log", Settings: new(noSettings)}); got.String() != "log" || len(got.Summary()) != 1 {
		t.Errorf("without settings: %q, summary %v", got, got.Summary())
	}
}

func TestNewRefusesWhatCannotBeUsed(t *testing.T) {
	good := Config{Type: "fake", Settings: &fakeSettings{To: "there"}}
	for _, name := range []string{"", "-a", "A", "a/b", "a#b", strings.Repeat("a", 64)} {
		if _, err := New(name, good, Deps{}); !errors.Is(err, ErrConfig) {
			t.Errorf("name %q: error %v, want %v", name, err, ErrConfig)
		}
	}
	if _, err := New("crm", Config{Type: "fake", Settings: new(fakeSettings)}, Deps{}); !errors.Is(err, ErrConfig) {
		t.Errorf("broken settings: error %v, want %v", err, ErrConfig)
	}
	if _, err := New("crm", Config{Type: "fake", Settings: &fakeSettings{To: "nowhere"}}, Deps{}); err == nil || !strings.Contains(err.Error(), "destination crm: there is no way") {
		t.Errorf("error %v does not say why it could not be opened", err)
	}
	if _, err := New("crm", good, Deps{}); err != nil {
		t.Errorf("refused: %v", err)
	}
}
