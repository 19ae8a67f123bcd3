package smartleadapi_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
)

// answered is the mail of the simulation that has two replies.
func answered(t *testing.T, a *fakeapi.Account) *fakeapi.Mail {
	t.Helper()
	for _, m := range a.Campaigns[0].Mails {
		if len(m.Replies) == 2 {
			return m
		}
	}
	t.Fatal("the simulation has no thread with two replies")
	return nil
}

func inbound(all []smartleadapi.Message) (replies []smartleadapi.Message) {
	for _, m := range all {
		if m.Inbound {
			replies = append(replies, m)
		}
	}
	return replies
}

func TestHistoryInBothShapes(t *testing.T) {
	for _, documented := range []bool{false, true} {
		w := newWorld(t, func(o *fakeapi.Options) { o.Documented = documented })
		m := answered(t, w.account)
		lead := fmt.Sprint(m.LeadID)
		all, err := w.client.History(t.Context(), "4100001", lead, time.Time{})
		replies := inbound(all)
		if err != nil || len(all) != 4 || len(replies) != 2 || !replies[1].At.Equal(m.Replies[1].At) || replies[0].Subject != "Re: A short call" {
			t.Fatalf("documented %v: %+v, %v", documented, all, err)
		}
		want := smartleadapi.Message{
			Inbound: true, At: m.Replies[0].At, MessageID: strings.Trim(m.Replies[0].MessageID, "<>"), StatsID: m.StatsID, From: m.Lead,
			To: "mira@outbound.example", Step: "2", Subject: "Re: A short call", Body: "<div>" + m.Replies[0].Text + "</div>",
		}
		if !documented && replies[0] != want {
			t.Errorf("got %+v, want %+v", replies[0], want)
		}
		if all, err := w.client.History(t.Context(), "4100001", lead, m.Replies[1].At); err != nil || len(all) != 1 {
			t.Errorf("documented %v: since the last reply: %+v, %v", documented, all, err)
		}
		if _, err := w.client.History(t.Context(), "4100001", "7", time.Time{}); !errors.Is(err, smartleadapi.ErrNotFound) {
			t.Errorf("documented %v: a lead that is not there: %v", documented, err)
		}
	}
}

// What a mail does not say may be the reply that is looked for: an error, and never an
// empty history.
func TestAHistoryThatIsNotUnderstoodIsAnError(t *testing.T) {
	for name, body := range map[string]string{
		"another object":  `{"success":true,"data":{}}`,
		"a null list":     `{"history":null}`,
		"a type unheard":  `{"history":[{"type":"VOICEMAIL","time":"2126-03-01T08:00:00Z"}]}`,
		"no type":         `{"history":[{"time":"2126-03-01T08:00:00Z"}]}`,
		"no time":         `{"history":[{"type":"REPLY","message_id":"<a@b>"}]}`,
		"a row of text":   `{"history":["REPLY"]}`,
		"a subject in it": `{"history":[{"type":"REPLY","time":"2126-03-01T08:00:00Z","message_id":{"id":1}}]}`,
	} {
		w := newWorld(t, nil)
		w.api.Fail(fakeapi.Fault{Status: 200, Body: body})
		if all, err := w.client.History(t.Context(), "4100001", "7", time.Time{}); !errors.Is(err, smartleadapi.ErrAnswer) || len(all) != 0 {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
	}
	w := newWorld(t, nil)
	w.api.Fail(fakeapi.Fault{Status: 200, Body: `{"history":[]}`})
	if all, err := w.client.History(t.Context(), "4100001", "7", time.Time{}); err != nil || len(all) != 0 {
		t.Errorf("an empty history: %+v, %v", all, err)
	}
}

// untrackedWorld has so many replies without a campaign, an hour apart.
func untrackedWorld(t *testing.T, n int, change func(*fakeapi.Options)) *world {
	w := newWorld(t, change)
	w.account.Untracked = nil
	for i := range n {
		w.account.Untracked = append(w.account.Untracked, fakeapi.Untracked{
			At: w.now.Add(-time.Duration(i+1) * time.Hour), MessageID: fmt.Sprintf("<u-%d@globex.example.net>", i),
			From: fmt.Sprintf("person%d@globex.example.net", i), To: "mira@outbound.example", Subject: "Hello", Text: "Hello",
		})
	}
	return w
}

func (w *world) untracked(t *testing.T, window smartleadapi.Window) ([]smartleadapi.Message, smartleadapi.Inbox, error) {
	t.Helper()
	var all []smartleadapi.Message
	read, err := w.client.Untracked(t.Context(), window, func(m smartleadapi.Message) error {
		all = append(all, m)
		return nil
	})
	return all, read, err
}

func TestUntrackedRepliesInBothShapes(t *testing.T) {
	for _, documented := range []bool{false, true} {
		w := untrackedWorld(t, 250, func(o *fakeapi.Options) { o.Documented, o.PageLimit = documented, 30 })
		all, read, err := w.untracked(t, smartleadapi.Window{Since: w.now.Add(-72 * time.Hour), Until: w.now})
		if err != nil || len(all) != 72 || read.Read != 72 || !read.Whole || all[0].From != "person0@globex.example.net" || !all[0].Inbound {
			t.Fatalf("documented %v: %d replies, %+v, %v", documented, len(all), read, err)
		}
		if got := all[0].MessageID; !documented && got != "u-0@globex.example.net" || documented && got != "" {
			t.Errorf("documented %v: message id %q", documented, got)
		}
		// They come the newest first: what is older than the window and a day is not asked for.
		if n := len(w.api.Requests()); n != 4 {
			t.Errorf("documented %v: %d requests, want 4", documented, n)
		}
		// In another order, all are.
		slices.Reverse(w.account.Untracked)
		again, read, err := w.untracked(t, smartleadapi.Window{Since: w.now.Add(-72 * time.Hour), Until: w.now})
		if err != nil || len(again) != 72 || !read.Whole {
			t.Errorf("documented %v, reversed: %d replies, %+v, %v", documented, len(again), read, err)
		}
	}
}

func TestAnInboxWithoutAnEndIsNotWhole(t *testing.T) {
	w := untrackedWorld(t, 3100, nil)
	all, read, err := w.untracked(t, smartleadapi.Window{Until: w.now})
	if err != nil || read.Whole || len(all) != 3000 {
		t.Errorf("%d replies, %+v, %v", len(all), read, err)
	}
	for name, body := range map[string]string{
		"placeholder": `{"success":true,"data":{}}`, "no sender": `{"data":[{"received_at":"2126-03-01T08:00:00Z"}]}`,
		"no time": `{"untracked_replies":[{"from_email":"a@b.example"}],"total_count":1}`,
	} {
		w.api.Fail(fakeapi.Fault{Status: 200, Body: body})
		if _, _, err := w.untracked(t, w.window()); !errors.Is(err, smartleadapi.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLeadsAndCategoriesInBothShapes(t *testing.T) {
	for _, documented := range []bool{false, true} {
		w := newWorld(t, func(o *fakeapi.Options) { o.Documented = documented })
		w.account.Categories = []string{"Interested", "Not Interested"}
		m := w.account.Campaigns[0].Mails[0]
		w.account.Campaigns[0].Moves = []fakeapi.Move{{At: w.now.Add(-time.Hour), Lead: m.Lead, New: "Not Interested"}}
		lead, err := w.client.Lead(t.Context(), strings.ToUpper(m.Lead))
		in, found := lead.In("4100001")
		if err != nil || lead.ID != fmt.Sprint(m.LeadID) || lead.Email != m.Lead || !found || in.CategoryID != "2" || in.MapID != fmt.Sprint(m.LeadID+7) {
			t.Errorf("documented %v: %+v, %v", documented, lead, err)
		}
		if _, err := w.client.Lead(t.Context(), "nobody@acme.example.com"); !errors.Is(err, smartleadapi.ErrNotFound) || strings.Contains(err.Error(), "nobody") {
			t.Errorf("documented %v: nobody: %v", documented, err)
		}
		categories, err := w.client.Categories(t.Context())
		if want := (smartleadapi.Category{ID: "1", Name: "Interested", Sentiment: "positive"}); err != nil || len(categories) != 2 || categories[0] != want {
			t.Errorf("documented %v: %+v, %v", documented, categories, err)
		}
	}
	w := newWorld(t, nil)
	for name, body := range map[string]string{
		"a list of two": `{"data":[{"id":1},{"id":2}]}`, "no id": `{"email":"a@b.example"}`, "a bare list": `[{"id":1}]`,
	} {
		w.api.Fail(fakeapi.Fault{Status: 200, Body: body})
		if _, err := w.client.Lead(t.Context(), "a@b.example"); !errors.Is(err, smartleadapi.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for body, want := range map[string]string{
		`{"ok":true,"message":"","data":[{"id":7,"email":"a@b.example"}]}`: "7", `{"success":true,"data":{}}`: "", `{"data":[]}`: "",
	} {
		w.api.Fail(fakeapi.Fault{Status: 200, Body: body})
		if lead, err := w.client.Lead(t.Context(), "a@b.example"); lead.ID != want || (err != nil) != (want == "") {
			t.Errorf("%s: %+v, %v", body, lead, err)
		}
	}
}
