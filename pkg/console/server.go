// Package console is the operator's console in a browser: what smartleadctl shows
// and does, on pages that live on loopback alone. It decides nothing: it reads by
// the paths of the command line and moves events by package operator.
//
// Everything on a page is text of somebody else until html/template has escaped
// it; nothing secret is ever on one. A page is one trio of files: page.go,
// page.html, page_test.go, and its line in pages.
package console

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"time"

	"smartlead-receiver/pkg/cli/checks"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/stack/deployment"
)

// Config is what the console needs of its surroundings.
type Config struct {
	// Connect returns the stack; it is called for each request, so that a local stack
	// that was started anew is found again.
	Connect func(context.Context) (*stack.Stack, error)
	Name    string           // how the stack is called at the top of each page
	Self    string           // how smartleadctl is called for this stack, in commands that pages show
	Local   bool             // the stack is that of make run
	Caller  string           // who acts, for the audit lines
	Audit   *slog.Logger     // has one line for each action
	Now     func() time.Time //
	Zone    *time.Location   // of the times on pages; a cookie named tz overrides it
	HTTP    http.RoundTripper
	Sleep   func(ctx context.Context, d time.Duration) // of what goes on beside the pages; returns early when ctx ends
	Getenv  func(name string) string                   // of this process: the key of Smartlead's API may be there
}

// Server serves the console. It is safe for concurrent use.
type Server struct {
	Config
	addr      string // host:port, the only Host that is answered
	guard     *guard
	templates map[string]*template.Template
	mux       *http.ServeMux
	hub       *hub
	bar       []page // every page, for the bar
	replays   beside[*replayRun]
	repairs   beside[*repairRun]
	drafts    drafts // of destinations

	background background
	checkup    keptValue[[]checks.Finding]
	dead       keptValue[deadTally]
	counts     keptValue[[]deployment.Counted]
}

// New returns a console that is reached under addr, which must be a loopback
// address with its port. It calls nobody.
func New(addr string, c Config) (*Server, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the console's address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("the console listens on a loopback address such as 127.0.0.1 alone, not on %q", host)
	}
	s := &Server{Config: c, addr: addr, guard: newGuard(addr, rand.Reader, c.Now), mux: http.NewServeMux(), hub: newHub(), bar: pages}
	s.checkup.lasts, s.dead.lasts, s.counts.lasts = lookEvery, lookEvery, lookEvery
	if s.Zone == nil {
		s.Zone = time.Local
	}
	if s.templates, err = parseTemplates(pages); err != nil {
		return nil, err
	}
	s.routes()
	return s, nil
}

// routes registers every page, every action and the assets.
func (s *Server) routes() {
	for i := range pages {
		s.mux.Handle("GET "+pages[i].pattern(), s.show(&pages[i]))
		if pages[i].live != nil {
			s.mux.Handle("GET "+livePath+pages[i].path, s.follow(&pages[i]))
		}
	}
	for i := range actions {
		a := &actions[i]
		if a.ask != nil {
			s.mux.Handle("GET "+a.path, s.ask(a))
		}
		s.mux.Handle("POST "+a.path, s.act(a))
	}
	s.mux.Handle("GET /", http.HandlerFunc(s.noSuchPage))
	s.mux.Handle("/", http.HandlerFunc(s.noSuchAction))
}

// Link returns a link that lets one browser in, once, within five minutes.
func (s *Server) Link() (string, error) {
	token, err := s.guard.newLink()
	if err != nil {
		return "", err
	}
	return "http://" + s.addr + enterPath + "?token=" + token, nil
}

// ServeHTTP answers one request, behind the guard.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	switch err := s.guard.addressed(r); {
	case err != nil:
		s.refuse(w, http.StatusMisdirectedRequest, err)
	case r.Method == http.MethodGet && isAsset(r.URL.Path):
		serveAsset(w, r)
	case r.Method == http.MethodGet && r.URL.Path == enterPath:
		s.enter(w, r)
	default:
		s.inside(w, r)
	}
}

// inside answers who was let in.
func (s *Server) inside(w http.ResponseWriter, r *http.Request) {
	session := s.guard.sessionOf(r)
	if session == nil {
		s.refuse(w, http.StatusUnauthorized, errNoSession)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		switch err := s.guard.own(r, session); {
		case errors.Is(err, errLarge):
			s.renderBare(w, http.StatusRequestEntityTooLarge, bare{Title: "Too large", Text: err.Error()})
			return
		case err != nil:
			s.refuse(w, http.StatusForbidden, err)
			return
		}
	}
	s.mux.ServeHTTP(w, r.WithContext(withSession(r.Context(), session)))
}

// maxForm bounds what a form may carry, in bytes: a body of Smartlead's, escaped,
// and what stands beside it.
const maxForm = 4 << 20

const (
	readHeaderTimeout = 10 * time.Second
	maxHeaderBytes    = 64 << 10
)

// Serve answers at l until ctx ends; l listens at the address that New was given.
// Open streams, replays and repairs end with ctx.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: readHeaderTimeout, MaxHeaderBytes: maxHeaderBytes,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // a browser that hangs up is no news
	}
	defer s.background.end()
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	defer s.replays.close()
	defer s.repairs.close()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
