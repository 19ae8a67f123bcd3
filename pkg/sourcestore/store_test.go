package sourcestore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	"github.com/sivchari/kumo"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// These tests talk HTTP to the embedded engine. Its Parameter Store differs
// from the real one, so that they prove nothing on these points: it encrypts
// nothing (without WithDecryption it answers the plain value behind
// "kms:alias/aws/ssm:"), has no size limit, takes
// any name and page size, restarts at the first page when the parameter that a
// page token names is gone, and knows neither IAM nor throttling. Every server
// of one process shows the same parameters, so each test has its own prefix.

const prefix = "/smartlead/test"

var prefixes atomic.Int32

func freshPrefix() string { return fmt.Sprintf("%s-%d", prefix, prefixes.Add(1)) }

var noon = testclock.Noon()

func engine(t *testing.T) *ssm.Client {
	t.Helper()
	srv := kumo.NewServer()
	t.Cleanup(srv.Close)
	return ssm.New(ssm.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(srv.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func newStore(t *testing.T, api API, prefix string) *Store {
	t.Helper()
	store, err := NewStore(api, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func newSource(t *testing.T, name string) (auth.Source, string) {
	t.Helper()
	source, token, err := auth.NewSource(name, "acme", rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%032s", name)))), noon)
	if err != nil {
		t.Fatal(err)
	}
	return source, token
}

func TestStoreKeepsSourcesAndDestinationsApart(t *testing.T) {
	api := engine(t)
	prefix := freshPrefix()
	store := newStore(t, api, prefix)
	ctx := t.Context()
	source, _ := newSource(t, "main")

	if err := store.PutSource(ctx, source, false); err != nil {
		t.Fatal(err)
	}
	if err := store.Put(ctx, Destinations, "main", []byte(`{"type":"log"}`), false); err != nil {
		t.Fatal(err)
	}
	if err := store.PutSource(ctx, source, false); !errors.Is(err, ErrExists) {
		t.Errorf("a second put without overwrite: %v", err)
	}
	entry, err := store.Get(ctx, Sources, "main")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := auth.ParseSource(entry.Name, entry.Value); err != nil || !reflect.DeepEqual(got, source) {
		t.Errorf("got %v, error %v", got, err)
	}
	if err := store.PutSource(ctx, source.AddToken(auth.NewDigest("second"), noon), true); err != nil {
		t.Fatal(err)
	}
	entry, err = store.Get(ctx, Sources, "main")
	if err != nil || entry.Version != 2 || entry.Name != "main" || entry.UpdatedAt.IsZero() {
		t.Errorf("entry %s, version %d, updated %s, error %v", entry.Name, entry.Version, entry.UpdatedAt, err)
	}

	raw, err := api.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(prefix + "/sources/main")})
	if err != nil || raw.Parameter.Type != types.ParameterTypeSecureString {
		t.Errorf("not stored as a SecureString; error %v", err)
	}

	if err := store.Delete(ctx, Sources, "main"); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(ctx, Sources, "main"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a second delete: %v", err)
	}
	if _, err := store.Get(ctx, Sources, "main"); !errors.Is(err, ErrNotFound) {
		t.Errorf("get after delete: %v", err)
	}
	if list, err := store.List(ctx, Destinations); err != nil || len(list) != 1 || string(list[0].Value) != `{"type":"log"}` {
		t.Errorf("destinations %v, error %v", list, err)
	}
}

func TestListReadsEveryPage(t *testing.T) {
	store := newStore(t, engine(t), freshPrefix())
	const count = 25 // three pages
	for i := range count {
		if err := store.Put(t.Context(), Destinations, fmt.Sprintf("d%02d", i), []byte(`{}`), false); err != nil {
			t.Fatal(err)
		}
	}
	list, err := store.List(t.Context(), Destinations)
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
	store := newStore(t, engine(t), freshPrefix())
	for name, c := range map[string]struct {
		kind  Kind
		name  string
		value string
		want  error
	}{
		"a source that cannot be read":  {Sources, "a", `{"tokens":["topsecret"]}`, errInvalid},
		"a destination not an object":   {Destinations, "a", `"topsecret"`, errInvalid},
		"null":                          {Destinations, "a", `null`, errInvalid},
		"a bad name":                    {Destinations, "a/b", `{}`, errInvalid},
		"an unknown kind":               {"secrets", "a", `{}`, errInvalid},
		"one byte too many":             {Destinations, "a", padded(maxValue + 1), errTooLarge},
		"exactly what fits is accepted": {Destinations, "a", padded(maxValue), nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := store.Put(t.Context(), c.kind, c.name, []byte(c.value), true)
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
		if _, err := NewStore(nil, prefix); (err == nil) != ok || err != nil && !errors.Is(err, errBadPrefix) {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}

// refusing answers every write with one error.
type refusing struct {
	*ssm.Client
	err error
}

func (r refusing) PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error) {
	return nil, r.err
}

func TestErrorsOfTheServiceDoNotQuoteTheValue(t *testing.T) {
	quoting := &smithy.GenericAPIError{Code: "ValidationException", Message: "Value 'topsecret' at 'value' failed"}
	err := newStore(t, refusing{err: quoting}, prefix).Put(t.Context(), Destinations, "a", []byte(`{}`), true)
	if !errors.Is(err, errInvalid) || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("got %v", err)
	}
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not authorized to perform ssm:PutParameter"}
	err = newStore(t, refusing{err: denied}, prefix).Put(t.Context(), Destinations, "a", []byte(`{}`), true)
	if !errors.Is(err, webhook.ErrUnavailable) || !strings.Contains(err.Error(), "ssm:PutParameter") {
		t.Errorf("got %v", err)
	}
}
