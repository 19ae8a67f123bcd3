package dlq_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestListByCause(t *testing.T) {
	s := clitest.New(t)
	s.TwoCauses()
	s.Golden("dlq", s.OK("dlq", "list", "--events").Out)

	all := clitest.Lines(t, s.OK("dlq", "list", "--json").Out)
	if len(all) != 3 || all[0]["kind"] != "cause" || all[0]["count"] != 2.0 || all[2]["kind"] != "queue" ||
		all[2]["dead_events"] != 3.0 || all[2]["messages"] != 3.0 || all[2]["foreign"] != 0.0 {
		t.Errorf("got %v", all)
	}
	// A look gives back what it took: the next one sees the same.
	if again := clitest.Lines(t, s.OK("dlq", "list", "--json").Out); again[2]["looked_at"] != 3.0 {
		t.Errorf("the second look saw %v", again[2])
	}
}

func TestForeignMessagesAreShown(t *testing.T) {
	s := clitest.New(t)
	_, err := s.Clients.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(s.At.DLQ.URL), MessageBody: aws.String("not ours \x1b[31m"),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := s.OK("dlq", "list")
	if !strings.Contains(r.Out, "1 foreign") || !strings.Contains(r.Out, "No dead event") {
		t.Errorf("got\n%s", r.Out)
	}
}

// Screens as a person sees them, at the widths of terminals.
func TestScreens(t *testing.T) {
	s := clitest.New(t)
	s.TwoCauses()
	for _, width := range []int{60, 80, 120, 200} {
		s.Terminal, s.Width = true, width
		s.Golden(fmt.Sprintf("dlq-%d", width), s.OK("dlq", "list").Out)
	}
}
