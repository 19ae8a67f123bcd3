//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/webhook"
)

// another returns the receipt of a further event like that of a lead, under an
// identity of its own.
func another(t *testing.T, lead, identity string) webhook.Receipt {
	t.Helper()
	receipt := becomes(t, post(t, reply(lead)).Results[0].EventID, webhook.Delivered, 30*time.Second).Receipt
	receipt.Key = "v1:EMAIL_REPLY:" + strings.Repeat(identity, 32)
	receipt.ReceivedAt = time.Now().UTC()
	return receipt
}

// reached waits until an event is delivered and its destination was asked once.
func reached(t *testing.T, lead string, id webhook.EventID) {
	t.Helper()
	becomes(t, id, webhook.Delivered, 30*time.Second)
	n := 0
	for _, d := range records.about(lead) {
		if d.event.ID == id {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%s: %d deliveries, want 1", id, n)
	}
}

// The receiver claimed the event, and died before its message was sent.
func TestTheSweeperSendsWhatTheQueueNeverGot(t *testing.T) {
	const lead = "swept@e2e.example"
	receipt := another(t, lead, "A")
	claimed, err := ledger.New(awssdk.DynamoDB{Client: deployed.DynamoDB}, deployed.outputs["TableName"]).
		Claim(t.Context(), receipt, fmt.Sprint(time.Now().UnixNano()), time.Now().Add(-time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deployed.invoke(t.Context(), "SweeperFunctionName"); err != nil {
		t.Fatal(err)
	}
	reached(t, lead, claimed.ID)
}

// The ledger was down: the message is the only copy.
func TestAnUnclaimedEventIsClaimedAndDelivered(t *testing.T) {
	const lead = "unclaimed@e2e.example"
	receipt := another(t, lead, "B")
	queues := queue.New(awssdk.SQS{Client: deployed.SQS}, queue.URLs{Live: deployed.outputs["LiveQueueUrl"]})
	for _, err := range queues.Send(t.Context(), webhook.Live, []webhook.Message{{Kind: webhook.KindUnclaimed, Receipt: &receipt}}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	id := webhook.NewEventID(receipt.Key, 1)
	eventually(t, 30*time.Second, func() string {
		for _, d := range records.about(lead) {
			if d.event.ID == id {
				return ""
			}
		}
		return "the event did not reach its destination"
	})
	reached(t, lead, id)
}
