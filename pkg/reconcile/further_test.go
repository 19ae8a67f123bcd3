package reconcile_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/webhook"
)

// thread is a mail with so many replies, ten hours apart, and the mail before it.
func thread(replies int) []*fakeapi.Mail {
	second := mail(func(m *fakeapi.Mail) { m.StatsID, m.Step, m.SentAt = "stats-2", 2, ago(70*time.Hour) })
	for i := range replies {
		second.Replies = append(second.Replies, fakeapi.Reply{
			At: ago(60*time.Hour - time.Duration(i)*10*time.Hour), MessageID: fmt.Sprintf("<r-%d@acme.example.com>", i), Text: "Yes",
		})
	}
	return []*fakeapi.Mail{mail(nil), second}
}

// lose the n-th reply of a thread.
func losing(n int) func(fakeapi.Post) bool {
	return func(p fakeapi.Post) bool { return strings.Contains(string(p.Body), fmt.Sprintf("r-%d@acme", n)) }
}

func none(fakeapi.Post) bool { return false }

// An event that comes while the histories are read is not missed for it.
func TestWhatComesMeanwhileIsLookedFor(t *testing.T) {
	w := newWorld(t, thread(3)...).receive(losing(2))
	n := len(w.ledger.records)
	for _, p := range w.account().Campaigns[0].Posts(now) {
		if losing(2)(p) {
			w.put(string(p.Body), now)
		}
	}
	w.ledger.later, w.ledger.records = w.ledger.records[n:], w.ledger.records[:n]
	w.request.Threads = 10
	w.expect(w.run(), webhook.EmailReply, "3 complete")
}

// The statistics show one reply of a thread; its history shows all.
func TestFurtherRepliesOfAThreadAreFoundByItsHistory(t *testing.T) {
	w := newWorld(t, thread(3)...).receive(losing(2))
	w.expect(w.run(), webhook.EmailReply, "1 complete")
	w.request.Threads = 10
	c := w.run()
	w.expect(c, webhook.EmailReply, "2 complete, 1 missing")
	if c.Threads == nil || *c.Threads != (reconcile.Threads{Leads: 1, Read: 1}) || c.Proven() {
		t.Errorf("%+v", c.Threads)
	}
	f := c.Findings[0]
	want := smartleadapi.Message{
		Inbound: true, At: ago(40 * time.Hour), MessageID: "r-2@acme.example.com", StatsID: "stats-2", From: "tom@acme.example.com",
		To: "mira@outbound.example", Step: "2", Subject: "Re: A short call", Body: "<div>Yes</div>",
	}
	if f.Reply == nil || *f.Reply != want || f.LeadID != "3120045671" || f.MapID != "3120045678" || f.StatsID != "stats-2" || !f.At.Equal(want.At) || f.Step != "2" {
		t.Errorf("a repair needs more than %+v", f)
	}
	for lost := range 3 {
		w := newWorld(t, thread(3)...).receive(losing(lost))
		w.request.Threads = 10
		c := w.run()
		w.expect(c, webhook.EmailReply, "2 complete, 1 missing")
		if f := c.Findings[0]; f.Reply == nil || f.Reply.MessageID != fmt.Sprintf("r-%d@acme.example.com", lost) {
			t.Errorf("reply %d is lost, and %+v is missing", lost, f)
		}
	}
	w = newWorld(t, thread(3)...).receive(none)
	w.request.Threads = 10
	if c := w.run(); !c.Proven() {
		t.Errorf("all are there: %+v", c)
	}
}

// Of a whole account everything is complete that Smartlead shows.
func TestAWholeAccountIsCompleteInEverythingThatIsShown(t *testing.T) {
	whole := fakeapi.Simulate("k", now, 60)
	w := newWorld(t, whole.Campaigns[0].Mails...)
	w.change = func(a *fakeapi.Account) {
		a.Categories, a.Untracked, a.Campaigns[0].Moves = whole.Categories, whole.Untracked, whole.Campaigns[0].Moves
	}
	w.receive(none)
	for _, p := range w.account().InboxPosts(now) {
		w.put(string(p.Body), p.At)
	}
	w.request.Types, w.request.Threads, w.request.Counts = slices.Concat(reconcile.Types, reconcile.FurtherTypes), 100, true
	c := w.run()
	if !c.Proven() || w.report.Inbox.Of(reconcile.Complete) != 2 || len(c.Findings)+len(w.report.Inbox.Findings) != 0 {
		t.Errorf("%+v, %+v", c, w.report.Inbox)
	}
	replies := 0
	for _, m := range w.mails {
		replies += len(m.Replies)
	}
	w.expect(c, webhook.EmailReply, fmt.Sprintf("%d complete", replies))
	w.expect(c, webhook.LeadCategoryUpdated, fmt.Sprintf("%d complete", len(whole.Campaigns[0].Moves)))
	if c.Deliveries.Agreement != reconcile.Agrees {
		t.Errorf("%+v", c.Deliveries)
	}
}

// Two replies in a minute are two, and one that stands twice in a history is one.
func TestRepliesOfOneMomentAreToldByTheirMessageID(t *testing.T) {
	mails := thread(2)
	mails[1].Replies[1].At = mails[1].Replies[0].At.Add(30 * time.Second)
	for lost, want := range map[int]string{0: "1 complete, 1 missing", 1: "1 complete, 1 missing", 7: "2 complete"} {
		w := newWorld(t, mails...).receive(losing(lost))
		w.request.Threads = 10
		w.expect(w.run(), webhook.EmailReply, want)
	}
	mails = thread(1)
	mails[1].Replies = append(mails[1].Replies, mails[1].Replies[0])
	w := newWorld(t, mails...).receive(none)
	w.ledger.records = w.ledger.records[:len(w.ledger.records)-1] // the same event twice
	w.request.Threads = 10
	w.expect(w.run(), webhook.EmailReply, "1 complete")
}

// Only leads with a reply are asked for, by two calls each, and as many as are allowed.
func TestOnlyLeadsWithAReplyAreAskedForWithinTheirBound(t *testing.T) {
	var mails []*fakeapi.Mail
	for i := range 6 {
		mails = append(mails, mail(func(m *fakeapi.Mail) {
			m.StatsID, m.Lead, m.LeadID = fmt.Sprint("s-", i), fmt.Sprintf("lead%d@acme.example.com", i), int64(100+i)
			if i < 4 {
				m.Replies = []fakeapi.Reply{{At: ago(40 * time.Hour), MessageID: fmt.Sprintf("<r-%d@acme.example.com>", i), Text: "Yes"}}
			}
		}))
	}
	w := newWorld(t, mails...).receive(none)
	w.request.Threads = 3
	c := w.run()
	w.expect(c, webhook.EmailReply, "4 complete")
	if want := (reconcile.Threads{Leads: 4, Read: 3, Left: 1}); c.Threads == nil || *c.Threads != want || c.Proven() {
		t.Errorf("got %+v, want %+v, and nothing proven", c.Threads, want)
	}
	if w.leads != 3 {
		t.Errorf("it told of %d leads", w.leads)
	}
	if n := len(w.asked); n != 7 { // a page of statistics, and two for each lead
		t.Errorf("%d calls: %v", n, w.asked)
	}
	// A reply that the statistics do not have, and an event does, makes its lead one of them.
	w = newWorld(t, thread(1)...).receive(none)
	w.api.StatisticsLag = 65 * time.Hour
	w.request.Threads = 3
	c = w.run()
	w.expect(c, webhook.EmailReply, "1 complete")
	if c.Threads.Read != 1 {
		t.Errorf("%+v", c.Threads)
	}
}

// A history lags behind the webhook: what arrived and is not in it is no loss, and what the
// statistics have and it has not stays.
func TestAHistoryThatLags(t *testing.T) {
	w := newWorld(t, thread(2)...).receive(none)
	w.request.Threads, w.api.HistoryLag = 10, 55*time.Hour // it has the first reply alone
	w.expect(w.run(), webhook.EmailReply, "1 complete, 1 extra", reconcile.NotCounted)
	w.request.Lag = 51 * time.Hour
	w.expect(w.run(), webhook.EmailReply, "1 complete")
	w = newWorld(t, thread(1)...).receive(none)
	w.request.Threads, w.api.HistoryLag = 10, 65*time.Hour // it has none
	w.expect(w.run(), webhook.EmailReply, "1 complete")
	w.receive(none)
	w.ledger.records = slices.DeleteFunc(w.ledger.records, func(r webhook.Record) bool { return r.Type == webhook.EmailReply })
	w.expect(w.run(), webhook.EmailReply, "1 missing")
}

// The documented history has neither ids of mails nor of rows: time and lead decide.
func TestTheDocumentedHistoryIsComparedByTime(t *testing.T) {
	w := newWorld(t, thread(3)...).receive(losing(1))
	w.request.Threads, w.api.Documented = 10, true
	w.expect(w.run(), webhook.EmailReply, "2 complete, 1 missing")
}

// A reply to a mail that was sent before the window is none of its mails.
func TestARepliesOfAnotherWindowAreNotCompared(t *testing.T) {
	mails := thread(1)
	mails[0].SentAt = ago(8 * 24 * time.Hour)
	mails[0].Replies = []fakeapi.Reply{{At: ago(50 * time.Hour), MessageID: "<old@acme.example.com>", Text: "Late"}}
	w := newWorld(t, mails...).receive(func(p fakeapi.Post) bool { return strings.Contains(string(p.Body), "old@acme") })
	w.request.Threads = 10
	w.expect(w.run(), webhook.EmailReply, "1 complete")
}

// What cannot be read is a cause, and what the statistics say is judged all the same.
func TestAHistoryThatCannotBeReadIsACause(t *testing.T) {
	page := fakeapi.Fault{Status: 200, Body: fmt.Sprintf(`{"total_stats":"1","data":[{"stats_id":"stats-2","lead_email":"tom@acme.example.com","sent_time":%q,"reply_time":%q}]}`,
		ago(70*time.Hour).Format(time.RFC3339), ago(60*time.Hour).Format(time.RFC3339))}
	lead := fakeapi.Fault{Status: 200, Body: `{"id":"7","lead_campaign_data":[]}`}
	for name, faults := range map[string][]fakeapi.Fault{
		"another shape": {page, lead, {Status: 200, Body: `{"success":true,"data":{}}`}},
		"refused":       {page, {Status: 401, Body: `{"message":"Invalid API Key"}`}},
	} {
		w := newWorld(t, thread(1)...).receive(none)
		w.request.Threads, w.faults = 10, faults
		c := w.run()
		w.expect(c, webhook.EmailReply, "1 complete")
		if c.Cause == nil || !c.Judged || c.Proven() || c.Threads.Left != 1 || c.Threads.Cause == nil {
			t.Errorf("%s: %+v, %+v", name, c, c.Threads)
		}
	}
	// A lead that is no more at Smartlead has no history.
	w := newWorld(t, thread(1)...).receive(none)
	w.request.Threads, w.faults = 10, []fakeapi.Fault{page, {Status: 200, Body: `{}`}}
	c := w.run()
	w.expect(c, webhook.EmailReply, "1 complete")
	if c.Cause != nil || *c.Threads != (reconcile.Threads{Leads: 1, Absent: 1}) {
		t.Errorf("%v, %+v", c.Cause, c.Threads)
	}
}

// moved is a lead whose category changed, on two mails of which none was answered.
func moved(moves ...fakeapi.Move) *world {
	w := &world{}
	w.change = func(a *fakeapi.Account) {
		a.Categories = []string{"Interested", "Not Interested"}
		a.Campaigns[0].Moves = moves
	}
	return w
}

// The category of a lead is a state: the newest change that arrived must have led to it.
func TestCategories(t *testing.T) {
	at := func(d time.Duration, old, to string) fakeapi.Move {
		return fakeapi.Move{At: ago(d), Lead: "tom@acme.example.com", Old: old, New: to}
	}
	first, second := at(60*time.Hour, "", "Interested"), at(50*time.Hour, "Interested", "Not Interested")
	losing := func(name string) func(fakeapi.Post) bool {
		return func(p fakeapi.Post) bool {
			return p.Type == "LEAD_CATEGORY_UPDATED" && strings.Contains(string(p.Body), `"new_name":"`+name+`"`)
		}
	}
	taken := at(40*time.Hour, "Not Interested", "")
	for name, c := range map[string]struct {
		moves   []fakeapi.Move
		lost    func(fakeapi.Post) bool
		lag     time.Duration
		want    string
		reasons []reconcile.Reason
	}{
		"none":                     {nil, none, 0, "", nil},
		"the newest is here":       {[]fakeapi.Move{first, second}, none, 0, "1 complete", nil},
		"one between is not":       {[]fakeapi.Move{first, second}, losing("Interested"), 0, "1 complete", nil}, // it is no part of the state
		"the newest is not":        {[]fakeapi.Move{first, second}, losing("Not Interested"), 0, "1 missing", []reconcile.Reason{reconcile.Differs}},
		"none is here":             {[]fakeapi.Move{first}, losing("Interested"), 0, "1 missing", []reconcile.Reason{reconcile.Untimed}},
		"it was taken away":        {[]fakeapi.Move{first, second, taken}, none, 0, "1 complete", nil},
		"and that did not come":    {[]fakeapi.Move{first, second, taken}, func(p fakeapi.Post) bool { return strings.Contains(string(p.Body), `"new_name":null`) }, 0, "1 extra", []reconcile.Reason{reconcile.NotCounted}},
		"the statistics lag":       {[]fakeapi.Move{at(5*time.Hour, "", "Interested")}, none, 6 * time.Hour, "", nil},
		"by the time of the mails": {[]fakeapi.Move{at(5*time.Hour, "", "Interested")}, losing("Interested"), 0, "1 missing", []reconcile.Reason{reconcile.Untimed}},
		"a newer one may be on it": {[]fakeapi.Move{first, at(4*time.Hour, "Interested", "Not Interested")}, none, 5 * time.Hour, "1 late", []reconcile.Reason{reconcile.Differs}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, mail(nil), mail(func(m *fakeapi.Mail) { m.StatsID, m.Step, m.SentAt = "stats-2", 2, ago(70*time.Hour) }))
			w.change, w.api.StatisticsLag = moved(c.moves...).change, c.lag
			w.receive(c.lost)
			w.request.Types = []webhook.Type{webhook.LeadCategoryUpdated, webhook.EmailReply}
			got := w.run()
			w.expect(got, webhook.EmailReply, "") // a category is no reply
			w.expect(got, webhook.LeadCategoryUpdated, c.want, c.reasons...)
			if len(got.Findings) == 1 && got.Findings[0].Verdict == reconcile.Missing && got.Findings[0].Category == "" {
				t.Errorf("nobody can tell what it should be: %+v", got.Findings[0])
			}
		})
	}
}

// Some dialects name the category by its id, and one body cannot be read.
func TestCategoriesByIDAndUnreadableOnes(t *testing.T) {
	w := newWorld(t, mail(func(m *fakeapi.Mail) { m.Category = "Not Interested" })).receive(none)
	w.change = moved().change
	w.request.Types = []webhook.Type{webhook.LeadCategoryUpdated}
	body := `{"event_type":"LEAD_CATEGORY_UPDATED","campaign_id":4100001,"lead_email":"tom@acme.example.com","category_id":%d}`
	w.put(fmt.Sprintf(body, 2), ago(40*time.Hour))
	w.expect(w.run(), webhook.LeadCategoryUpdated, "1 complete")
	w.put(fmt.Sprintf(body, 9), ago(30*time.Hour)) // which the account does not have
	w.expect(w.run(), webhook.LeadCategoryUpdated, "1 unknowable", reconcile.Unreadable)
	w.put(fmt.Sprintf(body, 2), ago(20*time.Hour)).Payload = webhook.Payload{}
	w.expect(w.run(), webhook.LeadCategoryUpdated, "1 unknowable", reconcile.Unreadable)
	w.payloads = &webhook.UnreadableError{Causes: map[webhook.EventID]error{"x": webhook.ErrUnavailable}}
	w.expect(w.run(), webhook.LeadCategoryUpdated, "1 unknowable", reconcile.Unreadable)
	w.payloads = webhook.ErrUnavailable
	if _, err := w.try(); !errors.Is(err, webhook.ErrUnavailable) {
		t.Errorf("a table that is down: %v", err)
	}
}

func inbox(n int) func(*fakeapi.Account) {
	return func(a *fakeapi.Account) {
		for i := range n {
			a.Untracked = append(a.Untracked, fakeapi.Untracked{
				At: ago(20*time.Hour + time.Duration(i)*time.Hour), MessageID: fmt.Sprintf("<u-%d@globex.example.net>", i),
				From: "ann@globex.example.net", To: "mira@outbound.example", Subject: "Hello", Text: fmt.Sprint("Hello ", i),
			})
		}
	}
}

// Untracked replies are of no campaign, so they are compared for the whole account.
func TestUntrackedRepliesAreComparedByTheInbox(t *testing.T) {
	for _, documented := range []bool{false, true} {
		w := newWorld(t, mail(nil))
		w.change, w.api.Documented = inbox(3), documented
		w.receive(none)
		for i, p := range w.account().InboxPosts(now) {
			if i != 1 {
				w.put(string(p.Body), p.At)
			}
		}
		if c := w.run(); w.report.Inbox != nil || c.Of(reconcile.Missing) != 0 {
			t.Errorf("it was not asked for: %+v", w.report.Inbox)
		}
		w.request.Types = []webhook.Type{webhook.EmailSent, webhook.UntrackedReplies}
		w.run()
		got := w.report.Inbox
		if got == nil {
			t.Fatal("the inbox was not compared")
		}
		w.expect(*got, webhook.UntrackedReplies, "2 complete, 1 missing")
		if f := got.Findings[0]; f.Reply == nil || f.Lead != "ann@globex.example.net" || !f.At.Equal(ago(21*time.Hour)) {
			t.Errorf("documented %v: %+v", documented, f)
		}
	}
}

// One that arrived and is not in the inbox is extra, unless another account may have it.
func TestAnUntrackedReplyThatTheInboxDoesNotHave(t *testing.T) {
	w := newWorld(t, mail(nil))
	w.change = inbox(2)
	for _, p := range w.account().InboxPosts(now) {
		w.put(string(p.Body), p.At)
	}
	w.change = inbox(1)
	w.request.Types = []webhook.Type{webhook.UntrackedReplies}
	w.run()
	w.expect(*w.report.Inbox, webhook.UntrackedReplies, "1 complete, 1 extra", reconcile.NotCounted)
	w.ledger.records[0].Account = "another"
	w.run()
	w.expect(*w.report.Inbox, webhook.UntrackedReplies, "1 complete")
	w.faults = []fakeapi.Fault{{Status: 200, Body: `{"total_stats":"0","data":[]}`}, {Status: 200, Body: `{"success":true,"data":{}}`}}
	w.run()
	if got := w.report.Inbox; got.Judged || got.Cause == nil || got.Proven() {
		t.Errorf("it was not read, and %+v", got)
	}
}

func TestCountsOfDeliveries(t *testing.T) {
	base := func(t *testing.T) *world {
		w := newWorld(t, fakeapi.Simulate("k", now, 20).Campaigns[0].Mails...)
		w.request.Counts = true
		return w.receive(none)
	}
	w := base(t)
	d := w.run().Deliveries
	n := len(w.ledger.records)
	if d == nil || d.Agreement != reconcile.Agrees || d.Least != n || d.Most != n || d.Refused != 0 || d.TheirSide() {
		t.Fatalf("%d arrived: %+v", n, d)
	}
	// Duplicates widen what may be, events of one request are one, and few types are no reason.
	w = base(t)
	w.ledger.records[3].Duplicates, w.ledger.records[4].Variants = 2, 1
	w.ledger.records[1].RequestID = w.ledger.records[0].RequestID
	w.request.Types = []webhook.Type{webhook.EmailReply}
	if d := w.run().Deliveries; d.Agreement != reconcile.Agrees || d.Least != n-1 || d.Most != n+2 {
		t.Errorf("%d arrived: %+v", n, d)
	}
	w = base(t)
	w.ledger.records = w.ledger.records[:n-5]
	if d := w.run().Deliveries; d.Agreement != reconcile.MoreThere || !strings.Contains(d.Says(), "other addresses") {
		t.Errorf("%+v: %s", d, d.Says())
	}
	w = base(t)
	w.change = func(a *fakeapi.Account) { a.Campaigns[0].Failed = 5 }
	if d := w.run().Deliveries; d.Agreement != reconcile.FewerThere || !strings.Contains(d.Says(), "user or the client") {
		t.Errorf("%+v: %s", d, d.Says())
	}
	w = base(t)
	w.faults = []fakeapi.Fault{{Status: 200, Body: `{"total_stats":"0","data":[]}`}, {Status: 404}, {Status: 404}}
	if d := w.run().Deliveries; d.Cause == nil || d.TheirSide() || d.Agreement != "" {
		t.Errorf("%+v", d)
	}
}

// Calls that failed there while nothing was refused here failed on Smartlead's side; one
// refused request here makes that unsure.
func TestTheirSide(t *testing.T) {
	w := newWorld(t, fakeapi.Simulate("k", now, 12).Campaigns[0].Mails...).receive(func(p fakeapi.Post) bool { return p.Type == "EMAIL_REPLY" })
	w.request.Counts = true
	w.change = func(a *fakeapi.Account) { a.Campaigns[0].Failed = 2 }
	c := w.run()
	if !c.Deliveries.TheirSide() {
		t.Fatalf("%+v", c.Deliveries)
	}
	text := w.report.SupportText(c)
	for _, part := range []string{"Campaign: 4100001", "2 failed", "recorded 0 requests as refused", "2 × EMAIL_REPLY", ago(7 * 24 * time.Hour).Format("2006-01-02 15:04 UTC")} {
		if !strings.Contains(text, part) {
			t.Errorf("the text to support has no %q:\n%s", part, text)
		}
	}
	for _, secret := range []string{"@", "api_key", "http"} {
		if strings.Contains(text, secret) {
			t.Errorf("the text to support has %q:\n%s", secret, text)
		}
	}
	w.refused = []webhook.RejectedRequest{{At: ago(time.Hour), Kind: "unauthorized"}}
	if c := w.run(); c.Deliveries.TheirSide() || w.report.SupportText(c) != "" || c.Deliveries.Refused != 1 {
		t.Errorf("%+v", c.Deliveries)
	}
	w.request.Window.Since = ago(20 * 24 * time.Hour) // longer than refused requests are kept
	if c := w.run(); c.Deliveries.Refused != -1 || c.Deliveries.TheirSide() {
		t.Errorf("%+v", c.Deliveries)
	}
}
