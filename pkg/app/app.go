// Package app is the composition root: it builds the functions from their
// configuration and their clients. It decides nothing.
package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/exchange"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/objects"
	"smartlead-receiver/pkg/pack"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/scopes"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/telemetry"
)

// Clients are the AWS clients of a function; those it does not use are nil.
type Clients struct {
	DynamoDB ledger.API
	SQS      queue.API
	S3       bodies.API
	SSM      sourcestore.Reader
	Archive  objects.API  // where the archive is
	AWS      exchange.AWS // what destinations call; nil: none is of AWS
}

// Env holds what a function takes from its surroundings.
type Env struct {
	Config  config.Config
	Clients Clients
	Log     *slog.Logger
	// Metrics is the namespace of the metrics that the lines say; empty: they say none.
	Metrics string

	// Unwatched leaves incidents out of the schedules: they are beside the way of an event.
	Unwatched bool
	// Unrecorded leaves the record of webhooks out of the receiver, for the same reason.
	Unrecorded bool

	// Past has comparisons with Smartlead miss what happened before the receiver was there:
	// the local stack's is younger than what its simulated account did.
	Past bool

	// Receive tunes the receiver; nil leaves it as it is.
	Receive func(receive.Policy) receive.Policy

	// These are the clock and the sources of chance; nil means the real ones.
	Now    func() time.Time
	Nonce  func() string
	Random func() float64
	Sleep  func(context.Context, time.Duration)
}

// WithDefaults fills in what is nil.
func (e Env) WithDefaults() Env {
	if e.Receive == nil {
		e.Receive = func(p receive.Policy) receive.Policy { return p }
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Nonce == nil {
		e.Nonce = nonce
	}
	if e.Random == nil {
		e.Random = mathrand.Float64
	}
	if e.Sleep == nil {
		e.Sleep = sleep
	}
	return e
}

// These are what each function needs of its configuration.
const (
	ReceiverNeeds = config.Table | config.LiveQueue | config.Bucket
	WorkerNeeds   = config.Table | config.LiveQueue | config.ReplayQueue | config.DeadQueue | config.Bucket | config.Parameters
	SweeperNeeds  = config.Table | config.LiveQueue | config.ReplayQueue | config.DeadQueue | config.Parameters
	RedriveNeeds  = config.Table | config.LiveQueue | config.ReplayQueue | config.DeadQueue
	// ReconcileNeeds is less than the others need: it sends nothing, unless it makes events.
	ReconcileNeeds = config.Table | config.Parameters
	// ArchiverNeeds leaves out the bucket of the archive: without one, nothing is archived.
	ArchiverNeeds = config.Table | config.Bucket
)

// Telemetry is the recorder of the functions' lines and metrics.
func (e Env) Telemetry() telemetry.Recorder {
	return telemetry.Recorder{Log: e.Log, Namespace: e.Metrics, Now: e.Now}
}

// Ledger is the ledger in the table of the configuration.
func (e Env) Ledger() *ledger.Ledger {
	return ledger.New(e.Clients.DynamoDB, e.Config.Table).Keeping(e.Config.Retention)
}

// Queues are the queues of the configuration.
func (e Env) Queues() *queue.Queues {
	return queue.New(e.Clients.SQS, queue.URLs{
		Live: e.Config.LiveQueue, Replay: e.Config.ReplayQueue, Dead: e.Config.DeadQueue,
	})
}

// Settings are those of a reader of sources or destinations.
func (e Env) Settings() sourcestore.Settings {
	return sourcestore.Settings{
		TTL: e.Config.SourceTTL, Now: e.Now,
		OnError: func(err error) {
			e.Log.Error("configuration.unreadable", "outcome", "served_from_copy_or_refused", "error", telemetry.Clean(err.Error(), 500))
		},
	}
}

// nonce returns 72 random bits as text: unique for every claim, lease and move of an
// event, also in an environment that is used again. Each event keeps two.
func nonce() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Receiver builds the receiver. It makes no call, so that a store that is down
// fails requests and not the start.
func Receiver(e Env) (lambdaio.ReceiverHandler, error) {
	e = e.WithDefaults()
	t := e.Telemetry()
	store, err := bodies.New(e.Clients.S3, e.Config.Bucket)
	if err != nil {
		return nil, err
	}
	if err := pack.Warm(); err != nil {
		return nil, err
	}
	policy := receive.DefaultPolicy
	policy.Grace = e.Config.Grace
	policy = e.Receive(policy)
	l := e.Ledger()
	sources := sourcestore.NewSourceReader(l, e.Clients.S3, e.Config.Bucket, e.Settings())
	ports := receive.Ports{
		Sources: sources, Bodies: store, Ledger: l, Repeats: l, Queue: e.Queues(), RejectedRequests: l, Errors: newReports(l, e.Now),
		Now: e.Now, Nonce: e.Nonce,
	}
	if !e.Unrecorded {
		ports.Scopes = scopes.NewRecorder(l, e.Now)
	}
	return lambdaio.Receiver(receive.New(ports, policy), t), nil
}

// Redrive builds the redrive function. It makes no call and never fails.
func Redrive(e Env) (lambdaio.ScheduleHandler, error) {
	e = e.WithDefaults()
	policy := redrive.DefaultPolicy.Every(e.Config.RedriveTick)
	var incidents *incident.Redrives
	if !e.Unwatched {
		incidents = incident.NewRedrives(incident.NewStore(e.Ledger(), e.Now))
	}
	return lambdaio.Redrive(RedriveService(e, policy), incidents, e.Telemetry()), nil
}

// renewBefore is how long before the end of its retention a dead letter is written
// anew: runs of the redrive function may fail for as long.
const renewBefore = 2 * config.Day

// RedriveService builds the use case of the redrive function. Only the grace of
// the policy is replaced, by that of the configuration.
func RedriveService(e Env, policy redrive.Policy) *redrive.Service {
	e = e.WithDefaults()
	l, queues := e.Ledger(), e.Queues()
	policy.Grace = e.Config.Grace
	return redrive.New(redrive.Ports{
		Ledger: l, DeadEvents: l, Documents: l, Queue: queues,
		DeadLetters: &redrive.DeadLetterCleaner{
			Ledger: l, Queue: queues, Now: e.Now, Nonce: e.Nonce,
			Rounds: 50, Hold: time.Minute, Renew: config.DLQRetention - renewBefore, Grace: e.Config.Grace,
		},
		Now: e.Now, Nonce: e.Nonce, Sleep: e.Sleep,
	}, policy)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
