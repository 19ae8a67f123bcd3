package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	enterPath = "/enter"
	csrfField = "csrf"
	linkLife  = 5 * time.Minute
	tokenSize = 32 // bytes of randomness
)

var (
	errHost      = errors.New("this console answers at its own address alone")
	errNoSession = errors.New("this browser was not let in: open the link that the terminal printed, or press Enter there for another")
	errUsed      = errors.New("this link was used or is too old: press Enter in the terminal for another")
	errForeign   = errors.New("the request did not come from a page of this console")
	errLarge     = fmt.Errorf("nothing was done: a form may have %d MB; smartleadctl send posts what is larger", maxForm>>20)
)

// guard decides who is answered. What it keeps is in memory, and ends with the
// process. It is safe for concurrent use.
type guard struct {
	addr   string
	cookie string // cookies ignore ports, so the port is in the name
	random io.Reader
	now    func() time.Time
	cross  *http.CrossOriginProtection

	mu       sync.Mutex
	links    map[[sha256.Size]byte]time.Time // until when
	sessions map[[sha256.Size]byte]*session
}

// session is one browser that was let in.
type session struct {
	csrf string

	mu      sync.Mutex
	said    []notice        // shown by the next page
	streams []chan struct{} // that are open, the oldest first; closed where one must give way
}

func newGuard(addr string, random io.Reader, now func() time.Time) *guard {
	_, port, _ := net.SplitHostPort(addr)
	return &guard{
		addr: addr, cookie: "slc_" + port, random: random, now: now, cross: http.NewCrossOriginProtection(),
		links: map[[sha256.Size]byte]time.Time{}, sessions: map[[sha256.Size]byte]*session{},
	}
}

func (g *guard) token() (string, error) {
	var b [tokenSize]byte
	if _, err := io.ReadFull(g.random, b[:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// newLink is the token of a new link. Tokens are kept as digests, so that looking
// one up tells nothing by its time.
func (g *guard) newLink() (string, error) {
	token, err := g.token()
	if err != nil {
		return "", err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for old, until := range g.links {
		if !now.Before(until) {
			delete(g.links, old)
		}
	}
	g.links[sha256.Sum256([]byte(token))] = now.Add(linkLife)
	return token, nil
}

// enter takes a link's token for a new session, once. It returns errUsed.
func (g *guard) enter(token string) (cookie string, err error) {
	key := sha256.Sum256([]byte(token))
	g.mu.Lock()
	until, known := g.links[key]
	delete(g.links, key)
	g.mu.Unlock()
	if !known || !g.now().Before(until) {
		return "", errUsed
	}
	if cookie, err = g.token(); err != nil {
		return "", err
	}
	csrf, err := g.token()
	if err != nil {
		return "", err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sessions[sha256.Sum256([]byte(cookie))] = &session{csrf: csrf}
	return cookie, nil
}

// sessionOf is the session that a request belongs to; nil for none.
func (g *guard) sessionOf(r *http.Request) *session {
	cookie, err := r.Cookie(g.cookie)
	if err != nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sessions[sha256.Sum256([]byte(cookie.Value))]
}

// addressed refuses a request that another name led here (DNS rebinding).
func (g *guard) addressed(r *http.Request) error {
	if r.Host != g.addr {
		return errHost
	}
	return nil
}

// own refuses a changing request that no page of this console sent. A page of
// another port is of the same site, so the cookie alone proves nothing; a client
// that sends no header at all must still know the session's token. The body is
// bounded already.
func (g *guard) own(r *http.Request, s *session) error {
	if err := g.cross.Check(r); err != nil {
		return fmt.Errorf("%w: %w", errForeign, err)
	}
	if r.Header.Get("Origin") != "http://"+g.addr {
		return errForeign
	}
	if err := r.ParseForm(); errors.As(err, new(*http.MaxBytesError)) {
		return errLarge
	} else if err != nil {
		return fmt.Errorf("the form cannot be read: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(r.PostFormValue(csrfField)), []byte(s.csrf)) != 1 {
		return errForeign
	}
	return nil
}

// setHeaders makes a page run nothing but our own files, and nobody frame, cache or
// learn of it.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // under no-referrer a browser sends our own forms with the Origin null
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// enter lets a browser in. The answer is a page that moves on by itself: a cookie
// that is SameSite=Strict is not sent along a redirect that another site began.
func (s *Server) enter(w http.ResponseWriter, r *http.Request) {
	cookie, err := s.guard.enter(r.URL.Query().Get("token"))
	switch {
	case errors.Is(err, errUsed) && s.guard.sessionOf(r) != nil: // the page was loaded again
	case err != nil:
		s.refuse(w, http.StatusUnauthorized, err)
		return
	default:
		http.SetCookie(w, &http.Cookie{Name: s.guard.cookie, Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // Secure would keep it from http on loopback in some browsers
	}
	s.renderBare(w, http.StatusOK, bare{Title: "Welcome", To: "/", Text: "The console opens."})
}

// refuse answers who is not let in, or not to do that.
func (s *Server) refuse(w http.ResponseWriter, status int, err error) {
	s.renderBare(w, status, bare{Title: "Not let in", Text: err.Error()})
}

type sessionKey struct{}

func withSession(ctx context.Context, s *session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// maxStreams is how many pages of one browser are followed at once: it opens six
// connections to an address, and a page must still load.
const maxStreams = 4

// begin counts one more stream. Where there are too many, the oldest gives way: its
// channel is closed. end is called once it has ended.
func (s *session) begin() (rest <-chan struct{}, end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := make(chan struct{})
	if s.streams = append(s.streams, own); len(s.streams) > maxStreams {
		close(s.streams[0])
		s.streams = s.streams[1:]
	}
	return own, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.streams = slices.DeleteFunc(s.streams, func(c chan struct{}) bool { return c == own })
	}
}

// say leaves a notice for the session's next page.
func (s *session) say(n notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, n)
}

// heard returns the notices, once.
func (s *session) heard() []notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := s.said
	s.said = nil
	return said
}
