package clitest

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/webhook"
)

// What a full table holds beside delivered events: as much in a small table
// as in a large one, so that what grows between the two grows with the table.
const (
	fixtureDays     = 40
	FixtureDead     = 3000
	fixtureOverdue  = 200
	FixtureHeld     = 20 // and as many parked and unrouted ones
	fixtureLate     = 50 // within the latest seconds
	fixtureOfLead   = 50
	fixtureCampaign = 20
	BusyLead        = "tom@acme.example.com"
	QuietCampaign   = "4200001"
	RareClass       = "timeout" // of every 30th dead event
)

type attributes = map[string]types.AttributeValue

// TableFixture fills a ledger with events like real ones.
type TableFixture struct {
	*Stack
	like    map[webhook.State]attributes // a real event in each state
	ids     map[webhook.State][]string   // of every event
	Changed string                       // an event that came with other bodies, too
	Total   int
	batch   []types.WriteRequest
	slots   chan struct{}
	writing sync.WaitGroup
}

// NewTableFixture puts one real event in each state.
func NewTableFixture(s *Stack) *TableFixture {
	c := &TableFixture{Stack: s, like: make(map[webhook.State]attributes), ids: make(map[webhook.State][]string), slots: make(chan struct{}, 8)}
	keep := func(state webhook.State, id string) {
		it := c.item(id)
		if got := textOf(it, "state"); got != string(state) {
			s.t.Fatalf("the event that should be %s is %s", state, got)
		}
		c.like[state], c.ids[state] = it, append(c.ids[state], id)
	}
	for n, state := range []webhook.State{webhook.Dead, webhook.Parked, webhook.Discarded, webhook.Delivered} {
		s.Answer.Store(400)
		if state == webhook.Delivered {
			s.Answer.Store(200)
		}
		id := s.Post(Reply(n))
		s.Work()
		switch state {
		case webhook.Parked:
			s.OK("events", "park", id)
		case webhook.Discarded:
			s.OK("events", "discard", "--yes", id)
		case webhook.Pending, webhook.Processing, webhook.Delivered, webhook.Unrouted, webhook.Dead, webhook.Held:
		}
		keep(state, id)
	}
	for n := range 3 {
		s.Post(strings.Replace(Reply(3), "Yes", fmt.Sprintf("Yes, %d", n), 1))
	}
	c.Changed = c.ids[webhook.Delivered][0]
	s.Input = "another key\n"
	s.OK("sources", "trust-key", "demo", "--no-release", "--yes")
	keep(webhook.Held, s.Post(Reply(5)))
	s.Input = SecretKey + "\n"
	s.OK("sources", "trust-key", "demo", "--no-release")
	keep(webhook.Unrouted, s.unrouted(Reply(6)))
	keep(webhook.Pending, s.Post(Reply(4)))
	c.looked()
	return c
}

// looked says of the sweeper that it looks at what is received, as it does once a minute.
func (c *TableFixture) looked() {
	c.t.Helper()
	l := c.Env.Ledger()
	looks, err := l.LoadLooks(c.t.Context(), 2)
	if err != nil {
		c.t.Fatal(err)
	}
	now := c.Clock()
	looks.Keys = []string{now.Add(-3*time.Minute).UTC().Format(fixtureTime) + "#", now.Add(-time.Hour-3*time.Minute).UTC().Format(fixtureTime) + "#"}
	if err := l.SaveLooks(c.t.Context(), looks, now); err != nil {
		c.t.Fatal(err)
	}
}

// unrouted posts a body while no destination wants it.
func (s *Stack) unrouted(body string) string {
	s.OK("destinations", "add", "bounces", "--url", s.Dest.URL, "--type", "EMAIL_BOUNCE", "--no-sign")
	s.OK("destinations", "remove", "crm", "-y")
	id := s.Post(body)
	s.Work()
	s.OK("destinations", "add", "crm", "--url", s.Dest.URL, "--no-sign")
	s.OK("destinations", "remove", "bounces", "-y")
	return id
}

func (c *TableFixture) item(id string) attributes {
	c.t.Helper()
	out, err := c.Clients.DynamoDB.GetItem(c.t.Context(), &dynamodb.GetItemInput{
		TableName: &c.At.Table, Key: attributes{"pk": textValue(id), "sk": textValue("E#000001")},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out.Item
}

func textValue(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func textOf(it attributes, name string) string {
	s, _ := it[name].(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

// Settle adds what is not delivered, or found by more than its age: the same in
// every table.
func (c *TableFixture) Settle() {
	for i := range FixtureDead {
		c.add(webhook.Dead, spread(i, FixtureDead), func(it attributes) {
			if i%30 == 0 {
				it["error_class"] = textValue(RareClass)
			}
		})
	}
	for i := range fixtureOverdue {
		c.add(webhook.Pending, spread(i, fixtureOverdue)+time.Hour, nil)
	}
	for i := range FixtureHeld {
		c.add(webhook.Held, spread(i, FixtureHeld), nil)
		c.add(webhook.Parked, spread(i, FixtureHeld), nil)
		c.add(webhook.Unrouted, spread(i, FixtureHeld), nil)
	}
	c.Late(fixtureLate)
	for i := range fixtureOfLead {
		c.add(webhook.Delivered, spread(i, fixtureOfLead), func(it attributes) {
			it["lead"] = textValue(BusyLead)
		})
	}
	for i := range fixtureCampaign {
		state := []webhook.State{webhook.Delivered, webhook.Dead}[i%2]
		c.add(state, spread(i, fixtureCampaign), func(it attributes) {
			it["campaign"] = textValue(QuietCampaign)
		})
	}
	c.flush()
}

// Grow adds n delivered events of the days before the latest time, so long.
func (c *TableFixture) Grow(n int, latest time.Duration) {
	for i := range n {
		c.add(webhook.Delivered, latest+spread(i, n), nil)
	}
	c.flush()
}

// Late adds n delivered events of the latest seconds.
func (c *TableFixture) Late(n int) {
	for i := range n {
		c.add(webhook.Delivered, time.Duration(i)*100*time.Millisecond, nil)
	}
	c.flush()
}

// Add adds n events in a state, each an item that alter may change.
func (c *TableFixture) Add(state webhook.State, n int, alter func(item map[string]types.AttributeValue)) {
	for i := range n {
		c.add(state, spread(i, n), alter)
	}
	c.flush()
}

// spread is the age of the i-th of n events.
func spread(i, n int) time.Duration {
	return time.Duration(i) * (fixtureDays * 24 * time.Hour / time.Duration(n))
}

const fixtureTime = "2006-01-02T15:04:05.000Z"

// add puts an event like the real one in that state, of an age.
func (c *TableFixture) add(state webhook.State, age time.Duration, alter func(attributes)) {
	c.Total++
	n := c.Total
	kinds := []webhook.Type{webhook.EmailReply, webhook.EmailOpen, webhook.EmailSent, webhook.EmailLinkClick}
	typ := kinds[n%len(kinds)]
	sum := sha256.Sum256(fmt.Append(nil, n))
	hash := base32.StdEncoding.EncodeToString(sum[:20])
	id := fmt.Sprintf("v1:%s:%s", typ, hash)
	it := maps.Clone(c.like[state])
	set := func(name, format string, args ...any) {
		if _, has := it[name]; has {
			it[name] = textValue(fmt.Sprintf(format, args...))
		}
	}
	at := c.now.Add(-age).UTC()
	set("pk", "%s", id)
	set("type", "%s", typ)
	hash = hash[:12]
	set("day", "%s#%d", at.Format(time.DateOnly), n%4)
	set("time", "%s#%s", at.Format(fixtureTime), hash)
	lead := fmt.Sprintf("lead%d@acme.example.com", 1000+n/7)
	set("lead", "%s", lead)
	campaign := 4300000 + n%5
	set("campaign", "%d", campaign)
	set("stats", "stats-of-%d", n)
	set("message", "reply-of-%d@acme.example.com", n)
	set("request", "req-of-%d", n)
	set("died_at", "%s", at.Format(fixtureTime))
	set("dead_shard", "%s#%d", state, n%4)
	set("dead_key", "%s#%s", at.Format(fixtureTime), hash)
	set("due", "%s#%s", at.Format(fixtureTime), hash)
	if _, owes := it["due"]; owes { // the sweeper has looked at it
		it["due_shard"] = textValue(fmt.Sprintf("due#%d", n%8))
	}
	if alter != nil {
		alter(it)
	}
	c.ids[state] = append(c.ids[state], id)
	c.batch = append(c.batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
	if len(c.batch) == 25 {
		c.write()
	}
}

// flush returns once every event that was added is written.
func (c *TableFixture) flush() {
	c.t.Helper()
	c.write()
	c.writing.Wait()
	if c.t.Failed() {
		c.t.FailNow()
	}
}

// write writes the batch beside others: an engine that waits for its disk or its
// neighbours takes several at once.
func (c *TableFixture) write() {
	batch := c.batch
	if c.batch = nil; len(batch) == 0 {
		return
	}
	c.slots <- struct{}{}
	c.writing.Go(func() {
		defer func() { <-c.slots }()
		out, err := c.Clients.DynamoDB.BatchWriteItem(c.t.Context(), &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{c.At.Table: batch},
		})
		if err != nil || len(out.UnprocessedItems) > 0 {
			c.t.Errorf("of %d events some were not written: %v", len(batch), err)
		}
	})
}

// Count is how many events in a state were added and not taken.
func (c *TableFixture) Count(state webhook.State) int { return len(c.ids[state]) }

// Take returns an event in a state, another one each time.
func (c *TableFixture) Take(state webhook.State) string {
	c.t.Helper()
	ids := c.ids[state]
	if len(ids) == 0 {
		c.t.Fatalf("no %s event is left", state)
	}
	c.ids[state] = ids[:len(ids)-1]
	return ids[len(ids)-1]
}

// Through lets the commands read through the meter, or past it.
func (c *TableFixture) Through(m *Meter) {
	c.DynamoDB = c.Clients.Endpoints.DynamoDB
	if m != nil {
		c.DynamoDB = m.URL
	}
	c.WriteInfo("/" + strings.TrimSuffix(c.At.Table, "-events"))
}
