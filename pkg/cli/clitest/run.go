package clitest

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"smartlead-receiver/pkg/cli"
)

// Result is how one command ended.
type Result struct {
	Code     int
	Out, Err string
}

// Run runs one command against the stack.
func (s *Stack) Run(args ...string) Result {
	s.t.Helper()
	return s.RunWith(s.t.Context(), append([]string{"--local", "--state-dir", s.Dir}, args...)...)
}

// RunWith runs a command line as it is.
func (s *Stack) RunWith(ctx context.Context, args ...string) Result {
	s.t.Helper()
	s.Advance(time.Millisecond) // the functions' copies of sources and destinations are old by now
	var out, errs bytes.Buffer
	sys := cli.System{
		Patience: time.Minute, // however busy the machine is

		In: strings.NewReader(s.Input), Out: &out, Err: &errs,
		InTerminal: s.Terminal, OutTerminal: s.Terminal, ErrTerminal: s.Terminal, Width: func() int { return s.Width },
		ReadSecret: func(context.Context) ([]byte, error) { return []byte(s.Input), nil },
		Getenv:     func(name string) string { return s.Getenv[name] },
		Now:        s.Clock, Rand: &randomness{}, HTTP: http.DefaultTransport,
		Ticker: s.Ticker, Open: s.Open,
		Sleep: func(ctx context.Context, d time.Duration) {
			s.Advance(d)
			if s.OnSleep != nil {
				s.OnSleep(ctx)
			}
		},
	}
	code := cli.Main(ctx, sys, args)
	s.Said = append(s.Said, out.String(), errs.String())
	if text := out.String() + errs.String(); !s.Terminal && strings.ContainsAny(text, "\x1b\x07\u009b\u202e") {
		s.t.Errorf("a control character was shown: %q", text)
	}
	return Result{code, out.String(), errs.String()}
}

// OK runs a command that must succeed.
func (s *Stack) OK(args ...string) Result {
	s.t.Helper()
	r := s.Run(args...)
	if r.Code != 0 {
		s.t.Fatalf("%v: exit %d\n%s%s", args, r.Code, r.Out, r.Err)
	}
	return r
}

// Fails runs a command that must end with the code and say the words.
func (s *Stack) Fails(code int, words string, args ...string) {
	s.t.Helper()
	r := s.Run(args...)
	if r.Code != code || !strings.Contains(r.Err, words) {
		s.t.Errorf("%v: exit %d, want %d, saying %q:\n%s%s", args, r.Code, code, words, r.Out, r.Err)
	}
}

// searchForSecrets looks through everything that any command has ever said.
func (s *Stack) searchForSecrets() {
	for _, text := range s.Said {
		for _, secret := range s.Secrets {
			if strings.Contains(text, secret) {
				s.t.Errorf("the secret %q was shown:\n%s", secret, text)
			}
		}
	}
}

// randomness gives other bytes at each read, the same in each run.
type randomness struct{ n byte }

var reads atomic.Int64

func (r *randomness) Read(p []byte) (int, error) {
	for i := range p {
		r.n++
		p[i] = r.n ^ byte(reads.Add(1)*31)
	}
	return len(p), nil
}
