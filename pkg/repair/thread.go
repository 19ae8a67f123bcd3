package repair

import (
	"context"
	"errors"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartleadapi"
)

// near is how far apart Smartlead's statistics and its message history may say that one
// reply came.
const near = 2 * time.Minute

// thread is what Smartlead shows of the mails between a campaign and a lead.
type thread struct {
	lead     smartleadapi.Lead
	messages []smartleadapi.Message
	err      error
}

// replyOf finds the mail of a reply in the lead's thread, and who the lead is. It returns
// nil where the thread has none that came then, or several.
func (r *run) replyOf(ctx context.Context, campaign string, f *reconcile.Finding) (*smartleadapi.Message, error) {
	if f.Reply != nil {
		return f.Reply, nil
	}
	t := r.thread(ctx, campaign, *f)
	if t.err != nil {
		return nil, t.err
	}
	if in, is := t.lead.In(campaign); is {
		f.MapID = in.MapID
	}
	f.LeadID = t.lead.ID
	var found *smartleadapi.Message
	for i, m := range t.messages {
		if !m.Inbound || m.MessageID == "" || !f.At.IsZero() && m.At.Sub(f.At).Abs() > near {
			continue
		}
		if found != nil && found.MessageID != m.MessageID {
			return nil, nil //nolint:nilnil // several that it may be are none
		}
		if found == nil || m.StatsID == f.StatsID {
			found = &t.messages[i]
		}
	}
	return found, nil
}

// thread reads the mails of a lead, once in a run.
func (r *run) thread(ctx context.Context, campaign string, f reconcile.Finding) thread {
	key := campaign + "\x00" + f.Lead
	if t, known := r.threads[key]; known {
		return t
	}
	t := thread{lead: smartleadapi.Lead{ID: f.LeadID}}
	if t.lead.ID == "" {
		t.lead, t.err = r.api.Lead(ctx, f.Lead)
	}
	if t.err == nil {
		t.messages, t.err = r.api.History(ctx, campaign, t.lead.ID, time.Time{})
	}
	if errors.Is(t.err, smartleadapi.ErrNotFound) { // nobody, or nothing of him
		t.err = nil
	}
	r.threads[key] = t
	return t
}
