package scheduled_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/webhook"
)

// lostReplies loses the replies of one campaign: two of twelve leads answer.
func lostReplies(campaign int) func(fakeapi.Post) bool {
	return func(p fakeapi.Post) bool {
		return p.Type == "EMAIL_REPLY" && strings.HasPrefix(p.StatsID, fmt.Sprintf("c%d-", campaign))
	}
}

func TestTheFirstRunLooksBackAndFindsWhatIsLost(t *testing.T) {
	w := newWorld(t, 3, lostReplies(1))
	sum := w.run()
	if sum.Err != nil || !sum.Ended || sum.Run.Look != scheduled.Second || sum.Run.Campaigns != 3 || sum.Run.Unproven != 0 {
		t.Fatalf("%+v", sum)
	}
	if got := w.missing(); got["4100001"] != 0 || got["4100002"] != 2 || got["4100003"] != 0 {
		t.Errorf("missing %v", got)
	}
	if sum.Drift.Counts[reconcile.Missing] != 2 || sum.Drift.Campaigns != 3 || sum.Drift.Counts[reconcile.Complete] < 100 {
		t.Errorf("%+v", sum.Drift)
	}
	st := w.state()
	if st.Run != nil || st.Holder != "" || !st.DueAt.Equal(sum.Run.StartedAt.Add(time.Hour)) || st.CallsOfLastHour(w.clock) != sum.Calls || sum.Calls != 4 {
		t.Errorf("%+v, %d calls", st, sum.Calls)
	}
	runs, err := scheduled.Runs(t.Context(), &w.docs, 10)
	if err != nil || len(runs) != 1 || runs[0].Counts[reconcile.Missing] != 2 || runs[0].Mails == 0 || !runs[0].Succeeded() {
		t.Errorf("%+v, %v", runs, err)
	}
	// Within the hour nothing is asked, nor written.
	w.clock = w.clock.Add(59 * time.Minute)
	writes, requests := len(w.docs.writes), len(w.api.Requests())
	if sum := w.run(); sum.Waits == "" || len(w.docs.writes) != writes || len(w.api.Requests()) != requests {
		t.Errorf("%+v", sum)
	}
}

// A first look takes the mails that have become older than the lag since the last; what
// is found stays until a second look.
func TestFirstLooksGoOnWhereTheLastEnded(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.toEnd()
	before := w.campaigns()[0]
	// A mail of now, whose report never comes.
	of := w.account.Campaigns[0]
	lost := &fakeapi.Mail{StatsID: "lost", Lead: "late@acme.example.com", Step: 1, SentAt: w.clock.Add(time.Minute), MessageID: "<m>"}
	of.Mails = append(of.Mails, lost)
	begin := w.clock
	for w.clock.Before(begin.Add(23 * time.Hour)) {
		w.clock = w.clock.Add(time.Hour)
		sum := w.toEnd()
		if sum.Run.Look != scheduled.First {
			t.Fatalf("after %s: %+v", w.clock.Sub(begin), sum.Run)
		}
		due := w.clock.Sub(lost.SentAt) > 10*time.Hour
		if got := w.missing()["4100001"]; due != (got == 1) {
			t.Errorf("after %s, %d missing", w.clock.Sub(begin), got)
		}
	}
	after := w.campaigns()[0]
	if after.JudgedUntil.Sub(before.JudgedUntil) < 23*time.Hour || !after.Second.At.Equal(before.Second.At) || after.First.Mails == 0 {
		t.Errorf("%+v", after)
	}
	// It comes after all, and the second look of the next day sees it.
	w.receive(w.clock, nil)
	w.clock = w.clock.Add(2 * time.Hour)
	if sum := w.toEnd(); sum.Run.Look != scheduled.Second || w.missing()["4100001"] != 0 {
		t.Errorf("%+v, missing %v", sum.Run, w.missing())
	}
	if c := w.campaigns()[0]; c.First.Mails != 0 {
		t.Errorf("the first looks of before count beside the second: %+v", c.First)
	}
}

func TestASecondLookSeesRepliesToOlderMails(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.toEnd()
	of := w.account.Campaigns[0].Mails[8] // of three days ago, and not answered yet
	of.Replies = []fakeapi.Reply{{At: w.clock.Add(time.Hour), MessageID: "<r@x>", Text: "Yes"}}
	for range 24 {
		w.clock = w.clock.Add(time.Hour)
		w.toEnd()
	}
	if got := w.missing()["4100001"]; got != 1 {
		t.Errorf("%d missing", got)
	}
}

// An operator's request is a second look as soon as nothing is under way.
func TestAnOperatorMayAskForALookNow(t *testing.T) {
	w := newWorld(t, 2, lostReplies(0))
	w.toEnd()
	w.receive(w.clock, nil) // all came since
	w.clock = w.clock.Add(6 * time.Minute)
	if _, err := w.service().Ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	sum := w.run()
	if !sum.Ended || sum.Run.Look != scheduled.Second || !sum.Run.Asked || w.missing()["4100001"] != 0 {
		t.Errorf("%+v, %v", sum, w.missing())
	}
	if !w.state().AskedAt.IsZero() {
		t.Error("it is still asked for")
	}
}

func TestWithoutAKeyNothingIsComparedAndItIsSaidOnce(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.key = ""
	first := w.run()
	if first.Off == "" || !first.NewlyOff || first.Err != nil {
		t.Fatalf("%+v", first)
	}
	for range 3 {
		w.clock = w.clock.Add(5 * time.Minute)
		if again := w.run(); again.Off == "" || again.NewlyOff || len(w.docs.writes) != 1 || again.Age != 0 {
			t.Errorf("%+v, writes %v", again, w.docs.writes)
		}
	}
	if _, err := w.service().Ask(t.Context()); !errors.Is(err, scheduled.ErrNoKey) {
		t.Errorf("%v", err)
	}
	w.key = "k"
	if sum := w.run(); !sum.Ended || w.state().Off != "" {
		t.Errorf("%+v", sum)
	}
	w.key, w.clock = "", w.clock.Add(time.Hour)
	if sum := w.run(); !sum.NewlyOff || len(w.api.Requests()) != 2 {
		t.Errorf("the key is gone: %+v, %v", sum, w.api.Requests())
	}
	w.keyErr = fmt.Errorf("parameter store: %w", webhook.ErrUnavailable)
	if sum := w.run(); !errors.Is(sum.Err, webhook.ErrUnavailable) {
		t.Errorf("%+v", sum)
	}
	w.policy.Every = 0
	if sum := w.run(); sum.Off == "" || sum.NewlyOff {
		t.Errorf("%+v", sum)
	}
}

// The calls of a slice and of an hour are bounded, and nothing is left out for it.
func TestARunGoesOnOverSlices(t *testing.T) {
	w := newWorld(t, 40, lostReplies(33))
	w.policy.CallsPerSlice, w.policy.CallsPerHour = 8, 20
	begin, slices := w.clock, 0
	most := 0
	for {
		sum := w.run()
		if sum.Waits == "" {
			slices++
		}
		most = max(most, w.state().CallsOfLastHour(w.clock))
		if sum.Calls > 8 || sum.Err != nil {
			t.Fatalf("%+v", sum)
		}
		if sum.Ended {
			if sum.Run.Campaigns != 40 || sum.Run.Slices != slices || sum.Run.Unproven != 0 {
				t.Errorf("%+v after %d slices", sum.Run, slices)
			}
			break
		}
		if w.clock = w.clock.Add(5 * time.Minute); w.clock.Sub(begin) > 12*time.Hour {
			t.Fatalf("it does not end: %+v", w.state())
		}
	}
	if most > 20 || slices < 5 {
		t.Errorf("%d calls in an hour, %d slices", most, slices)
	}
	if got := w.missing(); len(got) != 40 || got["4100034"] != 2 {
		t.Errorf("missing %v", got)
	}
}

// A campaign that is too much for one slice is compared in parts.
func TestAWindowThatIsTooMuchIsHalved(t *testing.T) {
	w := newWorld(t, 1, lostReplies(0))
	big := fakeapi.Simulate("k", w.clock, 900).Campaigns[0]
	big.ID = 4_200_000
	w.account.Campaigns = append(w.account.Campaigns, big)
	w.receive(w.clock, func(p fakeapi.Post) bool { return p.Type == "EMAIL_REPLY" })
	w.policy.CallsPerSlice = 5 // 1,600 mails take seven
	w.toEnd()
	for _, c := range w.campaigns() {
		r := c.Now()
		if c.Cause != "" || c.ID == "4200000" && (r.Mails < 1500 || r.Of(reconcile.Missing) < 100) || c.ID == "4100001" && r.Of(reconcile.Missing) != 2 {
			t.Errorf("%s: %s, %d mails, %d missing", c.ID, c.Cause, r.Mails, r.Of(reconcile.Missing))
		}
		if c.Part != nil || !c.JudgedUntil.Equal(r.Until) {
			t.Errorf("%+v", c)
		}
	}
}

func TestFindingsAreBounded(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.account.Campaigns[0].Mails = fakeapi.Simulate("k", w.clock, 900).Campaigns[0].Mails
	w.receive(w.clock, func(fakeapi.Post) bool { return true })
	w.toEnd()
	r := w.campaigns()[0].Now()
	if len(r.Findings) == 0 || len(r.Findings) > 200 || len(r.Findings)+r.Unnamed != r.Of(reconcile.Missing)+r.Of(reconcile.Late) || r.Findings[0].Verdict != reconcile.Missing {
		t.Errorf("%d named, %d not, of %d and %d", len(r.Findings), r.Unnamed, r.Of(reconcile.Missing), r.Of(reconcile.Late))
	}
}

func TestWhatHappenedBeforeTheReceiverIsNotMissing(t *testing.T) {
	w := newWorld(t, 1, func(fakeapi.Post) bool { return true })
	w.policy.Past = false
	w.toEnd() // nobody said when it began: when there was a key
	if got := w.missing()["4100001"]; got != 0 {
		t.Errorf("%d missing", got)
	}
	if err := scheduled.SetBegan(t.Context(), &w.docs, w.clock.Add(-48*time.Hour), w.clock); err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.Add(24 * time.Hour)
	w.toEnd()
	if got := w.missing()["4100001"]; got < 10 || got > 50 { // second mails and replies, and no first mail
		t.Errorf("%d missing", got)
	}
}

// repairer repairs what it is asked to, or dies.
type repairer struct {
	asked  []scheduled.Found
	budget []scheduled.Budget
	do     func() (scheduled.Repaired, error)
}

func (r *repairer) Repair(_ context.Context, _ scheduled.API, f scheduled.Found, b scheduled.Budget) (scheduled.Repaired, error) {
	r.asked, r.budget = append(r.asked, f), append(r.budget, b)
	return r.do()
}

func TestWhatIsMissingIsRepairedWithinABudget(t *testing.T) {
	w := newWorld(t, 3, func(p fakeapi.Post) bool {
		return lostReplies(0)(p) || strings.HasPrefix(p.StatsID, "c1-") || lostReplies(2)(p)
	})
	r := &repairer{do: func() (scheduled.Repaired, error) {
		return scheduled.Repaired{Retriggered: 2, Says: "two come again"}, nil
	}}
	w.repair, w.policy.RepairEvents = r, 3
	sum := w.toEnd()
	// Of the second campaign nothing ever arrived: it may be another account's.
	if len(r.asked) != 2 || r.asked[0].ID != "4100001" || r.asked[1].ID != "4100003" || r.budget[0].Events != 3 || r.budget[1].Events != 1 {
		t.Fatalf("%d asked, budgets %+v", len(r.asked), r.budget)
	}
	if f := r.asked[0]; f.Of(reconcile.Missing) != 2 || f.Lease != 1 || f.Run != sum.Run.ID {
		t.Errorf("%+v", f)
	}
	if sum.Run.Repaired.Retriggered != 4 || w.campaigns()[0].Repaired.Says != "two come again" {
		t.Errorf("%+v", sum.Run)
	}
	// The next run is a second look, though the last was an hour ago: did it come?
	w.clock = w.clock.Add(time.Hour)
	if again := w.toEnd(); again.Run.Look != scheduled.Second || len(r.asked) != 4 {
		t.Errorf("%+v, asked %d times", again.Run, len(r.asked))
	}
	// A repair that fails ends no run, and its cause is kept.
	r.do = func() (scheduled.Repaired, error) { return scheduled.Repaired{}, errors.New("not allowed") }
	if _, err := w.service().Ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sum := w.toEnd(); sum.Run.Unproven != 0 || !strings.Contains(w.campaigns()[0].Repaired.Says, "not allowed") {
		t.Errorf("%+v", sum.Run)
	}
}

func TestNothingIsRepairedOfWhatWasNotReadWhole(t *testing.T) {
	w := newWorld(t, 1, lostReplies(0))
	r := &repairer{do: func() (scheduled.Repaired, error) { return scheduled.Repaired{}, nil }}
	w.repair = r
	w.serve(fakeapi.Options{Hidden: 3}) // three mails are counted and never shown
	if sum := w.toEnd(); len(r.asked) != 0 || sum.Run.Unproven != 1 {
		t.Errorf("%+v", sum.Run)
	}
	if c := w.campaigns()[0]; c.Cause == "" || c.Now().Of(reconcile.Missing) != 2 {
		t.Errorf("%+v", c)
	}
}

// TestBadInput: what cannot be read of a campaign is its cause, judges nothing, and stops
// no other; the next run makes up for it.
func TestBadInput(t *testing.T) {
	page := func(status int, kind, body string) func(http.ResponseWriter) {
		return func(out http.ResponseWriter) {
			out.Header().Set("Content-Type", kind)
			out.WriteHeader(status)
			_, _ = out.Write([]byte(body))
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		says   string
	}{
		"a web page":         {page(200, "text/html", "<html>maintenance</html>"), "web page"},
		"500":                {page(500, "application/json", `{"error":"boom"}`), "does not answer"},
		"half a page":        {page(200, "application/json", `{"total_stats":"3","data":[{"stats_id":"c1-`), "cut off"},
		"another shape":      {page(200, "application/json", `{"total_stats":"3","rows":[]}`), "totals"},
		"totals":             {page(200, "application/json", `{"data":{"sent":3}}`), "totals"},
		"no such campaign":   {page(404, "application/json", `{"error":"Campaign not found"}`), "knows no such thing"},
		"refused":            {page(400, "application/json", `{"message":"\"limit\" is not allowed"}`), "refuses the request"},
		"rows without an id": {page(200, "application/json", `{"data":[{"lead_email":"a@b.example"}]}`), "no stats_id"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3, lostReplies(2))
			bad := true
			w.front = func(out http.ResponseWriter, r *http.Request) bool {
				if bad && strings.Contains(r.URL.Path, "/4100002/") {
					c.answer(out)
					return true
				}
				return false
			}
			sum := w.toEnd()
			if sum.Err != nil || sum.Run.Campaigns != 3 || sum.Run.Unproven != 1 || !sum.Run.Succeeded() {
				t.Fatalf("%+v", sum)
			}
			list := w.campaigns()
			if !strings.Contains(list[1].Cause, c.says) || list[1].Now().Mails != 0 || len(list[1].Now().Types) != 0 || !list[1].JudgedUntil.IsZero() || list[1].CauseSince.IsZero() {
				t.Errorf("%+v", list[1])
			}
			if got := w.missing(); got["4100003"] != 2 || got["4100001"] != 0 {
				t.Errorf("missing %v", got)
			}
			if strings.Contains(list[1].Cause, "api_key") {
				t.Errorf("the cause holds a URL: %s", list[1].Cause)
			}
			bad = false
			w.clock = w.clock.Add(time.Hour)
			if sum := w.toEnd(); sum.Run.Look != scheduled.First || sum.Run.Unproven != 0 {
				t.Errorf("%+v", sum.Run)
			}
			if c := w.campaigns()[1]; c.Cause != "" || c.First.Mails < 20 || c.Now().Of(reconcile.Missing) != 0 {
				t.Errorf("the next run does not make up for it: %+v", c)
			}
		})
	}
}

// What concerns the key stops the run, and no campaign is passed over for it.
func TestWhatConcernsTheKeyPausesTheRun(t *testing.T) {
	for name, c := range map[string]struct {
		fault fakeapi.Fault
		pause time.Duration
	}{
		"429 without a time": {fakeapi.Fault{Status: 429}, 5 * time.Minute},
		"429 for long":       {fakeapi.Fault{Status: 429, Header: map[string]string{"Retry-After": "1800"}}, 30 * time.Minute},
		"401":                {fakeapi.Fault{Status: 401}, 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2, nil)
			calls := 0
			w.front = func(out http.ResponseWriter, _ *http.Request) bool {
				if calls++; calls < 3 { // the list, and the first campaign
					return false
				}
				for k, v := range c.fault.Header {
					out.Header().Set(k, v)
				}
				out.WriteHeader(c.fault.Status)
				return true
			}
			begin := w.clock
			for w.clock.Before(begin.Add(30 * time.Hour)) {
				sum := w.run()
				if sum.Ended || sum.Err != nil || len(w.campaigns()) > 1 {
					t.Fatalf("%+v", sum)
				}
				w.clock = w.clock.Add(5 * time.Minute)
			}
			st := w.state()
			if st.Cause == "" || st.Run == nil || st.Run.Cursor != "4100001" || st.Age(w.clock) < 29*time.Hour {
				t.Errorf("%+v", st)
			}
			if most := int(30*time.Hour/c.pause) * 6; calls > most {
				t.Errorf("%d calls, more than %d", calls, most)
			}
			w.front = nil
			if sum := w.toEnd(); sum.Run.Campaigns != 2 || sum.Run.Unproven != 0 || sum.Age != 0 {
				t.Errorf("%+v", sum)
			}
		})
	}
}

func TestWhenAllIsDownNoRunSucceeds(t *testing.T) {
	w := newWorld(t, 3, nil)
	w.front = func(out http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "statistics") {
			out.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	sum := w.toEnd()
	if sum.Run.Unproven != 3 || sum.Run.Succeeded() || !w.state().SucceededAt.IsZero() || sum.Age == 0 {
		t.Errorf("%+v", sum)
	}
	w.ledger.err = fmt.Errorf("table: %w", webhook.ErrUnavailable)
	w.front, w.clock = nil, w.clock.Add(time.Hour)
	if sum := w.run(); !errors.Is(sum.Err, webhook.ErrUnavailable) || sum.Ended {
		t.Errorf("%+v", sum)
	}
	w.ledger.err = nil
	if sum := w.toEnd(); sum.Run.Unproven != 0 || sum.Err != nil {
		t.Errorf("%+v", sum)
	}
}

// An answer that lists no campaign, where some were compared lately, is no comparison; and
// what is missing of a campaign that Smartlead lists no more is not counted for ever.
func TestCampaignsThatAreNotListedAnyMore(t *testing.T) {
	w := newWorld(t, 2, lostReplies(1))
	w.toEnd()
	if d := w.state().Drift; d.Campaigns != 2 || d.Counts[reconcile.Missing] != 2 {
		t.Fatalf("%+v", d)
	}
	succeeded, none := w.state().SucceededAt, true
	w.front = func(out http.ResponseWriter, r *http.Request) bool {
		if none && strings.HasSuffix(strings.TrimSuffix(r.URL.Path, "/"), "/campaigns") {
			_, _ = out.Write([]byte("[]"))
			return true
		}
		return false
	}
	w.clock = w.clock.Add(time.Hour)
	sum := w.toEnd()
	if st := w.state(); sum.Run.Succeeded() || !strings.Contains(st.Cause, "lists no campaign") || !st.SucceededAt.Equal(succeeded) || sum.Age == 0 {
		t.Errorf("%+v: %+v", sum.Run, st)
	}
	none = false
	w.account.Campaigns = w.account.Campaigns[:1] // the other one is archived
	for range 3 {
		w.clock = w.clock.Add(24 * time.Hour)
		if sum := w.toEnd(); !sum.Run.Succeeded() || w.state().Cause != "" {
			t.Errorf("%+v", sum.Run)
		}
	}
	if d := w.state().Drift; d.Campaigns != 1 || d.Counts[reconcile.Missing] != 0 || !d.LeavesOut(w.campaigns()[1]) || d.LeavesOut(w.campaigns()[0]) {
		t.Errorf("%+v", d)
	}
	w.account.Campaigns = nil // and then all are
	for range 3 {
		w.clock = w.clock.Add(24 * time.Hour)
		w.toEnd()
	}
	if st := w.state(); st.Cause != "" || !st.SucceededAt.Equal(st.Drift.At) {
		t.Errorf("an account without campaigns is at fault for ever: %+v", st)
	}
}

// Another account's campaigns are missing as a whole, and said to have never arrived.
func TestAnotherAccountsKey(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.toEnd()
	other := fakeapi.Simulate("other", w.clock, 12)
	other.Campaigns[0].ID = 9_000_001
	w.account, w.key = other, "other"
	w.serve(fakeapi.Options{})
	r := &repairer{do: func() (scheduled.Repaired, error) { return scheduled.Repaired{}, nil }}
	w.repair = r
	w.clock = w.clock.Add(time.Hour)
	w.toEnd()
	for _, c := range w.campaigns() {
		if c.ID == "9000001" && (c.Arrived || c.Now().Of(reconcile.Missing) == 0) || c.ID != "9000001" && !c.Arrived {
			t.Errorf("%+v", c)
		}
	}
	if len(r.asked) > 0 {
		t.Errorf("%d repairs", len(r.asked))
	}
}

// expected is what a run without a crash finds.
func expected(t *testing.T, campaigns int) map[string]int {
	w := newWorld(t, campaigns, lostReplies(1))
	w.toEnd()
	return w.missing()
}

// A process that dies at any call of the table, before it took effect or after, loses
// nothing, skips no campaign and counts none twice. One whose answer is lost likewise.
func TestACrashAtAnyCallLosesNothing(t *testing.T) {
	want := expected(t, 4)
	clean := newWorld(t, 4, lostReplies(1))
	end := clean.toEnd()
	for _, how := range []string{"before", "after", "answer lost"} {
		for at := 1; ; at++ {
			w := newWorld(t, 4, lostReplies(1))
			w.docs.after = how == "after"
			if how == "answer lost" {
				w.docs.lose = at
			} else {
				w.docs.dieAt = at
			}
			if !died(w) && how != "answer lost" {
				if at < 10 {
					t.Errorf("%s: only %d calls", how, at-1)
				}
				break
			}
			if how == "answer lost" && w.docs.calls < at {
				break
			}
			w.docs.dieAt, w.docs.lose = 0, 0
			var sum scheduled.Summary
			if len(mustRuns(t, w)) == 0 || w.state().Run != nil {
				sum = w.toEnd()
			} else {
				sum = scheduled.Summary{Run: mustRuns(t, w)[0]}
			}
			if got := w.missing(); !maps.Equal(got, want) {
				t.Errorf("%s call %d: missing %v, want %v", how, at, got, want)
			}
			if sum.Run.Campaigns != 4 || sum.Run.Mails != end.Run.Mails || !maps.Equal(sum.Run.Counts, end.Run.Counts) {
				t.Errorf("%s call %d: %+v, want %+v", how, at, sum.Run, end.Run)
			}
		}
	}
}

func mustRuns(t *testing.T, w *world) []scheduled.Run {
	t.Helper()
	runs, err := scheduled.Runs(t.Context(), &w.docs, 10)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// died runs a slice, and tells whether the process died in it.
func died(w *world) (dead bool) {
	defer func() {
		if r := recover(); r != nil {
			if err, ok := r.(error); !ok || !errors.Is(err, errCrash) {
				panic(r)
			}
			dead = true
			w.docs.mu = newMutex()
		}
	}()
	w.run()
	return false
}

// Of two slices at the same time one changes nothing: it is refused at its first write
// after the other took over.
func TestASliceThatWasOvertakenChangesNothing(t *testing.T) {
	for _, kind := range []string{"reconcile", "reconcile-campaign", "reconcile-run"} {
		w := newWorld(t, 2, lostReplies(1))
		var overtaker scheduled.Summary
		writes := 0
		arm := 2 // the first write of the state takes the lease
		if kind != "reconcile" {
			arm = 1
		}
		var before func(string)
		before = func(of string) {
			if of == kind {
				arm--
			}
			if arm > 0 || of != kind {
				w.docs.before = before
				return
			}
			// This one sleeps until its lease is over, and another begins and ends.
			w.clock = w.clock.Add(11 * time.Minute)
			overtaker = w.toEnd()
			writes = len(w.docs.writes)
		}
		w.docs.before = before
		sum := w.run()
		if !overtaker.Ended {
			t.Fatalf("%s: no other run", kind)
		}
		if sum.Ended || sum.Waits == "" {
			t.Errorf("%s: the overtaken slice says %+v", kind, sum)
		}
		runs := mustRuns(t, w)
		if len(runs) != 1 || runs[0].Lease != 2 || runs[0].Campaigns != 2 {
			t.Errorf("%s: %+v", kind, runs)
		}
		if after := w.docs.writes[writes:]; len(after) != 0 {
			t.Errorf("%s: the overtaken slice wrote %v", kind, after)
		}
		if st := w.state(); st.Lease != 2 || st.Holder != "" || st.Run != nil {
			t.Errorf("%s: %+v", kind, st)
		}
	}
}

func TestAHeldLeaseIsRespected(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.docs.dieAt, w.docs.after = 2, true // it dies with the lease
	if !died(w) {
		t.Fatal("it did not die")
	}
	w.docs.dieAt = 0
	w.clock = w.clock.Add(9 * time.Minute)
	if sum := w.run(); !strings.Contains(sum.Waits, "another run") || len(w.api.Requests()) != 0 {
		t.Errorf("%+v", sum)
	}
	w.clock = w.clock.Add(2 * time.Minute)
	if sum := w.run(); !sum.Ended || w.state().Lease != 2 {
		t.Errorf("%+v", sum)
	}
}

// A state that cannot be read begins anew, under a number that no lease had.
func TestABrokenStateBeginsAnew(t *testing.T) {
	w := newWorld(t, 1, nil)
	w.toEnd()
	lease := w.state().Lease
	doc := w.docs.kept["reconcile/state"]
	doc.Body = []byte("{")
	doc.Version++
	w.docs.kept["reconcile/state"] = doc
	if sum := w.toEnd(); !sum.Ended || w.state().Lease <= lease {
		t.Errorf("%+v, lease %d after %d", sum, w.state().Lease, lease)
	}
}

// A slice ends before its invocation does.
func TestASliceEndsInTime(t *testing.T) {
	w := newWorld(t, 6, nil)
	w.policy.Margin = 300 * time.Millisecond
	var answers atomic.Bool
	w.front = func(_ http.ResponseWriter, r *http.Request) bool {
		if answers.Load() || !strings.Contains(r.URL.Path, "/4100003/") {
			return false
		}
		select { // it hangs, and what it says then nobody hears: it touches nothing of the test
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
		return true
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	sum := w.service().Run(ctx)
	if ctx.Err() != nil || sum.Err != nil || sum.Ended {
		t.Errorf("%v, %+v", ctx.Err(), sum)
	}
	if st := w.state(); st.Run == nil || st.Run.Cursor != "4100002" || st.Holder != "" {
		t.Errorf("%+v", st)
	}
	answers.Store(true)
	if sum := w.toEnd(); sum.Run.Campaigns != 6 || sum.Run.Unproven != 0 {
		t.Errorf("%+v", sum.Run)
	}
}

// A campaign that Smartlead does not answer for a while is waited for.
func TestAShortOutageLeavesNothingOut(t *testing.T) {
	w := newWorld(t, 2, lostReplies(0))
	refused := 0
	w.front = func(out http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/4100001/") || refused == 8 {
			return false
		}
		refused++
		out.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	if sum := w.toEnd(); sum.Run.Unproven != 0 || sum.Run.Slices != 2 || w.missing()["4100001"] != 2 {
		t.Errorf("%+v", sum.Run)
	}
}
