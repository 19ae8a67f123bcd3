package destinations_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

// What is not there is found when it is configured, and not by events that are lost.
func TestADestinationThatIsNotThere(t *testing.T) {
	s := clitest.New(t)
	const nowhere = "arn:aws:%:us-east-1:000000000000:"
	for kind, resource := range map[string]string{
		"sqs": "nowhere", "sns": "nowhere", "events": "event-bus/nowhere", "firehose": "deliverystream/nowhere",
	} {
		arn := strings.Replace(nowhere, "%", kind, 1) + resource
		s.Fails(2, arn+" is not there", "destinations", "add", "x", "--kind", strings.Replace(kind, "events", "eventbridge", 1), "--arn", arn)
	}
	s.Fails(2, "--arn: is an ARN such as", "destinations", "add", "x", "--kind", "sqs", "--arn", "https://sqs.us-east-1.amazonaws.com/1/x")
	s.Fails(2, "--arn is not for --kind http", "destinations", "add", "x", "--url", s.Dest.URL, "--arn", "y")
	if list := s.OK("destinations", "list").Out; strings.Contains(list, "nowhere") {
		t.Errorf("a destination was written all the same:\n%s", list)
	}
}

// Events for a queue of the stack's own would go round for ever.
func TestAQueueOfTheStackIsNoDestination(t *testing.T) {
	s := clitest.New(t)
	for _, q := range []string{s.At.Live.ARN, s.At.Replay.ARN, s.At.DLQ.ARN} {
		s.Fails(2, "is a queue of this stack", "destinations", "add", "x", "--kind", "sqs", "--arn", q)
	}
}

func TestADestinationThatIsAQueue(t *testing.T) {
	s := clitest.New(t)
	other := clitest.New(t)
	r := s.OK("destinations", "add", "lake", "--kind", "sqs", "--arn", other.At.DLQ.ARN)
	if r.Out != "" || !strings.Contains(r.Err, "destinations test lake") {
		t.Errorf("added with %q and %q", r.Out, r.Err)
	}
	if r := s.OK("destinations", "test", "lake"); !strings.Contains(r.Out, "the destination lake took it") {
		t.Errorf("got %s", r.Out)
	}
	s.Fails(2, "is not there", "destinations", "set", "lake", "--arn", other.At.DLQ.ARN+"x", "-y")
	s.Fails(2, "signs nothing", "destinations", "rotate", "lake")
	if list := s.OK("destinations", "list").Out; !strings.Contains(list, other.At.DLQ.ARN) {
		t.Errorf("listed as\n%s", list)
	}
}
