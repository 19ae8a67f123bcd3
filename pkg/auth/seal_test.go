package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

var ownerKey = bytes.Repeat([]byte{7}, keyBytes)

// sealedSource is a source with everything that is secret, and its two tokens.
func sealedSource(t *testing.T) (source Source, sealed Sealed, first string) {
	t.Helper()
	s, first := newSource(t)
	s = addToken(t, s, "second", noon)
	s, err := s.AddHMACSecret([]byte("topsecret"), noon)
	if err != nil {
		t.Fatal(err)
	}
	s.Revision = 7
	if sealed, err = s.Seal(ownerKey); err != nil {
		t.Fatal(err)
	}
	form, err := json.Marshal(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if sealed, err = ParseSealed(form); err != nil {
		t.Fatal(err)
	}
	return s, sealed, first
}

func TestASealedSourceOpensWithEachTokenAndForTheOperator(t *testing.T) {
	source, sealed, first := sealedSource(t)
	for _, token := range []string{first, "second"} {
		got, ok, err := sealed.OpenWith(token)
		if err != nil || !ok {
			t.Fatalf("%t, %v", ok, err)
		}
		if got.Revision != 7 || !reflect.DeepEqual(got.HMACSecrets, source.HMACSecrets) || !bytes.Equal(got.RedactionKey, source.RedactionKey) {
			t.Errorf("opened as %s", got)
		}
	}
	got, err := sealed.Open(ownerKey)
	if err != nil || !reflect.DeepEqual(got, source) {
		t.Errorf("opened as %s, error %v", got, err)
	}
	// What an operator changes is sealed for the tokens that he does not know.
	changed, err := got.AddHMACSecret([]byte("another"), noon)
	if err != nil {
		t.Fatal(err)
	}
	again, err := changed.Seal(ownerKey)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := again.OpenWith(first); err != nil || !ok || len(got.HMACSecrets) != 2 {
		t.Errorf("%t, %s, %v", ok, got, err)
	}
}

func TestASealedSourceShowsNothingToWhoReadsTheStore(t *testing.T) {
	source, sealed, first := sealedSource(t)
	form, err := json.Marshal(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{[]byte("topsecret"), source.RedactionKey, source.key, []byte(first), ownerKey} {
		encoded, _ := json.Marshal(secret)
		if bytes.Contains(form, secret) || strings.Contains(string(form), strings.Trim(string(encoded), `"=`)) {
			t.Errorf("a secret is in %s", form)
		}
	}
	if fmt.Sprintf("%+v %#v", source, source) != source.String()+" "+source.String() {
		t.Error("printing a source shows more than counts")
	}
}

func TestAWrongTokenOpensNothing(t *testing.T) {
	source, sealed, first := sealedSource(t)
	withdrawn, err := source.KeepNewestToken(noon).Seal(ownerKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sealed Sealed
		token  string
	}{
		"wrong":             {sealed, "wrong"},
		"empty":             {sealed, ""},
		"a digest":          {sealed, NewDigest(first).String()},
		"a withdrawn token": {withdrawn, first},
		"no source":         {Sealed{}, first},
	} {
		got, ok, err := c.sealed.OpenWith(c.token)
		if ok || err != nil || got.HMACSecrets != nil || got.RedactionKey != nil {
			t.Errorf("%s: %t, %s, %v", name, ok, got, err)
		}
		if got.Authenticate(Credentials{Token: c.token}) == nil {
			t.Errorf("%s: authenticated", name)
		}
	}
}

func TestWhatIsSealedCannotBeChangedOrMoved(t *testing.T) {
	_, sealed, first := sealedSource(t)
	for name, change := range map[string]func(*Sealed){
		"its form":              func(s *Sealed) { s.Form[len(s.Form)-1] ^= 1 },
		"its form, cut":         func(s *Sealed) { s.Form = s.Form[:5] },
		"its name":              func(s *Sealed) { s.Name = "other" },
		"a key":                 func(s *Sealed) { s.Keys[0].Key[0] ^= 1 },
		"a key for another key": func(s *Sealed) { s.Keys[0].Key = s.Owner },
		"a token of somebody":   func(s *Sealed) { s.Keys[0].Token, s.Keys[1].Token = s.Keys[1].Token, s.Keys[0].Token },
	} {
		s := sealed
		s.Form, s.Keys = bytes.Clone(sealed.Form), nil
		for _, k := range sealed.Keys {
			s.Keys = append(s.Keys, tokenKey{k.Token, bytes.Clone(k.Key)})
		}
		change(&s)
		if got, ok, err := s.OpenWith(first); ok || !errors.Is(err, ErrSealed) {
			t.Errorf("%s changed: %t, %s, %v", name, ok, got, err)
		}
	}
	if _, err := sealed.Open(bytes.Repeat([]byte{8}, keyBytes)); !errors.Is(err, ErrSealed) {
		t.Errorf("another operator's key: %v", err)
	}
	if _, err := sealed.Open(nil); !errors.Is(err, ErrSealed) {
		t.Errorf("no key: %v", err)
	}
}

func TestSealRefusesATokenThatCannotOpen(t *testing.T) {
	source, _, _ := sealedSource(t)
	source.Tokens = append(source.Tokens[:1:1], NewDigest("a digest alone"))
	if _, err := source.Seal(ownerKey); !errors.Is(err, ErrInvalidSource) {
		t.Errorf("got %v", err)
	}
	for _, form := range []string{"", "null and more", `{"name":1}`, `{"other":true}`} {
		if _, err := ParseSealed([]byte(form)); !errors.Is(err, ErrInvalidSource) {
			t.Errorf("%q: %v", form, err)
		}
	}
}
