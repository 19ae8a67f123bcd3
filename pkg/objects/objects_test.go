package objects_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/objects"
	"smartlead-receiver/pkg/webhook"
)

func open(t *testing.T) *s3.Client {
	t.Helper()
	engine := local.StartEngine()
	t.Cleanup(engine.Close)
	clients := local.Connect(local.Endpoints{S3: engine.URL})
	t.Cleanup(clients.Close)
	if _, err := clients.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("objects-test")}); err != nil {
		t.Fatal(err)
	}
	return clients.S3
}

func TestObjects(t *testing.T) {
	client := open(t)
	store := objects.New(client, webhook.ArchivePlace{Bucket: "objects-test", Prefix: "/years/"})
	if at := store.Place(); at.Prefix != "years/" {
		t.Errorf("the place is %+v", at)
	}
	beside := objects.New(client, webhook.ArchivePlace{Bucket: "objects-test"})
	if created, err := beside.Create(t.Context(), "year", []byte("x")); !created || err != nil {
		t.Fatal(created, err)
	}
	const n = 2100 // three answers
	for i := range n {
		if created, err := store.Create(t.Context(), fmt.Sprintf("account=a/%04d", i), fmt.Appendf(nil, "%d", i)); !created || err != nil {
			t.Fatal(created, err)
		}
	}
	if created, err := store.Create(t.Context(), "account=a/0007", []byte("another")); created || err != nil {
		t.Errorf("it was written over: %t, %v", created, err)
	}
	if body, err := store.Get(t.Context(), "account=a/0007"); !bytes.Equal(body, []byte("7")) || err != nil {
		t.Errorf("got %q, %v", body, err)
	}
	if _, err := store.Get(t.Context(), "account=a/7"); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("an object that is not there: %v", err)
	}
	i := 0
	for o, err := range store.List(t.Context(), "account=a/") {
		if want := fmt.Sprintf("account=a/%04d", i); err != nil || o.Key != want || o.Bytes != len(fmt.Sprint(i)) {
			t.Fatalf("%+v, %v, want %s", o, err, want)
		}
		i++
	}
	if i != n {
		t.Errorf("%d of %d objects", i, n)
	}
	for o, err := range store.List(t.Context(), "account=b/") {
		t.Errorf("an object of another prefix: %+v, %v", o, err)
	}
}

// conflicting is a bucket where so many writes meet another one.
type conflicting struct {
	objects.API

	left int
	code string
}

func (c *conflicting) PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if c.left--; c.left < 0 {
		return &s3.PutObjectOutput{}, nil
	}
	return nil, &smithy.GenericAPIError{Code: c.code}
}

func TestAWriteThatMeetsAnotherIsRepeated(t *testing.T) {
	for _, c := range []struct {
		conflicting

		created bool
		fails   bool
	}{
		{conflicting{left: 3, code: "ConditionalRequestConflict"}, true, false},
		{conflicting{left: 99, code: "ConditionalRequestConflict"}, false, true},
		{conflicting{left: 99, code: "PreconditionFailed"}, false, false},
		{conflicting{left: 1, code: "AccessDenied"}, false, true},
	} {
		created, err := objects.New(&c.conflicting, webhook.ArchivePlace{Bucket: "b"}).Create(t.Context(), "k", nil)
		if created != c.created || errors.Is(err, webhook.ErrUnavailable) != c.fails {
			t.Errorf("%+v: %t, %v", c, created, err)
		}
	}
}
