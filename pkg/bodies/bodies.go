// Package bodies keeps the payloads of events: compressed inline where they
// are small, in S3 where they are not.
package bodies

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"smartlead-receiver/pkg/pack"
	"smartlead-receiver/pkg/webhook"
)

// maxInline is the largest compressed payload that is kept in the ledger item
// and in an unclaimed message, in bytes. Every write of an item is billed by
// its whole size, so what is beyond a few kilobytes is cheaper in S3; against
// that stand an S3 call's latency and one store more that must be up. An item
// may have 400 KB, a message 256 KB in every region.
const maxInline = 64 << 10

// maxBody bounds what is read back, in bytes.
const maxBody = pack.MaxText

// ExpireTagKey and ExpireTagValue mark objects that a lifecycle rule of the bucket deletes.
const (
	ExpireTagKey   = "smartlead-receiver:expire"
	ExpireTagValue = "true"
)

// API is what the store needs of the S3 client.
type API interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
}

// Store is safe for concurrent use.
type Store struct {
	api    API
	bucket string
}

// New returns a store over the bucket.
func New(api API, bucket string) (*Store, error) {
	if err := pack.Ready(); err != nil {
		return nil, fmt.Errorf("bodies: %w", err)
	}
	return &Store{api: api, bucket: bucket}, nil
}

// Store compresses a body. One that is too large to be inline is in S3 when
// Store returns; its key is the account and the hash of the body, so that a
// repeat writes the same object. The error wraps webhook.ErrUnavailable.
func (s *Store) Store(ctx context.Context, account string, body []byte) (webhook.Payload, error) {
	p := webhook.Payload{Encoding: pack.Encoding, Size: len(body)}
	data, err := pack.Pack(body)
	if err != nil {
		return webhook.Payload{}, err
	}
	if len(data) <= maxInline {
		p.Data = data
		return p, nil
	}
	sum := sha256.Sum256(body)
	p.Ref = account + "/" + hex.EncodeToString(sum[:])
	_, err = s.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &p.Ref, Body: bytes.NewReader(data),
		ContentType: aws.String("application/zstd"),
	})
	if err != nil {
		return webhook.Payload{}, fmt.Errorf("bodies store: %w: %w", webhook.ErrUnavailable, err)
	}
	return p, nil
}

// Load returns the body. It returns webhook.ErrNotFound where the object is
// gone or was erased, and an error that wraps webhook.ErrUnavailable where S3 did not answer.
func (s *Store) Load(ctx context.Context, p webhook.Payload) ([]byte, error) {
	data := p.Data
	if p.Ref != "" {
		var err error
		if data, err = s.get(ctx, p.Ref); err != nil {
			return nil, err
		}
	}
	body, err := pack.Unpack(p.Encoding, data, p.Size)
	if err != nil {
		return nil, fmt.Errorf("bodies: %w", err)
	}
	return body, nil
}

func (s *Store) get(ctx context.Context, ref string) ([]byte, error) {
	out, err := s.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &ref})
	if err != nil {
		if gone(err) {
			return nil, fmt.Errorf("bodies load: %w: %w", webhook.ErrNotFound, err)
		}
		return nil, fmt.Errorf("bodies load: %w: %w", webhook.ErrUnavailable, err)
	}
	defer out.Body.Close()
	data, err := io.ReadAll(io.LimitReader(out.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("bodies load: %w: %w", webhook.ErrUnavailable, err)
	}
	if len(data) > maxBody {
		return nil, fmt.Errorf("bodies: an object has more than %d bytes", maxBody)
	}
	if len(data) == 0 { // a compressed body is never empty
		return nil, fmt.Errorf("bodies load: %w: it was erased", webhook.ErrNotFound)
	}
	return data, nil
}

func gone(err error) bool {
	if _, ok := errors.AsType[*types.NoSuchKey](err); ok {
		return true
	}
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "NoSuchKey"
}

// classes are the days after which a lifecycle rule of the bucket deletes what has the
// mark of that number. There is one rule each, so they are few: a body is kept until the
// first of them that is no shorter than its event's retention.
var classes = []int{15, 30, 60, 90, 180, 365, 730, 1825, 3650}

// Classes returns the days of which each is the value of a mark, the shortest first.
func Classes() []int { return slices.Clone(classes) }

// mark returns the value of the tag for a retention; 0 is that of the stack.
func mark(keep time.Duration) string {
	for _, days := range classes {
		if keep > 0 && keep <= time.Duration(days)*24*time.Hour {
			return strconv.Itoa(days)
		}
	}
	return ExpireTagValue
}

// Expire marks a large payload for deletion by the bucket's lifecycle rule. The
// object is copied onto itself, because lifecycle counts days from an object's
// last write: an event that was dead for months keeps its body for the whole
// retention after its delivery. An inline payload expires with its item. keep is the
// retention of an event that has one of its own; 0 is that of the stack. A body that two
// events share has the mark that was set last.
//
// A later receipt of the same body writes the object anew, without the mark.
func (s *Store) Expire(ctx context.Context, p webhook.Payload, keep time.Duration) error {
	if p.Ref == "" {
		return nil
	}
	_, err := s.api.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &s.bucket, Key: &p.Ref,
		CopySource:        aws.String(s.bucket + "/" + url.PathEscape(p.Ref)),
		ContentType:       aws.String("application/zstd"),
		MetadataDirective: types.MetadataDirectiveReplace,
		TaggingDirective:  types.TaggingDirectiveReplace,
		Tagging:           aws.String(url.QueryEscape(ExpireTagKey) + "=" + mark(keep)),
	})
	if err != nil {
		return fmt.Errorf("bodies expire: %w: %w", webhook.ErrUnavailable, err)
	}
	return nil
}

// Erase destroys a large payload: the bucket keeps no versions, so that an object of
// nothing in its place is the end of it, and the mark has that deleted in time. It
// needs no right to delete objects, which the functions do not have. It may be
// repeated. An inline payload is erased with its item.
//
// An Expire that began before and ends after it puts the body back; what it puts back
// is marked, and deleted after the retention.
func (s *Store) Erase(ctx context.Context, p webhook.Payload) error {
	if p.Ref == "" {
		return nil
	}
	_, err := s.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &p.Ref, Body: bytes.NewReader(nil), ContentType: aws.String("application/zstd"),
	})
	if err != nil {
		return fmt.Errorf("bodies erase: %w: %w", webhook.ErrUnavailable, err)
	}
	return s.Expire(ctx, p, 0)
}
