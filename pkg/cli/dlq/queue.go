package dlq

import (
	"context"
	"strings"
	"sync"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/stack"
)

// queueView is what the dead letter queue holds.
type queueView struct {
	Kind        string `json:"kind"` // "queue"
	Dead        int    `json:"dead_events"`
	Whole       bool   `json:"dead_events_complete"`
	DeadLetters int    `json:"messages"`
	InFlight    int    `json:"messages_in_flight"`
	Looked      int    `json:"looked_at"`
	Unclaimed   int    `json:"unclaimed"`
	Foreign     int    `json:"foreign"`
	Stale       int    `json:"stale"`
	LiveDepth   int    `json:"live_messages"`
	Replay      int    `json:"replay_messages"`
	Native      string `json:"native_redrive,omitempty"` // a local stack has none
	Ours        string `json:"redrive"`
}

// lookAtQueue reads the depths, and some messages to find those that are no
// dead letters. It takes its time: SQS is asked to wait for a message of a queue that
// seems empty. So it begins at once; the caller waits for its end.
func lookAtQueue(ctx context.Context, st *stack.Stack) (end func() (queueView, error)) {
	var v queueView
	var err error
	var look sync.WaitGroup
	look.Go(func() { v, err = queueNow(ctx, st) })
	return func() (queueView, error) {
		look.Wait()
		return v, err
	}
}

func queueNow(ctx context.Context, st *stack.Stack) (queueView, error) {
	live, replay, dead, err := st.Queues.Depths(ctx)
	if err != nil {
		return queueView{}, err
	}
	found, err := st.DeadLetters.Sample(ctx, dead.Total())
	if err != nil {
		return queueView{}, err
	}
	return queueView{
		Kind: "queue", DeadLetters: dead.Total(), InFlight: dead.InFlight,
		Looked: found.Looked, Unclaimed: found.Unclaimed, Foreign: found.Foreign, Stale: found.Stale,
		LiveDepth: live.Total(), Replay: replay.Total(),
	}, nil
}

// native is the way back that SQS offers itself. The dead letters were sent by the
// worker, not moved by SQS, so AWS needs the destination. No engine on one machine
// has that call.
func native(s *session.Session, st *stack.Stack) string {
	if s.Target.Local {
		return ""
	}
	words := []string{"aws", "sqs", "start-message-move-task", "--source-arn", st.DLQARN, "--destination-arn", st.LiveQueueARN}
	if s.Target.Profile != "" {
		words = append(words, "--profile", s.Target.Profile)
	}
	if s.Target.Region != "" {
		words = append(words, "--region", s.Target.Region)
	}
	for i := range words {
		words[i] = output.Quote(words[i])
	}
	return strings.Join(words, " ")
}

func showQueue(s *session.Session, v queueView) {
	s.Line("Dead letter queue: about %s", output.Count(v.DeadLetters, "message", "messages"))
	if v.DeadLetters > 0 && v.Looked == 0 {
		s.Line("  none of them could be looked at: others are looking, such as the redrive function")
	}
	if v.Looked > 0 {
		s.Line("  looked at %d of them: %d unclaimed, %d foreign, %d stale",
			v.Looked, v.Unclaimed, v.Foreign, v.Stale)
	}
	if v.Unclaimed > 0 {
		s.Line("  An unclaimed message is the only copy of its event. The redrive function brings it into the ledger within minutes;")
		s.Line("  if the number stays: %s doctor", s.Self())
	}
	if v.Foreign > 0 {
		where := ": look at it in the SQS console"
		if s.Target.Local {
			where = ""
		}
		s.Line("  A foreign message is none of ours. It is left alone%s.", where)
	}
	if v.Stale > 0 {
		s.Line("  A stale dead letter revives nothing: its event has moved on. The redrive function clears it.")
	}
}
