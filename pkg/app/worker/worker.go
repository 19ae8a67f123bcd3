// Package worker builds the worker: of the functions it alone links the types of
// destinations.
package worker

import (
	"context"
	"log/slog"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// New builds the worker. It makes no call.
func New(e app.Env) (lambdaio.WorkerHandler, error) {
	e = e.WithDefaults()
	t := e.Telemetry()
	parameters, err := sourcestore.NewDestinationReader(e.Clients.SSM, e.Config.ParameterPrefix, e.Settings())
	if err != nil {
		return nil, err
	}
	store, err := bodies.New(e.Clients.S3, e.Config.Bucket)
	if err != nil {
		return nil, err
	}
	queues := e.Queues()
	policy := process.DefaultPolicy
	policy.MaxAttempts, policy.RetryBase, policy.RetryMax = e.Config.MaxAttempts, e.Config.RetryBase, e.Config.RetryMax
	policy.MaxRetryAfter = e.Config.MaxRetryAfter
	policy.Grace, policy.Retention = e.Config.Grace, e.Config.Retention
	l := e.Ledger()
	doors := gate.New(gate.Options{
		Documents: l, Workers: e.Config.Workers, Now: e.Now, Random: e.Random, Sleep: e.Sleep, Changed: gateChanged(t.Log),
	})
	svc := process.New(process.Ports{
		Ledger: l, DeadLetters: queues, Bodies: store,
		Destinations: destination.NewCache(registry.Types, parameters, deps(t.Log, e.Clients.AWS, l, doors)),
		Normalize:    normalize,
		Now:          e.Now, Nonce: e.Nonce, Random: e.Random,
	}, policy)
	return lambdaio.Worker(svc, queue.Decode, queues, e.Config.ReplayQueue, t), nil
}

// deps are what destinations are built from: what they remember is beside the events.
func deps(log *slog.Logger, aws destination.AWS, documents destination.Documents, doors *gate.Gate) destination.Deps {
	return destination.Deps{Logger: log, Guard: doors.Guard, AWS: aws, Documents: documents}
}

// gateChanged logs each breaker that this instance opens or closes.
func gateChanged(log *slog.Logger) func(context.Context, string, gate.State) {
	return func(ctx context.Context, name string, s gate.State) {
		switch {
		case s.Open && s.Opened == 1:
			log.WarnContext(ctx, "breaker.opened", "outcome", "its events wait", "destination", name, "cause", s.Cause, "next_probe", s.NextProbe)
		case s.Open:
			log.InfoContext(ctx, "breaker.stays_open", "outcome", "its events wait", "destination", name, "cause", s.Cause, "next_probe", s.NextProbe)
		default:
			log.InfoContext(ctx, "breaker.closed", "outcome", "its events are delivered", "destination", name)
		}
	}
}

func normalize(body []byte, account string) (webhook.Event, error) {
	return smartlead.Normalize(body, smartlead.Options{Account: account})
}
