package auth

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSettingsSurviveInTheStoredForm(t *testing.T) {
	s, _ := newSource(t)
	plain, err := s.Stored()
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"require", "window", "level", "ends"} {
		if strings.Contains(string(plain), member) {
			t.Errorf("a source without settings says %q: %s", member, plain)
		}
	}
	want := Settings{
		RequireSecretKey: true, RequireSignature: true, StatusWindow: time.Minute, Window: 6 * time.Hour, ExpectedLevel: "client", RetentionDays: 30,
	}
	if s, err = s.WithSettings(want, noon.Add(time.Hour)); err != nil || !s.UpdatedAt.Equal(noon.Add(time.Hour)) {
		t.Fatal(err)
	}
	form, err := s.Stored()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseSource(s.Name, form)
	if err != nil || !reflect.DeepEqual(back.Settings, want) {
		t.Errorf("%v: %s became %+v", err, form, back.Settings)
	}
}

func TestSettingsThatNoSourceCanHave(t *testing.T) {
	s, _ := newSource(t)
	for name, settings := range map[string]Settings{
		"a window too short":      {Window: time.Second},
		"a window too long":       {Window: MaxWindow + time.Second},
		"a negative window":       {StatusWindow: -time.Hour},
		"a status window too big": {StatusWindow: MaxWindow + time.Second},
		"kept too short":          {RetentionDays: MinRetentionDays - 1},
		"kept too long":           {RetentionDays: MaxRetentionDays + 1},
		"a level of nobody":       {ExpectedLevel: "account"},
	} {
		if _, err := s.WithSettings(settings, noon); !errors.Is(err, ErrInvalidSource) {
			t.Errorf("%s: %v", name, err)
		}
	}
	digest := NewDigest("x").String()
	for _, member := range []string{`"window_seconds":-1`, `"window_seconds":9000000000000000000`, `"window_seconds":5`, `"expected_level":"USER"`} {
		form := `{"tokens":["` + digest + `"],"redaction_key":"base64:AAECAwQFBgcICQoLDA0ODw==",` + member + `}`
		if _, err := ParseSource("x", []byte(form)); !errors.Is(err, ErrInvalidSource) {
			t.Errorf("%s: %v", member, err)
		}
	}
}

// A check that is required does not end with what it checks against.
func TestARequiredCheckFailsClosed(t *testing.T) {
	s, token := newSource(t)
	s.RequireSecretKey, s.RequireSignature = true, true
	for _, key := range []string{"", "any-key"} {
		if got := s.VerifyBodySecret(key, noon); got != Untrusted || !s.ChecksBodies() {
			t.Errorf("%q without a list is %s", key, got)
		}
	}
	if got := s.VerifyBodySecret(dashboardSecret, noon); got != Test {
		t.Errorf("the dashboard's test is %s", got)
	}
	for signature, want := range map[string]error{"": errNoSignature, sign("", "{}"): errSignature} {
		if got := s.Authenticate(Credentials{Token: token, Signature: signature, Body: []byte("{}"), At: noon}); !errors.Is(got, want) {
			t.Errorf("signed %q: %v, want %v", signature, got, want)
		}
	}
	if got := s.WithoutSignature().Authenticate(Credentials{Token: token, At: noon}); got != nil {
		t.Errorf("a request without a body: %v", got)
	}
}
