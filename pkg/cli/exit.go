package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/smithy-go"

	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// The exit codes.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 4
)

// Kinds of failure that a command tells apart; everything else is a failure.
var (
	errUsage    = errors.New("usage")
	errNotFound = errors.New("not found")
	// errSaid: the command said what failed; nothing is left to report.
	errReported = errors.New("reported")
)

// exitCode is the one place that decides how the program ends.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.Is(err, errNotFound), errors.Is(err, webhook.ErrNotFound), errors.Is(err, sourcestore.ErrNotFound),
		errors.Is(err, redrive.ErrNoJob), errors.Is(err, redrive.ErrNothing):
		return exitNotFound
	}
	return exitFailed
}

// problem is an error with what to do about it.
type problem struct {
	kind  error
	text  string
	cause error
	next  []string
}

func (e *problem) Error() string {
	if e.cause == nil {
		return e.text
	}
	return e.text + ": " + e.cause.Error()
}

func (e *problem) Unwrap() []error {
	var all []error
	for _, err := range []error{e.kind, e.cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// hint adds a line that says what to do next.
func (e *problem) hint(format string, args ...any) *problem {
	e.next = append(e.next, fmt.Sprintf(format, args...))
	return e
}

func usage(format string, args ...any) *problem {
	return &problem{kind: errUsage, text: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *problem {
	return &problem{kind: errNotFound, text: fmt.Sprintf(format, args...)}
}

func failed(cause error, format string, args ...any) *problem {
	return &problem{text: fmt.Sprintf(format, args...), cause: cause}
}

// report writes an error for a person.
func (p *program) report(err error) {
	if errors.Is(err, errReported) {
		return
	}
	p.say("smartleadctl: %s", words(err))
	var known *problem
	if errors.As(err, &known) {
		for _, line := range known.next {
			p.say("  %s", line)
		}
		if len(known.next) > 0 {
			return
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		p.say("  interrupted: what was done before stays done")
	case errors.Is(err, webhook.ErrUnavailable) && p.target.local:
		p.say("  is the local stack running? start it: make run")
	case errors.Is(err, webhook.ErrUnavailable):
		p.say("  see which part does not answer: %s doctor", p.self())
	case errors.Is(err, webhook.ErrChanged):
		p.say("  somebody moved it meanwhile: look again with %s events show ID", p.self())
	}
}

// words is an error without the SDK's account of its own attempts.
func words(err error) string {
	what, _, fromSDK := strings.Cut(err.Error(), ": operation error")
	if !fromSDK {
		return err.Error()
	}
	var answer smithy.APIError
	var network *net.OpError
	switch {
	case errors.As(err, &answer):
		return fmt.Sprintf("%s: %s: %s", what, answer.ErrorCode(), answer.ErrorMessage())
	case errors.Is(err, context.DeadlineExceeded):
		return what + ": no answer in time"
	case errors.As(err, &network):
		return what + ": " + network.Error()
	}
	return err.Error()
}

// denied tells whether AWS refused for lack of rights.
func denied(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && strings.Contains(answer.ErrorCode(), "AccessDenied")
}

// say writes one line of a message to stderr.
func (p *program) say(format string, args ...any) {
	fmt.Fprintln(p.Err, plain(fmt.Sprintf(format, args...)))
}

// self is how the operator called this program, for commands that are printed.
func (p *program) self() string {
	words := []string{"smartleadctl"}
	if p.target.local {
		words = append(words, "--local")
		if p.target.stateDir != ".local" {
			words = append(words, "--state-dir", quote(p.target.stateDir))
		}
		return strings.Join(words, " ")
	}
	if p.target.stack != DefaultStack {
		words = append(words, "--stack", quote(p.target.stack))
	}
	if p.target.profile != "" {
		words = append(words, "--profile", quote(p.target.profile))
	}
	if p.target.region != "" {
		words = append(words, "--region", quote(p.target.region))
	}
	return strings.Join(words, " ")
}

// quote makes a word safe to paste into a shell.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
