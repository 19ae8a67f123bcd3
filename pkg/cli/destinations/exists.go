package destinations

import (
	"context"
	"errors"
	"slices"
	"strings"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/stack"
)

// checkExists refuses a destination that names what is not there, and one that is a queue
// of the stack's own: its events would go round for ever. Where nobody can say whether it
// is there, it says so and goes on: the operator may have fewer rights than the worker.
func checkExists(ctx context.Context, s *session.Session, st *stack.Stack, name string, settings destination.Settings) error {
	checker, ok := settings.(destination.Checker)
	if !ok {
		return nil
	}
	if slices.Contains(ownQueues(st), settings.String()) {
		return problem.Usage("%s is a queue of this stack: its events would come back for ever", settings.String())
	}
	err := checker.CheckExists(ctx, destination.Deps{AWS: st.AWS, Now: s.Now}.WithDefaults())
	switch {
	case errors.Is(err, destination.ErrAbsent):
		return problem.Usage("%s is not there: %v", settings.String(), err).
			Hint("create it first, or correct --arn")
	case err != nil:
		s.Say("%s", output.Clean("could not find out whether it is there: "+err.Error()))
		s.Say("An event for one that is absent fails, or is dropped without a word (EventBridge). Try it: %s destinations test %s", s.Self(), name)
	}
	return nil
}

// ownQueues are the ARNs of the stack's queues. A deployed stack does not say that of the
// replay queue, which is named beside the live one.
func ownQueues(st *stack.Stack) []string {
	own := []string{st.LiveQueueARN, st.DLQARN, st.ReplayQueueARN}
	if at := strings.LastIndexByte(st.LiveQueueARN, ':'); at >= 0 {
		own = append(own, st.LiveQueueARN[:at+1]+st.ReplayQueueURL[strings.LastIndexByte(st.ReplayQueueURL, '/')+1:])
	}
	return slices.DeleteFunc(own, func(arn string) bool { return arn == "" })
}
