package console_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/console/consoletest"
)

// What the doctor finds is on the overview, as of when it looked; it looks again after
// five minutes, or where somebody asks, and no page waits for it.
func TestOverviewSaysWhatTheDoctorFinds(t *testing.T) {
	c := consoletest.New(t)
	wants(t, c.OK("/"), "Doctor") // which begins to look
	text := c.Looked()
	wants(t, text, "Doctor, 12:00:00 : ! 2 to know, ✓ 18 fine", "! note comparison nothing is compared", "! note ledger table", "no event in the last 31 days", "✓ fine webhook URL source demo is ready")
	if strings.Contains(text, "incidents") {
		t.Error("incidents are told twice")
	}
	c.DeadReplies(1)
	c.Advance(3 * time.Minute) // it is four minutes past
	if wants(t, c.OK("/"), "Doctor, 12:00:00 :"); strings.Contains(c.OK("/checkup"), "looks at every part now") {
		t.Error("it looks again after four minutes")
	}
	if a := c.Do(c.Client, http.MethodPost, c.URL+"/checkup", c.Get("/checkup").Form(), nil); a.Status != http.StatusOK {
		t.Fatalf("look again: %d", a.Status)
	}
	wants(t, c.Looked(), "Doctor, 12:04:00 : ! 2 to know", "! note dead events 1 dead event, about 1 dead letter see why: smartleadctl --local dlq list")
	c.Advance(6 * time.Minute)
	c.OK("/")
	wants(t, c.Looked(), "Doctor, 12:10:00 :")
}

// Without rights the doctor says so, in its place.
func TestDoctorIsRefused(t *testing.T) {
	c := consoletest.New(t)
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no right to dynamodb:Query"}`)
	}))
	defer refusing.Close()
	c.DynamoDB = refusing.URL
	c.WriteInfo("/" + strings.TrimSuffix(c.At.Table, "-events"))
	if a := c.Get("/"); a.Status != http.StatusOK {
		t.Errorf("the overview: %d", a.Status)
	}
	text := c.Looked()
	wants(t, text, "✗ fails ledger", "no right to dynamodb:Query", "✓ fine queues")
	if !strings.Contains(c.Get("/").Body, "<details open>") {
		t.Error("what fails is folded")
	}
}

// The bar has how many are dead, as of the latest count: it follows what an operator
// does, and costs a page nothing.
func TestBarCountsTheDead(t *testing.T) {
	c := consoletest.New(t)
	if c.OK("/"); strings.Contains(c.OK("/keys"), "ead ·") {
		t.Error("nothing is dead, and it is counted")
	}
	ids := c.DeadReplies(2)
	c.Advance(5 * time.Minute)
	wants(t, c.OK("/"), "D ead ·2")
	wants(t, c.OK("/keys"), "D ead ·2")
	c.Press(eventPath(ids[0])+"/discard", nil)
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(c.OK("/keys"), "D ead ·1") {
		if time.Now().After(deadline) {
			t.Fatal("it never noticed that one is dead no more")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
