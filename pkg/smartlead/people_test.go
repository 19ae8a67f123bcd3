package smartlead

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"smartlead-receiver/pkg/webhook"
)

func TestPeople(t *testing.T) {
	const (
		lead  = `"tom@acme.example.com"`
		ours  = `"mira@outbound.example"`
		other = `"ann@acme.example.com"`
	)
	for name, c := range map[string]struct {
		members       string
		lead, mailbox string
		flags         []string
	}{
		"ordinary":                  {`"from_email":` + ours + `,"to_email":` + lead, "tom", "mira", nil},
		"named lead wins":           {`"sl_lead_email":` + lead + `,"from_email":` + ours + `,"to_email":` + other, "tom", "mira", []string{webhook.FlagColleague}},
		"target before lead_email":  {`"leadCorrespondence":{"targetLeadEmail":` + lead + `},"lead_email":` + other + `,"from_email":` + ours, "tom", "mira", nil},
		"lead_email before data":    {`"lead_email":` + lead + `,"lead_data":{"email":` + other + `}`, "tom", "", nil},
		"lead_data before lead":     {`"lead_data":{"email":` + lead + `},"lead":{"email":` + other + `}`, "tom", "", nil},
		"lead before to_email":      {`"lead":{"email":` + lead + `},"to_email":` + other, "tom", "", nil},
		"snake case correspondence": {`"lead_correspondence":{"targetLeadEmail":` + lead + `}`, "tom", "", nil},
		"inbound direction":         {`"sl_lead_email":` + lead + `,"from_email":` + lead + `,"to_email":` + ours, "tom", "mira", nil},
		"named mailbox is no lead":  {`"sl_senders_mailbox":` + ours + `,"sl_lead_email":` + ours + `,"to_email":` + lead, "tom", "mira", nil},
		"our mail to ourselves":     {`"from_email":` + ours + `,"to_email":` + ours + `,"sl_lead_email":` + lead, "tom", "mira", []string{webhook.FlagOwnMailboxSender}},
		"only our mailbox":          {`"from_email":` + ours + `,"to_email":` + ours, "", "mira", []string{webhook.FlagOwnMailboxSender}},
		"our mailbox everywhere":    {`"sl_lead_email":` + ours + `,"from_email":` + ours + `,"to_email":` + ours, "", "mira", []string{webhook.FlagOwnMailboxSender}},
		"from untracked":            {`"from_email":"untracked","to_email":` + lead, "tom", "", nil},
		"to untracked":              {`"from_email":` + ours + `,"to_email":"untracked"`, "", "mira", nil},
		"to a daemon":               {`"from_email":` + ours + `,"to_email":"Mailer-Daemon@mx.example"`, "", "mira", []string{webhook.FlagDaemonSender}},
		"named daemon":              {`"to_name":"Mail Delivery Subsystem","from_email":` + ours + `,"to_email":` + lead, "tom", "mira", []string{webhook.FlagDaemonSender}},
		"daemon is no lead":         {`"sl_lead_email":"no-reply@acme.example.com","lead_email":` + lead, "tom", "", nil},
		"responder is ours":         {`"from_email":` + ours + `,"sl_lead_email":` + lead + `,"leadCorrespondence":{"targetLeadEmail":` + lead + `,"replyReceivedFrom":` + ours + `}`, "tom", "mira", []string{webhook.FlagOwnMailboxSender}},
		"colleague":                 {`"leadCorrespondence":{"targetLeadEmail":` + lead + `,"replyReceivedFrom":` + other + `,"repliedCompanyDomain":"SameCompany"}`, "tom", "", []string{webhook.FlagColleague}},
		"unknown company":           {`"leadCorrespondence":{"targetLeadEmail":` + lead + `,"replyReceivedFrom":` + other + `,"repliedCompanyDomain":"Unknown"}`, "tom", "", []string{webhook.FlagColleague}},
		"another company":           {`"leadCorrespondence":{"targetLeadEmail":` + lead + `,"replyReceivedFrom":` + other + `,"repliedCompanyDomain":"DIFFERENT_COMPANY"}`, "tom", "", nil},
		"forwarded":                 {`"leadCorrespondence":{"targetLeadEmail":` + lead + `,"replyReceivedFrom":` + lead + `,"forwardedFrom":"x@acme.example.com"}`, "tom", "", []string{webhook.FlagForwarded}},
		"test event":                {`"to_email":` + lead + `,"secret_key":"secretkey"`, "tom", "", []string{webhook.FlagTestEvent}},
	} {
		t.Run(name, func(t *testing.T) {
			e := one(t, `{"event_type":"EMAIL_REPLY","time_replied":"2026-03-04T17:29:11Z",`+c.members+`}`, corpusOptions)
			got := ""
			if e.Event.Lead != nil {
				got = e.Event.Lead.Email
			}
			if local(got) != c.lead || local(e.Event.Mailbox) != c.mailbox || !slices.Equal(e.Event.Flags, c.flags) {
				t.Errorf("got lead %q, mailbox %q, flags %v, want %q, %q, %v", got, e.Event.Mailbox, e.Event.Flags, c.lead, c.mailbox, c.flags)
			}
		})
	}
}

func local(addr string) string {
	s, _, _ := strings.Cut(addr, "@")
	return s
}

// TestTimeFields says which members are the time of which event, in order.
func TestTimeFields(t *testing.T) {
	at := func(minute int) string { return fmt.Sprintf(`"2026-03-04T17:%02d:00Z"`, minute) }
	all := `"event_timestamp":` + at(1) + `,"timestamp":` + at(3) +
		`,"reply_message":{"time":` + at(4) + `},"reply":{"received_at":` + at(5) + `},"bounce_message":{"time":` + at(6) + `},"link":{"clicked_at":` + at(7) + `}` +
		`,"created_at":` + at(50) + `,"first_opened_at":` + at(51) + `,"last_opened_at":` + at(52) + `,"metadata":{"webhook_created_at":` + at(53) +
		`},"sent_message":{"time":` + at(54) + `},"lead":{"created_at":` + at(55) + `}`
	for typ, want := range map[string]string{
		"EMAIL_SENT": "event_timestamp time_sent timestamp", "EMAIL_OPEN": "event_timestamp time_opened timestamp",
		"EMAIL_LINK_CLICK": "event_timestamp time_clicked timestamp link",
		"EMAIL_REPLY":      "event_timestamp time_replied timestamp reply_message reply",
		"EMAIL_BOUNCE":     "event_timestamp timestamp bounce_message", "LEAD_UNSUBSCRIBED": "event_timestamp timestamp",
		"LEAD_CATEGORY_UPDATED": "event_timestamp timestamp", "NOT_SEEN_YET": "event_timestamp timestamp reply_message reply bounce_message link",
	} {
		minutes := map[string]int{"event_timestamp": 1, "timestamp": 3, "reply_message": 4, "reply": 5, "bounce_message": 6, "link": 7}
		own := ""
		for i, name := range []string{"time_sent", "time_opened", "time_clicked", "time_replied"} {
			own += fmt.Sprintf(`,"%s":%s`, name, at(10+i))
			minutes[name] = 10 + i
		}
		body := `{"event_type":"` + typ + `",` + all + own + `}`
		for _, name := range strings.Fields(want) {
			e := one(t, body, corpusOptions)
			if e.Event.OccurredAtSource != webhook.TimeFromEvent || e.Event.OccurredAt.Minute() != minutes[name] {
				t.Errorf("%s: got %v, want the time of %s, minute %d", typ, e.Event.OccurredAt, name, minutes[name])
			}
			body = strings.Replace(body, `"`+name+`":`, `"no_`+name+`":`, 1)
		}
		if e := one(t, body, corpusOptions); e.Event.OccurredAtSource != webhook.TimeFromReceipt {
			t.Errorf("%s: got %v, want no time", typ, e.Event.OccurredAt)
		}
	}
}

// TestReply reads text and HTML wherever they stand, and who answered.
func TestReply(t *testing.T) {
	const from = `"from_email":"mira@outbound.example",`
	for members, want := range map[string]webhook.Reply{
		`"to_email":"tom@x.example","reply_message":{"html":"<p>a</p>","text":"a","message_id":"<m>"},"reply_body":"b"`: {HTML: "<p>a</p>", Text: "a", From: "tom@x.example", MessageID: "m"},
		`"to_email":"tom@x.example","reply_body":"<p>a</p>","preview_text":"a"`:                                         {HTML: "<p>a</p>", Text: "a", From: "tom@x.example"},
		`"to_email":"tom@x.example","reply_body":"1 < 2 > 0","preview_text":"b"`:                                        {Text: "1 < 2 > 0", From: "tom@x.example"},
		`"to_email":"tom@x.example","reply":{"body":"a","message_id":"m"}`:                                              {Text: "a", From: "tom@x.example", MessageID: "m"},
		`"to_email":"mira@outbound.example","sl_lead_email":"tom@x.example"`:                                            {From: "mira@outbound.example"},
		`"to_email":"no-reply@x.example","sl_lead_email":"tom@x.example"`:                                               {From: "no-reply@x.example"},
		`"to_email":"tom@x.example","to_name":"MAILER-DAEMON","message":"a"`:                                            {Text: "a"},
		`"sl_lead_email":"tom@x.example","leadCorrespondence":{"replyReceivedFrom":"Ann <ann@x.example>"}`:              {From: "ann@x.example"},
	} {
		e := one(t, `{"event_type":"EMAIL_REPLY",`+from+members+`}`, corpusOptions)
		if e.Event.Reply == nil || *e.Event.Reply != want {
			t.Errorf("%s: got %+v, want %+v", members, e.Event.Reply, want)
		}
	}
	if e := one(t, `{"event_type":"EMAIL_REPLY"}`, corpusOptions); e.Event.Reply != nil {
		t.Errorf("of nothing: got %+v, want no reply", e.Event.Reply)
	}
}
