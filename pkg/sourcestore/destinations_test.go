package sourcestore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	"github.com/sivchari/kumo"

	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// These tests talk HTTP to the embedded engine. Its Parameter Store differs
// from the real one, so that they prove nothing on these points: it encrypts
// nothing (without WithDecryption it answers the plain value behind
// "kms:alias/aws/ssm:"), has no size limit, takes
// any name and page size, restarts at the first page when the parameter that a
// page token names is gone, and knows neither IAM nor throttling. All tests
// share its parameters, so each has its own prefix.

const prefix = "/smartlead/test"

var prefixes atomic.Int32

func freshPrefix() string { return fmt.Sprintf("%s-%d", prefix, prefixes.Add(1)) }

var noon = testclock.Noon()

// server is one for all tests: none may start while another one of the process
// is at work. It ends with the process.
var server = sync.OnceValue(kumo.NewServer)

func engine(t *testing.T) *ssm.Client {
	t.Helper()
	return ssm.New(ssm.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(server().URL),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func newStore(t *testing.T, api API, prefix string) *Destinations {
	t.Helper()
	store, err := NewDestinations(api, prefix, "")
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestDestinationsAreKept(t *testing.T) {
	api := engine(t)
	prefix := freshPrefix()
	store := newStore(t, ssmstore.New(api), prefix)
	ctx := t.Context()
	if err := store.Put(ctx, "main", []byte(`{"type":"log"}`), false); err != nil {
		t.Fatal(err)
	}
	if err := store.Put(ctx, "main", []byte(`{}`), false); !errors.Is(err, ErrExists) {
		t.Errorf("a second put without overwrite: %v", err)
	}
	if err := store.Put(ctx, "main", []byte(`{"type":"http"}`), true); err != nil {
		t.Fatal(err)
	}
	entry, err := store.Get(ctx, "main")
	if err != nil || entry.Version != 2 || entry.Name != "main" || entry.UpdatedAt.IsZero() || string(entry.Value) != `{"type":"http"}` {
		t.Errorf("entry %s, version %d, updated %s, error %v", entry.Name, entry.Version, entry.UpdatedAt, err)
	}
	raw, err := api.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(prefix + "/destinations/main")})
	if err != nil || raw.Parameter.Type != types.ParameterTypeSecureString {
		t.Errorf("not stored as a SecureString; error %v", err)
	}
	if err := store.Delete(ctx, "main"); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(ctx, "main"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a second delete: %v", err)
	}
	if _, err := store.Get(ctx, "main"); !errors.Is(err, ErrNotFound) {
		t.Errorf("get after delete: %v", err)
	}
}

func TestListReadsEveryPage(t *testing.T) {
	store := newStore(t, ssmstore.New(engine(t)), freshPrefix())
	const count = 25 // three pages
	for i := range count {
		if err := store.Put(t.Context(), fmt.Sprintf("d%02d", i), []byte(`{}`), false); err != nil {
			t.Fatal(err)
		}
	}
	list, err := store.List(t.Context())
	if err != nil || len(list) != count {
		t.Fatalf("%d entries, error %v", len(list), err)
	}
	for i, e := range list {
		if e.Name != fmt.Sprintf("d%02d", i) {
			t.Errorf("entry %d is %s", i, e.Name)
		}
	}
}

func TestPutRefuses(t *testing.T) {
	store := newStore(t, ssmstore.New(engine(t)), freshPrefix())
	for name, c := range map[string]struct {
		name  string
		value string
		want  error
	}{
		"a destination not an object":   {"a", `"topsecret"`, errInvalid},
		"null":                          {"a", `null`, errInvalid},
		"a bad name":                    {"a/b", `{}`, errInvalid},
		"one byte too many":             {"a", padded(maxValue + 1), errTooLarge},
		"exactly what fits is accepted": {"a", padded(maxValue), nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := store.Put(t.Context(), c.name, []byte(c.value), true)
			if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "topsecret") {
				t.Errorf("the error quotes the value: %v", err)
			}
		})
	}
}

func padded(size int) string {
	const frame = `{"url":""}`
	return `{"url":"` + strings.Repeat("x", size-len(frame)) + `"}`
}

func TestPrefix(t *testing.T) {
	for prefix, ok := range map[string]bool{
		"/smartlead": true, "/smartlead/prod-1": true, "/a_b.c/D": true,
		"": false, "/": false, "smartlead": false, "/a/": false, "/a//b": false, "/a b": false, "/a*": false,
		"/aws/x": false, "/SSM": false,
	} {
		if _, err := NewDestinations(nil, prefix, ""); (err == nil) != ok || err != nil && !errors.Is(err, errBadPrefix) {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}

// refusing answers every write with one error.
type refusing struct {
	API
	err error
}

func (r refusing) PutParameter(context.Context, string, string, string, bool) error { return r.err }

func TestErrorsOfTheServiceDoNotQuoteTheValue(t *testing.T) {
	quoting := &smithy.GenericAPIError{Code: "ValidationException", Message: "Value 'topsecret' at 'value' failed"}
	err := newStore(t, refusing{err: quoting}, prefix).Put(t.Context(), "a", []byte(`{}`), true)
	if !errors.Is(err, errInvalid) || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("got %v", err)
	}
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not authorized to perform ssm:PutParameter"}
	err = newStore(t, refusing{err: denied}, prefix).Put(t.Context(), "a", []byte(`{}`), true)
	if !errors.Is(err, webhook.ErrUnavailable) || !strings.Contains(err.Error(), "ssm:PutParameter") {
		t.Errorf("got %v", err)
	}
}
