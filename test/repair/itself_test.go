package repair

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/webhook"
)

// itself is a month in which nobody runs a command for its repair.
type itself struct {
	*month
	all    []fate
	came   int
	erased string // a lead, and since then nothing of it comes
	atKey  int    // events that were made when the key went
}

// TestTheMonthByItself is the same month with the function alone, every six hours. In it
// the source is changed, removed for half a day and added again, the key of the records is
// gone for two days, and a lead is erased.
func TestTheMonthByItself(t *testing.T) {
	campaigns, events := months(t)
	r := rand.New(rand.NewPCG(31, 1))
	began, begin := time.Now(), clitest.Start
	account, end := monthOf(r, begin, campaigns, events)
	w := newFunction(t, account)
	w.limit(smartleadapi.Pro.PerMinute)
	m := &itself{month: &month{world: w, here: map[string]bool{}, status: map[string]int{}}, all: fates(t, r, account, begin, end)}
	m.receiver = m.receiverOf()
	m.came = slices.IndexFunc(m.all, func(f fate) bool { return !f.arrives.IsZero() })
	demo := w.Source("demo")
	happens := map[time.Duration]func(){
		8 * day:               func() { w.OK("sources", "set", "demo", "--retention-days", "30", "--yes") },
		12 * day:              m.loseKey,
		14 * day:              m.findKey,
		16 * day:              func() { w.OK("sources", "remove", "demo", "--yes") },
		16*day + 12*time.Hour: func() { demo.Revision = 0; w.must(w.Sources().PutSource(t.Context(), demo)) },
		20 * day:              m.eraseSomebody,
	}
	env := w.environment()
	env.Config.ReconcileEvery = 6 * time.Hour
	for at := time.Duration(0); at <= (monthDays+9)*day; at += 6 * time.Hour {
		if at == 10*day {
			account.Campaigns[disabledCampaign].Hooks[0].Off = true
		}
		m.came = m.until(m.all, m.came, begin.Add(at))
		if do := happens[at]; do != nil {
			do()
		}
		for range 10 { // slices
			sum := w.invoke(env)
			w.must(sum.Err)
			if sum.Ended || sum.Waits != "" {
				break
			}
		}
		if testing.Verbose() && at%(5*day) == 0 {
			t.Logf("day %d: %d events are synthesized, %s; %s", at/day, m.synthesized(), w.said(), time.Since(began).Round(time.Second))
		}
	}
	m.settleItself()
	t.Logf("webhooks: %v; %s", m.status, time.Since(began).Round(time.Second))
}

func (m *itself) synthesized() (n int) {
	events, _ := m.stored()
	for _, r := range events {
		if r.Synthesized() {
			n++
		}
	}
	return n
}

func (m *itself) loseKey() {
	m.atKey = m.synthesized()
	if m.atKey == 0 {
		m.t.Error("nothing was made in twelve days")
	}
	m.must(ssmstore.New(m.Clients.SSM).DeleteParameter(m.t.Context(), m.Env.Config.ParameterPrefix+"/erasure-key"))
}

func (m *itself) findKey() {
	if n := m.synthesized(); n != m.atKey {
		m.t.Errorf("%d events were made while nobody could tell who was erased", n-m.atKey)
	}
	m.OK("sources", "list")
}

// eraseSomebody erases a lead of whom events came, and of whom more would come: they never
// do, so that they are missing.
func (m *itself) eraseSomebody() {
	now := m.Clock()
	before := map[string]bool{}
	for _, f := range m.all {
		if !f.arrives.IsZero() && f.arrives.Before(now) {
			before[f.post.Lead] = true
		}
	}
	for _, f := range m.all {
		if f.campaign > overriddenCampaign && f.post.Type == "EMAIL_SENT" && before[f.post.Lead] && f.post.At.After(now.Add(time.Hour)) && f.arrives.After(now) {
			m.erased = f.post.Lead
			break
		}
	}
	if m.erased == "" {
		m.t.Fatal("there is no lead to erase")
	}
	m.all = slices.DeleteFunc(m.all, func(f fate) bool { return f.post.Lead == m.erased && f.arrives.After(now) })
	m.came = slices.IndexFunc(m.all, func(f fate) bool { return f.arrives.After(now) })
	for _, c := range m.world.account.Campaigns {
		c.Lost = slices.DeleteFunc(c.Lost, func(p fakeapi.Post) bool { return p.Lead == m.erased })
	}
	m.OK("leads", "forget", m.erased, "--yes")
}

// settleItself holds the end of the month to what happened in it.
func (m *itself) settleItself() {
	m.t.Helper()
	stored, variants := m.stored()
	truth, keys, came := map[webhook.EventID]bool{}, map[string]bool{}, map[string]bool{}
	made := map[string]int{}
	for id, r := range stored {
		keys[factKeyOf(r)] = true
		if r.Synthesized() {
			made[string(id.Type())]++
			if r.LeadEmail == m.erased || strings.HasPrefix(r.CampaignID, "4100002") {
				m.t.Errorf("%s of %s was made", id, r.LeadEmail)
			}
		}
	}
	late := 0
	for _, f := range m.all {
		truth[f.id] = true
		if f.arrives.IsZero() {
			continue
		}
		came[f.key()] = true
		if r := stored[f.id]; r.Synthesized() {
			late++
			if r.Original == "" || r.Duplicates != 1 {
				m.t.Errorf("%s came after it was made: original %q, %d duplicates", f.id, r.Original, r.Duplicates)
			}
		}
	}
	left, unmade := map[string]int{}, 0
	for _, f := range m.all {
		if f.campaign == overriddenCampaign || f.post.Lead == m.erased || came[f.key()] || keys[f.key()] || f.post.Type == "FIRST_EMAIL_SENT" {
			continue
		}
		left[f.post.Type]++
		if f.post.Type == "EMAIL_SENT" || f.post.Type == "EMAIL_REPLY" {
			unmade++
			m.t.Errorf("%s of campaign %d, of %s, was not made", f.post.Type, f.campaign, f.post.At)
		}
	}
	for id, r := range stored {
		if !truth[id] && r.LeadEmail != "" {
			m.t.Errorf("%s is in the ledger and never happened", id)
		}
	}
	if n := m.beyond.Load(); n > 0 || variants > 0 || late == 0 {
		m.t.Errorf("%d calls beyond the plan, %d variants, %d late webhooks of what was made", n, variants, late)
	}
	for _, refused := range []string{"variant", "held", "rejected", "failed"} {
		if m.status[refused] > 0 {
			m.t.Errorf("%d webhooks were %s", m.status[refused], refused)
		}
	}
	m.t.Logf("made: %v; late webhooks of them: %d; lost for good: %v", made, late, left)
}
