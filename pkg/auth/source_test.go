package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/test/testclock"
)

var noon = testclock.Noon()

func newSource(t *testing.T) (Source, string) {
	t.Helper()
	s, token, err := NewSource("acme-1", "acme", rand.NewChaCha8([32]byte{1}), noon)
	if err != nil {
		t.Fatal(err)
	}
	return s, token
}

func addToken(t *testing.T, s Source, token string, now time.Time) Source {
	t.Helper()
	s, err := s.AddToken(token, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewToken(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	form := regexp.MustCompile(`^slr_[a-z2-7]{32}$`)
	seen := map[string]bool{}
	for range 100 {
		token, digest, err := NewToken(random)
		if err != nil || !form.MatchString(token) || digest != NewDigest(token) || seen[token] {
			t.Fatalf("token %q, digest %s, error %v", token, digest, err)
		}
		seen[token] = true
	}
	if _, _, err := NewToken(bytes.NewReader(make([]byte, tokenBytes-1))); err == nil {
		t.Error("too little randomness made a token")
	}
}

func TestNewSource(t *testing.T) {
	s, token := newSource(t)
	if err := s.Authenticate(Credentials{Token: token}); err != nil {
		t.Errorf("its own token: %v", err)
	}
	if len(s.RedactionKey) != newRedactionKey || bytes.Equal(s.RedactionKey, make([]byte, newRedactionKey)) {
		t.Error("no redaction key")
	}
	alone, _, err := NewSource("solo", "", rand.NewChaCha8([32]byte{}), noon)
	if err != nil || alone.Account != "solo" {
		t.Errorf("account %q, error %v", alone.Account, err)
	}
	if _, _, err := NewSource("Acme", "", rand.NewChaCha8([32]byte{}), noon); !errors.Is(err, ErrInvalidSource) {
		t.Errorf("bad name: %v", err)
	}
}

func TestValidateName(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "0": true, "acme-eu-2": true, strings.Repeat("a", 63): true,
		"": false, "-a": false, "A": false, "a_b": false, "a/b": false, "a.b": false, "ä": false, "a b": false,
		"a\n": false, strings.Repeat("a", 64): false,
	} {
		if got := ValidateName(name) == nil; got != ok {
			t.Errorf("%q: valid is %t", name, got)
		}
	}
}

func TestStoredFormSurvives(t *testing.T) {
	s, _ := newSource(t)
	s, err := s.AddHMACSecret([]byte("hmac\x00secret"), noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.TrustBodySecret("body-secret", noon.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.TrustRequestID = true
	form, err := s.Stored()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseSource("acme-1", form)
	if err != nil {
		t.Fatal(err)
	}
	back.key, back.keys = s.key, s.keys // are no part of the form
	if !reflect.DeepEqual(s, back) {
		t.Errorf("%s\nbecame %s", form, back)
	}
	for _, part := range []string{`"account":"acme"`, `"sha256:`, `"base64:aG1hYwBzZWNyZXQ="`, `"trust_request_id":true`, `"created_at":"2126-03-04T12:00:00Z"`} {
		if !strings.Contains(string(form), part) {
			t.Errorf("%s is not in %s", part, form)
		}
	}
	if strings.Contains(string(form), "body-secret") {
		t.Error("the body secret itself is stored")
	}
}

func TestParseSourceRefuses(t *testing.T) {
	digest := NewDigest("x").String()
	key := `"redaction_key":"base64:AAECAwQFBgcICQoLDA0ODw=="`
	good := fmt.Sprintf(`{"tokens":[%q],%s}`, digest, key)
	if s, err := ParseSource("x", []byte(good)); err != nil || s.Account != "x" {
		t.Fatalf("the smallest form: %v, account %q", err, s.Account)
	}
	long := strings.Repeat("A", 4*(maxHMACSecretBytes/3+1))
	for name, form := range map[string]string{
		"no JSON":             `sha256`,
		"null":                `null`,
		"a second object":     good + `{}`,
		"no token":            fmt.Sprintf(`{"tokens":[],%s}`, key),
		"three tokens":        fmt.Sprintf(`{"tokens":[%q,%q,%q],%s}`, digest, digest, digest, key),
		"a plain token":       fmt.Sprintf(`{"tokens":["topsecret"],%s}`, key),
		"a short digest":      fmt.Sprintf(`{"tokens":["sha256:topsecret"],%s}`, key),
		"a digest not hex":    fmt.Sprintf(`{"tokens":["sha256:%s"],%s}`, strings.Repeat("g", 64), key),
		"digest of nothing":   fmt.Sprintf(`{"tokens":[%q],%s}`, NewDigest(""), key),
		"zero digest":         fmt.Sprintf(`{"tokens":[%q],%s}`, Digest{}, key),
		"empty hmac secret":   fmt.Sprintf(`{"tokens":[%q],"hmac_secrets":["base64:"],%s}`, digest, key),
		"null hmac secret":    fmt.Sprintf(`{"tokens":[%q],"hmac_secrets":[null],%s}`, digest, key),
		"plain hmac secret":   fmt.Sprintf(`{"tokens":[%q],"hmac_secrets":["topsecret"],%s}`, digest, key),
		"hmac not base64":     fmt.Sprintf(`{"tokens":[%q],"hmac_secrets":["base64:topsecret!"],%s}`, digest, key),
		"a number as secret":  fmt.Sprintf(`{"tokens":[%q],"hmac_secrets":[471100],%s}`, digest, key),
		"overlong hmac":       fmt.Sprintf(`{"tokens":[%q],"hmac_secrets":["base64:%s"],%s}`, digest, long, key),
		"misspelt member":     fmt.Sprintf(`{"tokens":[%q],"hmac_secret":["base64:AAAA"],%s}`, digest, key),
		"no redaction key":    fmt.Sprintf(`{"tokens":[%q]}`, digest),
		"short redaction key": fmt.Sprintf(`{"tokens":[%q],"redaction_key":"base64:AAAA"}`, digest),
		"bad account":         fmt.Sprintf(`{"account":"A/B","tokens":[%q],%s}`, digest, key),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseSource("x", []byte(form))
			if !errors.Is(err, ErrInvalidSource) {
				t.Fatalf("accepted, or another error: %v", err)
			}
			for _, secret := range []string{"topsecret", "471100"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error quotes a secret: %v", err)
				}
			}
		})
	}
	if _, err := ParseSource("x", []byte(`{"trust_request_id":"yes"}`)); err == nil || !strings.Contains(err.Error(), "trust_request_id has the wrong JSON type") {
		t.Errorf("a wrong JSON type: %v", err)
	}
	if _, err := ParseSource("X", []byte(good)); !errors.Is(err, ErrBadName) {
		t.Errorf("bad name: %v", err)
	}
}

func TestRotation(t *testing.T) {
	s, first := newSource(t)
	second := addToken(t, s, "second", noon.Add(time.Hour))
	third := addToken(t, second, "third", noon.Add(2*time.Hour))
	for _, c := range []struct {
		source Source
		token  string
		want   error
	}{
		{second, first, nil}, {second, "second", nil},
		{third, first, errToken}, {third, "second", nil}, {third, "third", nil},
		{second.KeepNewestToken(noon), first, errToken}, {second.KeepNewestToken(noon), "second", nil},
		{addToken(t, second, first, noon).KeepNewestToken(noon), first, nil},
		{s, first, nil}, {s, "second", errToken}, // the original is as it was
	} {
		if got := c.source.Authenticate(Credentials{Token: c.token}); !errors.Is(got, c.want) {
			t.Errorf("%s, token %s: got %v, want %v", c.source, c.token, got, c.want)
		}
	}
	if !third.UpdatedAt.Equal(noon.Add(2*time.Hour)) || !third.CreatedAt.Equal(noon) {
		t.Errorf("created %s, updated %s", third.CreatedAt, third.UpdatedAt)
	}

	var err error
	for _, secret := range []string{"one", "two", "three"} {
		if s, err = s.AddHMACSecret([]byte(secret), noon); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.HMACSecrets) != maxHMACSecrets || string(s.HMACSecrets[0]) != "two" {
		t.Errorf("hmac secrets %q", s.HMACSecrets)
	}
	if _, err := s.AddHMACSecret(nil, noon); !errors.Is(err, ErrInvalidSource) {
		t.Errorf("empty hmac secret: %v", err)
	}
	for i := range maxBodySecrets + 1 {
		if s, err = s.TrustBodySecret(fmt.Sprint("key", i), noon); err != nil {
			t.Fatal(err)
		}
	}
	if s.VerifyBodySecret("key0", noon) != Untrusted || s.VerifyBodySecret("key1", noon) != Trusted {
		t.Error("not the oldest body secret gave way")
	}
	for _, secret := range []string{"", "secretkey"} {
		if _, err := s.TrustBodySecret(secret, noon); !errors.Is(err, ErrInvalidSource) {
			t.Errorf("trusting %q: %v", secret, err)
		}
	}
	if form, err := s.Stored(); err != nil || len(form) > 4096 {
		t.Errorf("%d bytes, error %v", len(form), err)
	}
}

func TestAFullSourceIsASmallItem(t *testing.T) {
	s, _ := newSource(t)
	s = addToken(t, s, "second", noon)
	s.Name, s.Account = strings.Repeat("n", 63), strings.Repeat("a", 63)
	s.RedactionKey = make([]byte, maxRedactionKey)
	var err error
	for i := range maxHMACSecrets {
		if s, err = s.AddHMACSecret(bytes.Repeat([]byte{byte(i)}, maxHMACSecretBytes), noon); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxBodySecrets {
		if s, err = s.TrustBodySecret(fmt.Sprint(i), noon); err != nil {
			t.Fatal(err)
		}
	}
	sealed, err := s.Seal(ownerKey)
	if err != nil {
		t.Fatal(err)
	}
	if form, err := json.Marshal(sealed); err != nil || len(form) > 8<<10 {
		t.Errorf("%d bytes, error %v", len(form), err)
	}
}

func TestPrintingASourceShowsNoSecret(t *testing.T) {
	s, _ := newSource(t)
	s, err := s.AddHMACSecret([]byte("topsecret"), noon)
	if err != nil {
		t.Fatal(err)
	}
	nested := struct{ S Source }{s}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "source", s, "nested", nested)
	asJSON, err := json.Marshal(nested)
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(asJSON) + fmt.Sprintf("%v %+v %#v %s %v %+v %#v", s, s, s, s, nested, nested, nested)
	for _, secret := range []string{
		"topsecret", "dG9wc2VjcmV0", "sha256:", fmt.Sprintf("%d", []byte("topsecret")), fmt.Sprintf("%#v", []byte("topsecret")),
		fmt.Sprintf("%d", s.RedactionKey), s.Tokens[0].String(),
	} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q is in %s", secret, shown)
		}
	}
	if !strings.Contains(log.String(), `"tokens":1`) {
		t.Errorf("no counts in %s", log.String())
	}
}
