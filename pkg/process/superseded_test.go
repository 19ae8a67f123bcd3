package process_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/webhook"
)

// A category that was replayed after a newer one had been delivered says so; one
// that is delivered in its turn asks nobody.
func TestLateStateIsSuperseded(t *testing.T) {
	category := func(key string, occurred time.Time) webhook.Receipt {
		r := receipt()
		r.Flags = []string{webhook.FlagColleague} // a test supersedes nothing
		r.Key, r.Type, r.LeadEmail, r.CampaignID, r.OccurredAt = "v1:LEAD_CATEGORY_UPDATED:"+key, webhook.LeadCategoryUpdated, "ann@example.com", "7", occurred
		return r
	}
	w := newWorld(t)
	s := &sink{answers: []webhook.Outcome{permanent, ok}}
	w.destinations["crm"] = s
	questions := &asked{Ledger: w.ledger}
	svc := w.service(nil)
	svc.Ports.Ledger = questions
	ids := map[string]webhook.EventID{}
	for i, name := range []string{"OLD", "NEW"} {
		c, err := w.ledger.Claim(t.Context(), category(name, start.Add(time.Duration(i)*time.Second)), name, start.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = c.ID
		svc.Process(t.Context(), webhook.Message{Kind: webhook.KindEvent, ID: c.ID})
	}
	if questions.n != 0 || len(s.got) != 2 {
		t.Fatalf("%d questions for %d events in their turn", questions.n, len(s.got))
	}
	w.now = w.now.Add(time.Hour)
	questions.down = true
	if r := svc.Process(t.Context(), w.deadLetters[0]); r.Outcome != process.Retry || r.Attempts[0].ErrorClass != "order_unreadable" || len(s.got) != 2 {
		t.Fatalf("without an answer: %+v", r)
	}
	questions.down = false
	w.now = w.now.Add(time.Hour)
	if r := svc.Process(t.Context(), webhook.Message{Kind: webhook.KindEvent, ID: ids["OLD"]}); r.Outcome != process.Delivered {
		t.Fatalf("%+v", r)
	}
	if flags := s.got[2].Event.Flags; len(flags) != 2 || flags[1] != webhook.FlagSuperseded {
		t.Errorf("delivered with the flags %v", flags)
	}
	rec, err := w.ledger.Get(t.Context(), ids["OLD"])
	if err != nil || len(rec.Flags) != 2 {
		t.Errorf("kept with the flags %v (%v)", rec.Flags, err)
	}
}

// asked counts what is asked about newer events.
type asked struct {
	process.Ledger
	n    int
	down bool
}

func (a *asked) Superseded(ctx context.Context, r webhook.Record) (bool, error) {
	a.n++
	if a.down {
		return false, fmt.Errorf("dynamodb: %w", webhook.ErrUnavailable)
	}
	return a.Ledger.Superseded(ctx, r)
}
