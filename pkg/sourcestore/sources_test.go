package sourcestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/webhook"
)

// table is documents under versions that a test can take down. The real table is
// asked in test/burst and in the tests of the commands.
type table struct {
	mu     sync.Mutex
	bodies map[string][]byte
	seen   map[string]int
	loads  map[string]int
	err    error
	hang   bool
}

func newTable() *table {
	return &table{bodies: map[string][]byte{}, seen: map[string]int{}, loads: map[string]int{}}
}

func (t *table) set(err error, hang bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err, t.hang = err, hang
}

func (t *table) asked() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, loads := range t.loads {
		n += loads
	}
	return n
}

func (t *table) LoadDocument(ctx context.Context, _, name string) ([]byte, int, error) {
	t.mu.Lock()
	t.loads[name]++
	body, version, err, hang := t.bodies[name], t.seen[name], t.err, t.hang
	t.mu.Unlock()
	switch {
	case hang:
		<-ctx.Done()
		return nil, 0, fmt.Errorf("%w: %w", webhook.ErrUnavailable, ctx.Err())
	case err != nil:
		return nil, 0, err
	case version == 0:
		return nil, 0, webhook.ErrNotFound
	}
	return body, version, nil
}

func (t *table) SaveDocument(_ context.Context, _, name string, body []byte, seen int, _, _ time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.err != nil:
		return t.err
	case t.seen[name] != seen:
		return webhook.ErrChanged
	}
	t.bodies[name], t.seen[name] = body, seen+1
	return nil
}

func (t *table) ListDocuments(_ context.Context, _ string, limit int) ([]webhook.Document, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []webhook.Document
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(t.bodies))) {
		all = append(all, webhook.Document{Name: name, Version: t.seen[name], Body: t.bodies[name]})
	}
	return all[:min(limit, len(all))], t.err
}

// bucket is an S3 bucket of the embedded engine that a test can take down.
type bucket struct {
	*s3.Client
	mu   sync.Mutex
	err  error
	gets int
}

func (b *bucket) set(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *bucket) GetObject(ctx context.Context, in *s3.GetObjectInput, o ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	b.mu.Lock()
	b.gets++
	err := b.err
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return b.Client.GetObject(ctx, in, o...)
}

func (b *bucket) PutObject(ctx context.Context, in *s3.PutObjectInput, o ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	b.mu.Lock()
	err := b.err
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return b.Client.PutObject(ctx, in, o...)
}

// backing is sources over a table that a test controls, and the engine.
type backing struct {
	*testing.T
	table   *table
	bucket  *bucket
	ssm     *ssm.Client
	name    string
	prefix  string
	sources *Sources
	now     time.Time
}

func newBacking(t *testing.T) *backing {
	t.Helper()
	url := server().URL
	secret := credentials.NewStaticCredentialsProvider("test", "test", "")
	objects := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: secret, UsePathStyle: true})
	prefix := freshPrefix()
	b := &backing{
		T: t, table: newTable(), bucket: &bucket{Client: objects}, prefix: prefix, name: fmt.Sprintf("b%d", prefixes.Load()), now: noon,
		ssm: engine(t),
	}
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &b.name}); err != nil {
		t.Fatal(err)
	}
	b.sources = b.operator()
	return b
}

func (b *backing) operator() *Sources {
	b.Helper()
	s, err := NewSources(Backing{
		Documents: b.table, Objects: b.bucket, Bucket: b.name, Parameters: ssmstore.New(b.ssm), Prefix: b.prefix,
		Now: func() time.Time { return b.now },
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// add adds a source and returns its token.
func (b *backing) add(name string) string {
	b.Helper()
	source, token := newSource(b.T, name)
	b.must(b.sources.PutSource(b.Context(), source))
	return token
}

func (b *backing) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func newSource(t *testing.T, name string) (auth.Source, string) {
	t.Helper()
	source, token, err := auth.NewSource(name, "acme", rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%032s", name)))), noon)
	if err != nil {
		t.Fatal(err)
	}
	return source, token
}

func TestASourceIsWrittenReadListedAndRemoved(t *testing.T) {
	b := newBacking(t)
	ctx := t.Context()
	if listed, err := b.sources.List(ctx); err != nil || len(listed) != 0 {
		t.Errorf("%v, %v", listed, err)
	}
	b.add("beta")
	b.add("acme")
	source, _ := newSource(t, "acme")
	if err := b.sources.PutSource(ctx, source); !errors.Is(err, ErrExists) {
		t.Errorf("a second of one name: %v", err)
	}
	listed, err := b.sources.List(ctx)
	if err != nil || len(listed) != 2 || listed[0].Name != "acme" || listed[1].Source.Name != "beta" || listed[0].Err != nil {
		t.Errorf("%v, %v", listed, err)
	}
	b.must(b.sources.Remove(ctx, "acme"))
	for what, err := range map[string]error{"remove": b.sources.Remove(ctx, "acme"), "exists": b.sources.Exists(ctx, "acme")} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s after the removal: %v", what, err)
		}
	}
	if _, err := b.sources.Get(ctx, "acme"); !errors.Is(err, ErrNotFound) {
		t.Errorf("get after the removal: %v", err)
	}
	if listed, err := b.sources.List(ctx); err != nil || len(listed) != 1 {
		t.Errorf("%v, %v", listed, err)
	}
	b.add("acme")
	if got, err := b.sources.Get(ctx, "acme"); err != nil || got.Revision != 3 {
		t.Errorf("added again at revision %d, %v", got.Revision, err)
	}
}

func TestOfTwoOperatorsTheLaterIsTold(t *testing.T) {
	b := newBacking(t)
	ctx := t.Context()
	b.add("acme")
	mine, err := b.sources.Get(ctx, "acme")
	b.must(err)
	yours, err := b.operator().Get(ctx, "acme")
	b.must(err)
	b.must(b.sources.PutSource(ctx, mine.KeepNewestToken(noon)))
	if err := b.sources.PutSource(ctx, yours); !errors.Is(err, webhook.ErrChanged) {
		t.Errorf("the later write: %v", err)
	}
	b.must(b.sources.Remove(ctx, "acme"))
	if err := b.sources.PutSource(ctx, yours); !errors.Is(err, webhook.ErrChanged) {
		t.Errorf("a write over a removal: %v", err)
	}
}

// Two first operators use one key.
func TestTheOperatorsKeyIsMadeOnce(t *testing.T) {
	b := newBacking(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			source, _ := newSource(t, fmt.Sprintf("s%d", i))
			if err := b.operator().PutSource(t.Context(), source); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	listed, err := b.sources.List(t.Context())
	b.must(err)
	for _, one := range listed {
		if one.Err != nil {
			t.Errorf("%s: %v", one.Name, one.Err)
		}
	}
	if synced, err := b.sources.Synced(t.Context()); err != nil || !synced || len(listed) != 8 {
		t.Errorf("%d sources, the copy is as the table: %t, %v", len(listed), synced, err)
	}
	raw, err := b.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(b.prefix + ownerKeyName)})
	if err != nil || raw.Parameter.Type != "SecureString" {
		t.Errorf("the key is no SecureString: %v", err)
	}
}

// A command that ends between the table and the copy is told, and the next one
// repairs it.
func TestTheCopyIsRepaired(t *testing.T) {
	b := newBacking(t)
	ctx := t.Context()
	b.add("acme")
	b.bucket.set(errors.New("down"))
	source, _ := newSource(t, "beta")
	if err := b.sources.PutSource(ctx, source); !errors.Is(err, ErrCopyStale) {
		t.Errorf("the copy is down: %v", err)
	}
	b.bucket.set(nil)
	if synced, err := b.sources.Synced(ctx); err != nil || synced {
		t.Errorf("the copy is said to be as the table: %t, %v", synced, err)
	}
	if repaired, err := b.sources.Sync(ctx); err != nil || !repaired {
		t.Errorf("repaired %t, %v", repaired, err)
	}
	if repaired, err := b.sources.Sync(ctx); err != nil || repaired {
		t.Errorf("repaired %t a second time, %v", repaired, err)
	}
	text, err := readBundle(ctx, b.bucket, b.name)
	b.must(err)
	var got bundle
	b.must(json.Unmarshal(text, &got))
	if len(got.Sources) != 2 {
		t.Errorf("%d sources in the copy", len(got.Sources))
	}
}

// What cannot be read is listed as such, and stays in the copy as it was: there it may
// be the last good one. Everything else goes on.
func TestABrokenSourceBreaksNoOther(t *testing.T) {
	b := newBacking(t)
	ctx := t.Context()
	token := b.add("acme")
	b.add("beta")
	other := b.add("gamma")
	b.table.bodies["acme"] = []byte(`{"name":`)
	b.table.bodies["beta"] = b.table.bodies["gamma"]
	listed, err := b.sources.List(ctx)
	b.must(err)
	if len(listed) != 3 {
		t.Fatalf("%v", listed)
	}
	for i, name := range []string{"acme", "beta", "gamma"} {
		if listed[i].Name != name || errors.Is(listed[i].Err, auth.ErrInvalidSource) == (name == "gamma") {
			t.Errorf("%d: %s, %v", i, listed[i].Name, listed[i].Err)
		}
	}
	b.add("delta")
	if synced, err := b.sources.Synced(ctx); err != nil || !synced {
		t.Errorf("the copy is as the table: %t, %v", synced, err)
	}
	b.table.set(errDown, false)
	b.container().wants("acme", token, nil)
	b.container().wants("gamma", other, nil)
	b.table.set(nil, false)

	b.must(b.sources.Remove(ctx, "acme"))
	b.must(b.sources.Remove(ctx, "beta"))
	renewed := b.add("acme")
	b.table.set(errDown, false)
	b.container().wants("acme", renewed, nil)
	b.container().wants("beta", token, webhook.ErrUnavailable)
}

// keyed sees the keys that parameters are written with.
type keyed struct {
	ssmstore.Store
	keys map[string]string
}

func (k keyed) PutParameter(ctx context.Context, name, value, keyID string, overwrite bool) error {
	k.keys[name] = keyID
	return k.Store.PutParameter(ctx, name, value, keyID, overwrite)
}

func TestEveryParameterIsWrittenUnderTheCustomersKey(t *testing.T) {
	for _, want := range []string{"", "arn:aws:kms:us-east-1:123456789012:key/0a1b"} {
		b := newBacking(t)
		api := keyed{ssmstore.New(b.ssm), map[string]string{}}
		backing := b.sources.b
		backing.Parameters, backing.KeyID = api, want
		sources, err := NewSources(backing)
		b.must(err)
		source, _ := newSource(t, "acme")
		b.must(sources.PutSource(t.Context(), source))
		destinations, err := NewDestinations(api, b.prefix, want)
		b.must(err)
		b.must(destinations.Put(t.Context(), "crm", []byte(`{"type":"log"}`), false))
		if !maps.Equal(api.keys, map[string]string{b.prefix + "/sources-key": want, b.prefix + "/erasure-key": want, b.prefix + "/destinations/crm": want}) {
			t.Errorf("written under %v, want %q", api.keys, want)
		}
	}
}

// A source whose key is lost is there all the same: whoever takes it for absent cannot
// add it either.
func TestASourceWhoseKeyIsLostIsNotAbsent(t *testing.T) {
	b := newBacking(t)
	b.add("acme")
	b.must(ssmstore.New(b.ssm).DeleteParameter(t.Context(), b.prefix+ownerKeyName))
	if _, err := b.sources.Get(t.Context(), "acme"); !errors.Is(err, auth.ErrSealed) || errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want %v", err, auth.ErrSealed)
	}
	b.must(b.sources.Remove(t.Context(), "acme"))
	b.add("acme")
}
