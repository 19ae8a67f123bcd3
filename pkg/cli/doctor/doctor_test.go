package doctor_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestDoctor(t *testing.T) {
	s := clitest.New(t)
	if r := s.OK("doctor"); !strings.Contains(r.Out, "source demo is ready") || !strings.Contains(r.Out, "nothing is overdue") {
		t.Errorf("got\n%s", r.Out)
	}
	s.DeadReplies(1)
	s.Post(clitest.Reply(7))
	s.Advance(time.Hour) // nobody swept
	r := s.Run("doctor", "--json")
	if r.Code != 1 {
		t.Errorf("exit %d", r.Code)
	}
	found := map[string]map[string]any{}
	for _, v := range clitest.Lines(t, r.Out) {
		found[v["check"].(string)] = v
	}
	if found["sweeper"]["result"] != "bad" || !strings.Contains(found["sweeper"]["detail"].(string), "1 event is overdue") {
		t.Errorf("sweeper: %v", found["sweeper"])
	}
	if found["dead events"]["result"] != "note" || !strings.Contains(found["dead events"]["detail"].(string), "1 dead event") {
		t.Errorf("dead: %v", found["dead events"])
	}
	s.OK("sources", "remove", "demo", "-y")
	s.OK("destinations", "remove", "crm", "-y")
	r = s.Run("doctor")
	if !strings.Contains(r.Out, "there is no source") || !strings.Contains(r.Out, "worker's log") || !strings.Contains(r.Out, "token is wrong") {
		t.Errorf("got\n%s", r.Out)
	}
}

// Where all is delivered, and nobody looked, the sweeper does not run all the same.
func TestDoctorSeesThatNobodyLooks(t *testing.T) {
	s := clitest.New(t)
	s.Post(clitest.Reply(7))
	s.Work()
	if result, detail := found(t, s, "sweeper"); result != "ok" {
		t.Errorf("at once: %s: %s", result, detail)
	}
	s.Advance(time.Hour)
	if result, detail := found(t, s, "sweeper"); result != "bad" || !strings.Contains(detail, "it has looked at nothing that was received in the last 1 h: it does not run") {
		t.Errorf("without a sweep: %s: %s", result, detail)
	}
	s.Sweep()
	if result, detail := found(t, s, "sweeper"); result != "ok" {
		t.Errorf("after a sweep: %s: %s", result, detail)
	}
}

// A dead event whose dead letter is on its way lacks none; one whose letter is gone
// does.
func TestDoctorWeighsDeadLetters(t *testing.T) {
	s := clitest.New(t)
	ids := s.DeadReplies(3)
	if result, detail := found(t, s, "dead events"); result != "note" || detail != "3 dead events, about 3 dead letters" {
		t.Errorf("%s: %s", result, detail)
	}
	if _, err := s.Clients.SQS.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &s.At.DLQ.URL}); err != nil {
		t.Fatal(err)
	}
	const gone = "3 dead events, about 0 dead letters: the messages of a local stack end with it"
	if _, detail := found(t, s, "dead events"); detail != gone {
		t.Error(detail)
	}
	owe(t, s, ids[1:])
	if _, detail := found(t, s, "dead events"); detail != gone {
		t.Errorf("one of three lacks its own: %s", detail)
	}
	owe(t, s, ids[:1])
	if _, detail := found(t, s, "dead events"); detail != "3 dead events, about 0 dead letters" {
		t.Errorf("each is on its way: %s", detail)
	}
}

// owe makes dead events owe their dead letters, as they do until SQS has taken them.
func owe(t *testing.T, s *clitest.Stack, ids []string) {
	t.Helper()
	text := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	for i, id := range ids {
		_, err := s.Clients.DynamoDB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &s.At.Table, Key: map[string]types.AttributeValue{"pk": text(id), "sk": text("E#000001")},
			UpdateExpression:         aws.String("SET #d = :d, #s = :s"),
			ExpressionAttributeNames: map[string]string{"#d": "due", "#s": "due_shard"},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":d": text(fmt.Sprintf("%s#OWED%d", s.Clock().Add(time.Minute).Format("2006-01-02T15:04:05.000Z"), i)), ":s": text("due#0"),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestDoctorNamesASourceThatIsNotThere(t *testing.T) {
	s := clitest.New(t)
	s.OK("sources", "add", "acme")
	s.Said = nil
	for _, args := range [][]string{{"doctor", "--source", "acme"}, {"doctor", "--source", "acme", "--try"}} {
		if r := s.Run(args...); !strings.Contains(r.Out, "no token of source acme was given") || strings.Contains(r.Out, "no source and token") {
			t.Errorf("%v of a source without its token says\n%s", args, r.Out)
		}
	}
	r := s.Run("doctor", "--source", "nope")
	if r.Code != 1 || !strings.Contains(r.Out, "there is no source nope") || !strings.Contains(r.Out, "sources list") {
		t.Errorf("exit %d:\n%s", r.Code, r.Out)
	}
}

// What waits for an operator is in no queue: nothing else would tell of it.
func TestDoctorCountsWhatIsHeldOrParked(t *testing.T) {
	s := clitest.New(t)
	if r := s.OK("doctor"); strings.Contains(r.Out, "not delivered") {
		t.Errorf("nothing waits, and yet:\n%s", r.Out)
	}
	dead := s.DeadReplies(1)[0]
	s.OK("events", "park", dead)
	s.Secrets = append(s.Secrets, "first-key-0001")
	s.Input = "first-key-0001\n"
	s.OK("sources", "trust-key", "demo", "--no-release", "--yes")
	s.Post(clitest.Reply(7))
	s.Post(clitest.Reply(8))
	s.Advance(time.Minute)
	s.Terminal, s.Width = true, 300
	r := s.OK("doctor")
	for _, want := range []string{
		"2 held events, not delivered; the oldest from 1 min", "events list --state held; ",
		"1 parked event, not delivered; the oldest from 2 min", "events list --state parked; ",
	} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("no %q in\n%s", want, r.Out)
		}
	}
}

// Just after midnight the evening's refusals still count, and those of the day
// before yesterday never do.
func TestDoctorCountsTheRefusalsOfADay(t *testing.T) {
	s := clitest.New(t)
	refused := func(path string, n int) {
		t.Helper()
		for range n {
			resp, err := http.Post(s.Front.URL+path, "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}
	}
	refused("/webhooks/old/slr_wrong", 1)
	s.Advance(25 * time.Hour)
	if r := s.OK("doctor"); !strings.Contains(r.Out, "none in 24 hours") {
		t.Errorf("got\n%s", r.Out)
	}
	refused("/webhooks/demo/slr_wrong", 3)
	refused("/webhooks/demo/"+s.Token+"/more", 2)
	refused("/.env", 5)
	// The test's clock begins at noon: this is past the next midnight.
	s.Advance(13 * time.Hour)
	s.Terminal, s.Width = true, 300
	want := "5 in 24 hours: 3 wrong_token at source demo, 2 wrong_path at source demo; the latest 13 h ago"
	if r := s.OK("doctor"); !strings.Contains(r.Out, want) {
		t.Errorf("no %q in\n%s", want, r.Out)
	}
	if r := s.OK("events", "refused"); strings.Count(r.Out, "wrong_path") != 3 || strings.Contains(r.Out, s.Token) { // and the advice
		t.Errorf("got\n%s", r.Out)
	}
}

// Intake that ends leaves no error anywhere.
func TestDoctorTellsOfSilence(t *testing.T) {
	s := clitest.New(t)
	if result, detail := found(t, s, "silent sources"); result != "ok" {
		t.Errorf("a new source: %s: %s", result, detail)
	}
	for n := range 25 {
		s.Post(clitest.Reply(100 + n))
		s.Advance(time.Hour)
	}
	if result, detail := found(t, s, "silent sources"); result != "ok" {
		t.Errorf("an hour after an event an hour: %s: %s", result, detail)
	}
	s.Advance(4 * time.Hour)
	if result, detail := found(t, s, "silent sources"); result != "note" || !strings.Contains(detail, "demo for 5 h") {
		t.Errorf("after five hours: %s: %s", result, detail)
	}
	s.Advance(20 * 24 * time.Hour)
	if result, detail := found(t, s, "silent sources"); result != "note" || !strings.Contains(detail, "no event in 14 days through demo") {
		t.Errorf("after weeks: %s: %s", result, detail)
	}
}

// A test event goes the whole way, or the doctor says how far it came.
func TestDoctorTriesTheWholeWay(t *testing.T) {
	s := clitest.New(t)
	try := func() (int, map[string]any) {
		r := s.Run("doctor", "--try", "--json")
		lines := clitest.Lines(t, r.Out)
		last := lines[len(lines)-1]
		if last["check"] != "test event" {
			t.Fatalf("the last check is %v", last)
		}
		return r.Code, last
	}
	s.OnSleep = func(context.Context) { s.Work() }
	code, v := try()
	if code != 0 || v["result"] != "ok" || !strings.Contains(v["detail"].(string), "delivered to crm in") {
		t.Errorf("exit %d: %v", code, v)
	}
	s.OnSleep = nil // no worker
	if code, v = try(); code != 1 || v["result"] != "bad" || !strings.Contains(v["detail"].(string), "not settled after 1 min") {
		t.Errorf("exit %d: %v", code, v)
	}
	if r := s.OK("events", "list", "--flag", "test_event", "--json"); len(clitest.Lines(t, r.Out)) != 2 {
		t.Errorf("test events: %s", r.Out)
	}
	s.OK("sources", "remove", "demo", "-y")
	if code, v = try(); code != 1 || !strings.Contains(v["detail"].(string), "HTTP 401") {
		t.Errorf("exit %d: %v", code, v)
	}
}
