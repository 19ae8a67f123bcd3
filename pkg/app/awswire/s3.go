package awswire

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// S3 writes, reads, copies and lists whole objects. Of an input it knows the members that the
// functions set. It is safe for concurrent use.
type S3 struct {
	*client
	inPath bool // an engine has no bucket host names
}

// maxObject is more than any object of the functions has, in bytes: API Gateway takes
// bodies of 10 MB.
const maxObject = 32 << 20

// NewS3 returns a client of a region's endpoint, or of an engine that stands in for it.
// It makes no call.
func NewS3(cfg Config, endpoint url.URL, engine bool) *S3 {
	return &S3{client: cfg.client("S3", "s3", endpoint, maxObject), inPath: engine}
}

// PutObject writes an object.
func (s *S3) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, fail("PutObject", err)
	}
	m, err := s.message(http.MethodPut, "PutObject", in.Bucket, in.Key, body)
	if err != nil {
		return nil, fail("PutObject", err)
	}
	set(m.header, "Content-Type", aws.ToString(in.ContentType))
	set(m.header, "If-None-Match", aws.ToString(in.IfNoneMatch))
	set(m.header, "X-Amz-Sdk-Checksum-Algorithm", "CRC32")
	set(m.header, "X-Amz-Checksum-Crc32", sumOf(body))
	if err := s.call(ctx, "PutObject", m, success); err != nil {
		return nil, err
	}
	return &s3.PutObjectOutput{}, nil
}

// GetObject reads an object. Its body is read when GetObject returns, so that one that
// breaks off is asked for again.
func (s *S3) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	m, err := s.message(http.MethodGet, "GetObject", in.Bucket, in.Key, nil)
	if err != nil {
		return nil, fail("GetObject", err)
	}
	set(m.header, "X-Amz-Checksum-Mode", "ENABLED")
	var body []byte
	err = s.call(ctx, "GetObject", m, func(resp *smithyhttp.Response) error {
		err := success(resp)
		if missing, ok := errors.AsType[*smithy.GenericAPIError](err); ok && strings.EqualFold(missing.Code, "NoSuchKey") {
			return &types.NoSuchKey{Message: &missing.Message}
		}
		if err != nil {
			return err
		}
		if body, err = io.ReadAll(resp.Body); err != nil {
			return &smithy.DeserializationError{Err: err}
		}
		// Of an object that was written in parts it is one of their checksums.
		if want := resp.Header.Get("X-Amz-Checksum-Crc32"); want != "" && !strings.Contains(want, "-") && want != sumOf(body) {
			return &smithy.DeserializationError{Err: errors.New("the object has another checksum than when it was written")}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(body)), ContentLength: aws.Int64(int64(len(body)))}, nil
}

// CopyObject copies an object.
func (s *S3) CopyObject(ctx context.Context, in *s3.CopyObjectInput, _ ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	m, err := s.message(http.MethodPut, "CopyObject", in.Bucket, in.Key, nil)
	if err != nil {
		return nil, fail("CopyObject", err)
	}
	set(m.header, "Content-Type", aws.ToString(in.ContentType))
	set(m.header, "X-Amz-Copy-Source", aws.ToString(in.CopySource))
	set(m.header, "X-Amz-Metadata-Directive", string(in.MetadataDirective))
	set(m.header, "X-Amz-Tagging-Directive", string(in.TaggingDirective))
	set(m.header, "X-Amz-Tagging", aws.ToString(in.Tagging))
	if err := s.call(ctx, "CopyObject", m, copied); err != nil {
		return nil, err
	}
	return &s3.CopyObjectOutput{}, nil
}

// s3RequestID is the header by which S3 names a request.
const s3RequestID = "X-Amz-Request-Id"

func fail(operation string, err error) error {
	return &smithy.OperationError{ServiceID: "S3", OperationName: operation, Err: err}
}

func set(h http.Header, name, value string) {
	if value != "" {
		h[name] = []string{value}
	}
}

func sumOf(body []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
}

// message is a request for an object. A bucket stands in the host's name, unless a
// certificate could not vouch for it there.
func (s *S3) message(method, operation string, bucket, key *string, body []byte) (message, error) {
	if aws.ToString(bucket) == "" || aws.ToString(key) == "" {
		return message{}, errors.New("an object has a bucket and a key")
	}
	return s.messageAt(method, *bucket, "/"+*key, "x-id="+operation, body), nil
}

// messageAt is a request for a path of a bucket; the query is escaped and sorted.
func (s *S3) messageAt(method, bucket, path, query string, body []byte) message {
	at := *s.endpoint
	if s.inPath || strings.Contains(bucket, ".") {
		path = strings.TrimSuffix("/"+bucket+path, "/")
	} else {
		at.Host = bucket + "." + at.Host
	}
	at.Path, at.RawPath, at.RawQuery = path, escapePath(path), query
	m := message{method: method, at: &at, header: make(http.Header, 12), body: body, hash: hashOf(body)}
	set(m.header, "X-Amz-Content-Sha256", m.hash)
	set(m.header, "Accept-Encoding", "identity")
	return m
}

// escapePath writes a path as S3 signs it: all but what RFC 3986 leaves as it is, and
// slashes, in percent.
func escapePath(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// success returns the error that a response is.
func success(resp *smithyhttp.Response) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("failed to copy error response body, %w", err)}
	}
	return refusal(resp, text)
}

// copied is success for a copy, which may fail behind the head of its response
// (docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html).
func copied(resp *smithyhttp.Response) error {
	if err := success(resp); err != nil {
		return err
	}
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return &smithy.DeserializationError{Err: err}
	case strings.Contains(string(text), "<Error>"):
		resp.StatusCode = http.StatusInternalServerError // so that it is tried again
		return refusal(resp, text)
	case !strings.Contains(string(text), "</CopyObjectResult>"):
		return &smithy.DeserializationError{Err: errors.New("the response to a copy is not whole")}
	}
	return nil
}

// refusal reads an error of S3. Without a body it is named by its status.
func refusal(resp *smithyhttp.Response, text []byte) error {
	code, message := element(text, "Code"), element(text, "Message")
	if code == "" && message == "" {
		message = http.StatusText(resp.StatusCode)
		code = strings.ReplaceAll(message, " ", "")
	}
	if id := element(text, "RequestId"); id != "" && resp.Header.Get(s3RequestID) == "" {
		resp.Header.Set(s3RequestID, id)
	}
	return unknown(&smithy.GenericAPIError{Code: code, Message: message})
}

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&")

// element returns the text of an error's element, "" where it has none.
func element(text []byte, name string) string {
	_, value, found := strings.Cut(string(text), "<Error>")
	if !found {
		return ""
	}
	return inside(value, name)
}
