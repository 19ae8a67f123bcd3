package lambdaio

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/pkg/webhook"
)

// WorkerHandler is the signature that Lambda calls for an SQS event source with
// ReportBatchItemFailures.
type WorkerHandler func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// Lanes are what the worker does to the queues beside the platform.
type Lanes interface {
	// Delay lets a received message of a lane come back after d.
	Delay(ctx context.Context, lane webhook.Lane, receipt string, d time.Duration) error
	// TakeLive takes up to n messages of the live lane, and waits for the first for up to
	// wait. A call that is given up may hide messages.
	TakeLive(ctx context.Context, n int, wait time.Duration) ([]webhook.LiveMessage, error)
	// DeleteLive removes messages that were taken so.
	DeleteLive(ctx context.Context, receipts []string) error
}

// Decode reads the body of a message. It returns an error for one that this
// receiver did not write; the error is logged, so it holds nothing of the body.
type Decode func(body string) (webhook.Message, error)

// foreignDelay is how soon a foreign message comes back. It ends in the dead
// letter queue by the queue's own redrive policy, where an operator sees it.
const foreignDelay = 10 * time.Second

// Worker processes a batch, its messages at the same time. Each is done with or
// comes back by itself: one bad message never takes the batch with it. Where workers are
// short, one that waits for a slow destination takes further messages meanwhile.
// replayQueue is the URL of the replay lane: its name tells the lanes apart.
func Worker(svc *process.Service, decode Decode, lanes Lanes, replayQueue string, t telemetry.Recorder) WorkerHandler {
	w := worker{svc: svc, decode: decode, lanes: lanes, replayQueue: replayQueue, Recorder: t, short: new(shortage)}
	return func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
		back := make([]bool, len(batch.Records))
		work := newWork()
		for i, rec := range batch.Records {
			work.begin(func() { back[i] = w.handle(ctx, rec) })
		}
		if w.isShort(batch) {
			w.takeMore(ctx, batch.Records[0].EventSourceARN, work)
		}
		work.wait()
		// The list is never nil: some event sources take null for an error.
		response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for i, rec := range batch.Records {
			if back[i] {
				response.BatchItemFailures = append(response.BatchItemFailures,
					events.SQSBatchItemFailure{ItemIdentifier: rec.MessageId})
			}
		}
		return response, nil
	}
}

type worker struct {
	svc         *process.Service
	decode      Decode
	lanes       Lanes
	replayQueue string
	short       *shortage
	telemetry.Recorder
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
		if err := w.delay(ctx, lane, rec.ReceiptHandle, report.RetryIn); err != nil && report.Err == nil {
			report.Err = err // it comes back after the queue's own visibility timeout
		}
	}
	logProcessed(ctx, w.Recorder, rec, lane, report, w.Now().Sub(started))
	return report.Retry
}

func (w worker) delay(ctx context.Context, lane webhook.Lane, receipt string, d time.Duration) error {
	ctx, cancel := patient(ctx)
	defer cancel()
	return w.lanes.Delay(ctx, lane, receipt, d)
}

func (w worker) process(ctx context.Context, rec events.SQSMessage) process.Report {
	m, err := w.decode(rec.Body)
	if err != nil {
		return process.Report{Outcome: process.Foreign, Retry: true, RetryIn: foreignDelay, Err: err}
	}
	m.Receives, _ = strconv.Atoi(rec.Attributes["ApproximateReceiveCount"]) // not known: 0
	return w.svc.Process(ctx, m)
}

// logProcessed writes the line of one message. The queue's own words are of use
// only where it comes back or was none of ours.
func logProcessed(ctx context.Context, t telemetry.Recorder, rec events.SQSMessage, lane webhook.Lane, r process.Report, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case r.Outcome == process.Dead || r.Outcome == process.Foreign:
		level = slog.LevelError
	case r.Err != nil || r.Retry:
		level = slog.LevelWarn
	}
	counts := byOutcome("Processed", 1)
	members := []slog.Attr{
		slog.String("event_id", string(r.EventID)), slog.String("source", r.Source), slog.Int("attempt", r.Attempt),
		slog.String("outcome", string(r.Outcome)), slog.String("error", errorText(r.Err)), slog.String("cause", r.Cause),
		slog.Time("next_attempt_at", r.NextAt.UTC()), slog.Int64("duration_ms", took.Milliseconds()),
	}
	if lane != webhook.Live {
		members = append(members, slog.String("lane", string(lane)))
	} else if r.Outcome == process.Delivered {
		counts = append(counts, byOutcome("Delay", int(r.Latency.Milliseconds()))...)
	}
	if level != slog.LevelInfo {
		members = append(members, slog.String("sqs_message_id", rec.MessageId), slog.String("receives", rec.Attributes["ApproximateReceiveCount"]))
	}
	for _, a := range r.Attempts {
		members = append(members, told(a))
	}
	t.Line(ctx, level, "event.processed", counts, members...)
}

// told is one destination's part of a line. A result that went well is said by the
// line's outcome.
func told(a webhook.Attempt) slog.Attr {
	var members []slog.Attr
	if a.Result != webhook.ResultDelivered {
		members = append(members, slog.String("result", string(a.Result)))
	}
	if a.Status != 0 {
		members = append(members, slog.Int("status", a.Status))
	}
	if a.ErrorClass != "" || a.Error != "" {
		members = append(members, slog.String("error_class", a.ErrorClass), slog.String("error", a.Error))
	}
	members = append(members, slog.Int64("duration_ms", a.Duration.Milliseconds()))
	return slog.Attr{Key: "to_" + a.Destination, Value: slog.GroupValue(members...)}
}
