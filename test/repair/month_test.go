package repair

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/webhook"
)

// The month: what happens to webhooks, in parts of 1,000.
const (
	monthDays  = 30
	lostParts  = 20 // never come; half of them failed, so that Smartlead posts them again when it is asked
	lateParts  = 10 // come eleven hours to two and a half days late
	window     = 3 * day
	lastChance = 30 * time.Hour // after a mail, nothing more happens to it
)

// The campaigns that fare badly.
const (
	silentCampaign     = 0 // its webhooks do not come for a day
	disabledCampaign   = 1 // its webhook is off from the tenth day on
	overriddenCampaign = 2 // a webhook of the user takes its events elsewhere, always
)

// months is how large the simulated month is: small in each run, and as large as is asked
// for with REPAIR_MONTH=CAMPAIGNS,EVENTS, such as 100,200000.
func months(t *testing.T) (campaigns, events int) {
	t.Helper()
	campaigns, events = 8, 2400
	if text := os.Getenv("REPAIR_MONTH"); text != "" {
		if _, err := fmt.Sscanf(text, "%d,%d", &campaigns, &events); err != nil || campaigns < 4 || events < 100*campaigns {
			t.Fatalf("REPAIR_MONTH=%s is not CAMPAIGNS,EVENTS", text)
		}
	}
	return campaigns, events
}

// fate is what becomes of one webhook.
type fate struct {
	post     fakeapi.Post
	campaign int
	id       webhook.EventID
	arrives  time.Time // zero: never
}

// monthOf makes an account of a month of so many events. It ends at the returned time.
func monthOf(r *rand.Rand, begin time.Time, campaigns, events int) (*fakeapi.Account, time.Time) {
	a := &fakeapi.Account{Key: "k"}
	leads := events * 10 / 38 / campaigns
	span := monthDays*day - 2*lastChance
	any := func(most time.Duration) time.Duration {
		return time.Duration(r.Int64N(int64(most))).Truncate(time.Millisecond)
	}
	for n := range campaigns {
		c := &fakeapi.Campaign{ID: 4100000 + n, Name: fmt.Sprintf("Campaign %d", n), Status: "ACTIVE"}
		for i := range leads {
			at := begin.Add(any(span - day))
			for step := 1; step <= 1+r.IntN(5)/2; step++ {
				m := &fakeapi.Mail{
					StatsID: fmt.Sprintf("%08x-0c3e-4d9a-%04d-%06d%06d", r.Uint32(), n, i, step), Lead: fmt.Sprintf("lead%d.%d@acme.example.com", n, i),
					LeadID: 3_120_000_000 + int64(n*100_000+i), Step: step, MessageID: fmt.Sprintf("<sent-%d-%d-%d@outbound.example>", n, i, step), SentAt: at.Add(time.Duration(step-1) * day),
				}
				for k := range r.IntN(12) / 6 * (1 + r.IntN(2)) {
					m.Opens = append(m.Opens, m.SentAt.Add(time.Duration(k)*10*time.Hour+any(9*time.Hour)))
				}
				if r.IntN(12) == 0 {
					m.Clicks = []fakeapi.Click{{At: m.SentAt.Add(any(20 * time.Hour)), Link: "https://www.outbound.example/pricing"}}
				}
				ends := true
				switch r.IntN(25) {
				case 0:
					m.Replies = []fakeapi.Reply{{At: m.SentAt.Add(any(lastChance)), MessageID: fmt.Sprintf("<re-%d-%d-%d@acme.example.com>", n, i, step), Text: "Yes"}}
				case 1:
					m.Bounced = &fakeapi.Bounce{At: m.SentAt.Add(any(time.Hour)), MessageID: fmt.Sprintf("<bounce-%d-%d-%d@mx.acme.example.com>", n, i, step)}
				case 2:
					m.Left = m.SentAt.Add(any(20 * time.Hour))
				default:
					ends = false
				}
				c.Mails = append(c.Mails, m)
				if ends || m.SentAt.Add(day).After(begin.Add(span)) {
					break
				}
			}
		}
		slices.SortFunc(c.Mails, func(a, b *fakeapi.Mail) int { return a.SentAt.Compare(b.SentAt) })
		a.Campaigns = append(a.Campaigns, c)
	}
	return a, begin.Add(monthDays * day)
}

// fates decides what becomes of every webhook of the month, in the order of their arrival.
func fates(t *testing.T, r *rand.Rand, a *fakeapi.Account, begin, end time.Time) (all []fate) {
	t.Helper()
	silent, off := begin.Add(12*day), begin.Add(10*day)
	for n, c := range a.Campaigns {
		for _, p := range c.Posts(end) {
			f := fate{post: p, campaign: n, id: idOf(t, p), arrives: p.At.Add(time.Duration(1+r.IntN(20)) * time.Second)}
			switch part := r.IntN(1000); {
			case n == silentCampaign && p.At.After(silent) && p.At.Before(silent.Add(day)), n == disabledCampaign && p.At.After(off), n == overriddenCampaign:
				f.arrives = time.Time{}
			case part < lostParts:
				if f.arrives = (time.Time{}); part%2 == 0 {
					c.Lost = append(c.Lost, p)
				}
			case part < lostParts+lateParts:
				f.arrives = p.At.Add(11*time.Hour + time.Duration(r.Int64N(int64(49*time.Hour))))
			}
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b fate) int { return a.arrives.Compare(b.arrives) })
	return all
}

// factKey is a fact of a campaign: of a mail, or of a lead where it stands on several.
func factKey(campaign string, typ webhook.Type, stats, lead string) string {
	switch typ { //nolint:exhaustive // the others are by mail
	case webhook.EmailReply, webhook.LeadUnsubscribed:
		return campaign + " " + string(typ) + " " + lead
	case webhook.FirstEmailSent:
		typ = webhook.EmailSent
	}
	return campaign + " " + string(typ) + " " + stats
}

func (f fate) key() string {
	return factKey(strconv.Itoa(4100000+f.campaign), webhook.Type(f.post.Type), f.post.StatsID, f.post.Lead)
}

// month is a month under way.
type month struct {
	*world
	here     map[string]bool // facts of which an event is here
	found    map[string]bool // facts that were found missing
	left     map[string]int  // what was left, by type and reason
	made     int
	asked    int
	alarms   int // false ones
	status   map[string]int
	calls    []int // of each day
	receiver *receive.Service
	failed   [][]fakeapi.Post // of each campaign: what Smartlead posts again
}

func TestTheMonth(t *testing.T) {
	campaigns, events := months(t)
	r := rand.New(rand.NewPCG(30, 1))
	began := time.Now()
	begin := clitest.Start
	account, end := monthOf(r, begin, campaigns, events)
	w := newWorld(t, account)
	all := fates(t, r, account, begin, end)
	w.limit(smartleadapi.Pro.PerMinute)
	m := &month{world: w, here: map[string]bool{}, found: map[string]bool{}, left: map[string]int{}, status: map[string]int{}}
	t.Logf("%d events of %d campaigns, made in %s", len(all), campaigns, time.Since(began).Round(time.Second))
	m.receiver = m.receiverOf()
	for _, c := range account.Campaigns {
		m.failed = append(m.failed, slices.Clone(c.Lost))
	}
	came := slices.IndexFunc(all, func(f fate) bool { return !f.arrives.IsZero() })
	for d := 1; d <= monthDays+3; d++ {
		night := begin.Add(time.Duration(d)*day + 3*time.Hour)
		if d == 11 {
			account.Campaigns[disabledCampaign].Hooks[0].Off = true
		}
		came = m.until(all, came, night)
		m.night(night)
		if testing.Verbose() {
			t.Logf("night %d: %d found, %d made, %s", d, len(m.found), m.made, time.Since(began).Round(time.Second))
		}
	}
	m.settle(all)
	t.Logf("%d made, %d times asked, left %v", m.made, m.asked, m.left)
	t.Logf("webhooks: %v", m.status)
	t.Logf("calls a night: %d at most, %d in all; %s", slices.Max(m.calls), sum(m.calls), time.Since(began).Round(time.Second))
}

func sum(list []int) (n int) {
	for _, v := range list {
		n += v
	}
	return n
}

// limit lets Smartlead refuse what is beyond its plan.
func (w *world) limit(perMinute int) {
	limited := fakeapi.New(fakeapi.Options{Account: w.account, Now: w.Clock, PerMinute: perMinute})
	w.apiServer.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		limited.ServeHTTP(&noticing{rw, &w.beyond}, r)
	})
}

// noticing counts the answers that refuse a call beyond the plan.
type noticing struct {
	http.ResponseWriter
	beyond *atomic.Int64
}

func (n *noticing) WriteHeader(status int) {
	if status == http.StatusTooManyRequests {
		n.beyond.Add(1)
	}
	n.ResponseWriter.WriteHeader(status)
}

// until lets webhooks come until then, in arrays, and returns the first that has not.
func (m *month) until(all []fate, from int, then time.Time) int {
	m.t.Helper()
	for from < len(all) && all[from].arrives.Before(then) {
		to := from
		var bodies [][]byte
		for to < len(all) && to-from < 200 && all[to].arrives.Before(then) {
			bodies = append(bodies, all[to].post.Body)
			m.here[all[to].key()] = true
			to++
		}
		m.set(all[to-1].arrives)
		m.postAll(bodies)
		from = to
	}
	m.set(then)
	return from
}

// set moves the clock to a time.
func (w *world) set(to time.Time) {
	if d := to.Sub(w.Clock()); d > 0 {
		w.Advance(d)
	}
}

// postAll lets a request with an array come to the receiver's use case: without HTTP and
// Lambda around it, and with the patience that a busy machine needs.
func (m *month) postAll(bodies [][]byte) {
	m.t.Helper()
	body := append(append([]byte{'['}, bytes.Join(bodies, []byte{','})...), ']')
	answer, err := m.receiver.Receive(m.t.Context(), receive.Request{Source: "demo", Token: m.Token, Body: body, RequestID: "month"})
	m.must(err)
	for _, r := range answer.Results {
		if r.Unclaimed {
			m.t.Fatal("the ledger did not answer in time")
		}
		m.status[string(r.Status)]++
	}
}

// The receiver's outside: its one source, and a queue of which nobody takes anything.
type demo struct{ source auth.Source }

func (d demo) Source(context.Context, string, string) (auth.Source, error) { return d.source, nil }

type nowhere struct{}

func (nowhere) Send(_ context.Context, _ webhook.Lane, msgs []webhook.Message) []error {
	return make([]error, len(msgs))
}

func (m *month) receiverOf() *receive.Service {
	policy := receive.DefaultPolicy
	policy.ClaimTimeout = time.Minute
	nonce := func() string {
		n, _ := m.nonce() // it counts, and never fails
		return n
	}
	return receive.New(receive.Ports{
		Sources: demo{m.Source("demo")}, Bodies: m.st.Bodies, Ledger: m.st.Ledger, Queue: nowhere{}, RejectedRequests: m.st.Ledger, Now: m.Clock, Nonce: nonce,
	}, policy)
}

// night compares and repairs, and does so again once Smartlead had time to post.
func (m *month) night(at time.Time) {
	m.t.Helper()
	before := m.client.Calls()
	for range 2 {
		service := reconcile.Service{Provider: m.client, Ledger: m.st.Ledger, Now: m.Clock}
		r := reconcile.Request{Window: smartleadapi.Window{Since: at.Add(-window), Until: m.Clock()}}
		for _, c := range m.world.account.Campaigns {
			r.Campaigns = append(r.Campaigns, strconv.Itoa(c.ID))
		}
		report, err := service.Run(m.t.Context(), r)
		m.must(err)
		m.judge(report)
		result, err := m.st.Repair.Repair(m.t.Context(), m.client, repair.Request{Mode: repair.Synthesize, Budget: 5000, By: "month"}, report.Campaigns...)
		m.must(err)
		m.note(result)
		m.Advance(repair.DefaultWait + time.Minute)
	}
	m.calls = append(m.calls, m.client.Calls()-before)
}

// judge holds every verdict to what really came.
func (m *month) judge(report reconcile.Report) {
	for _, c := range report.Campaigns {
		if c.Cause != nil || c.Unnamed > 0 {
			m.t.Fatalf("campaign %s: %v, %d not named", c.ID, c.Cause, c.Unnamed)
		}
		for _, f := range c.Findings {
			key := factKey(c.ID, f.Type, f.StatsID, f.Lead)
			switch {
			case f.Verdict == reconcile.Missing && m.here[key]:
				m.alarms++
				m.t.Errorf("%s: %s is said to be missing, and is here", m.Clock(), key)
			case f.Verdict == reconcile.Missing:
				m.found[key] = true
			case f.Verdict == reconcile.Extra:
				m.t.Errorf("%s: %s is said to be too many", m.Clock(), key)
			}
		}
	}
}

// note counts what a repair did.
func (m *month) note(result repair.Result) {
	m.asked += len(result.Asked)
	for _, i := range result.Items {
		key := factKey(i.Campaign, i.Type, i.Finding.StatsID, i.Finding.Lead)
		switch {
		case i.Step == repair.StepSynthesize && i.Status == webhook.ClaimAccepted:
			m.made++
			m.here[key] = true
		case i.Step == repair.StepSynthesize:
			m.here[key] = true
		case i.Step == repair.StepNone:
			m.left[string(i.Type)+" "+string(i.Why)]++
		}
	}
	for _, a := range result.Asked {
		n, err := strconv.Atoi(a.Campaign)
		m.must(err)
		c := m.world.account.Campaigns[n-4100000]
		for _, p := range m.failed[n-4100000] {
			waits := slices.ContainsFunc(c.Lost, func(o fakeapi.Post) bool { return &o.Body[0] == &p.Body[0] })
			if !waits && !c.Hooks[0].Off { // it was posted again
				m.here[fate{post: p, campaign: n - 4100000}.key()] = true
			}
		}
	}
}

// account holds the end of the month to what happened in it.
func (m *month) settle(all []fate) {
	m.t.Helper()
	stored, variants := m.stored()
	truth := map[webhook.EventID]bool{}
	unfound, unmade := map[string]int{}, map[string]int{}
	keys := map[string]bool{}
	for id := range stored {
		keys[factKeyOf(stored[id])] = true
	}
	first := map[string]time.Time{}
	for _, f := range all {
		truth[f.id] = true
		if at, known := first[f.key()]; !f.arrives.IsZero() && (!known || f.arrives.Before(at)) {
			first[f.key()] = f.arrives
		}
	}
	for _, f := range all {
		_, came := first[f.key()]
		if came || f.post.Type == "FIRST_EMAIL_SENT" {
			continue
		}
		// What Smartlead posted again for another fact's sake, before this one was missing,
		// came.
		if !m.found[f.key()] && (!keys[f.key()] || stored[f.id].Synthesized()) {
			unfound[f.post.Type]++
		}
		if !keys[f.key()] {
			unmade[f.post.Type]++
		}
	}
	late := 0
	for _, f := range all {
		if r := stored[f.id]; !f.arrives.IsZero() && r.Synthesized() {
			late++
			if r.Original == "" || r.Duplicates != 1 {
				m.t.Errorf("%s came after it was made: original %q, %d duplicates", f.id, r.Original, r.Duplicates)
			}
		}
	}
	if late != m.status["duplicate"] || late == 0 {
		m.t.Errorf("%d webhooks came after their event was made, and %d were duplicates", late, m.status["duplicate"])
	}
	if n := m.beyond.Load(); n > 0 {
		m.t.Errorf("%d calls were beyond the plan", n)
	}
	for id := range stored {
		if !truth[id] {
			m.t.Errorf("%s is in the ledger and never happened", id)
		}
	}
	if len(unfound) > 0 {
		m.t.Errorf("never came, and were never found missing: %v", unfound)
	}
	if variants > 0 {
		m.t.Errorf("%d variants wait for an operator", variants)
	}
	for _, typ := range []string{"EMAIL_SENT", "EMAIL_REPLY"} {
		if unmade[typ] > 0 {
			m.t.Errorf("%d lost %s were not repaired: %v", unmade[typ], typ, m.left)
		}
	}
	m.t.Logf("lost for good, because their identity cannot be known: %v", unmade)
	for what := range m.left {
		typ, why, _ := strings.Cut(what, " ")
		if repair.Why(why) != repair.WhyDiffers && repair.Why(why) != repair.WhyUnproven || typ == "EMAIL_SENT" || typ == "EMAIL_REPLY" {
			m.t.Errorf("left: %s", what)
		}
	}
	for _, refused := range []string{"variant", "held", "rejected", "failed"} {
		if m.status[refused] > 0 {
			m.t.Errorf("%d webhooks were %s", m.status[refused], refused)
		}
	}
	if n := slices.Max(m.calls); n > smartleadapi.Pro.PerHour {
		m.t.Errorf("%d calls in a night", n)
	}
}

func factKeyOf(r webhook.Record) string {
	return factKey(r.CampaignID, r.Type, r.StatsID, r.LeadEmail)
}
