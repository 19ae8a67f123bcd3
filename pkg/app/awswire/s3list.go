package awswire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ListObjectsV2 lists objects by key, a thousand at most: of each its key and its size.
// StartAfter goes on behind an earlier answer.
func (s *S3) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	const operation = "ListObjectsV2"
	if aws.ToString(in.Bucket) == "" {
		return nil, fail(operation, errors.New("a listing has a bucket"))
	}
	query := "list-type=2"
	for _, p := range []struct {
		name  string
		value *string
	}{{"prefix", in.Prefix}, {"start-after", in.StartAfter}} {
		if p.value != nil {
			query += "&" + p.name + "=" + strings.ReplaceAll(url.QueryEscape(*p.value), "+", "%20")
		}
	}
	m := s.messageAt(http.MethodGet, *in.Bucket, "/", query, nil)
	var out *s3.ListObjectsV2Output
	err := s.call(ctx, operation, m, func(resp *smithyhttp.Response) error {
		err := success(resp)
		if missing, ok := errors.AsType[*smithy.GenericAPIError](err); ok && strings.EqualFold(missing.Code, "NoSuchBucket") {
			return &types.NoSuchBucket{Message: &missing.Message}
		}
		if err != nil {
			return err
		}
		text, err := io.ReadAll(resp.Body)
		if err == nil {
			out, err = listed(string(text))
		}
		if err != nil {
			return &smithy.DeserializationError{Err: err}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// listed reads a listing (docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).
func listed(text string) (*s3.ListObjectsV2Output, error) {
	head, whole := strings.CutSuffix(strings.TrimSpace(text), "</ListBucketResult>")
	if !whole {
		return nil, errors.New("the listing is not whole")
	}
	out := &s3.ListObjectsV2Output{IsTruncated: aws.Bool(inside(head, "IsTruncated") == "true")}
	for rest := head; ; {
		_, after, found := strings.Cut(rest, "<Contents>")
		if !found {
			return out, nil
		}
		one, next, ends := strings.Cut(after, "</Contents>")
		size, err := strconv.ParseInt(inside(one, "Size"), 10, 64)
		if !ends || err != nil {
			return nil, fmt.Errorf("an object of the listing cannot be read: %w", err)
		}
		out.Contents = append(out.Contents, types.Object{Key: aws.String(inside(one, "Key")), Size: &size})
		rest = next
	}
}

// inside returns the text of the first element of that name, "" where there is none.
func inside(text, name string) string {
	_, value, found := strings.Cut(text, "<"+name+">")
	if !found {
		return ""
	}
	value, _, found = strings.Cut(value, "</"+name+">")
	if !found {
		return ""
	}
	return entities.Replace(value)
}
