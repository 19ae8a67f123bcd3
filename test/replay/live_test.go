//go:build replay

package replay_test

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"smartlead-receiver/test/speed"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	replayRate  = 110 // a second at most
	replayLeast = 100 // a second, while live latency is measured
	liveRate    = 20  // a second
	slower      = 1.2 // live latency beside a redrive, against without
	// crmLatency is what a CRM's API takes. Without it the machine's own noise
	// would be most of what is measured.
	crmLatency = 100 * time.Millisecond
)

// sizes are how many events are redriven, and of how many live ones the latency is
// measured, without a redrive and beside it: enough for its bounds where they are held,
// else for a redrive of a minute.
func sizes() (dead, live int) {
	if speed.Held() {
		return 10_000, 400
	}
	return 4_000, 100
}

// TestLiveTrafficBesideRedrive: live events are not slowed down by a redrive of
// thousands at a hundred a second or more. Here receiver, workers, engines and
// destination share two processors, and the queue lets a second's messages out
// at once: the slowest tenth says more of the machine than of the lanes, so it
// is only shown. The rest is held to bounds where TEST_SPEED=1 says that the machine
// has no other work.
func TestLiveTrafficBesideRedrive(t *testing.T) {
	deadEvents, liveEvents := sizes()
	crm := newCRM(t)
	s := startStack(t, "--destination", crm.URL)
	s.fillDead(deadEvents, crm)

	s.live(crm, "warm", liveRate)
	alone := s.live(crm, "alone", liveEvents)
	t.Logf("live latency without a redrive: %s", alone)

	began := time.Now()
	s.ctl("redrive", "start", "--yes", "--max-rate", fmt.Sprint(replayRate))
	reached := true
	for reached && crm.rate(2*time.Second) < replayLeast {
		reached = time.Since(began) < time.Minute
	}
	t.Logf("the redrive reached %d a second: %v, after %s", replayLeast, reached, time.Since(began).Round(time.Second))
	before, measured := crm.replayed(), time.Now()
	beside := s.live(crm, "beside", liveEvents)
	rate := float64(crm.replayed()-before) / time.Since(measured).Seconds()
	t.Logf("live latency beside a redrive at %.0f a second: %s", rate, beside)
	for s.job().State == "running" && time.Since(began) < 7*time.Minute {
		time.Sleep(time.Second)
	}
	j := s.job()
	t.Logf("redrive %s after %s: %d delivered, %d attempts failed", j.State, time.Since(began).Round(time.Second), j.Counts.Delivered, j.Counts.Failed)
	if j.State != "done" || j.Counts.Delivered != deadEvents || crm.replayed() != deadEvents || j.Counts.Failed > 0 {
		t.Errorf("%+v, and the CRM got %d of %d", j, crm.replayed(), deadEvents)
	}
	if !speed.Held() {
		return
	}
	if !reached || rate < replayLeast {
		t.Errorf("only %.0f a second were redriven beside the live events, want %d", rate, replayLeast)
	}
	for what, took := range map[string][2]time.Duration{
		"half of the live events": {beside.share(0.5), alone.share(0.5)},
		"live events on average":  {beside.mean(), alone.mean()},
	} {
		if took[0] > time.Duration(slower*float64(took[1])) {
			t.Errorf("%s took %s beside a redrive: more than %.1f times the %s without", what, took[0], slower, took[1])
		}
	}
}

// crm is a destination.
type crm struct {
	*httptest.Server
	mu      sync.Mutex
	refuse  bool
	live    map[string]time.Time // when its delivery had ended
	replays []time.Time
}

func newCRM(t *testing.T) *crm {
	c := &crm{live: map[string]time.Time{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		refuse := c.refuse
		c.mu.Unlock()
		if refuse {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		time.Sleep(crmLatency)
		c.mu.Lock()
		defer c.mu.Unlock()
		if name := nameOf(body); name == "dead" {
			c.replays = append(c.replays, time.Now())
		} else {
			c.live[name] = time.Now()
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *crm) refuses(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = yes
}

func (c *crm) replayed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.replays)
}

// rate returns how many events a second are replayed, after looking for so long.
func (c *crm) rate(d time.Duration) float64 {
	before := c.replayed()
	time.Sleep(d)
	return float64(c.replayed()-before) / d.Seconds()
}

// live sends that many live events, one after the other at a steady rate whatever
// the answers take, and returns how long each took from its first byte to the
// destination's answer.
func (s *stack) live(c *crm, phase string, events int) (took latencies) {
	s.t.Helper()
	sent := s.steadily(phase, events, liveRate)
	for deadline := time.Now().Add(20 * time.Second); len(took) < events && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		took = nil
		c.mu.Lock()
		for name, began := range sent {
			if ended, ok := c.live[name]; ok {
				took = append(took, ended.Sub(began))
			}
		}
		c.mu.Unlock()
	}
	if len(took) < events {
		s.t.Fatalf("%d of %d live events were delivered", len(took), events)
	}
	return took
}

// fillDead lets one event die, and puts many like it beside it: to let each die
// would take minutes.
func (s *stack) fillDead(events int, c *crm) {
	s.t.Helper()
	c.refuses(true)
	s.post(reply("dead"))
	var dead map[string]types.AttributeValue
	for deadline := time.Now().Add(20 * time.Second); dead == nil; time.Sleep(50 * time.Millisecond) {
		out, err := s.table.Scan(s.t.Context(), &dynamodb.ScanInput{TableName: &s.TableName})
		if err != nil || time.Now().After(deadline) {
			s.t.Fatalf("no event died (%v)", err)
		}
		for _, item := range out.Items {
			if text(item, "state") == "dead" && item["due_at"] == nil {
				dead = item
			}
		}
	}
	c.refuses(false)
	var batch []types.WriteRequest
	for n := 1; n < events; n++ {
		batch = append(batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: like(dead, n)}})
		if len(batch) < 25 && n < events-1 {
			continue
		}
		_, err := s.table.BatchWriteItem(s.t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.TableName: batch}})
		if err != nil {
			s.t.Fatal(err)
		}
		batch = nil
	}
}

func text(item map[string]types.AttributeValue, name string) string {
	s, _ := item[name].(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

// like returns the n-th event beside a dead one.
func like(dead map[string]types.AttributeValue, n int) map[string]types.AttributeValue {
	item := make(map[string]types.AttributeValue, len(dead))
	for name, value := range dead {
		item[name] = value
	}
	sum := sha256.Sum256(fmt.Append(nil, n))
	hash := base32.StdEncoding.EncodeToString(sum[:20])
	item["pk"] = &types.AttributeValueMemberS{Value: "v1:EMAIL_REPLY:" + hash}
	for _, name := range []string{"dead_key", "time"} {
		at, _, _ := strings.Cut(text(dead, name), "#")
		item[name] = &types.AttributeValueMemberS{Value: at + "#" + hash[:12]}
	}
	item["dead_shard"] = &types.AttributeValueMemberS{Value: fmt.Sprintf("dead#%d", n%4)}
	return item
}
