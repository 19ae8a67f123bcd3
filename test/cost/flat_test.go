package cost

import (
	"context"
	"flag"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/webhook"
)

// items is how many events the large table of TestFlat has.
var items = flag.Int("items", 10_000, "`events` in the large table of TestFlat")

const (
	fewItems = 1_000 // of the small table
	flatDead = 100   // dead events in either table
	flatBack = 20    // of them that are redriven
	flatDue  = 200   // overdue events in either table
	flatLate = 240   // events of the latest seconds: more than a page in each shard
	flatLead = "nia@acme.example.com"
	flatEach = 20 // events of that lead
)

// A flatStep is one thing that is done to a table of any size.
type flatStep struct {
	name string
	do   func(r *rig, round int)
}

// command is a step that runs smartleadctl.
func command(line string) flatStep {
	return flatStep{"`" + line + "`", func(r *rig, _ int) {
		args := strings.Fields(line)
		if strings.HasPrefix(line, "redrive start") {
			args = append(args, "--yes")
		}
		r.OK(args...)
	}}
}

var flatSteps = []flatStep{
	{"a reply is received", func(r *rig, round int) { r.post(flatBody(r, round)) }},
	{"and delivered", func(r *rig, _ int) { r.work() }},
	{"the same reply again", func(r *rig, round int) { r.post(flatBody(r, round)) }},
	command("events list"),
	command("events list --lead " + flatLead),
	command("events list --state dead"),
	command("events find " + flatLead),
	{"`events show ID`", func(r *rig, _ int) { r.OK("events", "show", r.table.Take(webhook.Delivered)) }},
	command("dlq list"),
	command("redrive plan"),
	{fmt.Sprintf("the sweeper, %d due", flatDue), func(r *rig, _ int) { r.tick(r.sweeper) }},
	{"the sweeper, none due", func(r *rig, _ int) { r.tick(r.sweeper) }},
	{"the redrive function, no job", func(r *rig, _ int) { r.tick(r.redrive) }},
	command(fmt.Sprintf("redrive start --limit %d", flatBack)),
	{fmt.Sprintf("the redrive function, %d sent back", flatBack), func(r *rig, _ int) { r.tick(r.redrive) }},
	command("redrive cancel"),
}

func (r *rig) tick(function func(context.Context, events.CloudWatchEvent) error) {
	r.Helper()
	// Too short for a second step, which would wait for the clock.
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := function(ctx, events.CloudWatchEvent{}); err != nil {
		r.Fatal(err)
	}
}

// flatBody is a reply of the round's own, as long as any other.
func flatBody(r *rig, round int) string {
	return strings.ReplaceAll(clitest.Reply(7001+round), "hello", strings.Repeat("hello ", 20))
}

// TestFlat does the same to a table of 1,000 events and to one of -items: each
// step uses the same units and calls of DynamoDB, whatever the table holds beside
// what the step is about.
func TestFlat(t *testing.T) {
	r := newRig(t)
	r.table = clitest.NewTableFixture(r.Stack)
	r.table.Through(r.meter)
	r.table.Add(webhook.Delivered, flatEach, func(item map[string]types.AttributeValue) {
		item["lead"] = &types.AttributeValueMemberS{Value: flatLead}
	})
	r.table.Late(flatLate)
	r.table.Add(webhook.Dead, flatDead-r.table.Count(webhook.Dead), nil)
	r.purge()
	for _, step := range flatSteps[len(flatSteps)-3:] { // so that each redrive follows one like it
		step.do(r, 0)
	}
	r.table.Add(webhook.Pending, flatDue, nil)
	r.tick(r.sweeper) // the first look at incidents goes back a day, and opens some;
	r.tick(r.sweeper) // now and then one asks what is still dead
	var rounds [2][]clitest.Consumed
	for round, size := range []int{fewItems, *items} {
		r.purge()
		r.table.Add(webhook.Dead, flatBack, nil)
		r.table.Add(webhook.Pending, flatDue, nil)
		// Behind the sweeper's looks, each of which costs by what was received since the one before.
		r.table.Grow(size-r.table.Total, 2*time.Hour)
		r.meter.Reset()
		for _, step := range flatSteps {
			step.do(r, round)
			rounds[round] = append(rounds[round], r.meter.Reset())
		}
	}
	var b strings.Builder
	b.WriteString("| | read units | write units | calls |\n|---|--:|--:|--:|")
	for i, step := range flatSteps {
		few, many := rounds[0][i], rounds[1][i]
		// A page of an index, and the job of a redrive, are charged by their bytes, for
		// every 4 KB begun, and ids and times are packed better or worse.
		if math.Abs(few.Units-many.Units) > 0.02*few.Units || few.Reads != many.Reads || few.Written != many.Written || few.Writes != many.Writes {
			t.Errorf("%s: %s in a table of %d events, %s in one of %d", step.name, spelledUse(few), fewItems, spelledUse(many), *items)
		}
		fmt.Fprintf(&b, "\n| %s | %g | %g | %d |", step.name, few.Units, few.Written, few.Reads+few.Writes)
	}
	t.Logf("in a table of %d events and in one of %d alike:\n%s", fewItems, *items, b.String())
	if !t.Failed() {
		holdDocument(t, "../../docs/PERFORMANCE.md", map[string]string{"flat": b.String()})
	}
}

// purge empties the queues: of what an earlier round sent, and of dead letters, whose
// times are the engine's own, so that the redrive function would renew them for ever.
func (r *rig) purge() {
	r.Helper()
	for _, q := range []local.Queue{r.At.Live, r.At.Replay, r.At.DLQ} {
		if _, err := r.Clients.SQS.PurgeQueue(r.Context(), &sqs.PurgeQueueInput{QueueUrl: &q.URL}); err != nil {
			r.Fatal(err)
		}
	}
}

func spelledUse(c clitest.Consumed) string {
	return fmt.Sprintf("%g read units in %d calls, %g write units in %d", c.Units, c.Reads, c.Written, c.Writes)
}
