// Package objects keeps the archive's objects in S3.
package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"smartlead-receiver/pkg/webhook"
)

// API is what the archive needs of the S3 client.
type API interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// maxObject bounds what is read back, in bytes: more than the archiver writes.
const maxObject = 64 << 20

// maxConflicts bounds how often a write is repeated that met another one of the same key.
const maxConflicts = 5

// Objects are those below one prefix of a bucket. It is safe for concurrent use.
type Objects struct {
	api   API
	place webhook.ArchivePlace
}

// New returns the objects of a place. A prefix gets a slash at its end.
func New(api API, at webhook.ArchivePlace) *Objects {
	if at.Prefix = strings.Trim(at.Prefix, "/"); at.Prefix != "" {
		at.Prefix += "/"
	}
	return &Objects{api: api, place: at}
}

// Place says where the objects are.
func (o *Objects) Place() webhook.ArchivePlace { return o.place }

// List hands over the objects whose keys begin so, by key. S3 shows what was written
// before it was asked (docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html,
// "Amazon S3 data consistency model"). The first error ends it: webhook.ErrNoBucket,
// wrapped, where the bucket was deleted.
func (o *Objects) List(ctx context.Context, prefix string) iter.Seq2[webhook.ArchiveObject, error] {
	return func(yield func(webhook.ArchiveObject, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &o.place.Bucket, Prefix: aws.String(o.place.Prefix + prefix)}
		for {
			out, err := o.api.ListObjectsV2(ctx, in)
			if codeOf(err) == "NoSuchBucket" {
				yield(webhook.ArchiveObject{}, unavailable("list", fmt.Errorf("%w: %w", webhook.ErrNoBucket, err)))
				return
			}
			if err != nil {
				yield(webhook.ArchiveObject{}, unavailable("list", err))
				return
			}
			for _, c := range out.Contents {
				key := strings.TrimPrefix(aws.ToString(c.Key), o.place.Prefix)
				if !yield(webhook.ArchiveObject{Key: key, Bytes: int(aws.ToInt64(c.Size))}, nil) {
					return
				}
				in.StartAfter = c.Key
			}
			if !aws.ToBool(out.IsTruncated) || len(out.Contents) == 0 {
				return
			}
		}
	}
}

// Create writes an object unless there is one of that key: then it is false, and nothing
// was written (docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
func (o *Objects) Create(ctx context.Context, key string, body []byte) (bool, error) {
	for try := 1; ; try++ {
		_, err := o.api.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &o.place.Bucket, Key: aws.String(o.place.Prefix + key), Body: bytes.NewReader(body),
			ContentType: aws.String("application/gzip"), IfNoneMatch: aws.String("*"),
		})
		switch code := codeOf(err); {
		case err == nil:
			return true, nil
		case code == "PreconditionFailed":
			return false, nil
		case code == "ConditionalRequestConflict" && try < maxConflicts:
		default:
			return false, unavailable("create", err)
		}
	}
}

// Get reads an object whole. It returns webhook.ErrNotFound, wrapped, where there is none.
func (o *Objects) Get(ctx context.Context, key string) ([]byte, error) {
	out, err := o.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &o.place.Bucket, Key: aws.String(o.place.Prefix + key)})
	if codeOf(err) == "NoSuchKey" {
		return nil, fmt.Errorf("archive get: %w: %w", webhook.ErrNotFound, err)
	}
	if err != nil {
		return nil, unavailable("get", err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, maxObject+1))
	if err != nil {
		return nil, unavailable("get", err)
	}
	if len(body) > maxObject {
		return nil, fmt.Errorf("archive: an object has more than %d bytes", maxObject)
	}
	return body, nil
}

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func unavailable(op string, err error) error {
	return fmt.Errorf("archive %s: %w: %w", op, webhook.ErrUnavailable, err)
}

// DeleteAPI is what an operator's tool needs of the client beside.
type DeleteAPI interface {
	API
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

// Erasable are objects that can be deleted, which no function can.
type Erasable struct {
	*Objects

	api DeleteAPI
}

// NewErasable returns the objects of a place to whoever may delete them.
func NewErasable(api DeleteAPI, at webhook.ArchivePlace) *Erasable {
	return &Erasable{New(api, at), api}
}

// Delete deletes an object; one that is not there is deleted. A bucket that keeps versions
// keeps the object as an earlier one.
func (e *Erasable) Delete(ctx context.Context, key string) error {
	_, err := e.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &e.place.Bucket, Key: aws.String(e.place.Prefix + key)})
	if err != nil {
		return unavailable("delete", err)
	}
	return nil
}
