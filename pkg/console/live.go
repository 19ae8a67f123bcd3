package console

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// keepAlive is how often a stream that has nothing to say says so.
const keepAlive = 15 * time.Second

// follow streams what is news of a page.
func (s *Server) follow(p *page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := s.connected(r)
		if err != nil {
			http.Error(w, "the stack does not answer", http.StatusServiceUnavailable)
			return
		}
		t, err := p.live(q.unattended())
		if err != nil {
			http.Error(w, "this address cannot be followed", statusOf(err))
			return
		}
		// Pages differ by the zone of their times.
		t.key = strings.Join([]string{p.path, t.key, q.zone.String()}, "\x00")
		news, leave := s.hub.follow(r.Context(), t, r.Header.Get("Last-Event-ID"))
		defer leave()
		rest, end := q.session.begin()
		defer end()
		stream(w, r, news, rest)
	})
}

// unattended is the request of a poller, which outlives the one that began it, and
// belongs to no session.
func (q *request) unattended() *request {
	own := *q
	own.Request = q.Request.Clone(context.WithoutCancel(q.Context()))
	own.session = &session{}
	return &own
}

// now is the request at another moment.
func (q *request) now(ctx context.Context) *request {
	own := *q
	at := q.Now()
	own.Request, own.clock = q.WithContext(ctx), func() time.Time { return at }
	return &own
}

// stream writes messages as server-sent events until the browser goes away, or must
// rest in favour of others.
func stream(w http.ResponseWriter, r *http.Request, news <-chan message, rest <-chan struct{}) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	idle := time.NewTicker(keepAlive)
	defer idle.Stop()
	_, err := fmt.Fprint(w, ": here\n\n")
	for err == nil {
		if err = out.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-rest:
			_, _ = w.Write(message{event: "rest", data: "-"}.wire())
			return
		case <-idle.C:
			_, err = fmt.Fprint(w, ": still here\n\n")
		case m, open := <-news:
			if !open {
				return
			}
			_, err = w.Write(m.wire())
		}
	}
}

// wire is the message as it is sent. A line break would end a field.
func (m message) wire() []byte {
	var out bytes.Buffer
	if m.id != "" {
		fmt.Fprintf(&out, "id: %s\n", m.id)
	}
	if m.event != "" {
		fmt.Fprintf(&out, "event: %s\n", m.event)
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(m.data, "\r", ""), "\n") {
		fmt.Fprintf(&out, "data: %s\n", line)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// part is what a template of a page writes of some data.
func (s *Server) part(file, name string, data any) (string, error) {
	var out strings.Builder
	err := s.templates[file].ExecuteTemplate(&out, name, data)
	return out.String(), err
}

// repaint is a topic of a page whose main part is shown anew whenever version, which
// is cheap, says another thing than before.
func (q *request) repaint(file string, read func(*request) (any, error), every time.Duration, version func(q *request) (string, error)) topic {
	last := ""
	return topic{key: q.URL.RequestURI(), every: every, look: func(ctx context.Context) ([]message, error) {
		now := q.now(ctx)
		v, err := version(now)
		if err != nil || v == last {
			return nil, err
		}
		data, err := read(now)
		if err != nil {
			return nil, err
		}
		shown := q.view(now, &page{path: now.URL.Path})
		shown.Data = data
		text, err := q.part(file, "main", shown)
		if err != nil {
			return nil, err
		}
		last = v
		return []message{{data: swapped(text)}}, nil
	}}
}

// swapped puts a part in the place of the page's main part; morphing keeps the focus.
func swapped(text string) string {
	return `<hx-partial hx-target="#main" hx-swap="innerMorph">` + text + `</hx-partial>`
}
