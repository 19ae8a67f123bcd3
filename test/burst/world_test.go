package burst

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/google/uuid"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/pack"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/stack/place"
	"smartlead-receiver/test/testclock"
	"smartlead-receiver/test/ttlcheck"
)

// engine is one for all tests: it ends with the process.
var engine = sync.OnceValue(local.StartEngine)

// world is a stack with its sources. It is made outside of the bubbles, which run
// one after the other.
type world struct {
	network  *network
	env      app.Env // without clients
	clients  func() app.Clients
	operator *sourcestore.Sources // by the bubble's clock
	tokens   []string
	events   int // sent so far
	began    time.Time

	destinations *sourcestore.Destinations
}

func newWorld(t *testing.T, sources int) *world {
	t.Helper()
	warmCoders(t)
	at, name := engine(), "burst-"+uuid.NewString()[:8]
	direct := &http.Transport{MaxIdleConnsPerHost: engineCalls}
	t.Cleanup(direct.CloseIdleConnections)
	w := &world{network: newNetwork(t, ttlcheck.Transport(t, direct))}
	endpoints := local.Endpoints{DynamoDB: at.URL, SQS: at.URL, SSM: at.URL, S3: at.URL}
	outside := local.Connect(endpoints)
	t.Cleanup(outside.Close)
	made, err := local.Provision(t.Context(), outside, local.Provisioning{Name: name})
	must(t, err)

	shared := place.LocalConfig()
	shared.HTTPClient = &http.Client{Transport: w.network}
	shared.Retryer = func() aws.Retryer { // as in a function
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 3, time.Second })
	}
	functions := shared
	w.clients = func() app.Clients {
		own := place.LocalClients(functions, endpoints)
		return app.Clients{DynamoDB: awssdk.DynamoDB{Client: own.DynamoDB}, SQS: awssdk.SQS{Client: own.SQS}, S3: own.S3, SSM: ssmstore.New(own.SSM)}
	}
	vars := map[string]string{
		"TABLE_NAME": made.Table, "LIVE_QUEUE_URL": made.Live.URL, "REPLAY_QUEUE_URL": made.Replay.URL, "DLQ_URL": made.DLQ.URL,
		"BODY_BUCKET": made.Bucket, "PARAMETER_PREFIX": "/" + name,
	}
	w.env = app.Env{Log: slog.New(slog.DiscardHandler), Metrics: "test", Now: w.now}
	w.env.Config, err = config.Read(func(name string) string { return vars[name] }, app.ReceiverNeeds|app.WorkerNeeds)
	must(t, err)
	backing := sourcestore.Backing{
		Documents: ledger.New(awssdk.DynamoDB{Client: outside.DynamoDB}, made.Table), Objects: outside.S3, Bucket: made.Bucket,
		Parameters: ssmstore.New(outside.SSM), Prefix: "/" + name, Now: testclock.Noon,
	}
	w.fill(t, backing, sources)
	w.destinations, err = sourcestore.NewDestinations(ssmstore.New(outside.SSM), "/"+name, "")
	must(t, err)
	shared.HTTPClient = &http.Client{Transport: operator{w.network}}
	clients := place.LocalClients(shared, endpoints)
	backing.Documents, backing.Objects, backing.Parameters = ledger.New(awssdk.DynamoDB{Client: clients.DynamoDB}, made.Table), clients.S3, ssmstore.New(clients.SSM)
	backing.Now = w.now
	w.operator, err = sourcestore.NewSources(backing)
	must(t, err)
	return w
}

// fill adds the world's own sources: the first as an operator does, the others in its
// way, for each time that an operator adds one all of them are read.
func (w *world) fill(t *testing.T, b sourcestore.Backing, sources int) {
	t.Helper()
	first, err := sourcestore.NewSources(b)
	must(t, err)
	var owner []byte
	for i := range sources {
		source, token := newSource(t, nameOf(i))
		w.tokens = append(w.tokens, token)
		if i%3 == 0 { // its secret must be read like the token's digest
			source, err = source.AddHMACSecret([]byte("signing secret"), testclock.Noon())
			must(t, err)
		}
		if i == 0 {
			must(t, first.PutSource(t.Context(), source))
			key, err := b.Parameters.GetParameter(t.Context(), b.Prefix+"/sources-key")
			must(t, err)
			owner, err = base64.StdEncoding.DecodeString(key.Value)
			must(t, err)
			continue
		}
		source.Revision = 1
		sealed, err := source.Seal(owner)
		must(t, err)
		form, err := json.Marshal(sealed)
		must(t, err)
		must(t, b.Documents.SaveDocument(t.Context(), "source", source.Name, form, 0, testclock.Noon(), time.Time{}))
	}
	_, err = first.Sync(t.Context())
	must(t, err)
}

// warmCoders makes what all functions of this process share outside of any bubble.
func warmCoders(t *testing.T) {
	t.Helper()
	packed, err := pack.Pack([]byte("warm"))
	must(t, err)
	_, err = pack.Unpack(pack.Encoding, packed, 0)
	must(t, err)
}

// now is the clock of the bubble, whose year the engine would take for the past.
func (w *world) now() time.Time { return testclock.Noon().Add(time.Since(w.began)) }

// begin begins a bubble.
func (w *world) begin() {
	w.began = time.Now()
	w.network.begin()
}

func nameOf(source int) string { return fmt.Sprintf("source-%d", source) }

func newSource(t *testing.T, name string) (auth.Source, string) {
	t.Helper()
	source, token, err := auth.NewSource(name, "acme", rand.Reader, testclock.Noon())
	must(t, err)
	return source, token
}

// container is one running receiver: it shares nothing with the others but the
// stores.
type container struct{ receive lambdaio.ReceiverHandler }

func (w *world) cold(t *testing.T, n int) []container {
	t.Helper()
	all := make([]container, n)
	for i := range all {
		env := w.env
		env.Clients = w.clients()
		receiver, err := app.Receiver(env)
		must(t, err)
		all[i].receive = receiver
	}
	return all
}

// post sends a request to one container as API Gateway does.
func (c container) post(t *testing.T, r events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // Timeout in template.yaml
	defer cancel()
	got, err := c.receive(ctx, r)
	if err != nil {
		t.Error(err)
	}
	return got
}

// atOnce lets every container answer one request at the same time, and returns
// how often each status was answered.
func atOnce(t *testing.T, all []container, request func(i int) events.APIGatewayV2HTTPRequest) map[int]int {
	t.Helper()
	var (
		mu      sync.Mutex
		group   sync.WaitGroup
		answers = map[int]int{}
	)
	for i, c := range all {
		r := request(i)
		group.Go(func() {
			got := c.post(t, r)
			mu.Lock()
			defer mu.Unlock()
			answers[got.StatusCode]++
		})
	}
	group.Wait()
	return answers
}

// request is a new event of a source.
func (w *world) request(name, token string) events.APIGatewayV2HTTPRequest {
	w.events++
	n := w.events
	body := fmt.Sprintf(`{"event_type":"EMAIL_REPLY","campaign_id":4100001,"stats_id":"stats-%d","sl_lead_email":"lead%d@acme.example.com","event_timestamp":"2126-03-04T11:59:58.500Z","reply_message":{"message_id":"<reply-%d@acme.example.com>","text":"Yes"}}`, n, n, n)
	ev := events.APIGatewayV2HTTPRequest{
		RouteKey: "ANY /webhooks/{source}/{token}", RawPath: "/webhooks/source",
		PathParameters: map[string]string{"source": name, "token": token},
		Headers: map[string]string{
			"content-type": "application/json", "x-smartlead-signature": sign(body),
		},
		Body: body,
	}
	ev.RequestContext.HTTP.Method, ev.RequestContext.RequestID = http.MethodPost, "gateway-request"
	return ev
}

// ofSource is a new event of one of the world's own sources.
func (w *world) ofSource(i int) events.APIGatewayV2HTTPRequest {
	i %= len(w.tokens)
	return w.request(nameOf(i), w.tokens[i])
}

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte("signing secret"))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
