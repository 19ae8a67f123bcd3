// Package consolecmd serves the console in a browser.
package consolecmd

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/console"
)

type options struct {
	addr   string
	noOpen bool
}

// New returns the command console.
func New(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Look after the stack in a browser",
		Long: `Serve pages that show and do what the other commands do, with your own AWS
credentials, on this machine alone. The link that is printed lets one browser in,
once, within five minutes; Enter prints another. Every change is asked about first,
and has a line on stderr.

It serves until Ctrl-C (exit code 130). Whoever has an account on this machine may
see the link while a browser is started with it: use --no-open where that matters.`,
		Example: `  smartleadctl console
  smartleadctl --local console --no-open
  smartleadctl --stack receiver-eu --profile ops console`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), s, o) },
	}
	cmd.Flags().StringVar(&o.addr, "addr", "127.0.0.1:0", "loopback address and port to serve at; port 0 picks a free one")
	cmd.Flags().BoolVar(&o.noOpen, "no-open", false, "print the link, and open no browser")
	return cmd
}

// linkView is a link as JSON.
type linkView struct {
	Link string `json:"link"`
}

func run(ctx context.Context, s *session.Session, o options) error {
	find, err := s.Finder(ctx)
	if err != nil {
		return err
	}
	cfg := console.Config{
		Connect: find, Name: s.Target.Title(), Self: s.Self(), Local: s.Target.Local, Caller: s.Caller(),
		Audit: slog.New(slog.NewTextHandler(s.Err, nil)), Now: s.Now, HTTP: s.HTTP, Sleep: s.Sleep, Getenv: s.Getenv,
	}
	t := console.Terminal{Say: func(link string, first bool) { say(s, link, first) }}
	if s.Open != nil && !o.noOpen {
		t.Open = s.Open
	}
	if s.InTerminal {
		t.Lines = s.In
	}
	if err := console.Run(ctx, o.addr, cfg, t); err != nil {
		return problem.Failed(err, "the console cannot be served at %s", o.addr).Hint("let it pick a port: --addr 127.0.0.1:0")
	}
	return problem.ErrSeenEnough
}

func say(s *session.Session, link string, first bool) {
	if s.JSON {
		if err := s.Emit(linkView{link}); err != nil {
			s.Say("the link cannot be printed: %v", err)
		}
		return
	}
	s.Line("%s", link)
	if first && s.InTerminal {
		s.Say("open it within five minutes; Enter prints another, Ctrl-C ends")
	}
}
