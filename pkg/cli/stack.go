package cli

import (
	"context"
	"errors"

	"smartlead-receiver/pkg/stack"
)

// target is which stack the operator means.
type target struct {
	local    bool
	stateDir string
	stack    string
	profile  string
	region   string
}

// Stack is a receiver that commands speak to.
type Stack = stack.Stack

// Place is where the parts of a stack are.
type Place = stack.Place

func (p *program) connect(ctx context.Context) (*Stack, error) {
	env := stack.Env{Now: p.Now, Sleep: p.Sleep, Nonce: p.nonce}
	var s *Stack
	var err error
	if p.target.local {
		s, err = stack.ConnectLocal(p.target.stateDir, env)
	} else {
		s, err = stack.Connect(ctx, stack.Deployed{Name: p.target.stack, Profile: p.target.profile, Region: p.target.region}, env)
	}
	if err != nil {
		return nil, advised(err)
	}
	return s, nil
}

// advised adds what to do where no stack was reached.
func advised(err error) error {
	var e *stack.Error
	if !errors.As(err, &e) {
		return err
	}
	text := failed(e.Err, "%s", e.Text())
	switch e.Reason {
	case stack.NotRunning:
		return text.hint("start it: make run").hint("or say where it keeps its state: --state-dir DIR")
	case stack.BadFile, stack.NoWebhookURL:
		return text.hint("start the local stack anew: make run")
	case stack.BadConfig:
		return text.hint("check --profile, or run: aws configure list")
	case stack.NoRegion:
		text.kind = errUsage
		return text.hint("set --region or AWS_REGION; for the stack of make run: --local")
	case stack.NoStack:
		text.kind = errNotFound
		return text.hint("deploy it: make deploy STACK=%s", quote(e.Name)).
			hint("or name another: --stack NAME --profile P --region R; for the stack of make run: --local")
	case stack.NoOutputs:
		return text.hint("check the credentials: aws sts get-caller-identity").hint("for the stack of make run: --local")
	case stack.MissingOutputs:
		return text.hint("see: aws cloudformation describe-stacks --stack-name %s", quote(e.Name))
	}
	return text
}
