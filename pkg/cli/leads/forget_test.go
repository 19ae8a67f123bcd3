package leads_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/ledger"
)

// kept is everything that the table and the bucket hold, as text: compressed payloads
// are read by nobody here, so what is looked for has a copy outside of them, or the
// number of items with a payload says it.
func kept(t *testing.T, s *clitest.Stack) (text string, payloads, bytesInBucket int) {
	t.Helper()
	out, err := s.Clients.DynamoDB.Scan(t.Context(), &dynamodb.ScanInput{TableName: &s.At.Table})
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range out.Items {
		if it["payload"] != nil {
			payloads++
		}
		for name, av := range it {
			if b, ok := av.(*types.AttributeValueMemberB); ok {
				text += name + " " + string(b.Value) + "\n"
				continue
			}
			text += fmt.Sprintf("%s %+v\n", name, av)
		}
	}
	list, err := s.Clients.S3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &s.At.Bucket})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list.Contents {
		if strings.HasPrefix(*o.Key, "_") {
			continue
		}
		got, err := s.Clients.S3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.At.Bucket, Key: o.Key})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		bytesInBucket += len(body)
	}
	return text, payloads, bytesInBucket
}

// largeReply is a reply of the first lead that does not fit into an item.
func largeReply(n int) string {
	noise := rand.New(rand.NewPCG(1, uint64(n)))
	text := make([]byte, 200_000)
	for i := range text {
		text[i] = byte('a' + noise.IntN(26))
	}
	body := strings.Replace(clitest.Reply(1), `"text":"Yes"`, `"text":"`+string(text)+`"`, 1)
	return strings.Replace(body, "<reply-1@", fmt.Sprintf("<reply-large-%d@", n), 1)
}

func TestForgetErasesALeadWhole(t *testing.T) {
	s := clitest.New(t)
	s.Getenv["USER"] = "olga"
	first := s.Post(clitest.Reply(1))
	variant := strings.Replace(clitest.Reply(1), `"text":"Yes"`, `"text":"No"`, 1)
	s.Post(variant)
	s.Work()
	large := largeReply(1)
	s.Post(large)
	s.Work()
	s.Answer.Store(410)
	s.Post(strings.Replace(clitest.Reply(1), "<reply-1@", "<reply-dead@", 1))
	s.Work()
	s.Answer.Store(200)
	waits := s.Post(strings.Replace(clitest.Reply(1), "<reply-1@", "<reply-waits@", 1))
	other := s.Post(clitest.Reply(2))
	store := incident.NewStore(ledger.New(awssdk.DynamoDB{Client: s.Clients.DynamoDB}, s.At.Table), s.Clock)
	seen := incident.Sighting{ // as somebody who masks nothing would report it
		Key: incident.Key{Kind: incident.KindError, Cause: "no contact lead1@acme.example.com", Source: "demo"}, Text: "Lead1@acme.example.com", Count: 1, First: s.Clock(), Last: s.Clock(),
	}
	if _, err := store.Record(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	s.Fails(1, "not accepted", "send", s.File("bad.json", `{"event_type": "EMAIL_REPLY", "to_email": "Lead1@acme.example.com`))
	if text, payloads, bytes := kept(t, s); !strings.Contains(text, "lead1@acme") || payloads != 5 || bytes < 50_000 {
		t.Fatalf("%d payloads, %d bytes in the bucket", payloads, bytes)
	}

	s.Fails(2, "no address", "leads", "forget", "lead1")
	s.Fails(4, "with --yes it is recorded", "leads", "forget", "nobody@acme.example.com")
	s.Fails(4, "never erased", "leads", "forgotten", "nobody@acme.example.com")
	s.Fails(4, "it is recorded as erased", "leads", "forget", "nobody@acme.example.com", "--yes")
	if v := clitest.Lines(t, s.OK("leads", "forgotten", "nobody@acme.example.com", "--json").Out); len(v) != 1 || v[0]["by"] != "olga" || v[0]["ended_at"] == nil {
		t.Errorf("the record of a lead of whom nothing is kept: %v", v)
	}
	s.Fails(4, "which was erased at 2126-", "events", "find", "Nobody@acme.example.com")
	s.Fails(4, "leads forgotten", "events", "find", "nobody@acme.example.com")
	if r := s.Run("leads", "forget", "nobody@acme.example.com", "--yes", "--json"); r.Code != 4 || clitest.Lines(t, r.Out)[0]["complete"] != true {
		t.Errorf("as JSON: %d %s", r.Code, r.Out)
	}
	s.Fails(4, "never erased", "leads", "forgotten", "lead1@acme.example.com")
	s.Fails(2, "for good: 4 events, 1 variant, 1 large body, 1 refused request, 1 incident; 2 still wait and will be given up", "leads", "forget", "lead1@acme.example.com")

	r := s.OK("leads", "forget", " Lead1@ACME.example.com", "--yes")
	if want := "erased: 4 events, 1 variant, 1 large body, 1 refused request, 1 incident; 2 events were given up\n"; r.Out != want {
		t.Errorf("got %q, want %q", r.Out, want)
	}
	if !strings.Contains(r.Err, "unclaimed") {
		t.Errorf("it does not say what it cannot reach: %s", r.Err)
	}
	text, payloads, bytes := kept(t, s)
	if strings.Contains(strings.ToLower(text), "lead1@") || strings.Contains(text, "stats-1") || payloads != 1 || bytes != 0 {
		t.Errorf("left: %d payloads, %d bytes in the bucket, the lead: %t", payloads, bytes, strings.Contains(strings.ToLower(text), "lead1@"))
	}

	// What was sent of them is late: nothing is delivered, and nothing comes back.
	s.Work()
	for _, body := range []string{clitest.Reply(1), variant, large, strings.Replace(clitest.Reply(1), `"text":"Yes"`, `"text":"Third"`, 1)} {
		s.Post(body)
	}
	s.Work()
	if text, payloads, bytes := kept(t, s); strings.Contains(strings.ToLower(text), "lead1@") || payloads != 1 || bytes != 0 {
		t.Errorf("it came back: %d payloads, %d bytes in the bucket", payloads, bytes)
	}
	if v := clitest.Lines(t, s.OK("events", "show", waits, "--json").Out)[0]; v["state"] != "discarded" {
		t.Errorf("what waited is %v", v["state"])
	}
	if v := clitest.Lines(t, s.OK("events", "show", other, "--json").Out)[0]; v["state"] != "delivered" {
		t.Errorf("the event of another lead is %v", v["state"])
	}
	s.OK("events", "list")
	for _, id := range []string{waits, first} {
		s.Fails(1, "failed", "events", "replay", id)
		s.Fails(4, "was erased", "events", "show", id, "--raw")
		if r := s.OK("events", "show", id); !strings.Contains(r.Out, "erased 2126") || !strings.Contains(r.Out, "nothing can be delivered") || strings.Contains(r.Out, "cannot be read") {
			t.Errorf("an erased event is shown as\n%s", r.Out)
		}
		if r := s.Run("events", "replay", id); !strings.Contains(r.Out, "it was erased") {
			t.Errorf("got %s", r.Out)
		}
	}

	if r := s.OK("events", "show", first); !strings.Contains(r.Out, "erased with it") || strings.Contains(r.Out, "not delivered") {
		t.Errorf("its variants are shown as kept:\n%s", r.Out)
	}
	if r := s.OK("leads", "forgotten", "lead1@acme.example.com"); !strings.Contains(r.Out, "FINDINGS") || !strings.Contains(r.Out, "ARCHIVED") {
		t.Errorf("not all that was erased is counted:\n%s", r.Out)
	}
	v := clitest.Lines(t, s.OK("leads", "forgotten", "lead1@acme.example.com", "--json").Out)
	if len(v) != 1 || v[0]["by"] != "olga" || v[0]["ended_at"] == nil || v[0]["erased"].(map[string]any)["events"] != 4.0 {
		t.Errorf("the record is %v", v)
	}
	s.Fails(4, "nothing is kept", "leads", "forget", "lead1@acme.example.com")
	if r := s.OK("events", "replay", "--state", "delivered", "--since", "1h", "--again", "--yes"); !strings.Contains(r.Err, "left out: ") || !strings.Contains(r.Err, "erased event") {
		t.Errorf("a replay by a filter that covers erased events: %s%s", r.Out, r.Err)
	}

	s.Post(strings.Replace(clitest.Reply(1), "<reply-1@", "<reply-new@", 1)) // Smartlead still has the lead
	if r := s.OK("leads", "forgotten", "lead1@acme.example.com"); !strings.Contains(r.Err, "kept now, received since or left: 1 event") {
		t.Errorf("got\n%s%s", r.Out, r.Err)
	}
	if v := clitest.Lines(t, s.OK("leads", "forget", "lead1@acme.example.com", "--yes", "--json", "--by", "max").Out)[0]; v["complete"] != true {
		t.Errorf("got %v", v)
	}
	if v := clitest.Lines(t, s.OK("leads", "forgotten", "lead1@acme.example.com", "--json").Out); len(v) != 2 || v[1]["by"] != "max" {
		t.Errorf("the record is %v", v)
	}
}

// A search asks whether the lead was erased, and makes no key for that where none is kept.
func TestASearchWritesNothing(t *testing.T) {
	s := clitest.New(t)
	if _, err := s.Clients.SSM.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String(s.Env.Config.ParameterPrefix + "/erasure-key")}); err != nil {
		t.Fatal(err)
	}
	before := parameters(t, s)
	s.Fails(4, "no event has the lead", "events", "find", "nobody@acme.example.com")
	if after := parameters(t, s); !slices.Equal(before, after) {
		t.Errorf("a search wrote: %q, before %q", after, before)
	}
}

// parameters are the names of what is kept in Parameter Store.
func parameters(t *testing.T, s *clitest.Stack) (names []string) {
	t.Helper()
	out, err := s.Clients.SSM.GetParametersByPath(t.Context(), &ssm.GetParametersByPathInput{Path: &s.Env.Config.ParameterPrefix, Recursive: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range out.Parameters {
		names = append(names, *p.Name)
	}
	slices.Sort(names)
	return names
}
