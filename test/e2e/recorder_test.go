//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	"smartlead-receiver/pkg/webhook"
)

// delivery is one request that the destination got.
type delivery struct {
	header http.Header
	body   []byte
	event  webhook.Event
	status int // answered
}

// recorder is a destination on this machine. It remembers every request and
// answers 200, or fails as it was told for the event's lead.
type recorder struct {
	server *httptest.Server

	mu       sync.Mutex
	all      []delivery
	failures map[string]failure // by lead
}

type failure struct {
	status int
	times  int
}

// always is more often than any test asks.
const always = 1 << 30

func newRecorder() *recorder {
	r := &recorder{failures: map[string]failure{}}
	r.server = httptest.NewServer(r)
	return r
}

func (r *recorder) url() string { return r.server.URL + "/deliveries" }

func (r *recorder) close() { r.server.Close() }

// ServeHTTP takes a delivery.
func (r *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(io.LimitReader(request.Body, 16<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d := delivery{header: request.Header.Clone(), body: body, status: http.StatusOK}
	if err := json.Unmarshal(body, &d.event); err != nil {
		d.status = http.StatusBadRequest
	}
	r.mu.Lock()
	if d.event.Lead != nil {
		if f := r.failures[d.event.Lead.Email]; f.times > 0 {
			d.status = f.status
			r.failures[d.event.Lead.Email] = failure{f.status, f.times - 1}
		}
	}
	r.all = append(r.all, d)
	r.mu.Unlock()
	w.WriteHeader(d.status)
}

// fail answers the next deliveries about a lead with a status, so many times.
func (r *recorder) fail(lead string, status, times int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures[lead] = failure{status, times}
}

// repair ends the failures of a lead.
func (r *recorder) repair(lead string) { r.fail(lead, 0, 0) }

// about returns the deliveries about a lead, in the order of their arrival.
func (r *recorder) about(lead string) []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []delivery
	for _, d := range r.all {
		if d.event.Lead != nil && d.event.Lead.Email == lead {
			found = append(found, d)
		}
	}
	return found
}
