package console

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// Terminal is where a console that runs is told of, and asked for another link.
type Terminal struct {
	Say  func(link string, first bool) // is given every link
	Open func(link string) error       // shows the first one in a browser; nil: nobody does
	// Lines gives another link at each line that it has; nil: nobody can ask. It is
	// read until it ends, so who gives it ends it with ctx.
	Lines io.Reader
}

// Run serves a console at addr, host and port, until ctx ends; port 0 picks a free
// one.
func Run(ctx context.Context, addr string, c Config, t Terminal) error {
	var listen net.ListenConfig
	if _, err := New(addr, c); err != nil { // before anything listens
		return err
	}
	l, err := listen.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("the console cannot listen: %w", err)
	}
	s, err := New(l.Addr().String(), c)
	if err != nil {
		_ = l.Close()
		return err
	}
	link, err := s.Link()
	if err != nil {
		_ = l.Close()
		return err
	}
	t.Say(link, true)
	if t.Open != nil { // which may wait for an answer
		var opened sync.WaitGroup
		defer opened.Wait()
		opened.Go(func() {
			if err := t.Open(link); err != nil {
				c.Audit.WarnContext(ctx, "no browser could be opened: open the link by hand", "error", err.Error())
			}
		})
	}
	if t.Lines != nil {
		go s.links(t)
	}
	return s.Serve(ctx, l)
}

// links gives another link for each line.
func (s *Server) links(t Terminal) {
	for lines := bufio.NewScanner(t.Lines); lines.Scan(); {
		if link, err := s.Link(); err == nil {
			t.Say(link, false)
		}
	}
}
