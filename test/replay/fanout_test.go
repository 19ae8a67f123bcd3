//go:build replay

package replay_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fanRate is how many events a second are sent to the five destinations.
const fanRate = 10

// endpoint is one of five destinations.
type endpoint struct {
	*httptest.Server
	takes time.Duration
	mu    sync.Mutex
	down  bool
	asked int
	took  map[string][]time.Time // by event, when its delivery had ended
}

func newEndpoint(t *testing.T, takes time.Duration) *endpoint {
	e := &endpoint{takes: takes, took: map[string][]time.Time{}}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		e.asked++
		down := e.down
		e.mu.Unlock()
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		time.Sleep(takes)
		e.mu.Lock()
		defer e.mu.Unlock()
		name := nameOf(body)
		e.took[name] = append(e.took[name], time.Now())
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) fails(yes bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = yes
}

// has counts the events that it has, and those that it was sent twice.
func (e *endpoint) has() (events, twice int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, times := range e.took {
		if len(times) > 1 {
			twice++
		}
	}
	return len(e.took), twice
}

// most is how many it took within any window of that length.
func (e *endpoint) most(window time.Duration) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	var times []time.Time
	for _, took := range e.took {
		times = append(times, took...)
	}
	slices.SortFunc(times, time.Time.Compare)
	most, from := 0, 0
	for i, at := range times {
		for at.Sub(times[from]) >= window {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// fan sends that many events at a steady rate, and returns how long each took to e.
func (s *stack) fan(e *endpoint, phase string, events int) (took latencies) {
	s.t.Helper()
	sent := s.steadily(phase, events, fanRate)
	s.wait(time.Minute, "the well destination has all of "+phase, func() bool {
		took = nil
		e.mu.Lock()
		defer e.mu.Unlock()
		for name, began := range sent {
			if times := e.took[name]; len(times) > 0 {
				took = append(took, times[0].Sub(began))
			}
		}
		return len(took) == events
	})
	return took
}

// TestFanOut sends events to five destinations at once: two that are well, one that is
// down for a while, one that takes two seconds, and one that may be sent five a second.
// Each settles on its own: the well ones have each event once, none dies of the one that
// is down, and the limit holds.
// FANOUT_EVENTS=5000 FANOUT_SECONDS=600 is a long one, of half an hour.
func TestFanOut(t *testing.T) {
	events, outage := setting(t, "FANOUT_EVENTS", 300), time.Duration(setting(t, "FANOUT_SECONDS", 40))*time.Second
	s := startStack(t)
	well, also := newEndpoint(t, 20*time.Millisecond), newEndpoint(t, 20*time.Millisecond)
	down, slow, limited := newEndpoint(t, 20*time.Millisecond), newEndpoint(t, 2*time.Second), newEndpoint(t, 20*time.Millisecond)
	s.ctl("destinations", "add", "well", "--url", well.URL, "--no-sign")
	s.ctl("destinations", "add", "also", "--url", also.URL, "--no-sign")
	time.Sleep(2 * time.Second) // a running worker knows
	alone := s.fan(well, "alone", 100)

	down.fails(true)
	s.ctl("destinations", "add", "down", "--url", down.URL, "--no-sign")
	s.ctl("destinations", "add", "slow", "--url", slow.URL, "--no-sign")
	s.ctl("destinations", "add", "limited", "--url", limited.URL, "--no-sign", "--per-second", "5")
	time.Sleep(2 * time.Second)
	began := time.Now()
	back := time.AfterFunc(outage, func() { down.fails(false) })
	defer back.Stop()
	beside := s.fan(well, "beside", events)
	s.wait(20*time.Minute+outage+time.Duration(events)*time.Second/4, "all have all", func() bool {
		for _, e := range []*endpoint{well, also, down, slow, limited} {
			want := events
			if e == well || e == also {
				want += 100
			}
			if n, _ := e.has(); n < want {
				return false
			}
		}
		return true
	})
	took := time.Since(began)
	t.Logf("%d events to five destinations, all settled after %s", events, took.Round(time.Second))
	t.Logf("live at a well one, alone:  %s", alone)
	t.Logf("live at a well one, beside: %s", beside)
	t.Logf("the one that was down for %s was asked %d times; the limited one took %d in ten seconds at most", outage, down.asked, limited.most(10*time.Second))
	for name, e := range map[string]*endpoint{"well": well, "also": also, "slow": slow, "limited": limited} {
		if _, twice := e.has(); twice > 0 {
			t.Errorf("%s was sent %d events twice", name, twice)
		}
	}
	if out, _ := s.ctl("redrive", "plan", "--json"); !strings.Contains(out, `"release":0,`) {
		t.Errorf("events died: %s", out)
	}
	if n := limited.most(10 * time.Second); n > 61 {
		t.Errorf("the limited one took %d in ten seconds", n)
	}
	if down.asked > events+60 {
		t.Errorf("the one that was down was asked %d times for %d events", down.asked, events)
	}
	// A worker that waits for the slow one takes the next events (docs/DELIVERY.md).
	if os.Getenv("TEST_SPEED") != "" && beside.share(0.5) > 2*alone.share(0.5)+20*time.Millisecond {
		t.Errorf("half of what came to a well one took %s, %s alone", beside.share(0.5), alone.share(0.5))
	}
}
