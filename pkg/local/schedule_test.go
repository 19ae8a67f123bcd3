package local

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// run starts the schedule; the returned function stops it and waits.
func run(s *Schedule) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	return func() { cancel(); <-done }
}

func TestScheduleTicksAtOnceThenAtItsInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ticks atomic.Int32
		stop := run(&Schedule{
			Function: "sweeper", Every: time.Minute, Timeout: time.Second, Log: quiet,
			Handler: func(_ context.Context, event events.EventBridgeEvent) error {
				if event.Source != "aws.events" || event.DetailType != "Scheduled Event" || event.ID == "" {
					t.Errorf("event = %+v", event)
				}
				ticks.Add(1)
				return errors.New("a failing function is invoked again")
			},
		})
		time.Sleep(2*time.Minute + time.Second)
		stop()
		if got := ticks.Load(); got != 3 {
			t.Errorf("%d ticks, want 3", got)
		}
	})
}

func TestScheduleNeverOverlapsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, ticks atomic.Int32
		stop := run(&Schedule{
			Function: "redrive", Every: time.Second, Timeout: time.Minute, Log: quiet,
			Handler: func(context.Context, events.EventBridgeEvent) error {
				if running.Add(1) > 1 {
					t.Error("overlap")
				}
				time.Sleep(2500 * time.Millisecond)
				running.Add(-1)
				ticks.Add(1)
				return nil
			},
		})
		time.Sleep(9 * time.Second)
		stop()
		if got := ticks.Load(); got != 4 {
			t.Errorf("%d ticks, want 4", got)
		}
	})
}

func TestScheduleGivesARunningTickItsGrace(t *testing.T) {
	cases := map[string]struct {
		lasts     time.Duration
		cancelled bool
	}{
		"a tick within the grace finishes": {lasts: time.Second},
		"a longer one is cancelled":        {lasts: time.Hour, cancelled: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var err error
				stop := run(&Schedule{
					Function: "redrive", Every: time.Minute, Timeout: 2 * time.Hour, Grace: 2 * time.Second, Log: quiet,
					Handler: func(ctx context.Context, _ events.EventBridgeEvent) error {
						sleep(ctx, c.lasts)
						err = ctx.Err()
						return err
					},
				})
				synctest.Wait()
				began := time.Now()
				stop()
				if cancelled := err != nil; cancelled != c.cancelled {
					t.Errorf("cancelled: %t, want %t", cancelled, c.cancelled)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("stopping took %s", took)
				}
			})
		})
	}
}
