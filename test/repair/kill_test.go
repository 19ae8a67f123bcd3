package repair

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/webhook"
)

// killBudget is how many events a run may bring back: so few that the work takes many.
const killBudget = 5

// TestTheKilledFunctionLosesNothing kills the process of the function with SIGKILL, at a
// random moment of its work, KILLS times; each time another one goes on an hour later. In
// the end all that was lost is there once and was delivered once, no run brought back more
// than it might, and what comes late is its original.
func TestTheKilledFunctionLosesNothing(t *testing.T) {
	kills := 8
	if text := os.Getenv("KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil || kills < 1 {
			t.Fatalf("KILLS=%s is no number from 1", text)
		}
	}
	w := newFunction(t, many(clitest.Start))
	program := filepath.Join(w.Dir, "function")
	if out, err := exec.Command("go", "build", "-o", program, "./function").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var posts, lost []fakeapi.Post
	for _, c := range w.account.Campaigns {
		for i, p := range c.Posts(w.Clock()) {
			posts = append(posts, p)
			switch {
			case i%2 == 0 && c.ID%4 == 0: // it failed, and comes when Smartlead is asked
				c.Lost = append(c.Lost, p)
			case i%2 == 0:
				lost = append(lost, p)
			default:
				w.post(p)
			}
		}
	}
	w.Work()
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1)) // another moment in each run
	whole := w.launch(program, 0)                                // how long a process works
	died := 0
	for range 20 * kills {
		if died == kills {
			break
		}
		if w.launch(program, time.Duration(1+r.Int64N(int64(whole)))) == 0 {
			died++
		}
	}
	if died < kills {
		t.Errorf("only %d processes were killed at work", died)
	}
	for range 60 {
		w.launch(program, 0)
		if w.missingNow() == 0 {
			break
		}
	}
	w.Advance(time.Hour)
	w.Sweep() // sends what was claimed and not enqueued
	w.Work()
	events, _ := w.stored()
	for _, p := range lost {
		if rec := events[idOf(t, p)]; !rec.Synthesized() || rec.State != webhook.Delivered {
			t.Errorf("%s of %s is %q, synthesized: %v", p.Type, p.Lead, rec.State, rec.Synthesized())
		}
	}
	for _, p := range posts {
		if events[idOf(t, p)].Synthesized() {
			w.post(p)
		}
	}
	w.Work()
	w.oncePerEvent(posts)
	for run, n := range w.madeBy(events) {
		if n > killBudget {
			t.Errorf("%s made %d", run, n)
		}
	}
	runs, err := scheduled.Runs(t.Context(), w.st.Ledger, 200)
	w.must(err)
	t.Logf("%d of %d events lost, %d kills, %d runs ended", len(lost), len(posts), died, len(runs))
}

// many is an account of campaigns whose mails were sent, and no more.
func many(now time.Time) *fakeapi.Account {
	a := &fakeapi.Account{Key: "k"}
	for n := range 4 {
		c := &fakeapi.Campaign{ID: 4100001 + n, Name: fmt.Sprintf("Campaign %d", n), Status: "ACTIVE"}
		for i := range 40 {
			c.Mails = append(c.Mails, &fakeapi.Mail{
				StatsID: fmt.Sprintf("5b1f7a52-0c3e-4d9a-%04d-%012d", n, i), Lead: fmt.Sprintf("lead%d.%d@acme.example.com", n, i), LeadID: 3_120_000_000 + int64(100*n+i),
				Step: 2, MessageID: fmt.Sprintf("<sent-%d-%d@outbound.example>", n, i), SentAt: now.Add(-2 * day).Add(time.Duration(i) * time.Minute),
			})
		}
		a.Campaigns = append(a.Campaigns, c)
	}
	return a
}

// launch starts the function an hour after the last one, and kills it after a time; 0: it
// is let be. It returns how long it worked, and 0 for one that was killed.
func (w *world) launch(program string, after time.Duration) time.Duration {
	w.t.Helper()
	w.Advance(65 * time.Minute)
	cmd := exec.CommandContext(w.t.Context(), program, filepath.Join(w.Dir, "stack.json"), w.apiURL, w.Clock().Format(time.RFC3339Nano), strconv.Itoa(killBudget))
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	w.must(err)
	w.must(cmd.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		_ = cmd.Wait()
		w.t.Fatalf("it is not ready: %q, %v\n%s", line, err, said.String())
	}
	began := time.Now()
	if after > 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	err = cmd.Wait()
	w.Work()
	if killed := err != nil && !cmd.ProcessState.Exited(); killed {
		return 0
	}
	if err != nil {
		w.t.Fatalf("%v\n%s", err, said.String())
	}
	return time.Since(began)
}

// madeBy counts the events that were made by whom, as their bodies say.
func (w *world) madeBy(events map[webhook.EventID]webhook.Record) map[string]int {
	w.t.Helper()
	by := map[string]int{}
	for id, r := range events {
		if !r.Synthesized() {
			continue
		}
		whole, err := w.st.Ledger.Get(w.t.Context(), id)
		w.must(err)
		body, err := w.st.Bodies.Load(w.t.Context(), whole.Payload)
		w.must(err)
		mark, is := repair.MadeBy(body)
		if !is {
			w.t.Errorf("%s does not say that it was made", id)
		}
		by[mark.By]++
	}
	return by
}

// missingNow is how many events are missing by the latest run.
func (w *world) missingNow() int {
	w.t.Helper()
	st, err := scheduled.Standing(w.t.Context(), w.st.Ledger)
	w.must(err)
	return st.Drift.Counts["missing"]
}
