package awswire_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/sqs"
)

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 0))} }

// success is what an operation is answered with where its answer does not matter.
func success(operation string) answer {
	switch operation {
	case "CopyObject":
		return answer{status: 200, body: `<CopyObjectResult><ETag>"0"</ETag></CopyObjectResult>`}
	case "ListObjects":
		return answer{status: 200, body: listing}
	case "GetObject", "PutObject", "CreateObject":
		return answer{status: 200}
	}
	return answer{status: 200, body: `{}`}
}

// listing is what S3 answers to a listing.
const listing = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket-1</Name><Prefix>a</Prefix><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><IsTruncated>true</IsTruncated>` +
	`<Contents><Key>a/b&amp;c=&lt;1&gt;</Key><LastModified>2026-11-30T05:00:00.000Z</LastModified><ETag>&quot;0&quot;</ETag><Size>12</Size><StorageClass>STANDARD</StorageClass></Contents>
<Contents><Key>a/d</Key><Size>5368709120</Size></Contents></ListBucketResult>
`

func TestRequestsAreThoseOfTheSDK(t *testing.T) {
	p := newPair(t)
	for seed := range uint64(60) {
		for name, do := range newGenerator(seed).calls() {
			want, got, wanted, sent := p.both(t.Context(), do, success(name))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s, seed %d:\n%+v, want\n%+v", name, seed, got, want)
			}
			if len(sent) != 1 || len(wanted) != 1 {
				t.Errorf("%s, seed %d: %d requests, want %d", name, seed, len(sent), len(wanted))
				continue
			}
			sameRequest(t, name, wanted[0], sent[0])
		}
		if t.Failed() {
			return
		}
	}
}

// hostile are answers of services, of proxies before them, and of nobody we know.
var hostile = []answer{
	{status: 200},
	{status: 200, body: `{`},
	{status: 200, body: `{"Item":{"a":{"S":"x"},"b":{"N":"1"},"c":{"B":"AAEC"},"d":{"BOOL":true},"e":{"NULL":true},"f":{"L":[{"S":""},{"M":{"x":{"NS":["1","2"]}}}]},"g":{"SS":[]},"h":{"BS":["AA=="]}}}`},
	{status: 200, body: `{"Item":{"a":{"S":1}}}`},
	{status: 200, body: `{"Item":{"a":{"S":"x","N":"1"}}}`},
	{status: 200, body: `{"Item":{"a":{"Q":"x"}}}`},
	{status: 200, body: `{"Item":{"a":null}}`},
	{status: 200, body: `{"Item":{"a":{"B":"%%%"}}}`},
	{status: 200, body: `{"Item":[1]}`},
	{status: 200, body: `{"Item":null,"Items":null,"Attributes":null,"Messages":null}`},
	{status: 200, body: `{"Items":[{"pk":{"S":"\ud83d\ude00\u0000"}}],"Count":1,"LastEvaluatedKey":{"pk":{"S":"x"}},"Unknown":{"a":[1,{"b":2}]}}`},
	{status: 200, body: `{"Items":[{"pk":{"S":"x"}}],"Count":"1"}`},
	{status: 200, body: `{"Attributes":{"pk":{"S":"x"},"n":{"N":"12"}}}`},
	{status: 200, body: `{"Responses":{"t":[{"pk":{"S":"x"}}]},"UnprocessedKeys":{"t":{"Keys":[{"pk":{"S":"y"}}],"ConsistentRead":true}}}`},
	{status: 200, body: `{"Messages":[{"MessageId":"1","ReceiptHandle":"r","Body":"b","Attributes":{"SentTimestamp":"1"}}]}`},
	{status: 200, body: `{"Messages":[{"Body":"b","MD5OfBody":"wrong"}]}`},
	{status: 200, body: `{"Successful":[{"Id":"1"}],"Failed":[{"Id":"2","SenderFault":true,"Code":"InternalError"}]}`},
	{status: 200, body: `{"Attributes":{"ApproximateNumberOfMessages":"3"}}`},
	{status: 200, body: `{"Parameters":[{"Name":"/a/b","Value":"{}","Version":3,"LastModifiedDate":1772645352.618,"ARN":"x"}],"NextToken":"n"}`},
	{status: 200, body: `{"Parameters":[{"Name":7}]}`},
	{status: 200, body: `{"Parameter":{"Name":"/a/b","Value":"x","Version":3,"LastModifiedDate":1772645352.618,"ARN":"x"}}`},
	{status: 200, body: `{"Parameter":7}`},
	{status: 200, body: `null`},
	{status: 200, body: `[]`},
	{status: 200, body: `{} trailing`},
	{status: 200, body: strings.Repeat(`[`, 5000)},
	{status: 200, body: `<html>welcome to the wireless network</html>`},
	{status: 200, body: `<Error><Code>SlowDown</Code><Message>in the body</Message></Error>`},
	{status: 302, header: map[string]string{"Location": "http://127.0.0.1:1/login"}, body: `moved`},
	{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed","Item":{"pk":{"S":"x"},"b":{"B":"AAEC"}}}`},
	{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","Message":"no item"}`},
	{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","Item":7}`},
	{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slower"}`},
	{status: 400, body: `{"__type":"com.amazon.coral.service#ThrottlingException","message":"slower"}`},
	{status: 400, body: `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"gone"}`, header: map[string]string{"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"}},
	{status: 400, body: `{"__type":"RequestThrottled","message":"slower"}`, header: map[string]string{"x-amzn-query-error": "RequestThrottled;Sender"}},
	{status: 400, body: `{"__type":"ParameterNotFound"}`},
	{status: 400, body: `{"__type":"NobodyKnows","message":"what"}`, header: map[string]string{"X-Amzn-Requestid": "ID7"}},
	{status: 400, body: `{"code":"ValidationException","message":"by another name"}`},
	{status: 400, header: map[string]string{"X-Amzn-ErrorType": "AccessDeniedException:http://internal"}, body: `{}`},
	{status: 400, body: `{"__type":7}`},
	{status: 400},
	{status: 403, body: `{"__type":"ExpiredTokenException","message":"expired"}`},
	{status: 403, body: `{"__type":"InvalidSignatureException","message":"skewed"}`, header: map[string]string{"Date": "Mon, 01 Jan 2001 00:00:00 GMT"}},
	{status: 404, body: `<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>a &lt;key&gt;</Message><RequestId>R</RequestId></Error>`},
	{status: 403, body: `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`},
	{status: 404},
	{status: 413, body: `too large`},
	{status: 429, body: `{}`},
	{status: 500, body: `{"__type":"InternalServerError","message":"sorry"}`},
	{status: 500, body: `not JSON`},
	{status: 503, body: `<html><h1>503 Service Temporarily Unavailable</h1></html>`},
	{status: 503, body: `<Error><Code>SlowDown</Code><Message>slower</Message></Error>`},
	{status: 504},
	{cut: 1},
	{status: 200, body: `{"Item":`, cut: 2},
	{status: 500, body: `{"__type":"Internal`, cut: 2},
}

// differs lists where ours is stricter or plainer than the SDK on purpose.
func differs(operation string, a answer) bool {
	switch operation {
	case "GetObject": // the SDK gives the body to its caller before it has come
		return a.cut == 2
	case "CopyObject": // a copy is believed only by its own word
		return a.status == 200 && !strings.HasPrefix(a.body, "<Error>") || a.cut == 2
	case "PutObject", "CreateObject", "ListObjects": // and a listing, by its end
		return a.status == 200
	}
	return false
}

func TestOutcomesAreThoseOfTheSDK(t *testing.T) {
	p := newPair(t)
	calls := newGenerator(1).calls()
	for i, a := range hostile {
		for name, do := range calls {
			s3 := strings.Contains(name, "Object")
			if s3 && a.status >= 300 && a.body != "" && !strings.Contains(a.body, "<Error>") {
				continue // S3's errors are XML: see TestS3
			}
			if differs(name, a) || a.status == 302 && s3 {
				continue
			}
			want, got, _, _ := p.both(t.Context(), do, a)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("answer %d (%d, %.80s), %s:\n%+v\nwant\n%+v", i, a.status, a.body, name, got, want)
			}
		}
	}
}

// After what may be tried again comes a success: it is found by as many attempts.
func TestAttemptsAreThoseOfTheSDK(t *testing.T) {
	p := newPair(t)
	cut, torn := answer{cut: 1}, answer{status: 200, body: `{"It`, cut: 2}
	for name, do := range newGenerator(2).calls() {
		throttled, broken := answer{status: 400, body: `{"__type":"ThrottlingException"}`}, answer{status: 500, body: `{}`}
		if strings.HasSuffix(name, "Object") {
			throttled, broken = answer{status: 503, body: `<Error><Code>SlowDown</Code></Error>`}, answer{status: 500}
		}
		for i, script := range [][]answer{
			{throttled, success(name)}, {throttled, broken, success(name)}, {broken, broken, broken, success(name)},
			{cut, success(name)}, {cut, cut, cut, success(name)}, {torn, success(name)}, {throttled, cut, broken},
		} {
			if differs(name, script[0]) {
				continue
			}
			want, got, wanted, sent := p.both(t.Context(), do, script...)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s, script %d:\n%+v\nwant\n%+v", name, i, got, want)
			}
			for i := range min(len(wanted), len(sent)) {
				sameRequest(t, name, wanted[i], sent[i])
			}
		}
	}
}

// A call whose caller gives up while the service is silent ends, and is not repeated.
func TestACallerThatGivesUp(t *testing.T) {
	p := newPair(t)
	for name, do := range newGenerator(3).calls() {
		var outcomes []outcome
		for _, c := range []clients{p.sdk, p.wire} {
			ctx, cancel := context.WithCancel(t.Context())
			p.play(answer{status: 200, body: `{}`, silent: cancel})
			out, err := do(ctx, c)
			outcomes = append(outcomes, outcomeOf(out, err, len(p.requests())))
		}
		if want, got := outcomes[0], outcomes[1]; !reflect.DeepEqual(got, want) || !got.GaveUp || got.Attempts != 1 {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// A clock that is wrong is put right by the response of the service, as the SDK does.
func TestClockSkew(t *testing.T) {
	p := newPair(t)
	date := map[string]string{"Date": time.Now().Add(-time.Hour).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")}
	skewed := answer{status: 400, header: date, body: `{"__type":"InvalidSignatureException","message":"Signature expired"}`}
	do := newGenerator(4).calls()["GetItem"]
	right := answer{status: 200, header: date, body: `{}`}
	for _, script := range [][]answer{{skewed, right}, {right}} { // the second call knows better
		want, got, wanted, sent := p.both(t.Context(), do, script...)
		if !reflect.DeepEqual(got, want) || got.Failed || got.Attempts != len(script) {
			t.Fatalf("%+v, want %+v", got, want)
		}
		for i := range sent {
			w, g := signedAt(t, wanted[i]), signedAt(t, sent[i])
			if d := g.Sub(w).Abs(); d > time.Minute {
				t.Errorf("attempt %d is signed at %s, the SDK's at %s", i+1, g, w)
			}
		}
	}
}

func signedAt(t *testing.T, a asked) time.Time {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", a.header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The SDK's schema-based clients only log a wrong checksum. Ours refuses the response.
func TestAWrongChecksumIsRefused(t *testing.T) {
	p := newPair(t)
	body := `{"Item":{"pk":{"S":"x"}}}`
	in := &dynamodb.GetItemInput{TableName: aws.String("t"), Key: newGenerator(5).item(0)}
	p.play(answer{status: 200, header: crc(body), body: body})
	if _, err := p.wire.GetItem(t.Context(), in); err != nil {
		t.Errorf("the right checksum: %v", err)
	}
	for _, header := range []map[string]string{crc(body + " "), {"X-Amz-Crc32": "no number"}} {
		p.play(answer{status: 200, header: header, body: body})
		if out, err := p.wire.GetItem(t.Context(), in); err == nil {
			t.Errorf("checksum %s: read %v", header["X-Amz-Crc32"], out.Item)
		}
	}
}

func TestAMessageThatSQSHasOtherwiseIsRefused(t *testing.T) {
	p := newPair(t)
	in := &sqs.SendMessageBatchInput{QueueUrl: aws.String("q"), Entries: []sqs.SendMessageBatchRequestEntry{{Id: aws.String("0"), MessageBody: aws.String("b")}}}
	send := func(ctx context.Context, c clients) (any, error) { return c.queue.SendMessageBatch(ctx, in) }
	for sum, fails := range map[string]bool{"92eb5ffee6ae2fec3ad71c777531578f": false, "00000000000000000000000000000000": true} {
		want, got, _, _ := p.both(t.Context(), send, answer{status: 200, body: fmt.Sprintf(`{"Successful":[{"Id":"0","MD5OfMessageBody":%q}]}`, sum)})
		if got.Failed != fails || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", sum, got, want)
		}
	}
}

// unasked finds members that nobody asks for: the SDK reads them, and fails where they are
// of another type.
var unasked = regexp.MustCompile(`ConsumedCapacity|ItemCollectionMetrics|MD5Of|MessageAttributes|\\u`)

func FuzzResponse(f *testing.F) {
	for _, a := range hostile {
		if a.cut == 0 && a.status != 302 {
			f.Add(a.status, a.body)
		}
	}
	f.Add(http.StatusOK, `{"Items":[{0, }`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 || status/100 == 3 || status == 204 || status == 205 {
			t.Skip()
		}
		p := newPair(t)
		calls := newGenerator(1).calls()
		for _, name := range []string{"PutItem", "Query", "ReceiveMessage", "ParametersByPath"} {
			want, got, _, _ := p.both(t.Context(), calls[name], answer{status: status, body: body})
			if want.Unread && unasked.MatchString(body) || got.Unread && !json.Valid([]byte(body)) {
				continue // the SDK reads some of what is no JSON
			}
			if form, err := json.Marshal(got.Out); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v (%s, %v)\nwant\n%+v", name, got, form, err, want)
			}
		}
	})
}
