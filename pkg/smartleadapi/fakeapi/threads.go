package fakeapi

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"smartlead-receiver/pkg/smartlead"
)

// leads are the leads of a campaign, in the order in which it wrote to them first.
func (c *Campaign) leads(now time.Time) (all [][]*Mail) {
	at := map[string]int{}
	for _, m := range c.Mails {
		if !past(m.SentAt, now) {
			continue
		}
		i, known := at[m.Lead]
		if !known {
			i = len(all)
			at[m.Lead], all = i, append(all, nil)
		}
		all[i] = append(all[i], m)
	}
	return all
}

// line is a mail of a thread.
type line struct {
	at   time.Time
	mail *Mail
	in   *Reply // nil: it was sent
}

func thread(mails []*Mail, since, now time.Time) (all []line) {
	for _, m := range mails {
		all = append(all, line{at: m.SentAt, mail: m})
		for _, r := range m.Replies {
			all = append(all, line{at: r.At, mail: m, in: &r})
		}
	}
	all = slices.DeleteFunc(all, func(l line) bool { return !past(l.at, now) || l.at.Before(since) })
	slices.SortStableFunc(all, func(a, b line) int { return a.at.Compare(b.at) })
	return all
}

func (l line) live() map[string]any {
	row := map[string]any{
		"type": "SENT", "time": wire(l.at), "message_id": l.mail.MessageID, "stats_id": l.mail.StatsID, "from": "mira@outbound.example",
		"to": l.mail.Lead, "cc": []string{}, "bcc": nil, "subject": "A short call", "email_body": "<div>Hello</div>", "attachments": []string{},
		"reply_details": nil, "email_seq_number": fmt.Sprint(l.mail.Step),
	}
	if l.in != nil {
		row["type"], row["message_id"], row["from"], row["to"] = "REPLY", l.in.MessageID, l.mail.Lead, "mira@outbound.example"
		row["subject"], row["email_body"] = "Re: A short call", "<div>"+l.in.Text+"</div>"
	}
	return row
}

func (l line) documented(n int) map[string]any {
	if l.in != nil {
		return map[string]any{"id": fmt.Sprintf("msg_%d", n), "subject": "Re: A short call", "direction": "inbound", "received_at": wire(l.at)}
	}
	return map[string]any{"id": fmt.Sprintf("msg_%d", n), "subject": "A short call", "direction": "outbound", "sent_at": wire(l.at)}
}

// history answers with the mails between a campaign and a lead.
func (s *Server) history(w http.ResponseWriter, r *http.Request, c *Campaign) {
	now := s.o.Now().Add(-s.o.HistoryLag)
	since, ok := smartlead.ParseTime(r.URL.Query().Get("event_time_gt"))
	if text := r.URL.Query().Get("event_time_gt"); text != "" && !ok {
		invalid(w, `"event_time_gt" must be a valid date`, "event_time_gt")
		return
	}
	for _, mails := range c.leads(s.o.Now()) {
		if fmt.Sprint(mails[0].LeadID) != r.PathValue("lead") {
			continue
		}
		rows := []any{}
		for i, l := range thread(mails, since, now) {
			if s.o.Documented {
				rows = append(rows, l.documented(i+1))
			} else {
				rows = append(rows, l.live())
			}
		}
		if s.o.Documented {
			answer(w, http.StatusOK, map[string]any{"messages": rows})
			return
		}
		answer(w, http.StatusOK, map[string]any{"history": rows, "from": "mira@outbound.example", "to": mails[0].Lead})
		return
	}
	answer(w, http.StatusNotFound, map[string]any{"error": "Lead not found"})
}

// invalid is how a request is refused whose parameters are wrong.
func invalid(w http.ResponseWriter, message string, keys ...string) {
	answer(w, http.StatusBadRequest, map[string]any{
		"statusCode": http.StatusBadRequest, "error": "Bad Request", "message": message, "validation": map[string]any{"keys": keys},
	})
}

func part(rows []any, offset, limit int) (page []any, more bool) {
	begin := min(offset, len(rows))
	end := min(begin+limit, len(rows))
	return append([]any{}, rows[begin:end]...), end < len(rows)
}
