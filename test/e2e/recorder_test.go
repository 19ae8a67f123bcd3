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
// answers 200, or what it was told for the event's lead.
type recorder struct {
	server *httptest.Server

	mu       sync.Mutex
	all      []delivery
	statuses map[string]int // by lead
}

func newRecorder() *recorder {
	r := &recorder{statuses: map[string]int{}}
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
	if d.event.Lead != nil && r.statuses[d.event.Lead.Email] != 0 {
		d.status = r.statuses[d.event.Lead.Email]
	}
	r.all = append(r.all, d)
	r.mu.Unlock()
	w.WriteHeader(d.status)
}

// answer sets what deliveries about a lead are answered from now on.
func (r *recorder) answer(lead string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statuses[lead] = status
}

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
