//go:build replay

package replay_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The limit of the destination: so many requests in each window. It is far below the pace
// that a redrive reaches on the busiest machine, so that most of a window is refused.
const (
	quotaLimit  = 60
	quotaWindow = 15 * time.Second
)

// quotaCRM is down until it opens, and then takes its limit in each window; it
// answers the others with 429 and how long to wait for the next one.
type quotaCRM struct {
	*httptest.Server
	mu       sync.Mutex
	opened   time.Time
	window   int
	room     int
	took     map[string]int
	refusals int
}

func newQuotaCRM(t *testing.T) *quotaCRM {
	c := &quotaCRM{took: map[string]int{}, window: -1}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		status, wait := c.answer(nameOf(body), time.Now())
		if wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(wait))
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *quotaCRM) answer(name string, now time.Time) (status, wait int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened.IsZero() {
		return http.StatusInternalServerError, 0
	}
	since := now.Sub(c.opened)
	if n := int(since / quotaWindow); n != c.window {
		c.window, c.room = n, quotaLimit
	}
	if c.room == 0 {
		c.refusals++
		return http.StatusTooManyRequests, int((quotaWindow-since%quotaWindow)/time.Second) + 1
	}
	c.room--
	c.took[name]++
	return http.StatusNoContent, 0
}

func (c *quotaCRM) open() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened = time.Now()
}

func (c *quotaCRM) counts() (took, twice, refusals int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.took {
		took++
		if n > 1 {
			twice++
		}
	}
	return took, twice, c.refusals
}

// TestQuota redrives to a destination with a limit in windows that says when to come
// again: it holds until then, nothing fails or dies, and all are delivered.
func TestQuota(t *testing.T) {
	const events = 300
	crm := newQuotaCRM(t)
	s := startStack(t, "--destination", crm.URL, "--max-attempts", "1", "--retry-base", "1s", "--redrive-tick", "5s")
	for first := 0; first < events; first += 10 {
		var bodies []string
		for n := first; n < first+10; n++ {
			bodies = append(bodies, reply(fmt.Sprintf("quota-%d", n)))
		}
		s.post("[" + strings.Join(bodies, ",") + "]")
	}
	s.wait(2*time.Minute, fmt.Sprintf("%d events are dead", events), func() bool {
		out, _ := s.ctl("redrive", "plan", "--json")
		return strings.Contains(out, fmt.Sprintf(`"release":%d,`, events))
	})
	crm.open()
	began := time.Now()
	s.show("redrive", "start", "--yes")
	held := ""
	s.wait(10*time.Minute, "the redrive ends", func() bool {
		j := s.job()
		if j.State == "holding" {
			held = j.Reason
		}
		return j.State != "running" && j.State != "holding"
	})
	s.show("redrive", "status")
	j := s.job()
	took, twice, refusals := crm.counts()
	t.Logf("%d of %d events delivered in %s, %d of them twice; %d requests were answered with 429; it held: %q",
		took, events, time.Since(began).Round(time.Second), twice, refusals, held)
	if j.State != "done" || j.Counts.Delivered != events || j.Counts.Failed > 0 || j.Counts.DiedAgain > 0 || took != events || twice > 0 {
		t.Errorf("the redrive ended as %+v", j)
	}
	if !strings.Contains(held, "the destination asked to wait") {
		t.Errorf("it held for another reason or not at all: %q", held)
	}
}
