package archive_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"smartlead-receiver/pkg/app/awswire"
	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/objects"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
	"smartlead-receiver/test/ttlcheck"
)

// world is a ledger and a bucket in the engine of the local stack, over HTTP, and a clock.
type world struct {
	t      *testing.T
	clock  time.Time
	engine string
	sdk    *local.Clients
	at     local.Resources
	ledger *ledger.Ledger // by the SDK: what is received
	bodies *bodies.Store
	place  archive.Place
	policy archive.Policy
	net    *network // between the archiver and the engine
	nonces int
}

// worlds counts them: engines of one process share their data.
var worlds atomic.Int64

// newWorld begins at noon, and with what was received the day before.
func newWorld(t *testing.T) *world {
	t.Helper()
	engine := local.StartEngine()
	t.Cleanup(engine.Close)
	at := ttlcheck.Proxy(t, engine.URL)
	w := &world{t: t, clock: testclock.Noon(), engine: at, policy: archive.DefaultPolicy}
	w.sdk = local.Connect(local.Endpoints{DynamoDB: at, SQS: engine.URL, SSM: engine.URL, S3: engine.URL})
	t.Cleanup(w.sdk.Close)
	var err error
	if w.at, err = local.Provision(t.Context(), w.sdk, local.Provisioning{Name: fmt.Sprintf("archive-%d", worlds.Add(1))}); err != nil {
		t.Fatal(err)
	}
	w.ledger = ledger.New(awssdk.DynamoDB{Client: w.sdk.DynamoDB}, w.at.Table)
	if w.bodies, err = bodies.New(w.sdk.S3, w.at.Bucket); err != nil {
		t.Fatal(err)
	}
	w.policy.Back = 24 * time.Hour
	w.place = archive.Place{Bucket: w.at.Bucket, Prefix: "archive/"}
	w.net = &network{next: local.NewTransport()}
	return w
}

// network counts the calls of a process, and lets it die at one: before it took effect, or
// after. Of a dead one nothing is sent any more.
type network struct {
	next  http.RoundTripper
	mu    sync.Mutex
	calls int
	dieAt int  // number of the call; 0: none
	after bool // it takes effect, and its answer is lost
	once  bool // the process goes on
	dead  bool
	// refused is the method that the bucket refuses: GET, PUT or DELETE.
	refused string
	seen    []string // method and path of what took effect
}

var errDead = errors.New("the process is dead")

func (n *network) Do(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.calls++
	dies := n.calls == n.dieAt
	dead, refused := n.dead, r.Method == n.refused
	if dies && !n.once {
		n.dead = true
	}
	n.mu.Unlock()
	if dead || dies && !n.after {
		return nil, errDead
	}
	if refused {
		body := "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
		return &http.Response{StatusCode: http.StatusForbidden, Request: r, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
	resp, err := n.next.RoundTrip(r)
	if err == nil && dies {
		_ = resp.Body.Close()
		return nil, errDead
	}
	n.mu.Lock()
	n.seen = append(n.seen, r.Method+" "+r.URL.Path)
	n.mu.Unlock()
	return resp, err
}

// revive is another process, whose calls are counted anew.
func (n *network) revive() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls, n.dieAt, n.dead, n.after, n.once, n.refused, n.seen = 0, 0, false, false, false, "", nil
}

// service is the archiver as the function has it: with the functions' own clients.
func (w *world) service() *archive.Service {
	u, err := url.Parse(w.engine)
	if err != nil {
		w.t.Fatal(err)
	}
	rest, err := url.Parse(w.sdk.Endpoints.S3)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := awswire.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTP: w.net,
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	l := ledger.New(awswire.NewDynamoDB(cfg, *u), w.at.Table)
	store := awswire.NewS3(cfg, *rest, true)
	large, err := bodies.New(store, w.at.Bucket)
	if err != nil {
		w.t.Fatal(err)
	}
	return archive.New(archive.Ports{
		Ledger: l, Documents: l, Bodies: large, Objects: objects.New(store, w.place), Normalize: normalize,
		Now: func() time.Time { return w.clock }, Nonce: func() string { w.nonces++; return fmt.Sprint("n", w.nonces) },
	}, w.policy)
}

func normalize(body []byte, account string) (webhook.Event, error) {
	return smartlead.Normalize(body, smartlead.Options{Account: account})
}

// run makes one run, which must not fail.
func (w *world) run() archive.Summary {
	w.t.Helper()
	sum := w.service().Run(w.t.Context())
	if sum.Err != nil {
		w.t.Fatal(sum.Err)
	}
	return sum
}

// reply is the body of a reply of a lead; what is large does not fit into an item.
func reply(n int, lead string, large bool) []byte {
	text := "Yes, <b>call</b> me \u2028 \x7f"
	if large {
		noise := rand.New(rand.NewPCG(1, uint64(n)))
		b := make([]byte, 150_000)
		for i := range b {
			b[i] = byte('a' + noise.IntN(26))
		}
		text = string(b)
	}
	body, _ := json.Marshal(map[string]any{ // of strings and maps
		"event_type": "EMAIL_REPLY", "campaign_id": 4100001, "stats_id": fmt.Sprint("stats-", n), "sl_lead_email": lead, "to_email": lead,
		"from_email": "mira@outbound.example", "subject": "Re: hello", "event_timestamp": "2126-03-04T01:59:58.500Z", "Subject": "by case alone",
		"reply_message": map[string]any{"message_id": fmt.Sprintf("<reply-%d@acme.example.com>", n), "text": text, "html": "<p>" + text[:3] + "</p>"},
	})
	return body
}

// receive claims a body that arrived then.
func (w *world) receive(account string, body []byte, at time.Time) webhook.EventID {
	w.t.Helper()
	batch, err := smartlead.Parse(body, smartlead.Options{Account: account})
	if err != nil || len(batch.Elements) != 1 || batch.Elements[0].Err != nil {
		w.t.Fatal(err, batch)
	}
	el := batch.Elements[0]
	payload, err := w.bodies.Store(w.t.Context(), account, el.Payload)
	if err != nil {
		w.t.Fatal(err)
	}
	ev := el.Event
	r := webhook.Receipt{
		Key: el.Key, Fingerprint: el.Fingerprint, Basis: el.Basis, Account: account, Source: account + "-main", Type: ev.Type, RawType: ev.RawType,
		Dialect: ev.Dialect, CampaignID: ev.CampaignID, StatsID: ev.StatsID, MessageID: ev.MessageID, RequestID: "gw-1",
		OccurredAt: ev.OccurredAt, OccurredAtSource: ev.OccurredAtSource, ReceivedAt: at, Flags: ev.Flags, Payload: payload,
	}
	if ev.Lead != nil {
		r.LeadEmail = ev.Lead.Email
	}
	w.nonces++
	c, err := w.ledger.Claim(w.t.Context(), r, fmt.Sprint("c", w.nonces), at.Add(time.Minute))
	if err != nil {
		w.t.Fatal(err)
	}
	return c.ID
}

// objects are those of the archive, by key.
func (w *world) objects() map[string][]byte {
	w.t.Helper()
	all := map[string][]byte{}
	pages := s3.NewListObjectsV2Paginator(w.sdk.S3, &s3.ListObjectsV2Input{Bucket: &w.place.Bucket, Prefix: &w.place.Prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, o := range page.Contents {
			out, err := w.sdk.S3.GetObject(w.t.Context(), &s3.GetObjectInput{Bucket: &w.place.Bucket, Key: o.Key})
			if err != nil {
				w.t.Fatal(err)
			}
			body, err := io.ReadAll(out.Body)
			if err != nil {
				w.t.Fatal(err)
			}
			all[strings.TrimPrefix(*o.Key, w.place.Prefix)] = body
		}
	}
	return all
}

// unpacked are the lines of an object, by another reader than the archive's.
func unpacked(t *testing.T, body []byte) []map[string]any {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for decoder := json.NewDecoder(gz); ; {
		var line map[string]any
		if err := decoder.Decode(&line); errors.Is(err, io.EOF) {
			return lines
		} else if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
}

// drop takes events out of the table, as the end of their time does.
func (w *world) drop(ids ...webhook.EventID) {
	w.t.Helper()
	for _, id := range ids {
		_, err := w.sdk.DynamoDB.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{TableName: &w.at.Table, Key: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: id.Key()}, "sk": &types.AttributeValueMemberS{Value: "E#000001"},
		}})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// restart lets the archive begin anew, elsewhere.
func (w *world) restart(prefix string) {
	w.t.Helper()
	_, err := w.sdk.DynamoDB.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{TableName: &w.at.Table, Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "archive"}, "sk": &types.AttributeValueMemberS{Value: "state"},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.place.Prefix, w.clock = prefix, testclock.Noon()
	w.net.revive()
}

// records are all events of the ledger, with their payloads.
func (w *world) records() map[webhook.EventID]webhook.Record {
	w.t.Helper()
	var ids []webhook.EventID
	for seen, err := range w.ledger.ReceivedBetween(context.Background(), testclock.Noon().Add(-48*time.Hour), testclock.Noon().Add(48*time.Hour)) {
		if err != nil {
			w.t.Fatal(err)
		}
		if !seen.Variant {
			ids = append(ids, seen.ID)
		}
	}
	all, err := w.ledger.WithPayloads(w.t.Context(), ids)
	if err != nil || len(all) != len(ids) {
		w.t.Fatal(err)
	}
	return all
}
