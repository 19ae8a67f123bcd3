package repair

import (
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/webhook"
)

// inboxOf repairs what is missing of the master inbox, once.
func (w *world) inboxOf() repair.Result {
	w.t.Helper()
	service := reconcile.Service{Provider: w.client, Inbox: w.client, Ledger: w.st.Ledger, Now: w.Clock}
	report, err := service.Run(w.t.Context(), reconcile.Request{
		Window: smartleadapi.Window{Since: w.Clock().Add(-10 * day), Until: w.Clock()}, Types: []webhook.Type{webhook.UntrackedReplies},
	})
	w.must(err)
	if report.Inbox == nil || report.Inbox.Cause != nil {
		w.t.Fatalf("%+v", report.Inbox)
	}
	result, err := w.st.Repair.Repair(w.t.Context(), w.client, repair.Request{Mode: repair.Synthesize, By: "tester"}, *report.Inbox)
	w.must(err)
	w.Work()
	return result
}

// A reply that belongs to no campaign is made of the master inbox, once one of them came by
// which its identity is tried: Smartlead cannot be asked to post it again. Its late webhook
// is its original.
func TestAnUntrackedReplyIsMadeOfTheInbox(t *testing.T) {
	account := fakeapi.Simulate("k", clitest.Start, 3)
	w := newWorld(t, account)
	posts := account.InboxPosts(w.Clock())
	if len(posts) != 2 {
		t.Fatalf("%d replies of no campaign", len(posts))
	}
	lost := idOf(t, posts[1])
	left := w.inboxOf()
	if left.Made() > 0 || len(left.Items) != 2 || left.Items[0].Why != repair.WhyNoSource && left.Items[0].Why != repair.WhyUnticked {
		t.Errorf("before any came: %+v", left.Items)
	}
	w.post(posts[0])
	w.Work()
	result := w.inboxOf()
	if result.Made() != 1 || len(result.Items) != 1 || result.Items[0].EventID != lost || len(result.Asked) > 0 {
		t.Fatalf("%+v", result)
	}
	rec := w.Record(string(lost))
	if !rec.Synthesized() || rec.State != webhook.Delivered || rec.CampaignID != "" || rec.Source != "demo" {
		t.Errorf("%+v", rec)
	}
	if again := w.inboxOf(); len(again.Items) != 0 {
		t.Errorf("once more: %+v", again.Items)
	}
	w.Advance(time.Hour)
	if id, status := w.post(posts[1]); id != string(lost) || status != string(webhook.ClaimDuplicate) {
		t.Errorf("the late webhook of %s is %s of %s", lost, status, id)
	}
	w.Work()
	w.oncePerEvent(posts)
}

// Where an account's untracked replies have another identity than the inbox tells, none is
// made.
func TestAnUntrackedReplyOfAnotherIdentityIsNotMade(t *testing.T) {
	account := fakeapi.Simulate("k", clitest.Start, 3)
	w := newWorld(t, account)
	posts := account.InboxPosts(w.Clock())
	account.Untracked[0].MessageID, account.Untracked[1].MessageID = "<other-0@inbox.example>", "<other-1@inbox.example>"
	w.post(posts[0])
	w.Work()
	result := w.inboxOf()
	if result.Made() > 0 || len(result.Items) == 0 {
		t.Errorf("%+v", result)
	}
	for _, i := range result.Items {
		if i.Why != repair.WhyDiffers && i.Why != repair.WhyUnproven {
			t.Errorf("%s is left: %s", i.Finding.Lead, i.Why)
		}
	}
}
