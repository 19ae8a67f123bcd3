package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

var now = testclock.Noon()

// ago is a time before now.
func ago(d time.Duration) time.Time { return now.Add(-d) }

const campaign = "4100001"

// received is a ledger of what was received, in pages of three.
type received struct {
	records []webhook.Record
	err     error
	endless bool
	skipped int
	later   []webhook.Record // come once all was read

	unreadable []webhook.EventID
}

func (l *received) Received(_ context.Context, of string, _, _ time.Time, skip func(webhook.EventID) bool, after string) (webhook.Received, error) {
	if l.err != nil {
		return webhook.Received{}, l.err
	}
	if l.endless {
		return webhook.Received{Next: "further", Looked: 100_000}, nil
	}
	begin := 0
	_, _ = fmt.Sscan(after, &begin)
	end := min(begin+3, len(l.records))
	out := webhook.Received{Looked: end - begin}
	for _, r := range l.records[begin:end] {
		switch {
		case slices.Contains(l.unreadable, r.ID):
			out.Unreadable = append(out.Unreadable, r.ID)
		case skip(r.ID):
			l.skipped++
		case of == "" || of == r.CampaignID:
			r.Payload = webhook.Payload{} // a listing has none
			out.Records = append(out.Records, r)
		}
	}
	if end < len(l.records) {
		out.Next = fmt.Sprint(end)
	} else {
		l.records, l.later = append(l.records, l.later...), nil
	}
	return out, nil
}

// world is an account of Smartlead and what was received of it, through the real client
// and the real parser.
type world struct {
	t       *testing.T
	mails   []*fakeapi.Mail
	api     fakeapi.Options
	faults  []fakeapi.Fault
	change  func(*fakeapi.Account)
	refused []webhook.RejectedRequest

	payloads error // of WithPayloads
	report   reconcile.Report
	asked    []string // of the API
	leads    int      // whose history was asked for
	ledger   received
	request  reconcile.Request
}

func newWorld(t *testing.T, mails ...*fakeapi.Mail) *world {
	return &world{t: t, mails: mails, request: reconcile.Request{
		Campaigns: []string{campaign}, Window: smartleadapi.Window{Since: ago(7 * 24 * time.Hour), Until: now},
	}}
}

func (w *world) account() *fakeapi.Account {
	a := &fakeapi.Account{Key: "k", Campaigns: []*fakeapi.Campaign{{ID: 4100001, Name: "Spring", Status: "ACTIVE", Mails: w.mails}}}
	if w.change != nil {
		w.change(a)
	}
	return a
}

// Load hands back a body that put received.
func (w *world) Load(_ context.Context, p webhook.Payload) ([]byte, error) {
	if len(p.Data) == 0 {
		return nil, webhook.ErrNotFound
	}
	return p.Data, nil
}

// WithPayloads hands back events that put received.
func (w *world) WithPayloads(_ context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	found := map[webhook.EventID]webhook.Record{}
	for _, r := range w.ledger.records {
		if slices.Contains(ids, r.ID) {
			found[r.ID] = r
		}
	}
	return found, w.payloads
}

// EachRejected lists what was refused.
func (w *world) EachRejected(_ context.Context, since, until time.Time) iter.Seq2[webhook.RejectedRequest, error] {
	return func(yield func(webhook.RejectedRequest, error) bool) {
		for _, r := range w.refused {
			if !r.At.Before(since) && r.At.Before(until) && !yield(r, nil) {
				return
			}
		}
	}
}

// receive puts what Smartlead posts into the ledger, but what lost tells.
func (w *world) receive(lost func(fakeapi.Post) bool) *world {
	w.t.Helper()
	for _, p := range w.account().Campaigns[0].Posts(now) {
		if lost == nil || !lost(p) {
			w.put(string(p.Body), p.At.Add(time.Second))
		}
	}
	return w
}

// put receives a body, as the receiver reads it.
func (w *world) put(body string, at time.Time) *webhook.Record {
	w.t.Helper()
	batch, err := smartlead.Parse([]byte(body), smartlead.Options{Account: "default"})
	if err != nil || len(batch.Elements) != 1 || batch.Elements[0].Err != nil {
		w.t.Fatalf("%v: %s", err, body)
	}
	e := batch.Elements[0].Event
	r := webhook.Record{ID: e.ID, State: webhook.Delivered, Receipt: webhook.Receipt{
		Type: e.Type, CampaignID: e.CampaignID, StatsID: e.StatsID, OccurredAt: e.OccurredAt, ReceivedAt: at, Flags: e.Flags,
		Account: e.Account, MessageID: e.MessageID, RequestID: fmt.Sprint("request-", len(w.ledger.records)), Payload: webhook.Payload{Data: []byte(body)},
	}}
	if e.Reply != nil && e.Reply.MessageID != "" {
		r.MessageID = e.Reply.MessageID
	}
	if e.Lead != nil {
		r.LeadEmail = e.Lead.Email
	}
	w.ledger.records = append(w.ledger.records, r)
	return &w.ledger.records[len(w.ledger.records)-1]
}

func (w *world) run() reconcile.Campaign {
	w.t.Helper()
	c, err := w.try()
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) try() (reconcile.Campaign, error) {
	w.t.Helper()
	w.api.Account, w.api.Now = w.account(), func() time.Time { return now }
	api := fakeapi.New(w.api)
	api.Fail(w.faults...)
	server := httptest.NewServer(api)
	defer server.Close()
	client, err := smartleadapi.New(smartleadapi.Options{
		Key: "k", URL: server.URL, Now: w.api.Now, Sleep: func(context.Context, time.Duration) {},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	service := reconcile.Service{
		Provider: client, Ledger: &w.ledger, Now: w.api.Now, People: client, Inbox: client, Payloads: w, Bodies: w, Summary: client, Refusals: w,
		Asked: func() { w.leads++ },
	}
	w.report, err = service.Run(w.t.Context(), w.request)
	w.asked = api.Requests()
	if err != nil {
		return reconcile.Campaign{}, err
	}
	return w.report.Campaigns[0], nil
}

// verdicts are the counts of a type as text, without those that are 0.
func verdicts(c reconcile.Campaign, typ webhook.Type) string {
	var parts []string
	for _, t := range c.Types {
		for _, v := range reconcile.Verdicts {
			if t.Type == typ && t.Counts[v] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", t.Counts[v], v))
			}
		}
	}
	return strings.Join(parts, ", ")
}

func (w *world) expect(c reconcile.Campaign, typ webhook.Type, want string, reasons ...reconcile.Reason) {
	w.t.Helper()
	if got := verdicts(c, typ); got != want {
		w.t.Errorf("%s: %q, want %q; findings %+v", typ, got, want, c.Findings)
	}
	var got []reconcile.Reason
	for _, f := range c.Findings {
		if f.Type == typ && f.Reason != "" {
			got = append(got, f.Reason)
		}
	}
	if !slices.Equal(got, reasons) {
		w.t.Errorf("%s: reasons %v, want %v", typ, got, reasons)
	}
}

// mail is one that was sent days ago.
func mail(change func(m *fakeapi.Mail)) *fakeapi.Mail {
	m := &fakeapi.Mail{
		StatsID: "stats-1", Lead: "tom@acme.example.com", LeadID: 3120045671, Step: 1, MessageID: "<sent-1@outbound.example>", SentAt: ago(72 * time.Hour),
	}
	if change != nil {
		change(m)
	}
	return m
}

func ofType(typ string) func(fakeapi.Post) bool {
	return func(p fakeapi.Post) bool { return p.Type == typ }
}

func TestAWholeAccountIsCompleteAndEachLossIsFound(t *testing.T) {
	w := newWorld(t, fakeapi.Simulate("k", now, 120).Campaigns[0].Mails...)
	w.receive(nil)
	c := w.run()
	if !c.Proven() || c.Of(reconcile.Missing)+c.Of(reconcile.Late)+c.Of(reconcile.Extra)+c.Of(reconcile.Unknowable) != 0 || c.Of(reconcile.Complete) < 300 {
		t.Fatalf("%+v", c)
	}
	all := w.ledger.records
	for i := range all {
		if i%17 != 0 || all[i].Type == webhook.EmailSent || all[i].Type == webhook.FirstEmailSent {
			continue // the other report of the mail remains
		}
		w.ledger.records = slices.Delete(slices.Clone(all), i, i+1)
		c := w.run()
		again := slices.ContainsFunc(w.ledger.records, func(r webhook.Record) bool { // another open, or a reply of the thread
			return r.Type == all[i].Type && r.StatsID == all[i].StatsID
		})
		switch {
		case again && c.Of(reconcile.Missing) != 0:
			t.Errorf("%s of %s: another one is there, and %+v", all[i].Type, all[i].StatsID, c.Findings)
		case !again && (len(c.Findings) != 1 || c.Findings[0].Type != all[i].Type || c.Findings[0].Lead != all[i].LeadEmail || c.Findings[0].Verdict != reconcile.Missing):
			t.Errorf("%s of %s is lost, and %+v", all[i].Type, all[i].StatsID, c.Findings)
		}
	}
}

func TestEitherReportOfAFirstMailWillDo(t *testing.T) {
	for _, lost := range []string{"EMAIL_SENT", "FIRST_EMAIL_SENT"} {
		w := newWorld(t, mail(nil)).receive(ofType(lost))
		w.expect(w.run(), webhook.EmailSent, "1 complete")
	}
	w := newWorld(t, mail(nil)).receive(func(fakeapi.Post) bool { return true })
	w.expect(w.run(), webhook.EmailSent, "1 missing")
}

// One reply stands on both mails of the thread; its event has the id of the second.
func TestAReplyOnSeveralMailsIsOne(t *testing.T) {
	thread := func() []*fakeapi.Mail {
		return []*fakeapi.Mail{
			mail(nil),
			mail(func(m *fakeapi.Mail) {
				m.StatsID, m.Step, m.SentAt = "stats-2", 2, ago(48*time.Hour)
				m.Replies = []fakeapi.Reply{{At: ago(40 * time.Hour), MessageID: "<r-1@acme.example.com>", Text: "Yes"}}
			}),
		}
	}
	w := newWorld(t, thread()...).receive(nil)
	w.expect(w.run(), webhook.EmailReply, "1 complete")
	w = newWorld(t, thread()...).receive(ofType("EMAIL_REPLY"))
	w.expect(w.run(), webhook.EmailReply, "1 missing")
	// A second reply of the thread is under the same id, and stands nowhere in the statistics.
	mails := thread()
	mails[1].Replies = append(mails[1].Replies, fakeapi.Reply{At: ago(20 * time.Hour), MessageID: "<r-2@acme.example.com>", Text: "No"})
	w = newWorld(t, mails...).receive(nil)
	w.expect(w.run(), webhook.EmailReply, "1 complete")
	// Two replies, each to a mail of its own, are two.
	mails = thread()
	mails[0].Replies = []fakeapi.Reply{{At: ago(60 * time.Hour), MessageID: "<r-0@acme.example.com>", Text: "Who?"}}
	w = newWorld(t, mails...).receive(func(p fakeapi.Post) bool { return p.Type == "EMAIL_REPLY" && p.StatsID == "stats-1" })
	w.expect(w.run(), webhook.EmailReply, "1 complete, 1 missing")
}

func TestACategoryIsNoReply(t *testing.T) {
	w := newWorld(t, mail(func(m *fakeapi.Mail) { m.Category = "Interested" })).receive(nil)
	w.expect(w.run(), webhook.EmailReply, "")
}

func TestAReplyThatSmartleadDoesNotCountIsUnknowable(t *testing.T) {
	replied := func(m *fakeapi.Mail) {
		m.Ignored, m.Replies = true, []fakeapi.Reply{{At: ago(40 * time.Hour), MessageID: "<r@acme.example.com>", Text: "Out of office"}}
	}
	w := newWorld(t, mail(replied)).receive(ofType("EMAIL_REPLY"))
	w.expect(w.run(), webhook.EmailReply, "1 unknowable", reconcile.IgnoredReply)
	w = newWorld(t, mail(replied)).receive(nil)
	w.expect(w.run(), webhook.EmailReply, "1 complete")
}

// Bounces and unsubscribes have no time: they may be of a moment ago until a day after the
// mail.
func TestWhatHasNoTimeIsLateForADay(t *testing.T) {
	for sent, want := range map[time.Duration]string{23 * time.Hour: "1 late", 25 * time.Hour: "1 missing"} {
		gone := mail(func(m *fakeapi.Mail) {
			m.SentAt = ago(sent)
			m.Bounced = &fakeapi.Bounce{At: m.SentAt.Add(time.Second), MessageID: "<b@mx.acme.example.com>"}
			m.Left = m.SentAt.Add(time.Minute)
		})
		w := newWorld(t, gone).receive(func(p fakeapi.Post) bool { return p.Type == "EMAIL_BOUNCE" || p.Type == "LEAD_UNSUBSCRIBED" })
		c := w.run()
		w.expect(c, webhook.EmailBounce, want, reconcile.Untimed)
		w.expect(c, webhook.LeadUnsubscribed, want, reconcile.Untimed)
	}
}

// An unsubscribe stands on every mail to the lead; its event may have no stats_id.
func TestAnUnsubscribeIsTheLeads(t *testing.T) {
	mails := []*fakeapi.Mail{
		mail(func(m *fakeapi.Mail) { m.Left = ago(40 * time.Hour) }),
		mail(func(m *fakeapi.Mail) { m.StatsID, m.Step = "stats-2", 2 }),
	}
	w := newWorld(t, mails...).receive(ofType("LEAD_UNSUBSCRIBED"))
	w.put(`{"event_type":"LEAD_UNSUBSCRIBED","lead_email":"Tom@Acme.example.com","campaign_id":4100001}`, ago(40*time.Hour))
	w.expect(w.run(), webhook.LeadUnsubscribed, "1 complete")
}

// open_time is of one open: which of several events it was is not asked, and how many there
// should be cannot be.
func TestFurtherOpensAreUnknowable(t *testing.T) {
	m := mail(func(m *fakeapi.Mail) {
		m.Opens = []time.Time{ago(70 * time.Hour), ago(60 * time.Hour), ago(50 * time.Hour)}
	})
	for kept, repeats := range map[time.Duration]int{70 * time.Hour: 2, 50 * time.Hour: 2} {
		w := newWorld(t, m).receive(func(p fakeapi.Post) bool { return p.Type == "EMAIL_OPEN" && !p.At.Equal(ago(kept)) })
		c := w.run()
		w.expect(c, webhook.EmailOpen, "1 complete")
		if c.Types[1].Repeats != repeats {
			t.Errorf("the open %s ago is there, and %d more are counted, want %d", kept, c.Types[1].Repeats, repeats)
		}
	}
	w := newWorld(t, m).receive(nil)
	if c := w.run(); c.Types[1].Repeats != 0 {
		t.Errorf("all are there, and %d more are counted", c.Types[1].Repeats)
	}
}

// What happened within the lag may still come, and what arrived may not be in the
// statistics yet.
func TestBothSidesMayLag(t *testing.T) {
	opened := func(at time.Duration) *fakeapi.Mail {
		return mail(func(m *fakeapi.Mail) { m.Opens = []time.Time{ago(at)} })
	}
	for at, want := range map[time.Duration]string{9 * time.Hour: "1 late", 11 * time.Hour: "1 missing"} {
		w := newWorld(t, opened(at)).receive(ofType("EMAIL_OPEN"))
		w.expect(w.run(), webhook.EmailOpen, want)
	}
	for at, c := range map[time.Duration]struct {
		want    string
		reasons []reconcile.Reason
	}{
		9 * time.Hour:  {"", nil},
		11 * time.Hour: {"1 extra", []reconcile.Reason{reconcile.NotCounted}},
	} {
		w := newWorld(t, opened(at)).receive(nil)
		w.api.StatisticsLag = 12 * time.Hour
		w.expect(w.run(), webhook.EmailOpen, c.want, c.reasons...)
	}
}

func TestAMailThatSmartleadDoesNotKnowIsExtra(t *testing.T) {
	w := newWorld(t, mail(nil)).receive(nil)
	w.mails = nil
	w.expect(w.run(), webhook.EmailSent, "2 extra", reconcile.NoSuchMail, reconcile.NoSuchMail)
	// One that was sent before the window is none of its mails.
	w = newWorld(t, mail(func(m *fakeapi.Mail) { m.SentAt = ago(8 * 24 * time.Hour) })).receive(nil)
	w.expect(w.run(), webhook.EmailSent, "")
}

// A dialect without stats_id is told by the lead and the time.
func TestEventsWithoutAStatsID(t *testing.T) {
	m := mail(func(m *fakeapi.Mail) {
		m.Opens = []time.Time{ago(70 * time.Hour)}
		m.Replies = []fakeapi.Reply{{At: ago(60 * time.Hour), MessageID: "<r@acme.example.com>", Text: "Yes"}}
	})
	body := func(typ, field string, at time.Time) string {
		return fmt.Sprintf(`{"event_type":%q,"campaign_id":4100001,"to_email":"tom@acme.example.com","from_email":"mira@outbound.example",%q:%q,"reply_body":"Yes"}`,
			typ, field, at.Format(time.RFC3339))
	}
	for off, want := range map[time.Duration]string{time.Minute: "1 complete", time.Hour: "1 missing, 1 extra"} {
		w := newWorld(t, m).receive(func(p fakeapi.Post) bool { return p.Type == "EMAIL_OPEN" || p.Type == "EMAIL_REPLY" })
		w.put(body("EMAIL_OPEN", "time_opened", ago(70*time.Hour).Add(off)), ago(70*time.Hour))
		w.put(body("EMAIL_REPLY", "time_replied", ago(60*time.Hour).Add(off)), ago(60*time.Hour))
		c := w.run()
		if got := verdicts(c, webhook.EmailOpen); got != want {
			t.Errorf("%s off: opens %s, want %s", off, got, want)
		}
		if got := verdicts(c, webhook.EmailReply); got != want {
			t.Errorf("%s off: replies %s, want %s", off, got, want)
		}
	}
}

func TestWhatCannotBeKnownAnyMoreIsNotMissing(t *testing.T) {
	opened := mail(func(m *fakeapi.Mail) { m.Opens = []time.Time{ago(70 * time.Hour)} })
	w := newWorld(t, opened).receive(ofType("EMAIL_OPEN"))
	w.request.Retention = 48 * time.Hour
	w.expect(w.run(), webhook.EmailOpen, "1 unknowable", reconcile.Expired)

	w = newWorld(t, opened).receive(ofType("EMAIL_OPEN"))
	w.request.Began = ago(24 * time.Hour)
	w.expect(w.run(), webhook.EmailOpen, "1 unknowable") // it is counted, and not named

	// An erased event says no more whose it was; it stands for one fact of its time.
	other := mail(func(m *fakeapi.Mail) {
		m.StatsID, m.Lead, m.Opens = "stats-9", "ann@globex.example.net", []time.Time{ago(70 * time.Hour)}
	})
	w = newWorld(t, opened, other).receive(func(p fakeapi.Post) bool { return p.StatsID == "stats-9" && p.Type == "EMAIL_OPEN" })
	for i := range w.ledger.records {
		if r := &w.ledger.records[i]; r.Type == webhook.EmailOpen {
			r.ErasedAt, r.StatsID, r.LeadEmail, r.State = ago(time.Hour), "", "", webhook.Delivered
		}
	}
	w.expect(w.run(), webhook.EmailOpen, "1 missing, 1 unknowable", reconcile.Erased)
}

// An event that cannot be read may be the one that is looked for, once.
func TestAnUnreadableEventIsACauseAndNoLoss(t *testing.T) {
	opened := func(id, lead string) *fakeapi.Mail {
		return mail(func(m *fakeapi.Mail) { m.StatsID, m.Lead, m.Opens = id, lead, []time.Time{ago(70 * time.Hour)} })
	}
	w := newWorld(t, opened("s-1", "a@acme.example.com"), opened("s-2", "b@acme.example.com")).
		receive(func(p fakeapi.Post) bool { return p.Type == "EMAIL_OPEN" && p.StatsID == "s-2" })
	for _, r := range w.ledger.records {
		if r.Type == webhook.EmailOpen {
			w.ledger.unreadable = append(w.ledger.unreadable, r.ID)
		}
	}
	c := w.run()
	w.expect(c, webhook.EmailOpen, "1 missing, 1 unknowable", reconcile.Unreadable)
	if c.Cause == nil || !c.Judged || c.Proven() || !strings.Contains(c.Cause.Error(), "cannot be read") {
		t.Errorf("%v, %+v", c.Cause, c)
	}
}

func TestTestEventsAreNoProof(t *testing.T) {
	w := newWorld(t, mail(nil)).receive(nil)
	for i := range w.ledger.records {
		w.ledger.records[i].Flags = []string{webhook.FlagTestEvent}
	}
	w.expect(w.run(), webhook.EmailSent, "1 missing")
}

func TestWhatArrivedAndWasNotDeliveredIsSaid(t *testing.T) {
	w := newWorld(t, mail(func(m *fakeapi.Mail) { m.Opens = []time.Time{ago(70 * time.Hour)} })).receive(nil)
	for i := range w.ledger.records {
		if w.ledger.records[i].Type == webhook.EmailOpen {
			w.ledger.records[i].State = webhook.Dead
		}
	}
	c := w.run()
	w.expect(c, webhook.EmailOpen, "1 complete")
	if c.Types[1].Undelivered != 1 || c.Types[0].Undelivered != 0 {
		t.Errorf("%+v", c.Types)
	}
}

// What cannot be read is a cause, and never a verdict.
func TestWhatCannotBeReadIsACause(t *testing.T) {
	down := slices.Repeat([]fakeapi.Fault{{Status: 503}}, 6)
	for name, c := range map[string]struct {
		change func(w *world)
		says   string
		judged bool
	}{
		"no statistics":    {func(w *world) { w.faults = down }, "does not answer", false},
		"totals alone":     {func(w *world) { w.api.Shape = fakeapi.Totals }, "totals", false},
		"no such campaign": {func(w *world) { w.request.Campaigns = []string{"7"} }, "Campaign not found", false},
		"hidden mails":     {func(w *world) { w.api.Hidden = 3 }, "22 of 25", true},
		"too many events":  {func(w *world) { w.ledger.endless = true }, "more than 400000 events", false},
		"a key of another": {func(w *world) { w.faults = []fakeapi.Fault{{Status: 401}} }, "API key", false},
	} {
		w := newWorld(t, fakeapi.Simulate("k", now, 12).Campaigns[0].Mails...)
		c.change(w)
		got := w.run()
		if got.Cause == nil || !strings.Contains(got.Cause.Error(), c.says) || got.Proven() || got.Judged != c.judged || !c.judged && (len(got.Types) != 0 || len(got.Findings) != 0) {
			t.Errorf("%s: %v, judged %v, %+v", name, got.Cause, got.Judged, got.Types)
		}
	}
	w := newWorld(t, mail(nil))
	w.ledger.err = webhook.ErrUnavailable
	if _, err := w.try(); !errors.Is(err, webhook.ErrUnavailable) {
		t.Errorf("no ledger: %v", err)
	}
}

func TestOtherTypesAreNotReadFromTheLedger(t *testing.T) {
	w := newWorld(t, mail(func(m *fakeapi.Mail) { m.Opens = []time.Time{ago(70 * time.Hour)} })).receive(nil)
	w.request.Types = []webhook.Type{webhook.EmailOpen}
	c := w.run()
	if len(c.Types) != 1 || w.ledger.skipped != 2 {
		t.Errorf("%+v, %d were passed over", c.Types, w.ledger.skipped)
	}
}

func TestFindingsAreBounded(t *testing.T) {
	w := newWorld(t, fakeapi.Simulate("k", now, 900).Campaigns[0].Mails...)
	c := w.run()
	if len(c.Findings) != 1000 || c.Unnamed == 0 || c.Unnamed+1000 != c.Of(reconcile.Missing)+c.Of(reconcile.Late) {
		t.Errorf("%d named, %d not, of %d", len(c.Findings), c.Unnamed, c.Of(reconcile.Missing)+c.Of(reconcile.Late))
	}
}
