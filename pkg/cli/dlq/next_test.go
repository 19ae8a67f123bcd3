package dlq

import (
	"bytes"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/stack"
)

// A deployed stack has the way back of SQS, with the destination that AWS needs;
// a local one does not, and nothing speaks of it.
func TestTheNativeWayIsOfADeployedStack(t *testing.T) {
	at := stack.Place{DLQARN: "arn:aws:sqs:eu-west-1:1:s-dlq", LiveQueueARN: "arn:aws:sqs:eu-west-1:1:s-live"}
	for local, want := range map[bool]string{
		true:  "",
		false: "aws sqs start-message-move-task --source-arn arn:aws:sqs:eu-west-1:1:s-dlq --destination-arn arn:aws:sqs:eu-west-1:1:s-live --profile p",
	} {
		var out bytes.Buffer
		s := session.New(t.Context(), session.System{In: strings.NewReader(""), Out: &out, Err: &out})
		s.Target.Local, s.Target.Profile = local, "p"
		v := queueView{Native: native(s, &stack.Stack{Place: at}), Ours: "ours", Foreign: 1}
		if v.Native != want {
			t.Errorf("local %v: %q, want %q", local, v.Native, want)
		}
		showNext(s, v)
		showQueue(s, v)
		said := out.String()
		if !strings.Contains(said, "ours") || strings.Contains(said, "natively") == local || strings.Contains(said, "SQS") == local ||
			!strings.Contains(said, v.Native) {
			t.Errorf("local %v:\n%s", local, said)
		}
	}
}
