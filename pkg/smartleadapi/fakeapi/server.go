package fakeapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"smartlead-receiver/pkg/smartlead"
)

// Shape is how the statistics answer.
type Shape int

const (
	// Live is what was seen: a row for each mail, with its stats_id.
	Live Shape = iota
	// Totals is the documented answer: counts of the campaign.
	Totals
	// Steps is another documented one: counts of each step.
	Steps
	// Flags is the third: rows of leads, without a stats_id and without times.
	Flags
)

// Fault is an answer in place of the right one.
type Fault struct {
	Status int // 0: the connection ends without an answer
	Header map[string]string
	Body   string
}

// Options are how a Server behaves. Account and Now are required.
type Options struct {
	Account *Account
	Now     func() time.Time
	Shape   Shape
	// Documented answers all but the statistics as the pages show it, else as seen.
	Documented bool
	PageLimit  int // rows of a page at most, whatever is asked; 0: 1000
	PerMinute  int // requests of a key; 0: no limit
	// StatisticsLag is how long after it happened a fact stands in the statistics.
	StatisticsLag time.Duration
	// HistoryLag is how long after it came a mail stands in the history of its lead.
	HistoryLag time.Duration
	// Hidden are rows that the statistics count and never show.
	Hidden int
}

// Server is the REST API. It is safe for concurrent use, as long as nobody changes the
// account meanwhile.
type Server struct {
	o   Options
	mux *http.ServeMux

	mu       sync.Mutex
	faults   []Fault
	requests []string // method and path, of all requests
	recent   []time.Time
}

// New returns a server of an account.
func New(o Options) *Server {
	if o.PageLimit == 0 {
		o.PageLimit = 1000
	}
	s := &Server{o: o, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /campaigns/{$}", s.campaigns)
	s.mux.HandleFunc("GET /campaigns/{id}/statistics", s.of(s.statistics))
	s.mux.HandleFunc("GET /campaigns/{id}/webhooks", s.of(s.hooks))
	s.mux.HandleFunc("POST /campaigns/{id}/webhooks", s.of(s.saveHook))
	s.mux.HandleFunc("GET /campaigns/{id}/leads/{lead}/message-history", s.of(s.history))
	s.mux.HandleFunc("GET /leads/{$}", s.lead)
	s.mux.HandleFunc("GET /leads/fetch-categories", s.categories)
	s.mux.HandleFunc("GET /master-inbox/untracked-replies", s.untracked)
	summary := "GET /campaigns/{id}/webhooks/summary"
	if o.Documented {
		summary = "GET /campaigns/{id}/webhook-summary"
	}
	s.mux.HandleFunc(summary, s.of(s.summary))
	retrigger := "POST /campaigns/{id}/webhooks/retrigger-failed-events"
	if o.Documented {
		retrigger = "POST /campaigns/{id}/retrigger-webhooks"
	}
	s.mux.HandleFunc(retrigger, s.of(s.retrigger))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusNotFound, map[string]any{"error": "Resource not found"})
	})
	return s
}

// Fail answers the next requests with these faults, one each.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Requests are the methods and paths of all requests so far.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, limited := s.next(r)
	switch {
	case fault != nil && fault.Status == 0:
		panic(http.ErrAbortHandler) // net/http ends the connection, and says nothing
	case fault != nil:
		for name, value := range fault.Header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(fault.Status)
		_, _ = w.Write([]byte(fault.Body))
	case limited > 0:
		w.Header().Set("Retry-After", strconv.Itoa(int(limited.Seconds())+1))
		w.Header().Set("X-RateLimit-Remaining", "0")
		answer(w, http.StatusTooManyRequests, map[string]any{"error": map[string]any{"code": "RATE_LIMIT_EXCEEDED", "message": "Too many requests"}})
	case r.URL.Query().Get("api_key") != s.o.Account.Key:
		answer(w, http.StatusUnauthorized, map[string]any{"message": "Invalid API Key"})
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// next takes the next fault, and tells for how long the key may call no more.
func (s *Server) next(r *http.Request) (fault *Fault, limited time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	if len(s.faults) > 0 {
		fault, s.faults = &s.faults[0], s.faults[1:]
		return fault, 0
	}
	if s.o.PerMinute == 0 {
		return nil, 0
	}
	now := s.o.Now()
	s.recent = slices.DeleteFunc(s.recent, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	if len(s.recent) >= s.o.PerMinute {
		return nil, time.Minute - now.Sub(s.recent[0])
	}
	s.recent = append(s.recent, now)
	return nil, 0
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// of finds the campaign of a path.
func (s *Server) of(serve func(w http.ResponseWriter, r *http.Request, c *Campaign)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := s.o.Account.campaign(r.PathValue("id"))
		if c == nil {
			answer(w, http.StatusNotFound, map[string]any{"error": "Campaign not found"})
			return
		}
		serve(w, r, c)
	}
}

func (s *Server) campaigns(w http.ResponseWriter, _ *http.Request) {
	rows := []any{}
	for _, c := range s.o.Account.Campaigns {
		rows = append(rows, map[string]any{
			"id": c.ID, "user_id": 7, "created_at": "2026-01-02T08:00:00.000Z", "updated_at": "2026-01-03T08:00:00.000Z",
			"status": c.Status, "name": c.Name, "client_id": nil, "parent_campaign_id": nil, "track_settings": []string{},
		})
	}
	answer(w, http.StatusOK, rows)
}

func (s *Server) hooks(w http.ResponseWriter, _ *http.Request, c *Campaign) {
	rows := []any{}
	for _, h := range c.Hooks {
		row := map[string]any{"id": h.ID, "name": h.Name, "webhook_url": h.URL}
		if s.o.Documented {
			row["event_types"], row["is_active"] = h.Events, !h.Off
		} else {
			chosen := map[string]bool{}
			for _, e := range h.Events {
				chosen[e] = true
			}
			row["event_type_map"], row["is_active"] = chosen, strconv.FormatBool(!h.Off)
		}
		rows = append(rows, row)
	}
	if s.o.Documented {
		answer(w, http.StatusOK, map[string]any{"success": true, "data": rows})
		return
	}
	answer(w, http.StatusOK, rows)
}

func (s *Server) summary(w http.ResponseWriter, _ *http.Request, c *Campaign) {
	s.mu.Lock()
	failed := c.Failed + len(c.Lost)
	s.mu.Unlock()
	total := len(c.Posts(s.o.Now()))
	answer(w, http.StatusOK, map[string]any{
		"total_calls": total, "successful_calls": strconv.Itoa(total - failed), "failed_calls": failed, "success_rate": 96.7,
	})
}

// retrigger posts what failed in a time again, to every webhook that is on.
func (s *Server) retrigger(w http.ResponseWriter, r *http.Request, c *Campaign) {
	var asked struct{ FromTime, ToTime string }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&asked)
	from, ok1 := smartlead.ParseTime(asked.FromTime)
	to, ok2 := smartlead.ParseTime(asked.ToTime)
	if err != nil || !ok1 || !ok2 {
		answer(w, http.StatusBadRequest, map[string]any{"statusCode": 400, "error": "Bad Request", "message": "\"fromTime\" is required"})
		return
	}
	var again []Post
	s.mu.Lock()
	c.Lost = slices.DeleteFunc(c.Lost, func(p Post) bool {
		within := !p.At.Before(from) && p.At.Before(to)
		if within {
			again = append(again, p)
		}
		return within
	})
	s.mu.Unlock()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, p := range again {
		for _, h := range c.Hooks {
			if h.Off {
				continue
			}
			if err := p.Send(r.Context(), client, h.URL); err != nil {
				s.mu.Lock()
				c.Lost = append(c.Lost, p)
				s.mu.Unlock()
			}
		}
	}
	if s.o.Documented {
		answer(w, http.StatusOK, map[string]any{"success": true, "retriggered_count": len(again)})
		return
	}
	answer(w, http.StatusOK, map[string]any{"ok": true, "message": "Webhooks are retriggered", "retrigger_id": 12})
}

// statistics answers with the mails that were sent between two times.
func (s *Server) statistics(w http.ResponseWriter, r *http.Request, c *Campaign) {
	now := s.o.Now().Add(-s.o.StatisticsLag)
	query := r.URL.Query()
	since, _ := smartlead.ParseTime(query.Get("sent_time_start_date"))
	until, bounded := smartlead.ParseTime(query.Get("sent_time_end_date"))
	offset, limit := atLeast(query.Get("offset"), 0), min(atLeast(query.Get("limit"), 100), s.o.PageLimit)
	var rows []any
	for _, m := range c.Mails {
		if past(m.SentAt, now) && !m.SentAt.Before(since) && (!bounded || m.SentAt.Before(until)) {
			rows = append(rows, s.row(c, m, now))
		}
	}
	switch s.o.Shape {
	case Totals:
		answer(w, http.StatusOK, map[string]any{"success": true, "data": map[string]any{"campaign_id": c.ID, "contacted": len(rows), "open_rate": 29.9}})
		return
	case Steps:
		answer(w, http.StatusOK, map[string]any{"data": []any{map[string]any{"sequence_number": 1, "sent_count": len(rows), "open_count": 3}}})
		return
	case Live, Flags:
	}
	page := []any{}
	if offset < len(rows) {
		page = rows[offset:min(offset+limit, len(rows))]
	}
	answer(w, http.StatusOK, map[string]any{
		"total_stats": fmt.Sprint(len(rows) + s.o.Hidden), "data": page, "offset": offset, "limit": limit,
	})
}

func atLeast(text string, otherwise int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return otherwise
	}
	return n
}

func (s *Server) row(c *Campaign, m *Mail, now time.Time) map[string]any {
	opens := before(m.Opens, now)
	var clicks []time.Time
	for _, click := range m.Clicks {
		if past(click.At, now) {
			clicks = append(clicks, click.At)
		}
	}
	reply := c.replyTo(m, now)
	bounced := m.Bounced != nil && past(m.Bounced.At, now)
	if s.o.Shape == Flags {
		return map[string]any{
			"lead_name": "Lead Example", "lead_email": m.Lead, "sequence_number": m.Step, "sent_time": wire(m.SentAt),
			"is_opened": len(opens) > 0, "is_clicked": len(clicks) > 0, "is_replied": !reply.IsZero(), "is_bounced": bounced,
		}
	}
	return map[string]any{
		"stats_id": m.StatsID, "lead_email": m.Lead, "lead_name": "Lead Example", "lead_category": orNull(c.category(m, now)),
		"sequence_number": m.Step, "email_campaign_seq_id": 77, "seq_variant_id": nil, "email_subject": "A short call",
		"email_message": "<div>Hello</div>", "sent_time": wire(m.SentAt), "open_time": latest(opens), "click_time": latest(clicks),
		"reply_time": latest([]time.Time{reply}), "open_count": len(opens), "click_count": strconv.Itoa(len(clicks)),
		"is_unsubscribed": c.left(m.Lead, now), "is_bounced": bounced, "ignore_reply": m.Ignored,
	}
}

// left tells whether a lead unsubscribed: that stands on each mail to it.
func (c *Campaign) left(lead string, now time.Time) bool {
	return slices.ContainsFunc(c.Mails, func(m *Mail) bool { return m.Lead == lead && past(m.Left, now) })
}

func before(times []time.Time, now time.Time) (past []time.Time) {
	for _, t := range times {
		if !t.After(now) {
			past = append(past, t)
		}
	}
	return past
}

func latest(times []time.Time) any {
	if len(times) == 0 || times[len(times)-1].IsZero() {
		return nil
	}
	return wire(times[len(times)-1])
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
