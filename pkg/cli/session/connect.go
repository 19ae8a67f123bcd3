package session

import (
	"context"
	"errors"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/stack"
)

// Connect returns the stack that the command speaks to.
func (s *Session) Connect(ctx context.Context) (*stack.Stack, error) {
	if s.stack != nil {
		return s.stack, nil
	}
	var st *stack.Stack
	var err error
	if s.Target.Local {
		st, err = stack.ConnectLocal(s.Target.StateDir, s.env())
	} else {
		st, err = stack.Connect(ctx, stack.Deployed{Name: s.Target.Stack, Profile: s.Target.Profile, Region: s.Target.Region}, s.env())
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

// Finder returns how a command that goes on for long finds the stack: a local one
// that was started anew is found again, a deployed one is where it was. It connects
// once itself. What it returns is safe for concurrent use.
func (s *Session) Finder(ctx context.Context) (func(context.Context) (*stack.Stack, error), error) {
	if s.Target.Local {
		found := &stack.LocalFinder{StateDir: s.Target.StateDir, Env: s.env()}
		find := func(context.Context) (*stack.Stack, error) {
			st, err := found.Find()
			if err != nil {
				return nil, advised(err)
			}
			return st, nil
		}
		_, err := find(ctx)
		return find, err
	}
	st, err := s.Connect(ctx)
	return func(context.Context) (*stack.Stack, error) { return st, nil }, err
}

func (s *Session) env() stack.Env {
	return stack.Env{Now: s.Now, Sleep: s.Sleep, Nonce: s.nonce, Types: registry.Types}
}
