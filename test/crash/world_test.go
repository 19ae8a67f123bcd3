package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/pkg/app"
	appsweeper "smartlead-receiver/pkg/app/sweeper"
	appworker "smartlead-receiver/pkg/app/worker"
	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// noon is when every world begins.
var noon = testclock.Noon()

const (
	token     = "slr_abcdefghijklmnopqrstuvwxyz234567"
	account   = "default"
	bodyKey   = "3f0f5c1e-0000-4000-8000-0000000000aa" // what the source "strict" trusts
	grace     = 2 * time.Minute
	maxTries  = 3 // MAX_ATTEMPTS
	retention = 90 * 24 * time.Hour
)

// patience is the real time that a receiver has for each stage beyond its own: a
// machine that is busy elsewhere is no store that is slow.
const patience = time.Minute

// The functions' timeouts. That of the redrive function leaves it the time for
// one tick, so that an invocation ends and the worker has its turn.
var timeouts = map[string]time.Duration{
	"receiver": 10 * time.Second, "worker": time.Minute, "sweeper": 50 * time.Second,
	"redrive": 14 * time.Second, "operator": time.Minute, "poller": time.Minute,
}

// options of a world; the zero value has the defaults.
type options struct {
	destinations []string // default: "crm"
	unwanted     bool     // no destination wants a reply
	plan         *plan
	mutant       mutant
	receives     int           // of SQS before it moves a message to the DLQ: 50
	tries        int           // MAX_ATTEMPTS: maxTries
	retryBase    time.Duration // 1 s
	retryMax     time.Duration // 30 s
	prompt       bool          // the receiver has no more time than in Lambda
	batch        int           // messages that a poll takes: 10
}

// world is one deployment: its stores, its functions and its outside.
type world struct {
	*testing.T
	name         string
	stores       local.Resources
	clients      local.Clients
	config       config.Config
	destinations []string
	unwanted     bool // no destination wants what is sent
	patience     time.Duration
	batch        int // messages that a poll takes
	plan         *plan
	mutant       mutant
	visibility   *visibility
	leases       *leases
	hooks        sync.Mutex                                                 // while the mutant or when runs
	when         func(l *life, operation string, params any) bool           // ahead of which call
	do           func()                                                     // what is done
	outage       func(ctx context.Context, l *life, operation string) error // what a store that is down answers
	deaf         func(l *life, operation string) bool                       // whose calls take effect unheard
	history      *history
	parallel     bool // several lives at once
	nonce        func() string
	skew         map[string]time.Duration // of a function's clock
	noSweeper    bool
	expired      map[string]bool                         // events that the table's TTL took, and that did not come again
	lapsed       bool                                    // any of them, ever
	discarded    map[string]bool                         // events that an operator gave up
	apart        map[string]int                          // events that an operator split off, and how much was answered until then
	rewrite      func(l deadLetter, body map[string]any) // what a message says on its way
	log          *strings.Builder

	mu         sync.Mutex
	now        time.Time
	living     *life
	warm       map[string]any // handlers of environments that live
	behaviours map[string]behaviour
	requests   []*request
	acks       []ack
	answers    int // acknowledged elements, also forgotten ones
	effects    []effect
	attempts   []attempt
	calls      map[string]int // "function operation" → number
	violations []string
}

// attempt is an effect that a destination may have refused.
type attempt struct {
	effect
	at time.Time
}

var worlds atomic.Int64

// newWorld provisions a world whose table is in the engine.
func newWorld(t *testing.T, table string, o options) *world {
	t.Helper()
	if o.destinations == nil {
		o.destinations = []string{"crm"}
	}
	if o.plan == nil {
		o.plan = newPlan()
	}
	w := &world{
		T: t, name: fmt.Sprintf("w%d", worlds.Add(1)), destinations: o.destinations, unwanted: o.unwanted, plan: o.plan, mutant: o.mutant, batch: or(o.batch, 10),
		now: noon, warm: map[string]any{}, behaviours: map[string]behaviour{}, calls: map[string]int{},
		skew: map[string]time.Duration{}, expired: map[string]bool{}, discarded: map[string]bool{}, apart: map[string]int{}, leases: newLeases(), history: newHistory(), log: &strings.Builder{},
	}
	if !o.prompt {
		w.patience = patience
	}
	w.visibility = newVisibility(w.clock)
	w.clients = w.connect(table)
	destinations.worlds.Store(w.name, w)
	w.heal()
	w.provision(o)
	return w
}

func (w *world) provision(o options) {
	w.Helper()
	stores, err := local.Provision(w.Context(), &local.Clients{
		DynamoDB: w.clients.DynamoDB, SQS: w.clients.SQS, S3: w.clients.S3, SSM: w.clients.SSM,
	}, local.Provisioning{Name: w.name, Visibility: time.Duration(forever) * time.Second, MaxReceiveCount: o.receives})
	w.must(err)
	w.stores = stores
	w.config = config.Config{
		Table: stores.Table, LiveQueue: stores.Live.URL, ReplayQueue: stores.Replay.URL, DeadQueue: stores.DLQ.URL,
		Bucket: stores.Bucket, ParameterPrefix: "/crash/" + w.name,
		MaxAttempts: or(o.tries, maxTries), RetryBase: or(o.retryBase, time.Second), RetryMax: or(o.retryMax, 30*time.Second),
		MaxRetryAfter: time.Hour, Grace: grace, Retention: retention, SourceTTL: 24 * time.Hour, RedriveTick: 10 * time.Second,
	}
	w.addSource("demo")
	w.addSource("strict", auth.NewDigest(bodyKey))
	for _, dest := range o.destinations {
		w.configure(dest)
	}
	w.looked()
}

// looked has a sweeper look at what was received up to now, as one does in a stack that is
// not new, where it looks at a month.
func (w *world) looked() {
	w.Helper()
	l, now := w.gates(), w.clock()
	key := func(age time.Duration) string { return now.Add(-age).Format("2006-01-02T15:04:05.000Z") + "#" }
	looks, err := l.LoadLooks(w.Context(), 0)
	w.must(err)
	looks.Keys = []string{key(grace + lookLag), key(time.Hour + grace)}
	w.must(l.SaveLooks(w.Context(), looks, now))
}

func (w *world) addSource(name string, bodySecrets ...auth.Digest) {
	w.Helper()
	sources, err := sourcestore.NewSources(sourcestore.Backing{
		Documents: ledger.New(awssdk.DynamoDB{Client: w.clients.DynamoDB}, w.stores.Table), Objects: w.clients.S3, Bucket: w.stores.Bucket,
		Parameters: ssmstore.New(w.clients.SSM), Prefix: w.config.ParameterPrefix, Now: w.clock,
	})
	w.must(err)
	source, err := auth.Source{
		Name: name, Account: account, BodySecrets: bodySecrets, RedactionKey: []byte("0123456789abcdef0123456789abcdef"),
	}.AddToken(token, noon)
	w.must(err)
	w.must(sources.PutSource(w.Context(), source))
}

func (w *world) parameters() *sourcestore.Destinations {
	w.Helper()
	store, err := sourcestore.NewDestinations(ssmstore.New(w.clients.SSM), w.config.ParameterPrefix, "")
	w.must(err)
	return store
}

// configure adds a destination.
func (w *world) configure(dest string) {
	w.Helper()
	cfg := destination.Config{
		Type: desthttp.Type.Name, Settings: &desthttp.Config{URL: destinations.server.URL + "/" + w.name + "/" + dest, AllowHTTP: true, AllowPrivate: true},
	}
	if w.unwanted {
		cfg.Filter.Types = []webhook.Type{webhook.EmailBounce}
	}
	form, err := json.Marshal(cfg)
	w.must(err)
	w.must(w.parameters().Put(w.Context(), dest, form, true))
}

// remove removes a destination. The worker knows of it at once.
func (w *world) remove(dest string) {
	w.Helper()
	w.must(w.parameters().Delete(w.Context(), dest))
	w.forgetParameters()
}

// forgetParameters ends the worker's environment, and what it remembers of the
// parameters with it.
func (w *world) forgetParameters() { w.replace("worker") }

// replace ends the environment of a function: the next call starts another.
func (w *world) replace(function string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.warm, function)
}

// close gives the stores back.
func (w *world) close() {
	destinations.worlds.Delete(w.name)
	ctx := w.Context()
	// What cannot be given back ends with the process.
	_, _ = w.clients.DynamoDB.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &w.stores.Table})
	for _, q := range []string{w.stores.Live.URL, w.stores.Replay.URL, w.stores.DLQ.URL} {
		_, _ = w.clients.SQS.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &q})
	}
	if w.Failed() && w.log.Len() < 200_000 {
		w.Logf("log of %s:\n%s", w.name, w.log)
	}
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) violate(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.violations = append(w.violations, fmt.Sprintf(format, args...))
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass lets time go by, and hidden messages come back.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
	w.visibility.release(w.Context(), w.clients.SQS)
	if d > 24*time.Hour && !slices.ContainsFunc(w.items(), item.unlisted) {
		w.looked() // the sweeper ran meanwhile, and came upon nothing; else every day is walked
	}
}

func (w *world) current() *life {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.parallel {
		return nil
	}
	return w.living
}

func (w *world) note(operation string, l *life) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l != nil {
		w.calls[l.function+" "+operation]++
	}
}

// syncLog lets several lives write.
type syncLog struct{ w *world }

func (s syncLog) Write(b []byte) (int, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return s.w.log.Write(b)
}

// env is what a function takes from its surroundings.
func (w *world) env(function string) app.Env {
	return app.Env{
		Config: w.config, Unwatched: true, Unrecorded: true,
		Clients: app.Clients{
			DynamoDB: awssdk.DynamoDB{Client: w.clients.DynamoDB}, SQS: awssdk.SQS{Client: w.clients.SQS}, S3: w.clients.S3, SSM: ssmstore.New(w.clients.SSM),
		},
		Log:    slog.New(slog.NewTextHandler(syncLog{w}, nil)),
		Now:    func() time.Time { return w.clock().Add(w.skew[function]) },
		Nonce:  w.nonce,
		Random: func() float64 { return 0.5 },
		Sleep:  func(context.Context, time.Duration) {},
		Receive: func(p receive.Policy) receive.Policy {
			p.SecretsTimeout += w.patience
			p.ClaimTimeout += w.patience
			p.SendTimeout += w.patience
			return p
		},
	}
}

// warmed returns the handler of a living environment, or starts one.
func warmed[H any](w *world, function string, build func(app.Env) (H, error)) H {
	w.Helper()
	w.mu.Lock()
	h, ok := w.warm[function].(H)
	w.mu.Unlock()
	if ok {
		return h
	}
	h, err := build(w.env(function))
	w.must(err)
	w.mu.Lock()
	w.warm[function] = h
	w.mu.Unlock()
	return h
}

// live runs one invocation. It returns whether the process survived it.
func (w *world) live(function string, call func(ctx context.Context)) bool {
	l := &life{function: function}
	timeout := timeouts[function]
	if function == "receiver" {
		timeout += 3 * w.patience
	}
	ctx, cancel := context.WithTimeout(context.WithValue(w.Context(), lifeKey{}, l), timeout)
	defer cancel()
	w.mu.Lock()
	before := w.living
	w.living = l
	w.mu.Unlock()
	call(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.living = before
	if l.dead.Load() {
		delete(w.warm, function) // what it kept in memory is gone
		return false
	}
	return true
}

func (w *world) worker() lambdaio.WorkerHandler { return warmed(w, "worker", appworker.New) }

// tick runs a function that a schedule starts.
func (w *world) tick(function string, build func(app.Env) (lambdaio.ScheduleHandler, error)) bool {
	handler := warmed(w, function, build)
	return w.live(function, func(ctx context.Context) {
		_ = handler(ctx, events.CloudWatchEvent{}) // it is in the log; the next tick tries again
	})
}

func (w *world) sweep() bool {
	if w.noSweeper {
		return true
	}
	return w.tick("sweeper", appsweeper.New)
}

func (w *world) redrive() bool { return w.tick("redrive", app.Redrive) }

// request is one call of the sender, repeated until it is answered with 2xx.
type request struct {
	source  string
	body    string
	markers []string // of its elements, in order
	bad     int      // elements that cannot be events
	done    bool
	status  int
	header  map[string]string
}

// ack is one element that the sender was promised.
type ack struct {
	marker  string
	id      string
	status  string
	trusted bool
	number  int // of all answers, from 1
}

// post sends a request once.
func (w *world) post(r *request) {
	w.Helper()
	handler := warmed(w, "receiver", app.Receiver)
	var response events.APIGatewayV2HTTPResponse
	var err error
	survived := w.live("receiver", func(ctx context.Context) { response, err = handler(ctx, r.event()) })
	if !survived || err != nil {
		r.status = 0
		return
	}
	w.answered(r, response)
}

func (w *world) answered(r *request, response events.APIGatewayV2HTTPResponse) {
	r.status, r.header = response.StatusCode, response.Headers
	if response.StatusCode/100 != 2 {
		return
	}
	var body struct {
		Results []struct {
			EventID string `json:"event_id"`
			Status  string `json:"status"`
		} `json:"results"`
	}
	w.must(json.Unmarshal([]byte(response.Body), &body))
	if len(body.Results) != len(r.markers)+r.bad {
		w.violate("%d results for %d elements", len(body.Results), len(r.markers)+r.bad)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r.done = true
	i := 0
	for _, result := range body.Results {
		if result.Status == "rejected" {
			continue
		}
		w.answers++
		w.acks = append(w.acks, ack{
			marker: r.markers[i], id: result.EventID, status: result.Status,
			trusted: r.trusted(), number: w.answers,
		})
		i++
	}
}

// trusted tells whether the sender is: the source "demo" asks for no key.
func (r *request) trusted() bool { return r.source == "demo" || strings.Contains(r.body, bodyKey) }

func (r *request) event() events.APIGatewayV2HTTPRequest {
	ev := events.APIGatewayV2HTTPRequest{
		RouteKey: "ANY /webhooks/{source}/{token}", RawPath: "/webhooks/" + r.source,
		PathParameters: map[string]string{"source": r.source, "token": token},
		Headers:        map[string]string{"content-type": "application/json"}, Body: r.body,
	}
	ev.RequestContext.HTTP.Method, ev.RequestContext.RequestID = http.MethodPost, "gateway-request"
	return ev
}
