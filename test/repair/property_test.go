package repair

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/webhook"
)

// generated is an account of one campaign, with every type of event. Where bare, bounces
// have no mail of their own, as in bodies that some integrators got.
func generated(r *rand.Rand, now time.Time, leads int, bare bool) *fakeapi.Account {
	c := &fakeapi.Campaign{ID: 4100000 + r.IntN(1000), Name: "Generated", Status: "ACTIVE"}
	begin := now.Add(-5 * day)
	any := func(most time.Duration) time.Duration {
		return time.Duration(r.Int64N(int64(most))).Truncate(time.Millisecond)
	}
	for i := range leads {
		lead := fmt.Sprintf("lead%d@acme.example.com", i)
		for step := 1; step <= 1+r.IntN(2); step++ {
			m := &fakeapi.Mail{
				StatsID: fmt.Sprintf("5b1f7a52-0c3e-4d9a-%04d-%04d%04d%04d", r.IntN(10_000), c.ID%10_000, i, step), Lead: lead,
				LeadID: 3_120_000_000 + int64(i), Step: step, MessageID: fmt.Sprintf("<sent-%d-%d@outbound.example>", i, step),
				SentAt: begin.Add(any(day) + time.Duration(step)*day),
			}
			for range r.IntN(3) {
				m.Opens = append(m.Opens, m.SentAt.Add(time.Duration(len(m.Opens))*5*time.Hour+any(5*time.Hour)))
			}
			if r.IntN(3) == 0 {
				m.Clicks = []fakeapi.Click{{At: m.SentAt.Add(any(5 * time.Hour)), Link: "https://www.outbound.example/pricing"}}
			}
			switch r.IntN(6) {
			case 0, 1:
				m.Replies = []fakeapi.Reply{{At: m.SentAt.Add(any(9 * time.Hour)), MessageID: fmt.Sprintf("<re-%d-%d-%d@acme.example.com>", c.ID, i, step), Text: "Yes"}}
			case 2:
				m.Bounced = &fakeapi.Bounce{At: m.SentAt.Add(any(time.Hour))}
				if !bare {
					m.Bounced.MessageID = fmt.Sprintf("<bounce-%d-%d@mx.acme.example.com>", i, step)
				}
			case 3:
				m.Left = m.SentAt.Add(any(5 * time.Hour))
			}
			c.Mails = append(c.Mails, m)
			if m.Bounced != nil || !m.Left.IsZero() || len(m.Replies) > 0 {
				break
			}
		}
		if r.IntN(5) == 0 {
			c.Moves = append(c.Moves, fakeapi.Move{At: begin.Add(3 * day), Lead: lead, New: "Interested"})
		}
	}
	return &fakeapi.Account{Key: "k", Campaigns: []*fakeapi.Campaign{c}, Categories: []string{"Interested"}}
}

// Of what was posted half is lost: the other half proves the identities. Whatever is made
// has the identity of its webhook, which then comes late, and is a duplicate.
func TestWhatIsMadeHasTheIdentityOfItsWebhook(t *testing.T) {
	made := make(map[webhook.Type]int)
	left := make(map[webhook.Type]map[repair.Why]int) // without what happened more often than once
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			bare := seed%2 == 1
			w := newWorld(t, generated(r, clitest.Start, 24, bare))
			lost := map[webhook.EventID]fakeapi.Post{}
			posts := w.account.Campaigns[0].Posts(w.Clock())
			for _, p := range posts {
				if r.IntN(2) == 0 {
					lost[idOf(t, p)] = p
				} else {
					w.post(p)
				}
			}
			w.Work()
			result := w.repaired(1000, 1000)
			for _, i := range result.Items {
				if i.Step != repair.StepSynthesize {
					if left[i.Type] == nil {
						left[i.Type] = make(map[repair.Why]int)
					}
					if i.Finding.Times == 1 {
						left[i.Type][i.Why]++
					}
					continue
				}
				if i.Status != webhook.ClaimAccepted {
					t.Errorf("%s: %s", i.EventID, i.Status)
				}
				if _, is := lost[i.EventID]; !is {
					t.Errorf("%s %s was made, and no lost webhook has that id", i.Type, i.EventID)
				}
				made[i.Type]++
			}
			events, _ := w.stored()
			for id, p := range lost {
				_, status := w.post(p)
				if want := statusOf(events[id]); status != want {
					t.Errorf("%s %s came late and is %s, want %s", p.Type, id, status, want)
				}
			}
			w.Work()
			w.oncePerEvent(posts)
		})
	}
	t.Log("made:", made)
	t.Log("left:", left)
	for _, typ := range []webhook.Type{webhook.EmailSent, webhook.FirstEmailSent, webhook.EmailOpen, webhook.EmailReply, webhook.EmailBounce} {
		if made[typ] == 0 {
			t.Errorf("no %s was made", typ)
		}
	}
	for _, typ := range []webhook.Type{webhook.EmailLinkClick, webhook.LeadUnsubscribed, webhook.LeadCategoryUpdated} {
		if made[typ] > 0 {
			t.Errorf("%d %s were made, of which the API does not tell what the identity needs", made[typ], typ)
		}
		if left[typ][repair.WhyDiffers] == 0 && typ != webhook.LeadCategoryUpdated {
			t.Errorf("%s: %v", typ, left[typ])
		}
	}
	if left[webhook.EmailSent][repair.WhyDiffers]+left[webhook.EmailOpen][repair.WhyDiffers]+left[webhook.EmailReply][repair.WhyDiffers] > 0 {
		t.Errorf("left: %v", left)
	}
}

// A webhook that comes between the comparison and the repair stays the event: what is made
// then changes nothing.
func TestAWebhookThatCameFirstStaysTheEvent(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	w := newWorld(t, generated(r, clitest.Start, 12, true))
	posts := w.account.Campaigns[0].Posts(w.Clock())
	var lost []fakeapi.Post
	for i, p := range posts {
		if i%2 == 0 {
			lost = append(lost, p)
		} else {
			w.post(p)
		}
	}
	request := repair.Request{Mode: repair.Synthesize, Budget: 1000}
	_, err := w.st.Repair.Repair(t.Context(), w.client, request, w.compare(100).Campaigns...)
	w.must(err)
	w.Advance(repair.DefaultWait + time.Second)
	stale := w.compare(100)
	for _, p := range lost {
		w.post(p)
	}
	w.Work()
	before, _ := w.stored()
	result, err := w.st.Repair.Repair(t.Context(), w.client, request, stale.Campaigns...)
	w.must(err)
	w.Work()
	if result.Made() > 0 || result.Of(repair.StepSynthesize) == 0 {
		t.Errorf("%d of %d were made beside their webhooks", result.Made(), result.Of(repair.StepSynthesize))
	}
	after, _ := w.stored()
	for id, r := range after {
		if b := before[id]; b.Synthesized() || r.Duplicates != b.Duplicates || r.State != b.State || r.Fingerprint != b.Fingerprint {
			t.Errorf("%s changed", id)
		}
	}
	w.oncePerEvent(posts)
}

// statusOf is what a late webhook should be, beside what is in the ledger.
func statusOf(r webhook.Record) string {
	if r.ID == "" {
		return string(webhook.ClaimAccepted)
	}
	return string(webhook.ClaimDuplicate)
}

// oncePerEvent: all that was posted in the end is in the ledger once, was delivered once,
// and nothing else was; nothing waits for an operator.
func (w *world) oncePerEvent(posts []fakeapi.Post) {
	w.t.Helper()
	events, variants := w.stored()
	if variants > 0 {
		w.t.Errorf("%d variants wait for an operator", variants)
	}
	known := map[webhook.EventID]bool{}
	for _, p := range posts {
		id := idOf(w.t, p)
		known[id] = true
		if events[id].State != webhook.Delivered {
			w.t.Errorf("%s %s is %q", p.Type, id, events[id].State)
		}
		if n := w.effects[string(id)]; n != 1 {
			w.t.Errorf("%s %s was delivered %d times", p.Type, id, n)
		}
	}
	for id, r := range events {
		if !known[id] {
			w.t.Errorf("%s was never posted", id)
		}
		if want := string(r.Origin()); w.origins[string(id)] != want {
			w.t.Errorf("%s went out with the origin %q, want %q", id, w.origins[string(id)], want)
		}
		if r.Synthesized() {
			w.hasOriginal(r)
		}
	}
}

// hasOriginal: the body that came after all is beside the event.
func (w *world) hasOriginal(r webhook.Record) {
	w.t.Helper()
	bodies, err := w.st.Ledger.Variants(w.t.Context(), r.ID)
	w.must(err)
	if len(bodies) != 1 || bodies[0].Fingerprint != r.Original {
		w.t.Errorf("%s: %d bodies beside it, original %q", r.ID, len(bodies), r.Original)
	}
}
