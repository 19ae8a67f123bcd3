package auth

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// ending has an older and a newer value of each secret; the older ones end at noon + 1 h.
func ending(t *testing.T) (s Source, old, renewed string, end time.Time) {
	t.Helper()
	s, old = newSource(t)
	renewed, _, err := NewToken(rand.NewChaCha8([32]byte{7}))
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	must(err)
	end = noon.Add(time.Hour)
	s = addToken(t, s, renewed, noon)
	s, err = s.EndOldToken(end, noon)
	must(err)
	for _, secret := range []string{"hmac-old", "hmac-new"} {
		s, err = s.AddHMACSecret([]byte(secret), noon)
		must(err)
	}
	s, err = s.EndOldHMACSecret(end, noon)
	must(err)
	for _, key := range []string{"key-old", "key-new"} {
		s, err = s.TrustBodySecret(key, noon)
		must(err)
	}
	s, listed := s.EndBodySecret("key-old", end, noon)
	if !listed {
		t.Fatal("the key is not on the list")
	}
	return s, old, renewed, end
}

func TestASecretEndsByItself(t *testing.T) {
	s, old, renewed, end := ending(t)
	form, err := s.Stored()
	if err != nil {
		t.Fatal(err)
	}
	if s, err = ParseSource(s.Name, form); err != nil { // as the receiver has it
		t.Fatal(err)
	}
	const body = "{}"
	for _, c := range []struct {
		name          string
		at            time.Time
		token, signed string
		want          error
	}{
		{"before the end", end.Add(-time.Second), old, "hmac-old", nil},
		{"the token at the end", end, old, "hmac-new", errExpiredToken},
		{"the token after it", end.Add(time.Hour), old, "hmac-new", errExpiredToken},
		{"the signing secret at the end", end, renewed, "hmac-old", errExpiredSignature},
		{"the newest of both, long after", end.AddDate(10, 0, 0), renewed, "hmac-new", nil},
		{"no time at all", time.Time{}, old, "hmac-new", errExpiredToken},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.Authenticate(Credentials{Token: c.token, Signature: sign(c.signed, body), Body: []byte(body), At: c.at})
			if !errors.Is(got, c.want) || (c.want == nil) != (got == nil) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	for _, c := range []struct {
		key  string
		at   time.Time
		want Verdict
	}{
		{"key-old", end.Add(-time.Second), Trusted}, {"key-old", end, Untrusted},
		{"key-new", end.Add(time.Hour), Trusted}, {"key-old", time.Time{}, Untrusted},
	} {
		if got := s.VerifyBodySecret(c.key, c.at); got != c.want {
			t.Errorf("%s at %s: %s, want %s", c.key, c.at, got, c.want)
		}
	}
}

// A list of which every key has ended must not become no list, which trusts all.
func TestAnEndedListHoldsEveryBody(t *testing.T) {
	s, _ := newSource(t)
	s, err := s.TrustBodySecret("the-key", noon)
	if err != nil {
		t.Fatal(err)
	}
	s, _ = s.EndBodySecret("the-key", noon.Add(time.Hour), noon)
	s = addToken(t, s, "slr_written-later", noon.Add(2*time.Hour))
	for _, key := range []string{"the-key", "another", ""} {
		if got := s.VerifyBodySecret(key, noon.Add(2*time.Hour)); got != Untrusted {
			t.Errorf("%q is %s", key, got)
		}
	}
}

func TestWhatHasEndedIsForgottenByTheNextWrite(t *testing.T) {
	s, old, renewed, end := ending(t)
	if got := len(addToken(t, s, renewed, noon).Tokens); got != 2 {
		t.Fatalf("%d tokens before the end", got)
	}
	later, err := s.TrustBodySecret("key-third", end)
	if err != nil {
		t.Fatal(err)
	}
	if len(later.Tokens) != 1 || len(later.HMACSecrets) != 1 || len(later.BodySecrets) != 2 || len(later.Ends) != 0 {
		t.Errorf("%s has %d ends", later, len(later.Ends))
	}
	if _, err := later.EndOldToken(end.Add(time.Hour), end); !errors.Is(err, ErrInvalidSource) {
		t.Errorf("an end for what is not there: %v", err)
	}
	if got := len(s.Tokens); got != 2 {
		t.Errorf("the original has %d tokens", got)
	}
	// An end that is taken away is none, and a token that becomes the newest again has none.
	never, err := s.EndOldToken(time.Time{}, noon)
	if err != nil || never.Authenticate(Credentials{Token: old, Signature: sign("hmac-new", ""), At: end}) != nil {
		t.Errorf("the end was taken away: %v", err)
	}
	if again := addToken(t, s, old, noon); again.checkEnds() != nil || len(again.Ends) != 2 {
		t.Errorf("the newest token ends: %v", again.Ends)
	}
}

func TestTheNewestNeverEnds(t *testing.T) {
	s, _, renewed, end := ending(t)
	s.Ends[NewDigest(renewed)] = end
	if _, err := s.Stored(); !errors.Is(err, ErrInvalidSource) || !strings.Contains(err.Error(), "newest token") {
		t.Errorf("got %v", err)
	}
	delete(s.Ends, NewDigest(renewed))
	s.Ends[NewDigest("hmac-new")] = end
	if _, err := s.Stored(); !errors.Is(err, ErrInvalidSource) || !strings.Contains(err.Error(), "newest hmac") {
		t.Errorf("got %v", err)
	}
}

func TestEndsAreShownWithoutSecrets(t *testing.T) {
	s, _, _, end := ending(t)
	want := []End{{KindToken, end}, {KindHMAC, end}, {KindBody, end}}
	got := s.Summary().Ends
	slices.SortFunc(got, func(a, b End) int {
		order := []Kind{KindToken, KindHMAC, KindBody}
		return slices.Index(order, a.Secret) - slices.Index(order, b.Secret)
	})
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	text, err := json.Marshal(s)
	if err != nil || strings.Contains(string(text), "sha256:") || !strings.Contains(string(text), `"ends_at"`) {
		t.Errorf("%v: %s", err, text)
	}
}
