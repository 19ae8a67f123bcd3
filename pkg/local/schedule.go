package local

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"
)

// Schedule is an EventBridge rule with a rate: it invokes the function at once
// and then at an interval. It never overlaps itself: of the ticks that fall into
// a running one, one follows it at once.
type Schedule struct {
	Function string
	Handler  ScheduleHandler
	Every    time.Duration
	Timeout  time.Duration // the function's
	Grace    time.Duration // how long a tick may go on once the stack stops, before its context ends
	Log      *slog.Logger
}

// Run ticks until the context ends and the running tick has returned. A
// function that fails is invoked again at the next tick.
func (s *Schedule) Run(ctx context.Context) {
	ticker := time.NewTicker(s.Every)
	defer ticker.Stop()
	for ctx.Err() == nil {
		s.tick(ctx)
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

func (s *Schedule) tick(ctx context.Context) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		sleep(running, s.Grace)
		cancel()
	})
	defer stop()
	err := invoke(running, s.Timeout, s.Function, func(ctx context.Context) error {
		return s.Handler(ctx, scheduledEvent(s.Function, time.Now()))
	})
	if err != nil {
		s.Log.Error("function failed", "function", s.Function, "error", err.Error())
	}
}

// scheduledEvent is the event of an EventBridge rule with a schedule.
func scheduledEvent(rule string, now time.Time) events.EventBridgeEvent {
	return events.EventBridgeEvent{
		Version:    "0",
		ID:         uuid.NewString(),
		DetailType: "Scheduled Event",
		Source:     "aws.events",
		AccountID:  localAccount,
		Time:       now.UTC().Truncate(time.Second),
		Region:     Region,
		Resources:  []string{"arn:aws:events:" + Region + ":" + localAccount + ":rule/" + rule},
		Detail:     json.RawMessage(`{}`),
	}
}
