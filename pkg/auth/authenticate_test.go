package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestAuthenticateToken(t *testing.T) {
	both := Source{Tokens: []Digest{NewDigest("old"), NewDigest("new")}}
	one := Source{Tokens: []Digest{NewDigest("only")}}
	for _, c := range []struct {
		name   string
		source Source
		token  string
		want   error
	}{
		{"the newest token", both, "new", nil},
		{"the one before it, during a rotation", both, "old", nil},
		{"the single token", one, "only", nil},
		{"a wrong token", both, "newer", errToken},
		{"a token in another case", both, "NEW", errToken},
		{"a prefix of a token", both, "ne", errToken},
		{"the digest instead of the token", one, NewDigest("only").String(), errToken},
		{"no token", both, "", errNoToken},
		{"a source without tokens", Source{Name: "x"}, "new", ErrUnknownSource},
		{"a source without tokens, no token", Source{Name: "x"}, "", ErrUnknownSource},
		{"an empty token though its digest is stored", Source{Tokens: []Digest{NewDigest("")}}, "", errNoToken},
		{"the padding of a source with one token", one, string(make([]byte, 32)), errToken},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.source.Authenticate(Credentials{Token: c.token}); !errors.Is(got, c.want) || (c.want == nil) != (got == nil) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestAuthenticateSignature(t *testing.T) {
	const body = `{"event_type":"EMAIL_REPLY"}`
	source := Source{Tokens: []Digest{NewDigest("token")}, HMACSecrets: [][]byte{[]byte("old"), []byte("new")}}
	oldSum, newSum, foreign := sign("old", body), sign("new", body), sign("foreign", body)
	for _, c := range []struct {
		name, header, body string
		want               error
	}{
		{"prefixed", "sha256=" + newSum, body, nil},
		{"bare", newSum, body, nil},
		{"upper case", "SHA256=" + strings.ToUpper(newSum), body, nil},
		{"the older secret", "sha256=" + oldSum, body, nil},
		{"the second of two, comma", foreign + "," + newSum, body, nil},
		{"the second of two, comma and space", "sha256=" + foreign + ", sha256=" + newSum, body, nil},
		{"the first of two, space", newSum + " " + foreign, body, nil},
		{"garbage beside a good one", "v0=zz " + newSum, body, nil},
		{"another body", newSum, body + " ", errSignature},
		{"another secret", foreign, body, errSignature},
		{"cut short", newSum[:62], body, errSignature},
		{"longer", newSum + "00", body, errSignature},
		{"not hex", strings.Repeat("z", 64), body, errSignature},
		{"another scheme", "sha1=" + newSum, body, errSignature},
		{"separators only", " , ", body, errSignature},
		{"missing", "", body, errNoSignature},
		{"blank", "  ", body, errNoSignature},
		{"more than are tried", strings.Repeat(foreign+" ", maxSignatures) + newSum, body, errSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := source.Authenticate(Credentials{Token: "token", Signature: c.header, Body: []byte(c.body)})
			if !errors.Is(got, c.want) || (c.want == nil) != (got == nil) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	t.Run("a good signature does not stand in for a token", func(t *testing.T) {
		got := source.Authenticate(Credentials{Token: "wrong", Signature: newSum, Body: []byte(body)})
		if !errors.Is(got, errToken) {
			t.Errorf("got %v", got)
		}
	})
	t.Run("an empty secret lets nobody in", func(t *testing.T) {
		open := Source{Tokens: source.Tokens, HMACSecrets: [][]byte{{}}}
		if got := open.Authenticate(Credentials{Token: "token", Signature: sign("", body), Body: []byte(body)}); !errors.Is(got, errSignature) {
			t.Errorf("got %v", got)
		}
	})
	t.Run("no secret configured, signature ignored", func(t *testing.T) {
		plain := Source{Tokens: source.Tokens}
		if got := plain.Authenticate(Credentials{Token: "token", Signature: "nonsense"}); got != nil {
			t.Errorf("got %v", got)
		}
	})
}

func TestRefusalsHaveCausesAndNoSecrets(t *testing.T) {
	causes := map[string]bool{}
	for _, err := range []error{ErrUnknownSource, errNoToken, errToken, errExpiredToken, errNoSignature, errSignature, errExpiredSignature} {
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Cause() == "" || causes[refusal.Cause()] {
			t.Errorf("%v has no cause of its own", err)
			continue
		}
		causes[refusal.Cause()] = true
	}
	if err := AuthenticateUnknown(Credentials{Token: "x", Body: []byte("y")}); !errors.Is(err, ErrUnknownSource) {
		t.Errorf("unknown source: %v", err)
	}
}

// A wrong token must not cost a hash of the body: an unknown source costs none,
// and the difference would tell them apart.
func TestAWrongTokenCostsNoMoreThanAnUnknownSource(t *testing.T) {
	source := Source{
		Tokens:      []Digest{NewDigest("a"), NewDigest("b")},
		HMACSecrets: [][]byte{[]byte("one"), []byte("two")},
	}
	c := Credentials{Token: "wrong", Signature: sign("x", ""), Body: make([]byte, 1<<20)}
	wrong := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			_ = source.Authenticate(c)
		}
	})
	unknown := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			_ = AuthenticateUnknown(c)
		}
	})
	// A hash of the body takes about a thousand times as long as the rest, so
	// the bound is wide enough for a busy machine.
	if wrong.NsPerOp() > 50*unknown.NsPerOp() {
		t.Errorf("wrong token %d ns, unknown source %d ns", wrong.NsPerOp(), unknown.NsPerOp())
	}
	if wrong.AllocsPerOp() != unknown.AllocsPerOp() {
		t.Errorf("wrong token %d allocations, unknown source %d", wrong.AllocsPerOp(), unknown.AllocsPerOp())
	}
}

func TestJudgeBodySecret(t *testing.T) {
	listed := Source{BodySecrets: []Digest{NewDigest("first"), NewDigest("second")}}
	careless := Source{BodySecrets: []Digest{NewDigest("")}}
	for _, c := range []struct {
		name   string
		source Source
		secret string
		want   Verdict
	}{
		{"the first on the list", listed, "first", Trusted},
		{"the last on the list", listed, "second", Trusted},
		{"another", listed, "third", Untrusted},
		{"another case", listed, "FIRST", Untrusted},
		{"missing", listed, "", Untrusted},
		{"missing, though its digest is stored", careless, "", Untrusted},
		{"the dashboard's", listed, "secretkey", Test},
		{"the dashboard's, no list", Source{}, "secretkey", Test},
		{"no list", Source{}, "anything", Trusted},
		{"no list, missing", Source{}, "", Trusted},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.source.VerifyBodySecret(c.secret, noon); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
