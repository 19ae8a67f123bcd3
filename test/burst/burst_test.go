// Package burst starts many receivers at once, as Lambda does for a burst of
// webhooks, each without anything in memory, and holds them to answering all of
// them: five failures in a row may make Smartlead disable the webhook.
package burst

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/uuid"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/test/testclock"
	"smartlead-receiver/test/ttlcheck"
)

const (
	containers = 400
	sources    = 100
	// callsPerSecond is what Parameter Store bears for one account
	// (docs.aws.amazon.com/general/latest/gr/ssm.html). A burst lasts as long as a
	// request may wait for its source.
	callsPerSecond = 40
	burstSeconds   = 2
	// atOnce is how many receivers this machine runs at the same time. Those of a
	// burst have a processor each, and share nothing but the stores: whether one
	// is answered depends on what the stores grant, which is counted.
	atOnce = 8
)

// engine is one for all tests: it ends with the process.
var engine = sync.OnceValue(local.StartEngine)

// service stands before the engine's service: it counts what it is asked, and
// may refuse it as AWS does.
type service struct {
	url    string
	refuse atomic.Pointer[func(operation string) bool]

	mu     sync.Mutex
	asked  map[string]int // operation → calls
	denied int
}

func before(t *testing.T, engine string, transport http.RoundTripper) *service {
	t.Helper()
	target, err := url.Parse(engine)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{asked: map[string]int{}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: transport, ErrorLog: log.New(io.Discard, "", 0),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		refuse := s.refuse.Load()
		denied := refuse != nil && (*refuse)(operation)
		s.mu.Lock()
		s.asked[operation]++
		if denied {
			s.denied++
		}
		s.mu.Unlock()
		if denied {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// counts returns the calls so far, and how many were refused.
func (s *service) counts() (asked map[string]int, denied int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.asked), s.denied
}

// world is a stack with its sources.
type world struct {
	*testing.T
	env        app.Env
	parameters *service
	table      *service
	ssm        *ssm.Client
	operator   *sourcestore.Sources
	tokens     []string
}

func newWorld(t *testing.T, sources int) *world {
	t.Helper()
	engine := engine()
	direct := &http.Transport{MaxIdleConnsPerHost: containers}
	t.Cleanup(direct.CloseIdleConnections)
	w := &world{T: t, parameters: before(t, engine.URL, direct), table: before(t, engine.URL, ttlcheck.Transport(t, direct))}
	clients := local.Connect(local.Endpoints{DynamoDB: w.table.url, SQS: engine.URL, SSM: w.parameters.url, S3: engine.URL})
	t.Cleanup(clients.Close)
	w.ssm = clients.SSM
	name := "burst-" + uuid.NewString()[:8]
	at, err := local.Provision(t.Context(), clients, local.Provisioning{Name: name})
	w.must(err)
	w.env = app.Env{
		Config: config.Config{
			Table: at.Table, LiveQueue: at.Live.URL, Bucket: at.Bucket, ParameterPrefix: "/" + name,
			Grace: 2 * time.Minute, SourceTTL: time.Minute,
		},
		Clients: app.Clients{DynamoDB: clients.DynamoDB, SQS: clients.SQS, S3: clients.S3, SSM: ssmstore.New(clients.SSM)},
		Log:     slog.New(slog.DiscardHandler), Metrics: "test", Now: testclock.Noon,
	}
	w.operator, err = sourcestore.NewSources(sourcestore.Backing{
		Documents: ledger.New(clients.DynamoDB, at.Table), Objects: clients.S3, Bucket: at.Bucket,
		Parameters: ssmstore.New(clients.SSM), Prefix: "/" + name, Now: testclock.Noon,
	})
	w.must(err)
	for i := range sources {
		w.add(i)
	}
	return w
}

// throttle makes Parameter Store grant what it grants during one burst, and
// refuse the rest.
func (w *world) throttle() {
	var granted atomic.Int64
	refuse := func(string) bool { return granted.Add(1) > callsPerSecond*(1+burstSeconds) }
	w.parameters.refuse.Store(&refuse)
}

// add adds a source; every third one asks for a signature, whose secret must be
// read like the token's digest.
func (w *world) add(i int) {
	w.Helper()
	source, token, err := auth.NewSource(fmt.Sprintf("source-%d", i), "acme", rand.Reader, testclock.Noon())
	w.must(err)
	if i%3 == 0 {
		source, err = source.AddHMACSecret([]byte("signing secret"), testclock.Noon())
		w.must(err)
	}
	w.must(w.operator.PutSource(w.Context(), source))
	w.tokens = append(w.tokens, token)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// burst lets every container start and answer its first request, and returns
// how often each status was answered.
func (w *world) burst(first int) map[int]int {
	w.Helper()
	w.throttle()
	var mu sync.Mutex
	answers := map[int]int{}
	var group sync.WaitGroup
	gate := make(chan struct{}, atOnce)
	for i := range containers {
		group.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			receiver, err := app.Receiver(w.env)
			if err != nil {
				w.Error(err)
				return
			}
			ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second) // Timeout in template.yaml
			defer cancel()
			answer, err := receiver(ctx, w.request(i%sources, first+i))
			if err != nil {
				w.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			answers[answer.StatusCode]++
		})
	}
	group.Wait()
	return answers
}

func (w *world) request(source, n int) events.APIGatewayV2HTTPRequest {
	body := fmt.Sprintf(`{"event_type":"EMAIL_REPLY","campaign_id":4100001,"stats_id":"stats-%d","sl_lead_email":"lead%d@acme.example.com","event_timestamp":"2126-03-04T11:59:58.500Z","reply_message":{"message_id":"<reply-%d@acme.example.com>","text":"Yes"}}`, n, n, n)
	ev := events.APIGatewayV2HTTPRequest{
		RouteKey: "ANY /webhooks/{source}/{token}", RawPath: "/webhooks/source",
		PathParameters: map[string]string{"source": fmt.Sprintf("source-%d", source), "token": w.tokens[source]},
		Headers: map[string]string{
			"content-type": "application/json", "x-smartlead-signature": sign(body),
		},
		Body: body,
	}
	ev.RequestContext.HTTP.Method, ev.RequestContext.RequestID = http.MethodPost, "gateway-request"
	return ev
}

func TestABurstOfColdReceiversIsAnswered(t *testing.T) {
	w := newWorld(t, sources)
	before, denied := w.parameters.counts()
	table, _ := w.table.counts()
	if answers := w.burst(0); answers[http.StatusOK] != containers {
		t.Errorf("%d cold receivers, %d sources: answered %v", containers, sources, answers)
	}
	after, deniedAfter := w.parameters.counts()
	if !maps.Equal(before, after) || denied != deniedAfter {
		t.Errorf("Parameter Store was asked %v, before %v", after, before)
	}
	reads, _ := w.table.counts()
	if n := reads["GetItem"] - table["GetItem"]; n > containers {
		t.Errorf("%d reads for %d first requests", n, containers)
	}

	refuse := func(string) bool { return true }
	w.table.refuse.Store(&refuse)
	if answers := w.burst(containers); answers[http.StatusOK] != containers {
		t.Errorf("the table refuses everything: answered %v", answers)
	}
	if _, denied := w.table.counts(); denied < containers {
		t.Errorf("the table refused %d calls only: it was not down", denied)
	}
	after, _ = w.parameters.counts()
	if !maps.Equal(before, after) {
		t.Errorf("Parameter Store was asked %v, before %v", after, before)
	}
}

// The limit is there: what each cold receiver would have to read from Parameter
// Store would not come in time.
func TestParameterStoreIsThrottled(t *testing.T) {
	w := newWorld(t, 1)
	w.throttle()
	var group sync.WaitGroup
	var refused atomic.Int64
	for range containers {
		group.Go(func() {
			_, err := w.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{
				Name: aws.String(w.env.Config.ParameterPrefix + "/sources-key"),
			}, func(o *ssm.Options) { o.Retryer = aws.NopRetryer{} })
			if err != nil {
				refused.Add(1)
			}
		})
	}
	group.Wait()
	if n := refused.Load(); n != containers-callsPerSecond*(1+burstSeconds) {
		t.Errorf("of %d calls of a burst %d were refused", containers, n)
	}
}

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte("signing secret"))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
