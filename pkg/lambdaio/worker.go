package lambdaio

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/webhook"
)

// WorkerHandler is the signature that Lambda calls for an SQS event source with
// ReportBatchItemFailures.
type WorkerHandler func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// Delayer lets a received message of a lane come back after d.
type Delayer interface {
	Delay(ctx context.Context, lane webhook.Lane, receipt string, d time.Duration) error
}

// Decode reads the body of a message. It returns an error for one that this
// receiver did not write; the error is logged, so it holds nothing of the body.
type Decode func(body string) (webhook.Message, error)

// foreignDelay is how soon a foreign message comes back. It ends in the dead
// letter queue by the queue's own redrive policy, where an operator sees it.
const foreignDelay = 10 * time.Second

// Worker processes a batch, its messages at the same time. Each is done with or
// comes back by itself: one bad message never takes the batch with it.
// replayQueue is the URL of the replay lane: its name tells the lanes apart.
func Worker(svc *process.Service, decode Decode, delayer Delayer, replayQueue string, t Telemetry) WorkerHandler {
	w := worker{svc: svc, decode: decode, delayer: delayer, replayQueue: replayQueue, Telemetry: t}
	return func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
		back := make([]bool, len(batch.Records))
		var wg sync.WaitGroup
		for i, rec := range batch.Records {
			wg.Go(func() { back[i] = w.handle(ctx, rec) })
		}
		wg.Wait()
		// The list is never nil: some event sources take null for an error.
		response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for i, rec := range batch.Records {
			if back[i] {
				response.BatchItemFailures = append(response.BatchItemFailures,
					events.SQSBatchItemFailure{ItemIdentifier: rec.MessageId})
			}
		}
		t.flush(ctx)
		return response, nil
	}
}

type worker struct {
	svc         *process.Service
	decode      Decode
	delayer     Delayer
	replayQueue string
	Telemetry
}

func (w worker) lane(rec events.SQSMessage) webhook.Lane {
	name := rec.EventSourceARN[strings.LastIndexByte(rec.EventSourceARN, ':')+1:]
	if name != "" && strings.HasSuffix(w.replayQueue, "/"+name) {
		return webhook.Replay
	}
	return webhook.Live
}

// handle returns whether the message must come back.
func (w worker) handle(ctx context.Context, rec events.SQSMessage) (again bool) {
	started, lane := w.Now(), w.lane(rec)
	report := w.process(ctx, rec)
	if report.Retry && report.RetryIn > 0 {
		if err := w.delayer.Delay(ctx, lane, rec.ReceiptHandle, report.RetryIn); err != nil && report.Err == nil {
			report.Err = err // it comes back after the queue's own visibility timeout
		}
	}
	logProcessed(ctx, w.Telemetry, rec, lane, report, w.Now().Sub(started))
	return report.Retry
}

func (w worker) process(ctx context.Context, rec events.SQSMessage) process.Report {
	m, err := w.decode(rec.Body)
	if err != nil {
		return process.Report{Outcome: process.Foreign, Retry: true, RetryIn: foreignDelay, Err: err}
	}
	m.Receives, _ = strconv.Atoi(rec.Attributes["ApproximateReceiveCount"]) // not known: 0
	return w.svc.Process(ctx, m)
}

func logProcessed(ctx context.Context, t Telemetry, rec events.SQSMessage, lane webhook.Lane, r process.Report, took time.Duration) {
	t.Metrics.Count("Processed", 1, "outcome", string(r.Outcome))
	if r.Outcome == process.Delivered && lane == webhook.Live {
		t.Metrics.Duration("DeliveryDelay", r.Latency)
	}
	level := slog.LevelInfo
	switch {
	case r.Outcome == process.Dead || r.Outcome == process.Foreign:
		level = slog.LevelError
	case r.Err != nil || r.Retry:
		level = slog.LevelWarn
	}
	attrs := []any{
		"event_id", string(r.EventID), "source", r.Source, "type", string(r.Type), "attempt", r.Attempt,
		"outcome", string(r.Outcome), "lane", string(lane), "error", errorText(r.Err),
		"sqs_message_id", rec.MessageId, "receives", rec.Attributes["ApproximateReceiveCount"],
		"duration_ms", took.Milliseconds(),
	}
	if !r.NextAt.IsZero() {
		attrs = append(attrs, "next_attempt_at", r.NextAt.UTC())
	}
	if r.Cause != "" {
		attrs = append(attrs, "cause", r.Cause)
	}
	for _, a := range r.Attempts {
		attrs = append(attrs, slog.Group("to_"+a.Destination, "result", string(a.Result), "status", a.Status,
			"error_class", a.ErrorClass, "error", a.Error, "duration_ms", a.Duration.Milliseconds()))
	}
	t.Log.Log(ctx, level, "event.processed", attrs...)
}
