package cli

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/dynoxide"
	"smartlead-receiver/test/ttlcheck"
)

// bound is one command and what it may read. Every event of the crowd is below
// 4 KB, so that to read one whole costs one unit; an index shows about 25 keys
// for half a unit, and each partition that is asked costs at least half a unit.
// Words in braces stand for an event of that state, and for what the crowd is
// known by.
type bound struct {
	command string
	units   float64
	calls   int
	// looks: it looks at what was received, or at all of a campaign, up to
	// 20,000 events; it is tried over the large table alone. Every other command
	// reads no more of a larger table.
	looks bool
	code  int
	says  string // on stderr
	input string
}

// What a look at 20,000 events costs: each event once, and its key.
const (
	lookUnits = 21_000
	lookCalls = 800
	// Where the index alone rules the events out, they are not read.
	keysUnits = 700
)

var bounds = []bound{
	{command: "events list", units: 65, calls: 10},
	{command: "events list --limit 1000", units: 1100, calls: 60},
	{command: "events list --oldest", units: 65, calls: 10},
	{command: "events list --since 2d --until 1d", units: 65, calls: 10},
	{command: "events list --type EMAIL_OPEN", units: 75, calls: 20},
	{command: "events list --type MANUAL_STEP_REACHED", units: keysUnits, calls: lookCalls, looks: true, says: "--after"},
	{command: "events list --source none", units: lookUnits, calls: lookCalls, looks: true, says: "--after"},
	{command: "events list --account none", units: lookUnits, calls: lookCalls, looks: true, says: "--after"},
	{command: "events list --flag daemon_sender", units: lookUnits, calls: lookCalls, looks: true, says: "--after"},
	{command: "events list --error-class none", units: lookUnits, calls: lookCalls, looks: true, says: "--after"},
	{command: "events list --since 3650d --oldest", units: 1000, calls: 2000, says: "--after"},
	{command: "events list --since 3650d --until 3000d", units: 1000, calls: 2000, says: "400 days"},

	{command: "events list --state delivered", units: 90, calls: 15},
	{command: "events list --state pending", units: lookUnits, calls: lookCalls, looks: true},
	{command: "events list --state processing", units: lookUnits, calls: lookCalls, looks: true},
	{command: "events list --state discarded", units: lookUnits, calls: lookCalls, looks: true},
	{command: "events list --state held", units: 30, calls: 8},
	{command: "events list --state held --source none", units: 10, calls: 8},
	{command: "events list --state parked", units: 30, calls: 8},
	{command: "events list --state dead", units: 65, calls: 8},
	{command: "events list --state dead --oldest --limit 200", units: 230, calls: 15},
	{command: "events list --state dead --error-class {rare class}", units: 150, calls: 70},
	{command: "events list --state dead --error-class none", units: 150, calls: 90},
	{command: "events list --state dead --campaign {quiet campaign}", units: 160, calls: 90},
	{command: "events list --state dead --type EMAIL_OPEN", units: 75, calls: 20},
	{command: "events list --state dead --source none", units: 150, calls: 90},
	{command: "events list --state dead --lead {busy lead}", units: 60, calls: 5},

	{command: "events list --campaign {quiet campaign}", units: 30, calls: 8},
	{command: "events list --campaign none", units: 5, calls: 5},
	{command: "events list --campaign 4300001", units: 65, calls: 8},
	{command: "events list --campaign 4300001 --source none", units: lookUnits, calls: lookCalls, looks: true},
	{command: "events list --lead {busy lead}", units: 60, calls: 5},
	{command: "events list --lead {busy lead} --all", units: 60, calls: 5},
	{command: "events list --lead none@acme.example.com", units: 5, calls: 5},

	{command: "events find {busy lead}", units: 65, calls: 8},
	{command: "events find reply-of-77@acme.example.com", units: 5, calls: 8},
	{command: "events find stats-of-77", units: 5, calls: 8},
	{command: "events find req-of-77", units: 5, calls: 8},
	{command: "events find {delivered}", units: 1, calls: 1},
	{command: "events find nothing", units: 5, calls: 8, code: 4},
	{command: "events show {dead}", units: 2, calls: 2},
	{command: "events show {delivered} --raw", units: 2, calls: 2},
	{command: "events show {changed}", units: 5, calls: 2},
	{command: "events variants {changed}", units: 5, calls: 2},
	{command: "events refused", units: 2, calls: 1},

	{command: "events park {dead}", units: 1, calls: 1},
	{command: "events unpark {parked}", units: 2, calls: 2},
	{command: "events discard {dead} --yes", units: 1, calls: 1},
	{command: "events release {held}", units: 1, calls: 1},
	{command: "events replay {delivered}", units: 2, calls: 2},
	{command: "events replay {dead} --wait --timeout 2s", units: 8, calls: 8},
	{command: "events replay --state dead", units: 600, calls: 30, code: 2, says: "redrive start"},
	{command: "events replay --state dead --error-class {rare class}", units: 250, calls: 90, code: 2, says: "--yes"},
	{command: "events replay --state dead --error-class none", units: 150, calls: 90, code: 4},
	{command: "events replay --source none --since 1d", units: 1000, calls: 60, looks: true, code: 4},
	{command: "events replay --source none --since 90d", units: lookUnits, calls: lookCalls, looks: true, code: 2, says: "looked at 20,000 events"},

	{command: "dlq list", units: 1.2 * crowdDead, calls: 120},
	{command: "dlq list --events --type EMAIL_REPLY", units: 1.3 * crowdDead / 4, calls: 90},
	{command: "dlq list --error-class {rare class}", units: 250, calls: 90},
	{command: "dlq list --campaign {quiet campaign}", units: 150, calls: 90},
	// Half a unit for 4 KB of the index: 3,000 entries of about 300 bytes.
	{command: "redrive plan", units: 130, calls: 8},
	{command: "redrive plan --error-class {rare class} --limit 10", units: 130, calls: 8},
	{command: "redrive start", units: 130, calls: 8, code: 2, says: "--yes"},
	{command: "redrive start --yes --error-class {rare class}", units: 260, calls: 16},
	{command: "redrive status", units: 2, calls: 2},
	{command: "redrive pause", units: 2, calls: 2},
	{command: "redrive resume", units: 2, calls: 2},
	{command: "redrive cancel", units: 2, calls: 2},
	{command: "redrive history", units: 5, calls: 2},

	{command: "stats", units: lookUnits, calls: lookCalls, looks: true},
	{command: "stats --since 31d", units: lookUnits, calls: lookCalls, looks: true, says: "read the newest 20,000 events only"},
	{command: "stats --since 31d --max 1000", units: 1100, calls: 60, says: "read the newest 1,000 events only"},
	// It looks twice; what the first look has shown is not read again.
	{command: "tail --past 1h", units: 110, calls: 40, looks: true},
	// A thousand dead events, and a hundred overdue ones of each of eight shards.
	{command: "doctor", units: 1900, calls: 80, code: 1},
	{command: "sources trust-key demo --yes", units: 2*crowdHeld + 20, calls: 60, says: "stay held", input: "a third key\n"},
}

// TestCapacity holds every command that reads events to a bound, over a table of
// about 16,000 events and one of about 29,000: what it reads by a look-up does
// not grow with the table, and what it looks through ends. No command scans the
// table. -v prints what each read.
func TestCapacity(t *testing.T) {
	m := newMeter(t, ttlcheck.Proxy(t, dynoxide.Use(t)))
	c := newCrowd(newStationOver(t, m.engine))
	c.settle()
	var rounds [2][]consumed
	for round := range rounds {
		c.grow(13_000)
		c.through(m)
		for _, b := range bounds {
			if b.looks && round == 0 {
				rounds[round] = append(rounds[round], consumed{})
				continue
			}
			u := c.run(m, b)
			if u.units > b.units || u.reads > b.calls || !strings.Contains(u.said, b.says) {
				t.Errorf("%s, of %d events: %v units in %d calls, want at most %v in %d, saying %q:\n%s",
					b.command, c.total, u.units, u.reads, b.units, b.calls, b.says, u.said)
			}
			rounds[round] = append(rounds[round], u)
		}
		c.through(nil)
	}
	report := fmt.Sprintf("%-58s %19s %19s %19s\n", "read units (calls)", "small table", "large table", "at most")
	for i, b := range bounds {
		small, large := rounds[0][i], rounds[1][i]
		if grown := large.units > 1.1*small.units+3; grown && !b.looks {
			t.Errorf("%s reads more of a larger table: %v units, then %v", b.command, small.units, large.units)
		}
		first := fmt.Sprintf("%10.1f (%6d)", small.units, small.reads)
		if b.looks {
			first = "not tried"
		}
		report += fmt.Sprintf("%-58s %19s %10.1f (%6d) %10.0f (%6d)\n", b.command, first, large.units, large.reads, b.units, b.calls)
	}
	t.Log("\n" + report)
}

// run runs one command, and ends it at its second sleep.
func (c *crowd) run(m *meter, b bound) consumed {
	c.t.Helper()
	words := strings.NewReplacer("{rare class}", rareClass, "{quiet campaign}", quietCampaign, "{busy lead}", busyLead, "{changed}", c.changed)
	args := []string{"--local", "--state-dir", c.dir}
	for _, arg := range strings.Fields(words.Replace(b.command)) {
		if name, ok := strings.CutPrefix(arg, "{"); ok {
			arg = c.take(webhook.State(strings.TrimSuffix(name, "}")))
		}
		args = append(args, arg)
	}
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	sleeps := 0
	c.input = b.input
	c.onSleep = func(context.Context) {
		if sleeps++; sleeps == 2 && strings.HasPrefix(b.command, "tail") {
			cancel()
		}
	}
	m.reset()
	r := c.ctlWith(ctx, args...)
	if r.code != b.code {
		c.t.Errorf("%s: exit %d, want %d\n%s%s", b.command, r.code, b.code, r.out, r.err)
	}
	u := m.reset()
	u.said = r.err
	return u
}

// The engine reports capacity by DynamoDB's rules: 4 KB a unit, half of it where
// a read need not be consistent, the items of a query together, those of a batch
// each for itself, an index by what it projects, and a unit for what is absent.
func TestEngineCountsCapacity(t *testing.T) {
	m := newMeter(t, ttlcheck.Proxy(t, dynoxide.Use(t)))
	s := newStationOver(t, m.engine)
	put := func(sk string) {
		_, err := s.clients.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.at.Table, Item: attributes{
			"pk": textValue("p"), "sk": textValue(sk), "lead_key": textValue("l"), "time_key": textValue(sk),
			"payload": textValue(strings.Repeat("x", 9000)),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("a")
	put("b")
	client := local.Connect(local.Endpoints{DynamoDB: m.URL, SQS: engine.URL, SSM: engine.URL, S3: engine.URL})
	t.Cleanup(client.Close)
	get := func(sk string, consistent bool) error {
		_, err := client.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: &s.at.Table, Key: attributes{"pk": textValue("p"), "sk": textValue(sk)}, ConsistentRead: &consistent,
		})
		return err
	}
	query := func(index, condition, value string) error {
		in := &dynamodb.QueryInput{
			TableName: &s.at.Table, KeyConditionExpression: &condition, ExpressionAttributeValues: attributes{":v": textValue(value)},
		}
		if index != "" {
			in.IndexName = &index
		}
		_, err := client.DynamoDB.Query(t.Context(), in)
		return err
	}
	for _, c := range []struct {
		what string
		want float64
		call func() error
	}{
		{"9,000 bytes, consistent", 3, func() error { return get("a", true) }},
		{"9,000 bytes", 1.5, func() error { return get("a", false) }},
		{"an absent item, consistent", 1, func() error { return get("c", true) }},
		{"a query over 18,000 bytes", 2.5, func() error { return query("", "pk = :v", "p") }},
		{"two keys of an index", 0.5, func() error { return query("lead", "lead_key = :v", "l") }},
		{"a query that finds nothing", 0.5, func() error { return query("lead", "lead_key = :v", "n") }},
		{"a batch of two, and of an absent one", 7, func() error {
			_, err := client.DynamoDB.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{s.at.Table: {
				ConsistentRead: aws.Bool(true), Keys: []map[string]types.AttributeValue{
					{"pk": textValue("p"), "sk": textValue("a")}, {"pk": textValue("p"), "sk": textValue("b")}, {"pk": textValue("p"), "sk": textValue("c")},
				},
			}}})
			return err
		}},
	} {
		m.reset()
		if err := c.call(); err != nil {
			t.Fatal(err)
		}
		if u := m.reset(); u.units != c.want || u.reads != 1 {
			t.Errorf("%s costs %v units in %d calls, want %v in one", c.what, u.units, u.reads, c.want)
		}
	}
}
