package bodies

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/pack"
	"smartlead-receiver/pkg/webhook"
)

const bucket = "bodies-test"

// open uses one bucket: all engines of a process share their data.
func open(t *testing.T) (*Store, *s3.Client) {
	t.Helper()
	engine := local.StartEngine()
	t.Cleanup(engine.Close)
	clients := local.Connect(local.Endpoints{S3: engine.URL})
	t.Cleanup(clients.Close)
	_, err := clients.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	if _, exists := errors.AsType[*types.BucketAlreadyOwnedByYou](err); err != nil && !exists {
		t.Fatal(err)
	}
	store, err := New(clients.S3, bucket)
	if err != nil {
		t.Fatal(err)
	}
	return store, clients.S3
}

func noise(n int) []byte {
	source := rand.NewChaCha8([32]byte{7})
	b := make([]byte, n)
	_, _ = source.Read(b) // never fails
	return b
}

func TestBodiesComeBackWhole(t *testing.T) {
	store, client := open(t)
	for name, c := range map[string]struct {
		body   []byte
		inline bool
	}{
		"empty object":         {[]byte("{}"), true},
		"a thread that packs":  {bytes.Repeat([]byte(`{"subject":"Re: a call","body":"Hello"},`), 14_000), true},
		"noise":                {noise(200_000), false},
		"six megabytes, noise": {noise(6 << 20), false},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := store.Store(t.Context(), "acme", c.body)
			if err != nil {
				t.Fatal(err)
			}
			if inline := p.Ref == ""; inline != c.inline || p.Size != len(c.body) || (inline && len(p.Data) > maxInline) {
				t.Fatalf("%d bytes became %d inline, ref %q", len(c.body), len(p.Data), p.Ref)
			}
			again, err := store.Store(t.Context(), "acme", c.body)
			if err != nil || again.Ref != p.Ref {
				t.Errorf("a repeat must be the same object: %q, %q, %v", p.Ref, again.Ref, err)
			}
			if err := store.Expire(t.Context(), p, 0); err != nil {
				t.Errorf("expire: %v", err)
			}
			got, err := store.Load(t.Context(), p)
			if err != nil || !bytes.Equal(got, c.body) {
				t.Fatalf("%d bytes came back: %v", len(got), err)
			}
			if !c.inline {
				tagged(t, client, p.Ref)
			}
		})
	}
}

func TestAnErasedBodyIsGone(t *testing.T) {
	store, client := open(t)
	body := noise(200_000)
	p, err := store.Store(t.Context(), "acme", body)
	if err != nil || p.Ref == "" {
		t.Fatal(err)
	}
	for range 2 {
		if err := store.Erase(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := store.Load(t.Context(), p); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("%d bytes came back (%v)", len(got), err)
	}
	tagged(t, client, p.Ref)
}

// The mark is the first class that is no shorter than the event's retention.
func TestTheMarkOfARetention(t *testing.T) {
	for days, want := range map[int]string{
		0: ExpireTagValue, 15: "15", 16: "30", 30: "30", 91: "180", 1826: "3650", 3650: "3650", 3651: ExpireTagValue,
	} {
		if got := mark(time.Duration(days) * 24 * time.Hour); got != want {
			t.Errorf("%d days: %s, want %s", days, got, want)
		}
	}
}

func tagged(t *testing.T, client *s3.Client, ref string) {
	t.Helper()
	out, err := client.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String(bucket), Key: &ref})
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range out.TagSet {
		if *tag.Key == ExpireTagKey && *tag.Value == ExpireTagValue {
			return
		}
	}
	t.Errorf("the object is not marked: %v", out.TagSet)
}

func TestBodyThatIsGoneIsToldFromAStoreThatIsDown(t *testing.T) {
	store, _ := open(t)
	missing := webhook.Payload{Encoding: pack.Encoding, Ref: "acme/none", Size: 1}
	if _, err := store.Load(t.Context(), missing); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("missing: %v", err)
	}
	clients := local.Connect(local.Endpoints{S3: "http://127.0.0.1:1"})
	defer clients.Close()
	down, err := New(clients.S3, bucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := down.Load(t.Context(), missing); !errors.Is(err, webhook.ErrUnavailable) {
		t.Errorf("down: %v", err)
	}
	if _, err := down.Store(t.Context(), "acme", noise(200_000)); !errors.Is(err, webhook.ErrUnavailable) {
		t.Errorf("down: %v", err)
	}
}

func TestWhatIsNotOursIsRefused(t *testing.T) {
	store, _ := open(t)
	for _, p := range []webhook.Payload{{Encoding: "gzip", Data: []byte("x")}, {Encoding: pack.Encoding, Data: []byte("not zstd"), Size: 8}} {
		if _, err := store.Load(t.Context(), p); err == nil {
			t.Errorf("%+v was read", p)
		}
	}
}
