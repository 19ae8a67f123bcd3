package sources_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

// watching runs sources watch, doing one step at each pause, and then nothing.
func watching(s *clitest.Stack, steps ...func()) clitest.Result {
	s.OnSleep = func(context.Context) {
		if len(steps) > 0 {
			steps[0]()
			steps = steps[1:]
		}
	}
	return s.Run("sources", "watch", "demo")
}

func sample(n int) string {
	return strings.Replace(clitest.Reply(n), fmt.Sprintf("%q", clitest.SecretKey), `"secretkey"`, 1)
}

func TestWatchSaysWhatArrived(t *testing.T) {
	s := clitest.New(t)
	s.Post(clitest.Reply(1)) // just before, so it is not what is waited for
	id := ""
	r := watching(s, func() {}, func() { id = s.Post(clitest.Reply(2)) }, func() {}, s.Work)
	if r.Code != 0 {
		t.Fatalf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
	for _, want := range []string{"EMAIL_REPLY arrived\n", id, "lead2@acme.example.com", "now        delivered"} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("did not say %q:\n%s", want, r.Out)
		}
	}
}

func TestWatchKnowsTheTestButton(t *testing.T) {
	s := clitest.New(t)
	r := watching(s, func() { s.Post(sample(3)); s.Work() })
	if r.Code != 0 || !strings.Contains(r.Out, "the button Test Webhook") {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
}

// What is refused is told, once, and is not what is waited for; nor is what comes
// through another source.
func TestWatchTellsRefusals(t *testing.T) {
	s := clitest.New(t)
	refused := func() {
		resp, err := http.Post(s.Front.URL+"/webhooks/demo/slr_wrong", "application/json", strings.NewReader(clitest.Reply(4)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	refused()
	r := watching(s, refused)
	if r.Code != 1 || strings.Count(r.Err, "refused: wrong_token") != 1 || !strings.Contains(r.Err, "sources rotate demo") ||
		!strings.Contains(r.Err, "no event of source demo came within 10 min") {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
	s.Fails(4, "no source nobody", "sources", "watch", "nobody")
	s.Fails(2, "--timeout", "sources", "watch", "demo", "--timeout", "0s")
}
