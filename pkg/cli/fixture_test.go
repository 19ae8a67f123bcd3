package cli

import (
	"encoding/base32"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/webhook"
)

// What a full table holds beside delivered events: as much in a small table
// as in a large one, so that what grows between the two grows with the table.
const (
	fixtureDays     = 40
	fixtureDead     = 3000
	fixtureOverdue  = 200
	fixtureHeld     = 20 // and as many parked ones
	fixtureLate     = 50 // within the latest seconds
	fixtureOfLead   = 50
	fixtureCampaign = 20
	busyLead        = "tom@acme.example.com"
	quietCampaign   = "4200001"
	rareClass       = "timeout" // of every 30th dead event
)

type attributes = map[string]types.AttributeValue

// tableFixture fills a ledger with events like real ones.
type tableFixture struct {
	*testStack
	like    map[webhook.State]attributes // a real event in each state
	ids     map[webhook.State][]string   // of every event
	changed string                       // an event that came with other bodies, too
	total   int
	batch   []types.WriteRequest
}

func newTableFixture(s *testStack) *tableFixture {
	c := &tableFixture{testStack: s, like: make(map[webhook.State]attributes), ids: make(map[webhook.State][]string)}
	keep := func(state webhook.State, id string) {
		it := c.item(id)
		if got := textOf(it, "state"); got != string(state) {
			s.t.Fatalf("the event that should be %s is %s", state, got)
		}
		c.like[state], c.ids[state] = it, append(c.ids[state], id)
	}
	for n, state := range []webhook.State{webhook.Dead, webhook.Parked, webhook.Discarded, webhook.Delivered} {
		s.answer.Store(400)
		if state == webhook.Delivered {
			s.answer.Store(200)
		}
		id := s.post(reply(n))
		s.work()
		switch state {
		case webhook.Parked:
			s.ok("events", "park", id)
		case webhook.Discarded:
			s.ok("events", "discard", "--yes", id)
		case webhook.Pending, webhook.Processing, webhook.Delivered, webhook.Dead, webhook.Held:
		}
		keep(state, id)
	}
	for n := range 3 {
		s.post(strings.Replace(reply(3), "Yes", fmt.Sprintf("Yes, %d", n), 1))
	}
	c.changed = c.ids[webhook.Delivered][0]
	s.input = "another key\n"
	s.ok("sources", "trust-key", "demo", "--no-release")
	keep(webhook.Held, s.post(reply(5)))
	s.input = secretKey + "\n"
	s.ok("sources", "trust-key", "demo", "--no-release")
	keep(webhook.Pending, s.post(reply(4)))
	return c
}

func (c *tableFixture) item(id string) attributes {
	c.t.Helper()
	out, err := c.clients.DynamoDB.GetItem(c.t.Context(), &dynamodb.GetItemInput{
		TableName: &c.at.Table, Key: attributes{"pk": textValue(id), "sk": textValue("E#000001")},
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

// settle adds what is not delivered, or found by more than its age: the same in
// every table.
func (c *tableFixture) settle() {
	for i := range fixtureDead {
		c.add(webhook.Dead, spread(i, fixtureDead), func(it attributes) {
			if i%30 == 0 {
				it["error_class"] = textValue(rareClass)
			}
		})
	}
	for i := range fixtureOverdue {
		c.add(webhook.Pending, spread(i, fixtureOverdue)+time.Hour, nil)
	}
	for i := range fixtureHeld {
		c.add(webhook.Held, spread(i, fixtureHeld), nil)
		c.add(webhook.Parked, spread(i, fixtureHeld), nil)
	}
	for i := range fixtureLate {
		c.add(webhook.Delivered, time.Duration(i)*100*time.Millisecond, nil)
	}
	for i := range fixtureOfLead {
		c.add(webhook.Delivered, spread(i, fixtureOfLead), func(it attributes) {
			it["lead_email"], it["lead_key"] = textValue(busyLead), textValue(busyLead)
		})
	}
	for i := range fixtureCampaign {
		state := []webhook.State{webhook.Delivered, webhook.Dead}[i%2]
		c.add(state, spread(i, fixtureCampaign), func(it attributes) {
			it["campaign_id"] = textValue(quietCampaign)
			it["campaign_key"] = textValue(fmt.Sprintf("%s#%d", quietCampaign, i%4))
		})
	}
	c.flush()
}

// grow adds n delivered events.
func (c *tableFixture) grow(n int) {
	for i := range n {
		c.add(webhook.Delivered, spread(i, n), nil)
	}
	c.flush()
}

// spread is the age of the i-th of n events.
func spread(i, n int) time.Duration {
	return time.Duration(i) * (fixtureDays * 24 * time.Hour / time.Duration(n))
}

const fixtureTime = "2006-01-02T15:04:05.000Z"

// add puts an event like the real one in that state, of an age.
func (c *tableFixture) add(state webhook.State, age time.Duration, alter func(attributes)) {
	c.total++
	n := c.total
	kinds := []webhook.Type{webhook.EmailReply, webhook.EmailOpen, webhook.EmailSent, webhook.EmailLinkClick}
	typ := kinds[n%len(kinds)]
	id := fmt.Sprintf("v1:%s:%s", typ, base32.StdEncoding.EncodeToString(fmt.Appendf(nil, "%020d", n)))
	it := maps.Clone(c.like[state])
	set := func(name, format string, args ...any) {
		if _, has := it[name]; has {
			it[name] = textValue(fmt.Sprintf(format, args...))
		}
	}
	at := c.now.Add(-age).UTC()
	set("pk", "%s", id)
	set("type", "%s", typ)
	set("received_at", "%s", at.Format(fixtureTime))
	set("time_shard", "%s#%d", at.Format(time.DateOnly), n%4)
	set("time_key", "%s#%s", at.Format(fixtureTime), id)
	lead := fmt.Sprintf("lead%d@acme.example.com", 1000+n/7)
	set("lead_email", "%s", lead)
	set("lead_key", "%s", lead)
	campaign := 4300000 + n%5
	set("campaign_id", "%d", campaign)
	set("campaign_key", "%d#%d", campaign, n%4)
	set("stats_id", "stats-of-%d", n)
	set("message_id", "reply-of-%d@acme.example.com", n)
	set("request_id", "req-of-%d", n)
	set("provider_request_id", "req-of-%d", n)
	set("died_at", "%s", at.Format(fixtureTime))
	set("dead_shard", "%s#%d", state, n%4)
	set("dead_key", "%s#%s", at.Format(fixtureTime), id)
	set("due_at", "%s", at.Format(fixtureTime))
	set("due_shard", "due#%d", n%8)
	set("due_key", "%s#%s", at.Format(fixtureTime), id)
	if alter != nil {
		alter(it)
	}
	c.ids[state] = append(c.ids[state], id)
	c.batch = append(c.batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
	if len(c.batch) == 25 {
		c.flush()
	}
}

func (c *tableFixture) flush() {
	c.t.Helper()
	if len(c.batch) == 0 {
		return
	}
	out, err := c.clients.DynamoDB.BatchWriteItem(c.t.Context(), &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{c.at.Table: c.batch},
	})
	if err != nil || len(out.UnprocessedItems) > 0 {
		c.t.Fatalf("%d events were not written: %v", len(out.UnprocessedItems), err)
	}
	c.batch = nil
}

// take returns an event in a state, another one each time.
func (c *tableFixture) take(state webhook.State) string {
	c.t.Helper()
	ids := c.ids[state]
	if len(ids) == 0 {
		c.t.Fatalf("no %s event is left", state)
	}
	c.ids[state] = ids[:len(ids)-1]
	return ids[len(ids)-1]
}

// through lets the commands read through the meter, or past it.
func (c *tableFixture) through(m *meter) {
	c.dynamo = c.clients.Endpoints.DynamoDB
	if m != nil {
		c.dynamo = m.URL
	}
	c.writeInfo("/" + strings.TrimSuffix(c.at.Table, "-events"))
}
