package fakeapi

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
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

// leadsStatistics answers with the threads of all leads; as documented, with totals.
func (s *Server) leadsStatistics(w http.ResponseWriter, r *http.Request, c *Campaign) {
	now, query := s.o.Now().Add(-s.o.HistoryLag), r.URL.Query()
	limit, offset := atLeast(query.Get("limit"), 100), atLeast(query.Get("offset"), 0)
	if limit < 1 || limit > 100 {
		invalid(w, `"limit" must be less than or equal to 100`, "limit")
		return
	}
	if s.o.Documented {
		answer(w, http.StatusOK, map[string]any{"total": len(c.leads(now)), "interested": 1, "not_interested": 0})
		return
	}
	since, _ := smartlead.ParseTime(query.Get("event_time_gt"))
	rows := []any{}
	for _, mails := range c.leads(now) {
		history := []any{}
		for _, l := range thread(mails, since, now) {
			history = append(history, l.live())
		}
		if len(history) > 0 {
			rows = append(rows, map[string]any{
				"lead_id": fmt.Sprint(mails[0].LeadID), "from": "mira@outbound.example", "to": mails[0].Lead, "status": "INPROGRESS", "history": history,
			})
		}
	}
	page, more := part(rows, offset, min(limit, s.o.PageLimit))
	answer(w, http.StatusOK, map[string]any{"ok": true, "data": page, "hasMore": more})
}

func part(rows []any, offset, limit int) (page []any, more bool) {
	begin := min(offset, len(rows))
	end := min(begin+limit, len(rows))
	return append([]any{}, rows[begin:end]...), end < len(rows)
}

// slowPerMinute is how often the activities may be asked for.
const slowPerMinute = 10

// activities answers with the mails of all campaigns, by lead.
func (s *Server) activities(w http.ResponseWriter, r *http.Request) {
	now, query := s.o.Now(), r.URL.Query()
	s.mu.Lock()
	s.slow = slices.DeleteFunc(s.slow, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	limited := len(s.slow) >= slowPerMinute
	if !limited {
		s.slow = append(s.slow, now)
	}
	s.mu.Unlock()
	limit, offset := atLeast(query.Get("limit"), 100), atLeast(query.Get("offset"), 0)
	from, begun := smartlead.ParseTime(query.Get("event_time_from"))
	to, ended := smartlead.ParseTime(query.Get("event_time_to"))
	switch {
	case limited:
		w.Header().Set("Retry-After", "60")
		answer(w, http.StatusTooManyRequests, map[string]any{"error": map[string]any{"code": "RATE_LIMIT_EXCEEDED", "message": "10 requests per minute"}})
		return
	case limit < 1 || limit > 1000:
		invalid(w, `"limit" must be less than or equal to 1000`, "limit")
		return
	case ended && !begun:
		invalid(w, `"event_time_to" missing required peer "event_time_from"`, "event_time_to")
		return
	}
	rows := []any{}
	for _, c := range s.o.Account.Campaigns {
		for _, mails := range c.leads(now) {
			rows = append(rows, s.activity(c, mails, from, to, now)...)
		}
	}
	page, more := part(rows, offset, min(limit, s.o.PageLimit))
	if s.o.Documented {
		answer(w, http.StatusOK, map[string]any{"total": len(rows), "data": page})
		return
	}
	answer(w, http.StatusOK, map[string]any{"data": page, "hasMore": more})
}

// activity is what a lead did: one row, or as documented one for each open.
func (s *Server) activity(c *Campaign, mails []*Mail, from, to, now time.Time) (rows []any) {
	within := func(t time.Time) bool { return past(t, now) && !t.Before(from) && (to.IsZero() || t.Before(to)) }
	of := []any{}
	for _, m := range mails {
		replies := []any{}
		for _, r := range m.Replies {
			if past(r.At, now) {
				replies = append(replies, map[string]any{"time": wire(r.At), "reply_email_body": r.Text, "message_id": r.MessageID})
			}
		}
		if s.o.Documented && len(m.Opens) > 0 {
			rows = append(rows, map[string]any{
				"lead_email": m.Lead, "campaign_id": c.ID, "campaign_name": c.Name, "activity_type": "email_opened", "event_time": wire(m.Opens[0]),
			})
		}
		if !within(m.SentAt) {
			continue
		}
		row := map[string]any{
			"stats_id": m.StatsID, "message_id": m.MessageID, "sent_time": wire(m.SentAt), "open_count": strconv.Itoa(len(before(m.Opens, now))),
			"click_details": nil, "reply_details": nil, "thread_replies": []any{},
		}
		if len(m.Clicks) > 0 {
			row["click_details"] = []any{map[string]any{"link": m.Clicks[0].Link, "count": len(m.Clicks)}}
		}
		if len(replies) > 0 {
			row["reply_details"], row["thread_replies"] = replies[0], replies[1:]
		}
		of = append(of, row)
	}
	if s.o.Documented || len(of) == 0 {
		return rows
	}
	return []any{map[string]any{"lead_id": mails[0].LeadID, "email_lead_map_id": mails[0].LeadID + 7, "campaign_id": c.ID, "activities": of}}
}
