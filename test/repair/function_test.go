package repair

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/webhook"
)

// tick is from one invocation of the function to the next: deployed it is five minutes,
// and nothing here takes more than one.
const tick = 20 * time.Minute

// newFunction is a world with the account's key kept, so that the function works.
func newFunction(t *testing.T, account *fakeapi.Account) *world {
	t.Helper()
	w := newWorld(t, account)
	w.must(w.st.APIKey.Put(t.Context(), account.Key))
	return w
}

// environment is what the function is told.
func (w *world) environment() app.Env {
	env := w.Env
	env.Config.SmartleadURL, env.Config.ReconcilePlan = w.apiURL, config.PlanPro
	env.Config.ReconcileEvery, env.Config.ReconcileAgain, env.Config.ReconcileLookBack = time.Hour, 24*time.Hour, 7*day
	env.Config.ReconcileRepair, env.Config.ReconcileBudget = config.RepairSynthesize, 500
	env.Past, env.Sleep = true, w.sleep
	env.Nonce = func() string {
		n, _ := w.nonce() // it counts, and never fails
		return n
	}
	return env
}

// invoke runs the function once, as a container of its own.
func (w *world) invoke(env app.Env) scheduled.Summary {
	w.t.Helper()
	service, err := app.ReconcileService(env)
	w.must(err)
	return service.Run(w.t.Context())
}

// hours lets the function run by its schedule, and returns how many runs came to their end.
func (w *world) hours(env app.Env, n int) (ended int) {
	w.t.Helper()
	for end := w.Clock().Add(time.Duration(n) * time.Hour); w.Clock().Before(end); w.Advance(tick) {
		sum := w.invoke(env)
		w.must(sum.Err)
		if sum.Ended {
			ended++
		}
		w.Work()
	}
	return ended
}

// said is what is kept of the latest repair of the first campaign.
func (w *world) said() string {
	w.t.Helper()
	list, err := scheduled.Campaigns(w.t.Context(), w.st.Ledger)
	w.must(err)
	if len(list) == 0 {
		return ""
	}
	return list[0].Repaired.Says
}

// half lets the events of the first mail come, and of the others none; those of the last
// mail failed, so that Smartlead posts them again when it is asked. It returns what came
// and what is lost.
func (w *world) half() (posts, lost []fakeapi.Post) {
	w.t.Helper()
	c := w.account.Campaigns[0]
	for _, p := range c.Posts(w.Clock()) {
		posts = append(posts, p)
		switch p.StatsID {
		case c.Mails[0].StatsID:
			w.post(p)
		case c.Mails[len(c.Mails)-1].StatsID:
			c.Lost = append(c.Lost, p)
		default:
			lost = append(lost, p)
		}
	}
	w.Work()
	return posts, lost
}

// The function brings by itself what is missing, in two runs: what Smartlead can post comes
// from Smartlead, and the rest is made. What comes late is its original.
func TestTheFunctionMakesWhatIsMissing(t *testing.T) {
	w := newFunction(t, few(clitest.Start))
	posts, lost := w.half()
	if ended := w.hours(w.environment(), 4); ended < 3 {
		t.Fatalf("%d runs ended", ended)
	}
	events, _ := w.stored()
	for _, p := range lost {
		if r := events[idOf(t, p)]; !r.Synthesized() || r.State != webhook.Delivered || r.Source != "demo" || r.Account != "default" {
			t.Errorf("%s of the lost mail is %q, synthesized: %v", p.Type, r.State, r.Synthesized())
		}
	}
	for _, p := range w.account.Campaigns[0].Posts(w.Clock()) {
		if r := events[idOf(t, p)]; r.StatsID == w.account.Campaigns[0].Mails[2].StatsID && r.Synthesized() {
			t.Errorf("%s was made, though Smartlead posted it", p.Type)
		}
	}
	runs, err := w.st.Repair.Runs(t.Context(), 10)
	w.must(err)
	made := 0
	for _, r := range runs {
		made += r.Made
		if !strings.HasPrefix(r.By, "schedule, run ") || r.EndedAt.IsZero() {
			t.Errorf("recorded: %+v", r)
		}
	}
	if made != len(lost) {
		t.Errorf("%d are recorded, %d were lost", made, len(lost))
	}
	incidents, err := w.st.Incidents.List(t.Context(), incident.Query{Ongoing: true})
	w.must(err)
	if !slices.ContainsFunc(incidents, func(i incident.Incident) bool { return i.Kind == incident.KindRepair }) {
		t.Errorf("no incident says that a repair was needed: %+v", incidents)
	}
	for _, p := range lost {
		w.post(p)
	}
	w.Work()
	w.oncePerEvent(posts)
	if r := w.OK("reconcile", "status"); !strings.Contains(r.Out, fmt.Sprintf("%d", len(lost))) {
		t.Errorf("reconcile status:\n%s", r.Out)
	}
}

// What the function cannot tell, it does not make; and it says why. Once it can tell, it
// goes on by itself.
func TestTheFunctionMakesNothingThatItCannotTell(t *testing.T) {
	parameter := func(w *world, name string) string { return w.Env.Config.ParameterPrefix + name }
	for name, c := range map[string]struct {
		spoil func(w *world)
		says  string
		mend  func(w *world) // nil: it stays so
	}{
		"the key of the records is gone": {
			spoil: func(w *world) {
				w.must(ssmstore.New(w.Clients.SSM).DeleteParameter(w.t.Context(), parameter(w, "/erasure-key")))
			},
			says: "nobody can tell whether the lead was erased", mend: func(w *world) { w.OK("sources", "list") },
		},
		"the key of the records is no key": {
			spoil: func(w *world) {
				w.must(ssmstore.New(w.Clients.SSM).PutParameter(w.t.Context(), parameter(w, "/erasure-key"), "AAAA", "", true))
			},
			says: "nobody can tell whether the lead was erased",
		},
		"somebody was erased under another key": {
			spoil: func(w *world) {
				w.forget(1)
				key := strings.Repeat("A", 43) + "="
				w.must(ssmstore.New(w.Clients.SSM).PutParameter(w.t.Context(), parameter(w, "/erasure-key"), key, "", true))
			},
			says: "recorded under another key",
		},
		"the lead was erased": {
			spoil: func(w *world) { w.forget(1) },
			says:  "the lead was erased",
		},
		"the source was removed": {
			spoil: func(w *world) { w.OK("sources", "remove", "demo", "--yes") },
			says:  "nobody can tell in whose name",
		},
		"the source says nothing of itself": {
			spoil: func(w *world) { w.withoutOutline() },
			says:  "sources list writes it", mend: func(w *world) { w.OK("sources", "list") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFunction(t, few(clitest.Start))
			_, lost := w.half()
			c.spoil(w)
			w.hours(w.environment(), 4)
			events, _ := w.stored()
			for _, p := range lost {
				if r := events[idOf(t, p)]; r.Synthesized() {
					t.Errorf("%s was made", p.Type)
				}
			}
			if said := w.said(); !strings.Contains(said, c.says) {
				t.Errorf("it says %q, want %q", said, c.says)
			}
			if c.mend == nil {
				return
			}
			c.mend(w)
			w.hours(w.environment(), 26) // until the next second look
			events, _ = w.stored()
			for _, p := range lost {
				if r := events[idOf(t, p)]; !r.Synthesized() {
					t.Errorf("%s was not made in the end: %s", p.Type, w.said())
				}
			}
		})
	}
}

// forget erases the lead of a mail, of which one event came.
func (w *world) forget(mail int) {
	w.t.Helper()
	c := w.account.Campaigns[0]
	for _, p := range c.Posts(w.Clock()) {
		if p.StatsID == c.Mails[mail].StatsID && p.Type == "EMAIL_SENT" {
			w.post(p)
		}
	}
	w.Work()
	w.OK("leads", "forget", c.Mails[mail].Lead, "--yes")
}

// withoutOutline writes the source as a build did that knew no outline.
func (w *world) withoutOutline() {
	w.t.Helper()
	ctx := w.t.Context()
	body, version, err := w.st.Ledger.LoadDocument(ctx, "source", "demo")
	w.must(err)
	sealed, err := auth.ParseSealed(body)
	w.must(err)
	sealed.Outline, sealed.Revision = nil, version+1
	w.must(w.st.Ledger.SaveDocument(ctx, "source", "demo", marshal(w.t, sealed), version, w.Clock(), time.Time{}))
}

// What was changed of a source holds for what is made after it.
func TestTheFunctionGoesByTheSourceAsItIs(t *testing.T) {
	w := newFunction(t, few(clitest.Start))
	_, lost := w.half()
	w.hours(w.environment(), 1) // Smartlead was asked
	w.OK("sources", "set", "demo", "--retention-days", "30", "--yes")
	w.hours(w.environment(), 3)
	events, _ := w.stored()
	for _, p := range lost {
		if r := events[idOf(t, p)]; !r.Synthesized() || r.Retention != 30*day {
			t.Errorf("%s is kept for %s, synthesized: %v", p.Type, r.Retention, r.Synthesized())
		}
	}
}

// A run makes as many as it may, and the next ones go on at once.
func TestTheFunctionKeepsItsBudget(t *testing.T) {
	account := few(clitest.Start)
	c := account.Campaigns[0]
	for i := range 6 { // mails that nobody answered
		m := *c.Mails[1]
		m.StatsID, m.Lead, m.LeadID = fmt.Sprintf("5b1f7a52-0c3e-4d9a-9a41-10000000000%d", i), fmt.Sprintf("more%d@acme.example.com", i), m.LeadID+100+int64(i)
		m.MessageID, m.Replies, m.SentAt = fmt.Sprintf("<sent-more-%d@outbound.example>", i), nil, m.SentAt.Add(time.Duration(i)*time.Second)
		c.Mails = slices.Insert(c.Mails, 2, &m)
	}
	w := newFunction(t, account)
	_, lost := w.half()
	env := w.environment()
	env.Config.ReconcileBudget = 3
	for left := len(lost); left > 0; {
		before := left
		w.hours(env, 2)
		events, _ := w.stored()
		left = 0
		for _, p := range lost {
			if events[idOf(t, p)].ID == "" {
				left++
			}
		}
		if before == left && left < len(lost) {
			t.Fatalf("%d are left: %s", left, w.said())
		}
	}
	runs, err := scheduled.Runs(t.Context(), w.st.Ledger, 50)
	w.must(err)
	for _, r := range runs {
		if r.Repaired.Synthesized > 3 || r.Repaired.Reserved != 0 {
			t.Errorf("a run made %d, and reserved %d", r.Repaired.Synthesized, r.Repaired.Reserved)
		}
	}
}

// invokeThrough is the function as a process that ends at one of its calls.
func (w *world) invokeThrough(d *death) scheduled.Summary {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	d.die = cancel
	env := w.environment()
	env.Config.SmartleadURL = d.proxy(w.t, w.apiURL)
	env.Clients = w.clientsThrough(d)
	service, err := app.ReconcileService(env)
	w.must(err)
	return service.Run(ctx)
}

// clientsThrough are the clients of such a process.
func (w *world) clientsThrough(d *death) app.Clients {
	engine := d.proxy(w.t, clitest.EngineURL())
	clients := local.Connect(local.Endpoints{DynamoDB: d.proxy(w.t, w.DynamoDB), SQS: engine, SSM: engine, S3: engine})
	w.t.Cleanup(clients.Close)
	return app.Clients{
		DynamoDB: awssdk.DynamoDB{Client: clients.DynamoDB}, SQS: awssdk.SQS{Client: clients.SQS}, S3: clients.S3, SSM: ssmstore.New(clients.SSM),
	}
}

// The function that ends at any of its calls is invoked again, and goes on: nothing is
// lost, nothing is there twice, and no run makes more than it may.
func TestTheFunctionThatBreaksOffAnywhereIsTakenUp(t *testing.T) {
	total := functionDiesAt(t, &death{})
	t.Logf("%d calls", total)
	if total < 30 {
		t.Fatalf("%d calls: the function did not do its work", total)
	}
	step := int64(37) // a few of them each time, and all with REPAIR_CRASHES=all
	if os.Getenv("REPAIR_CRASHES") == "all" {
		step = 1
	}
	for n := int64(1); n <= total; n += step {
		for _, after := range []bool{false, true} {
			functionDiesAt(t, &death{at: n, after: after})
		}
	}
}

func functionDiesAt(t *testing.T, d *death) (calls int64) {
	t.Helper()
	t.Run(fmt.Sprintf("%d,%v", d.at, d.after), func(t *testing.T) {
		w := newFunction(t, few(clitest.Start))
		posts, lost := w.half()
		for range 5 { // five looks of the schedule, twenty minutes apart and more
			if d.at == 0 || d.calls.Load() < d.at {
				w.invokeThrough(d)
			} else {
				w.invoke(w.environment())
			}
			w.Advance(35 * time.Minute)
		}
		if calls = d.calls.Load(); d.at > 0 && calls < d.at {
			t.Fatalf("it made %d calls, and did not die", calls)
		}
		w.hours(w.environment(), 26)
		w.Sweep() // sends what was claimed and not enqueued
		w.Work()
		events, _ := w.stored()
		for _, p := range lost {
			if r := events[idOf(t, p)]; !r.Synthesized() || r.State != webhook.Delivered {
				t.Errorf("%s of the lost mail is %q, synthesized: %v", p.Type, r.State, r.Synthesized())
			}
			w.post(p)
		}
		w.Work()
		w.oncePerEvent(posts)
	})
	return calls
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	form, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return form
}
