package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnOutlineSaysWhatIsNoSecret(t *testing.T) {
	owner := bytes.Repeat([]byte("k"), 32)
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s, token, err := NewSource("acme", "agency", strings.NewReader(strings.Repeat("seed", 100)), now)
	must(t, err)
	s, err = s.AddHMACSecret([]byte("a-signing-secret"), now)
	must(t, err)
	s, err = s.TrustBodySecret("a-secret-key-of-a-body", now)
	must(t, err)
	s, err = s.WithSettings(Settings{RetentionDays: 30, Window: time.Hour, StatusWindow: 2 * time.Minute, RequireSignature: true, ExpectedLevel: "user"}, now)
	must(t, err)
	s.TrustRequestID, s.Revision = true, 7
	sealed, err := s.Seal(owner)
	must(t, err)
	form, err := json.Marshal(sealed.Outline)
	must(t, err)
	if want := `{"account":"agency","trust_request_id":true,"require_signature":true,"status_window_seconds":120,"window_seconds":3600,"expected_level":"user","retention_days":30}`; string(form) != want {
		t.Errorf("%s, want %s", form, want)
	}
	o, err := sealed.Outlined()
	must(t, err)
	if o.Name != "acme" || o.Account != "agency" || o.Settings != s.Settings || !o.TrustRequestID || o.Revision != 7 || len(o.Tokens)+len(o.HMACSecrets)+len(o.BodySecrets)+len(o.RedactionKey) > 0 {
		t.Errorf("%+v", o)
	}
	// Nobody authenticates against it.
	if err := o.Authenticate(Credentials{Token: token, At: now}); !errors.Is(err, ErrUnknownSource) {
		t.Errorf("with its token: %v", err)
	}
}

func TestABrokenOutlineIsNone(t *testing.T) {
	if _, err := (Sealed{Name: "acme"}).Outlined(); !errors.Is(err, ErrNoOutline) {
		t.Errorf("without: %v", err)
	}
	for name, o := range map[string]Outline{
		"no account":   {},
		"a bad name":   {Account: "A b"},
		"bad settings": {Account: "acme", SettingsForm: SettingsForm{RetentionDays: 3}},
	} {
		if _, err := (Sealed{Name: "acme", Outline: &o}).Outlined(); !errors.Is(err, ErrInvalidSource) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
