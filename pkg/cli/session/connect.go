package session

import (
	"context"
	"errors"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/stack"
)

// Connect returns the stack that the command speaks to.
func (s *Session) Connect(ctx context.Context) (*stack.Stack, error) {
	if s.stack != nil {
		return s.stack, nil
	}
	env := stack.Env{Now: s.Now, Sleep: s.Sleep, Nonce: s.nonce}
	var st *stack.Stack
	var err error
	if s.Target.Local {
		st, err = stack.ConnectLocal(s.Target.StateDir, env)
	} else {
		st, err = stack.Connect(ctx, stack.Deployed{Name: s.Target.Stack, Profile: s.Target.Profile, Region: s.Target.Region}, env)
	}
	if err != nil {
		return nil, advised(err)
	}
	s.stack = st
	return st, nil
}

// advised adds what to do where no stack was reached.
func advised(err error) error {
	var e *stack.Error
	if !errors.As(err, &e) {
		return err
	}
	failed := problem.Failed(e.Err, "%s", e.Text())
	switch e.Reason {
	case stack.NotRunning:
		return failed.Hint("start it: make run").Hint("or say where it keeps its state: --state-dir DIR")
	case stack.BadFile, stack.NoWebhookURL:
		return failed.Hint("start the local stack anew: make run")
	case stack.BadConfig:
		return failed.Hint("check --profile, or run: aws configure list")
	case stack.NoRegion:
		return problem.Usage("%s", e.Text()).Hint("set --region or AWS_REGION; for the stack of make run: --local")
	case stack.NoStack:
		return problem.NotFound("%s", e.Text()).Hint("deploy it: make deploy STACK=%s", output.Quote(e.Name)).
			Hint("or name another: --stack NAME --profile P --region R; for the stack of make run: --local")
	case stack.NoOutputs:
		return failed.Hint("check the credentials: aws sts get-caller-identity").Hint("for the stack of make run: --local")
	case stack.MissingOutputs:
		return failed.Hint("see: aws cloudformation describe-stacks --stack-name %s", output.Quote(e.Name))
	}
	return failed
}
