package doctor_test

import (
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

// accountsOf runs the doctor, and returns what it says of the accounts.
func accountsOf(t *testing.T, s *clitest.Stack) (result, detail, next string) {
	t.Helper()
	for _, f := range clitest.Lines(t, s.Run("doctor", "--json").Out) {
		if f["check"] == "accounts" {
			next, _ := f["next"].(string)
			return f["result"].(string), f["detail"].(string), next
		}
	}
	t.Fatal("the doctor does not look at accounts")
	return "", "", ""
}

func TestAccountsAndTheirKeys(t *testing.T) {
	const one, two, three = "key-of-one-0001", "key-of-two-0002", "key-of-three-0003"
	for name, c := range map[string]struct {
		accounts map[string]string   // of each source
		keys     map[string][]string // that it trusts
		want     []string            // nothing: all is well
	}{
		"one key under one account":  {map[string]string{"a": "x", "b": "x"}, map[string][]string{"a": {one}, "b": {one}}, nil},
		"one key under two accounts": {map[string]string{"a": "x", "b": "y"}, map[string][]string{"a": {one}, "b": {two, one}}, []string{"accounts x and y have one secret_key (sources a, b)"}},
		"two keys under one account": {map[string]string{"a": "x", "b": "x"}, map[string][]string{"a": {one}, "b": {two}}, []string{"account x has 2 secret_keys", "sources a, b"}},
		"old and new in a rotation":  {map[string]string{"a": "x", "b": "x", "c": "x"}, map[string][]string{"a": {one}, "b": {one, two}, "c": {two}}, nil},
		"tied by the last of them":   {map[string]string{"a": "x", "b": "x", "c": "x"}, map[string][]string{"a": {one}, "b": {two}, "c": {two, three, one}}, nil},
		"two accounts, two keys":     {map[string]string{"a": "x", "b": "y"}, map[string][]string{"a": {one}, "b": {two}}, nil},
		"one without a list":         {map[string]string{"a": "x", "b": "x"}, map[string][]string{"a": {one}}, []string{"account x: b trusts every body, and so speaks for a"}},
		"none with a list":           {map[string]string{"a": "x", "b": "x"}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := clitest.New(t)
			s.Secrets = append(s.Secrets, one, two, three)
			for source, account := range c.accounts {
				s.OK("sources", "add", source, "--account", account)
				s.Said = nil
				for _, key := range c.keys[source] {
					s.Input = key + "\n"
					s.OK("sources", "trust-key", source, "--no-release", "--yes")
				}
			}
			result, detail, next := accountsOf(t, s)
			if (result == "ok") != (len(c.want) == 0) || (next == "") != (result == "ok") || strings.Contains(detail, "sha256") {
				t.Errorf("%s: %s. %s", result, detail, next)
			}
			for _, want := range c.want {
				if !strings.Contains(detail, want) {
					t.Errorf("%q is missing: %s", want, detail)
				}
			}
		})
	}
}

// A key that has ended ties nothing together.
func TestAnEndedKeyIsNoneOfTheAccount(t *testing.T) {
	s := clitest.New(t)
	const old, renewed = "key-that-ends-0001", "key-that-stays-0002"
	s.Secrets = append(s.Secrets, old, renewed)
	for source, keys := range map[string][]string{"a": {old, renewed}, "b": {old}} {
		s.OK("sources", "add", source, "--account", "x")
		s.Said = nil
		for _, key := range keys {
			s.Input = key + "\n"
			s.OK("sources", "trust-key", source, "--no-release", "--yes")
		}
	}
	s.Input = old + "\n"
	s.OK("sources", "untrust-key", "a", "--at", "1h")
	if result, detail, _ := accountsOf(t, s); result != "ok" {
		t.Errorf("during the rotation: %s", detail)
	}
	s.Advance(time.Hour)
	if result, detail, _ := accountsOf(t, s); result == "ok" || !strings.Contains(detail, "2 secret_keys") {
		t.Errorf("%s: %s", result, detail)
	}
}
