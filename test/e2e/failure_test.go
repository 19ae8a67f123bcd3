//go:build e2e

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/pkg/webhook"
)

// dies posts an event whose destination fails until its budget is used up.
func dies(t *testing.T, lead string) webhook.Record {
	t.Helper()
	records.fail(lead, http.StatusServiceUnavailable, always)
	id := post(t, reply(lead)).Results[0].EventID
	r := becomes(t, id, webhook.Dead, time.Minute)
	if n := len(records.about(lead)); n != 2 {
		t.Errorf("%d attempts, want the budget of 2", n)
	}
	return r
}

func TestADeadEventComesBackAsTheConsoleMovesIt(t *testing.T) {
	const lead = "console@e2e.example"
	r := dies(t, lead)
	m := deadLetter(t, r.ID)
	records.repair(lead)

	// What a redrive to a custom destination does, which no emulator has.
	live, dead := deployed.outputs["LiveQueueUrl"], deployed.outputs["DlqUrl"]
	if _, err := deployed.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &live, MessageBody: m.Body}); err != nil {
		t.Fatal(err)
	}
	if _, err := deployed.SQS.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &dead, ReceiptHandle: m.ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	delivered(t, lead, r)
}

func TestADeadEventComesBackByARedrive(t *testing.T) {
	const lead = "redrive@e2e.example"
	r := dies(t, lead)
	records.repair(lead)

	var plan struct{ Release int }
	smartleadctl(t, &plan, "redrive", "plan", "--id", string(r.ID))
	if plan.Release != 1 {
		t.Errorf("the plan releases %d, want 1", plan.Release)
	}
	var job job
	smartleadctl(t, &job, "redrive", "start", "--id", string(r.ID), "--yes")
	// The schedule starts the function as well; only one of them holds the job.
	if _, err := deployed.invoke(t.Context(), "RedriveFunctionName"); err != nil {
		t.Fatal(err)
	}
	delivered(t, lead, r)
	eventually(t, 2*time.Minute, func() string {
		smartleadctl(t, &job, "redrive", "status")
		if job.State != "done" || job.Counts.Delivered != 1 {
			return "the job is " + job.State + ": " + job.Reason
		}
		return ""
	})
}

// delivered waits for the delivery of an event that died, and looks at its
// account: a new budget, the same identity, attempts that go on counting.
func delivered(t *testing.T, lead string, died webhook.Record) {
	t.Helper()
	r := becomes(t, died.ID, webhook.Delivered, time.Minute)
	got := records.about(lead)
	last := got[len(got)-1]
	if len(got) != 3 || last.status != http.StatusOK {
		t.Errorf("%d requests, the last answered %d; want 3, 200", len(got), last.status)
	}
	for i, d := range got {
		if d.header.Get("Webhook-Id") != string(died.ID) {
			t.Errorf("request %d has webhook-id %q", i, d.header.Get("Webhook-Id"))
		}
	}
	if r.LeaseNumber <= died.Death {
		t.Errorf("delivered by lease %d, which is not after death %d", r.LeaseNumber, died.Death)
	}
}

// One batch, one bad destination: only its event comes back.
func TestABadEventDoesNotTakeItsBatchWithIt(t *testing.T) {
	good := []string{"batch-a@e2e.example", "batch-b@e2e.example"}
	const bad = "batch-bad@e2e.example"
	records.fail(bad, http.StatusInternalServerError, 1)
	a := post(t, "["+strings.Join([]string{reply(good[0]), reply(bad), reply(good[1])}, ",")+"]")
	r := becomes(t, a.Results[1].EventID, webhook.Delivered, time.Minute)
	if n := len(records.about(bad)); n != 2 || r.LeaseNumber != 2 {
		t.Errorf("the bad event: %d requests, lease %d; want 2, 2", n, r.LeaseNumber)
	}
	for i, lead := range good {
		r := becomes(t, a.Results[2*i].EventID, webhook.Delivered, 30*time.Second)
		if n := len(records.about(lead)); n != 1 || r.LeaseNumber != 1 {
			t.Errorf("%s: %d requests, lease %d; want 1, 1", lead, n, r.LeaseNumber)
		}
	}
}
