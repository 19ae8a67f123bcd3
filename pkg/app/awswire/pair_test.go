package awswire_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdkdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	sdksqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"smartlead-receiver/pkg/app/awsnet"
	"smartlead-receiver/pkg/app/awswire"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/objects"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
)

// objectStore is what the functions want of S3.
type objectStore interface {
	bodies.API
	objects.API
}

// clients are one maker's clients of everything.
type clients struct {
	ledger.API
	queue queue.API
	s3    objectStore
	ssm   sourcestore.Reader
}

// answer is a response of the service, or what happens instead of it.
type answer struct {
	status int
	header map[string]string
	body   string
	cut    int    // the connection ends: 1 before the head, 2 within the body
	silent func() // is called when the request is there; then nothing comes
}

// asked is a request as the service got it.
type asked struct {
	method, url string
	header      http.Header
	body        []byte
}

// service answers by a script, the last entry again and again, and keeps what it was
// asked.
type service struct {
	*httptest.Server
	mu     sync.Mutex
	script []answer
	got    []asked
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = nil
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.got = append(s.got, asked{r.Method, r.URL.String(), r.Header.Clone(), body})
	a := s.script[0]
	if len(s.script) > 1 {
		s.script = s.script[1:]
	}
	s.mu.Unlock()
	if a.silent != nil {
		a.silent()
		<-r.Context().Done()
		return
	}
	if a.cut == 1 {
		panic(http.ErrAbortHandler)
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.cut == 2 {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)+10))
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
	if a.cut == 2 {
		panic(http.ErrAbortHandler)
	}
}

// play sets the script and forgets what was asked.
func (s *service) play(script ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script, s.got = script, nil
}

func (s *service) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

var secret = credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session")

// connecting is the SDK's HTTP client, which opens a connection for each call: one that a
// service has closed would be used again by one client and not by the other.
func connecting() whole {
	return whole{awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DisableKeepAlives = true })}
}

// whole sends the body of a request from memory. The SDK's clients close a body when the
// response is there. Where net/http has not come to its end by then, it takes that for a
// broken connection, and now and then an answer that is still being read breaks off: the
// SDK tries again, and the attempts are no longer those of the script.
type whole struct{ *awshttp.BuildableClient }

func (w whole) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return w.BuildableClient.Do(r)
}

func bySDK(t *testing.T, at string) clients {
	t.Helper()
	cfg := aws.Config{
		Region: "eu-central-1", BaseEndpoint: &at, Credentials: secret, Retryer: retryer, HTTPClient: connecting(),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
	return clients{
		API: awssdk.DynamoDB{Client: sdkdynamodb.NewFromConfig(cfg)}, queue: awssdk.SQS{Client: sdksqs.NewFromConfig(cfg)}, ssm: ssmstore.New(ssm.NewFromConfig(cfg)),
		s3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
	}
}

func byWire(t *testing.T, at string) clients {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	dialer, err := awsnet.NewDialer("")
	if err != nil {
		t.Fatal(err)
	}
	cfg := awswire.Config{Region: "eu-central-1", Credentials: secret, Retryer: retryer, HTTP: dialer.Client()}
	// S3's calls go by net/http, which repeats some of them itself where it reuses a connection.
	large := cfg
	large.HTTP = connecting()
	return clients{
		API: awswire.NewDynamoDB(cfg, *u), queue: awswire.NewSQS(cfg, *u), ssm: awswire.NewSSM(cfg, *u), s3: awswire.NewS3(large, *u, true),
	}
}

// call is one operation with its input.
type call func(context.Context, clients) (any, error)

// outcome is what a caller can tell of a call.
type outcome struct {
	Out      any
	Attempts int
	Failed   bool
	// Of an error:
	Service, Operation string
	Code, Message      string
	Fault              smithy.ErrorFault
	Status             int
	RequestID          string
	UsedUp             int // attempts, where all failed
	Canceled, GaveUp   bool
	Sent               bool // the request could not be sent, or had no response
	Unread             bool // the response could not be read
}

func outcomeOf(out any, err error, attempts int) outcome {
	o := outcome{Attempts: attempts, Failed: err != nil}
	if err == nil {
		o.Out = plain(out)
		return o
	}
	if e, ok := errors.AsType[*smithy.OperationError](err); ok {
		o.Service, o.Operation = e.ServiceID, e.OperationName
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		o.Code, o.Message = e.ErrorCode(), strings.TrimPrefix(e.ErrorMessage(), "UnknownError") // where an error says nothing
	}
	if e, ok := errors.AsType[*dynamodb.ConditionalCheckFailedException](err); ok { // others are told by their codes
		o.Fault, o.Out = e.ErrorFault(), plain(e)
	}
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		o.Status, o.RequestID = e.HTTPStatusCode(), e.RequestID
	}
	if e, ok := errors.AsType[*retry.MaxAttemptsError](err); ok {
		o.UsedUp = e.Attempt
	}
	_, o.Canceled = errors.AsType[*smithy.CanceledError](err)
	_, o.Unread = errors.AsType[*smithy.DeserializationError](err)
	var sending interface{ ConnectionError() bool }
	o.Sent = errors.As(err, &sending)
	o.GaveUp = errors.Is(err, context.Canceled)
	return o
}

// plain is an output as data, without what tells how it came.
func plain(out any) any {
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return out
	}
	if o, ok := out.(*s3.GetObjectOutput); ok {
		body, err := io.ReadAll(o.Body)
		return []any{string(body), err}
	}
	if o, ok := out.(*s3.ListObjectsV2Output); ok && o != nil {
		list := []any{aws.ToBool(o.IsTruncated)}
		for _, c := range o.Contents {
			list = append(list, *c.Key, *c.Size)
		}
		return list
	}
	data := map[string]any{}
	for i := range v.Elem().NumField() {
		f := v.Elem().Type().Field(i)
		if f.IsExported() && f.Name != "ResultMetadata" {
			data[f.Name] = v.Elem().Field(i).Interface()
		}
	}
	return data
}

// pair is the SDK's clients and ours at one service.
type pair struct {
	*service
	sdk, wire clients
}

func newPair(t *testing.T) *pair {
	t.Helper()
	s := newService(t)
	return &pair{service: s, sdk: bySDK(t, s.URL), wire: byWire(t, s.URL)}
}

// both makes a call by each, against the same script.
func (p *pair) both(ctx context.Context, do call, script ...answer) (want, got outcome, wanted, sent []asked) {
	p.play(script...)
	out, err := do(ctx, p.sdk)
	wanted = p.requests()
	want = outcomeOf(out, err, len(wanted))
	p.play(script...)
	out, err = do(ctx, p.wire)
	sent = p.requests()
	return want, outcomeOf(out, err, len(sent)), wanted, sent
}

// sameRequest compares what the two sent.
func sameRequest(t *testing.T, operation string, want, got asked) {
	t.Helper()
	if got.method != want.method || got.url != want.url {
		t.Errorf("%s: %s %s, want %s %s", operation, got.method, got.url, want.method, want.url)
	}
	for _, name := range []string{
		"X-Amz-Target", "Content-Type", "Accept-Encoding", "X-Amzn-Query-Mode", "Amz-Sdk-Request", "X-Amz-Security-Token",
		"X-Amz-Copy-Source", "X-Amz-Metadata-Directive", "X-Amz-Tagging-Directive", "X-Amz-Tagging", "X-Amz-Checksum-Mode",
	} {
		g, w := got.header.Values(name), want.header.Values(name)
		if name == "Accept-Encoding" && len(g) == 0 && slices.Equal(w, []string{"gzip"}) {
			continue // net/http asks for it by itself; a small call is sent without it
		}
		if !reflect.DeepEqual(g, w) {
			t.Errorf("%s: header %s: %q, want %q", operation, name, g, w)
		}
	}
	if got.header.Get("Amz-Sdk-Invocation-Id") == "" || !strings.Contains(got.header.Get("User-Agent"), "aws-sdk-go-v2/") {
		t.Errorf("neither the call's id nor who calls: %v", got.header)
	}
	scope := func(a asked) string {
		before, _, _ := strings.Cut(a.header.Get("Authorization"), ", SignedHeaders=")
		return before
	}
	if scope(got) != scope(want) || scope(got) == "" {
		t.Errorf("%s: signed %q, want %q", operation, scope(got), scope(want))
	}
	if strings.HasPrefix(want.header.Get("Content-Type"), "application/x-amz-json") {
		var g, w any
		if err := errors.Join(json.Unmarshal(got.body, &g), json.Unmarshal(want.body, &w)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(g, w) {
			t.Errorf("%s: sent\n%s\nwant\n%s", operation, got.body, want.body)
		}
		return
	}
	if string(got.body) != string(want.body) {
		t.Errorf("%s: sent %q, want %q", operation, got.body, want.body)
	}
}

func crc(body string) map[string]string {
	return map[string]string{"X-Amz-Crc32": strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 10)}
}
