package console

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// errBadAddress: the address has a value that no page of ours made.
var errBadAddress = errors.New("this address cannot be read")

// statusOf is the one place that maps errors to HTTP status.
func statusOf(err error) int {
	switch {
	case errors.Is(err, errNoAction):
		return http.StatusMethodNotAllowed
	case errors.Is(err, problem.ErrUsage), errors.Is(err, errBadAddress):
		return http.StatusBadRequest
	case errors.Is(err, problem.ErrNotFound), errors.Is(err, webhook.ErrNotFound), errors.Is(err, sourcestore.ErrNotFound), errors.Is(err, redrive.ErrNothing):
		return http.StatusNotFound
	case errors.Is(err, webhook.ErrChanged), errors.Is(err, redrive.ErrActive), errors.Is(err, redrive.ErrNoJob):
		return http.StatusConflict
	case errors.Is(err, webhook.ErrUnavailable):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// fail shows why a page came to nothing.
func (s *Server) fail(w http.ResponseWriter, q *request, p *page, err error) {
	s.failBack(w, q, p, err, "")
}

// failBack shows why a page or an action came to nothing, and leads back.
func (s *Server) failBack(w http.ResponseWriter, q *request, p *page, err error, back string) {
	v := s.view(q, p)
	if v.Title == "" {
		v.Title = "It did not work"
	}
	f := q.failure(err)
	if back != "" {
		f.Retry, f.Back = "", back
	}
	v.Data = f
	s.render(w, q, statusOf(err), "failure.html", v)
}

// gone shows that the stack is not there; the page asks again by itself.
func (s *Server) gone(w http.ResponseWriter, q *request, p *page, err error) {
	v := s.view(q, p)
	v.Gone = q.failure(err)
	v.Data = v.Gone
	s.render(w, q, http.StatusServiceUnavailable, "failure.html", v)
}

func (s *Server) noSuchPage(w http.ResponseWriter, r *http.Request) {
	q := s.newRequest(r)
	s.fail(w, q, &page{title: "No such page"}, problem.NotFound("there is no page %s", output.Clean(r.URL.Path)))
}

// errNoAction: a page is only looked at.
var errNoAction = errors.New("nothing can be sent to this page")

// noSuchAction answers what is sent to a page that is only looked at, or to none.
func (s *Server) noSuchAction(w http.ResponseWriter, r *http.Request) {
	look := r.Clone(r.Context())
	look.Method = http.MethodGet
	if _, pattern := s.mux.Handler(look); pattern == "GET /" {
		s.noSuchPage(w, r)
		return
	}
	w.Header().Set("Allow", "GET, HEAD")
	s.failBack(w, s.newRequest(r), &page{title: "Nothing to do here"}, fmt.Errorf("%w: nothing was done", errNoAction), r.URL.Path)
}

// bare is a page for who is not inside.
type bare struct {
	Title, Text string
	To          string // where it moves on to; "" for nowhere
}

func (s *Server) renderBare(w http.ResponseWriter, status int, b bare) {
	var out bytes.Buffer
	if err := s.templates["bare.html"].ExecuteTemplate(&out, "bare", b); err != nil {
		http.Error(w, b.Text, status)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}
