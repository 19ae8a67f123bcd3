package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/stack"
)

// A page is one address of the console. Its template is the file of its name,
// which defines "main"; what read returns is its data.
type page struct {
	path  string // as http.ServeMux takes it; "/" is that page alone
	file  string // of the template: NAME.html
	title string // in the window's title; of data with a PageTitle method, that
	bar   string // in the bar; "" for a page that is not there
	key   string // behind g: a letter of bar, underlined there
	under string // path of the page of the bar that it belongs to
	units int    // bound of the read units that one look at it takes (TestCapacity)
	read  func(q *request) (any, error)
	// live follows what the page shows, and may fail for an address that read refuses;
	// nil for a page that stands still. What it sends to every tab alike has no form.
	live func(q *request) (topic, error)
	// acts: buttons of the page are of the form with the id act, which stands beside what
	// is sent to every tab.
	acts bool
}

// pages are all there are, in the order of the bar.
var pages = []page{
	overviewPage,
	eventsPage, eventPage, leadPage, replayPage,
	deadPage, redrivePage, jobPage, incidentsPage, completenessPage, repairPage, repairRunPage, repairRecordPage,
	destinationsPage, addDestinationPage, setDestinationPage, testPage, routesPage, sourcesPage, sendPage,
	findPage, keysPage, checkupPage,
}

func (p *page) pattern() string {
	if p.path == "/" {
		return "/{$}"
	}
	return p.path
}

// request is what a page or an action is asked, and the stack that it asks itself.
type request struct {
	*http.Request
	*Server
	st      *stack.Stack
	session *session
	clock   output.Clock // of one moment, so that a page agrees with itself
	zone    *time.Location
}

func (q *request) ctx() context.Context { return q.Context() }

// arg is a value of the address or the form, without white space around it.
func (q *request) arg(name string) string { return strings.TrimSpace(q.FormValue(name)) }

func (s *Server) newRequest(r *http.Request) *request {
	now := s.Now()
	session, _ := r.Context().Value(sessionKey{}).(*session)
	q := &request{Request: r, Server: s, session: session, clock: func() time.Time { return now }, zone: s.Zone}
	if c, err := r.Cookie("tz"); err == nil {
		if zone, err := time.LoadLocation(c.Value); err == nil {
			q.zone = zone
		}
	}
	return q
}

// connected is the request with its stack.
func (s *Server) connected(r *http.Request) (*request, error) {
	q := s.newRequest(r)
	var err error
	q.st, err = s.Connect(r.Context())
	return q, err
}

// show answers with a page, or with its main part alone where htmx asks.
func (s *Server) show(p *page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := s.connected(r)
		if err != nil {
			s.gone(w, q, p, err)
			return
		}
		data, err := p.read(q)
		if to := (*elsewhere)(nil); errors.As(err, &to) {
			http.Redirect(w, r, to.address, http.StatusSeeOther)
			return
		}
		if err != nil {
			s.fail(w, q, p, err)
			return
		}
		s.showData(w, q, p, data)
	})
}

// showData shows a page with its data, which may have a title and a status of its own.
func (s *Server) showData(w http.ResponseWriter, q *request, p *page, data any) {
	v := s.view(q, p)
	v.Data = data
	if titled, ok := data.(interface{ PageTitle() string }); ok {
		v.Title = titled.PageTitle()
	}
	status := http.StatusOK
	if own, ok := data.(interface{ Status() int }); ok {
		status = own.Status()
	}
	s.render(w, q, status, p.file, v)
}

// elsewhere is the error of a page whose answer is another page.
type elsewhere struct{ address string }

func (e *elsewhere) Error() string { return "see " + e.address }

// notice is a line above a page: what an action did, or why not.
type notice struct {
	Text string
	Bad  bool
	Link string // to more; "" for none
	Name string // of the link
}

// view is what the layout shows around the data of a page.
type view struct {
	Title   string
	Stack   string
	Self    string // how smartleadctl is called for this stack
	Local   bool
	Bar     []barItem
	CSRF    string
	Search  string
	Notices []notice
	Gone    *failure // the stack does not answer
	Now     stamp
	Acts    bool
	Seeks   bool // the search box has the focus: on the overview of a deployed stack
	Data    any
}

// barItem is one page in the bar. The letter of its key is underlined.
type barItem struct {
	Path, Before, Letter, After, Key string
	Here                             bool
	Count                            string // of what is there; "" where nobody knows
	Counted                          stamp
}

func (s *Server) view(q *request, p *page) view {
	v := view{Title: p.title, Stack: s.Name, Self: s.Self, Local: s.Local, CSRF: q.session.csrf, Notices: q.session.heard(), Now: q.at(q.clock.Now()), Search: q.arg("q"), Acts: p.acts, Seeks: p.path == "/" && !s.Local}
	for _, other := range s.bar {
		if other.bar == "" {
			continue
		}
		item := barItem{Path: other.path, Before: other.bar, Key: other.key, Here: other.path == p.path || other.path == p.under}
		if i := strings.Index(strings.ToLower(other.bar), other.key); i >= 0 && other.key != "" {
			item.Before, item.Letter, item.After = other.bar[:i], other.bar[i:i+1], other.bar[i+1:]
		}
		if other.path == deadPage.path {
			item.Count, item.Counted = s.deadInBar(q)
		}
		v.Bar = append(v.Bar, item)
	}
	return v
}

// render writes a page whole, so that a template that fails shows nothing half.
func (s *Server) render(w http.ResponseWriter, q *request, status int, file string, v view) {
	part := "layout"
	if q.Header.Get("HX-Request") == "true" {
		part = "fragment"
	}
	var out bytes.Buffer
	if err := s.templates[file].ExecuteTemplate(&out, part, v); err != nil {
		s.Audit.ErrorContext(q.Context(), "a page cannot be shown", "page", file, "error", err.Error())
		s.renderBare(w, http.StatusInternalServerError, bare{Title: "This page cannot be shown", Text: "The terminal says why."})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}

// A panel is a part of a page that fails alone.
type panel[T any] struct {
	Data T
	Err  *failure
}

// panels reads the panels of a page side by side: each step fills one.
func panels(steps ...func()) {
	var all sync.WaitGroup
	for _, step := range steps {
		all.Go(step)
	}
	all.Wait()
}

// fill reads one panel.
func fill[T any](q *request, p *panel[T], read func() (T, error)) func() {
	return func() {
		data, err := read()
		if err != nil {
			p.Err = q.failure(err)
			return
		}
		p.Data = data
	}
}
