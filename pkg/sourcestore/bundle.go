package sourcestore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
)

// bundleKey is where the copy of all sources is in the bucket of large bodies.
// Their keys begin with an account, and no account begins with an underscore.
const bundleKey = "_sources/bundle.json"

// maxBundle bounds what is read, in bytes: some thousands of sources.
const maxBundle = 8 << 20

// ObjectReader is what a SourceReader needs of s3.Client.
type ObjectReader interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Objects is what Sources needs of s3.Client.
type Objects interface {
	ObjectReader
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// bundle is the copy of all sources that serves while
// the table cannot be read.
type bundle struct {
	Sources []auth.Sealed `json:"sources"`
}

// readBundle returns the bundle's text. It returns ErrNotFound where none was
// ever written, else webhook.ErrUnavailable, each wrapped.
func readBundle(ctx context.Context, api ObjectReader, bucket string) ([]byte, error) {
	out, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String(bundleKey)})
	var gone *types.NoSuchKey
	switch {
	case errors.As(err, &gone):
		return nil, fmt.Errorf("the copy of the sources: %w: %w", ErrNotFound, err)
	case err != nil:
		return nil, fmt.Errorf("the copy of the sources: %w: %w", webhook.ErrUnavailable, err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(io.LimitReader(out.Body, maxBundle+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the copy of the sources: %w: %w", webhook.ErrUnavailable, err)
	case len(text) > maxBundle:
		return nil, fmt.Errorf("the copy of the sources: %w: %w: more than %d bytes", webhook.ErrUnavailable, errTooLarge, maxBundle)
	}
	return text, nil
}

func parseBundle(text []byte) (map[string]auth.Sealed, error) {
	var b bundle
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("the copy of the sources: %w: %w", webhook.ErrUnavailable, errInvalid) // the cause may quote it
	}
	all := make(map[string]auth.Sealed, len(b.Sources))
	for _, s := range b.Sources {
		all[s.Name] = s
	}
	return all, nil
}

// syncRounds bounds how often Sync writes where others keep changing sources.
const syncRounds = 5

// Synced tells whether the copy of the sources is as the table is. It returns
// webhook.ErrUnavailable, wrapped.
func (s *Sources) Synced(ctx context.Context) (bool, error) {
	_, synced, err := s.compare(ctx)
	return synced, err
}

// Sync makes the copy of the sources as the table is, and tells whether it was
// not. It returns webhook.ErrUnavailable, wrapped.
//
// It looks at the table again after each write, so that of two writers the one
// that ends later leaves the copy as the table is, whatever it wrote first.
func (s *Sources) Sync(ctx context.Context) (repaired bool, err error) {
	for range syncRounds {
		want, synced, err := s.compare(ctx)
		if err != nil || synced {
			return repaired, err
		}
		_, err = s.b.Objects.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &s.b.Bucket, Key: aws.String(bundleKey), Body: bytes.NewReader(want),
			ContentType: aws.String("application/json"),
		})
		if err != nil {
			return false, fmt.Errorf("the copy of the sources: %w: %w", webhook.ErrUnavailable, err)
		}
		repaired = true
	}
	if _, synced, err := s.compare(ctx); err != nil || synced {
		return true, err
	}
	return false, fmt.Errorf("the copy of the sources: %w by others, again and again", webhook.ErrChanged)
}

// compare returns what the copy must be, and whether it is: the table's sources in
// their order. One that cannot be read stays in the copy as it is there, which may be
// the last good one.
func (s *Sources) compare(ctx context.Context) (want []byte, synced bool, err error) {
	all, err := s.rest(ctx)
	if err != nil {
		return nil, false, err
	}
	got, err := readBundle(ctx, s.b.Objects, s.b.Bucket)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, false, err
	}
	before, _ := parseBundle(got) // one that cannot be read keeps nothing
	b := bundle{Sources: []auth.Sealed{}}
	for _, r := range all {
		sealed := r.sealed
		if r.err != nil {
			if sealed = before[sealed.Name]; sealed.Name == "" {
				continue
			}
		}
		sealed.Outline = nil // nobody who reads the copy goes by it
		b.Sources = append(b.Sources, sealed)
	}
	if want, err = json.Marshal(b); err != nil {
		return nil, false, fmt.Errorf("the copy of the sources: %w", err)
	}
	if len(want) > maxBundle {
		return nil, false, fmt.Errorf("the copy of the sources: %w: more than %d bytes", errTooLarge, maxBundle)
	}
	return want, bytes.Equal(got, want) || got == nil && len(b.Sources) == 0, nil
}
