package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// People tells what Smartlead says of one lead, and which categories there are;
// smartleadapi.Client does.
type People interface {
	Lead(ctx context.Context, email string) (smartleadapi.Lead, error)
	History(ctx context.Context, campaign, lead string, since time.Time) ([]smartleadapi.Message, error)
	Categories(ctx context.Context) ([]smartleadapi.Category, error)
}

// Threads says of how many leads the message history was read.
type Threads struct {
	Leads  int // that have a reply, by the statistics or by an event
	Read   int
	Absent int // that are not in the campaign any more, so that they have none
	Left   int // that were not asked for: beyond Request.Threads, or behind the cause
	Cause  error
}

// thread is what the message history of a lead says.
type thread struct {
	lead    string // id
	mapID   string
	replies []smartleadapi.Message // each once, the first one first
}

// readThreads reads the message history of leads that have a reply, of a campaign. Where
// it cannot be read it ends: the next one could not either.
func (s *Service) readThreads(ctx context.Context, id string, side *sides, room int) *Threads {
	leads := side.answered()
	t := &Threads{Leads: len(leads)}
	side.threads = map[string]*thread{}
	for _, email := range leads {
		if t.Cause != nil || t.Read+t.Absent >= room {
			t.Left++
			continue
		}
		if s.Asked != nil {
			s.Asked()
		}
		got, err := s.readThread(ctx, id, email, side.firstTo(email))
		switch {
		case errors.Is(err, smartleadapi.ErrNotFound):
			t.Absent++
		case err != nil:
			t.Cause = err
			t.Left++
		default:
			t.Read++
			side.threads[email] = got
		}
	}
	return t
}

func (s *Service) readThread(ctx context.Context, id, email string, since time.Time) (*thread, error) {
	lead, err := s.People.Lead(ctx, email)
	if err != nil {
		return nil, err
	}
	in, _ := lead.In(id)
	// The first mail itself is asked for, too: what comes at that very moment is after it.
	all, err := s.People.History(ctx, id, lead.ID, since.Add(-time.Second))
	if err != nil {
		return nil, err
	}
	t := &thread{lead: lead.ID, mapID: in.MapID}
	for _, m := range all {
		if m.Inbound && !slices.ContainsFunc(t.replies, func(o smartleadapi.Message) bool { return sameMail(o, m) }) {
			t.replies = append(t.replies, m)
		}
	}
	slices.SortStableFunc(t.replies, func(a, b smartleadapi.Message) int { return a.At.Compare(b.At) })
	return t, nil
}

// sameMail tells whether two lines of a history are one mail.
func sameMail(a, b smartleadapi.Message) bool {
	if a.MessageID != "" || b.MessageID != "" {
		return a.MessageID == b.MessageID
	}
	return a.At.Equal(b.At) && a.Subject == b.Subject
}

// answered are the leads that have a reply, in the order of their mails.
func (s *sides) answered() (leads []string) {
	has := map[string]bool{}
	for _, e := range s.events {
		if e.Type == webhook.EmailReply {
			has[e.LeadEmail] = true
		}
	}
	for _, m := range s.mails {
		has[m.LeadEmail] = has[m.LeadEmail] || m.Replied
	}
	for _, m := range s.mails {
		if m.LeadEmail != "" && has[m.LeadEmail] {
			leads = append(leads, m.LeadEmail)
			has[m.LeadEmail] = false
		}
	}
	return leads
}

func (s *sides) firstTo(lead string) (at time.Time) {
	for _, m := range s.mails {
		if m.LeadEmail == lead && (at.IsZero() || m.SentAt.Before(at)) {
			at = m.SentAt
		}
	}
	return at
}

// withThreads joins replies of the statistics with those of message histories. A reply
// that both have is one fact; what the statistics alone have stays, behind the others of
// its lead, because a history lags, too.
func (s *sides) withThreads(known []fact) (facts []fact) {
	mails := map[string]smartleadapi.Mail{}
	for _, m := range s.mails {
		mails[m.StatsID] = m
	}
	byLead := map[string][]fact{}
	for _, f := range known {
		if s.threads[f.mail.LeadEmail] == nil {
			facts = append(facts, f)
			continue
		}
		byLead[f.mail.LeadEmail] = append(byLead[f.mail.LeadEmail], f)
	}
	for _, lead := range s.answered() {
		t := s.threads[lead]
		if t == nil {
			continue
		}
		of := byLead[lead]
		for _, m := range t.replies {
			f := fact{typ: webhook.EmailReply, at: m.At, stats: []string{m.StatsID}, reply: &m, thread: t}
			if i := slices.IndexFunc(of, func(f fact) bool { return apart(f.at, m.At) <= sameReply }); i >= 0 {
				f.mail, f.stats, f.ignored = of[i].mail, append(f.stats, of[i].stats...), of[i].ignored
				of = slices.Delete(of, i, i+1)
			} else if f.mail = mails[m.StatsID]; f.mail.StatsID == "" && m.StatsID != "" {
				continue // of a mail of another window
			}
			f.mail.LeadEmail = lead
			facts = append(facts, f)
		}
		for _, f := range of {
			f.thread = t
			facts = append(facts, f)
		}
	}
	return facts
}

// eventOf is the event of a reply whose whole thread was read: by the id of the mail; else
// one of its time that has no id, or one that is of no other reply. What the statistics
// alone have may have another time, so any event that is left will do.
func (j *judgement) eventOf(f fact) []int {
	if f.reply != nil && f.reply.MessageID != "" {
		if at := j.byMessage[key{f.typ, f.reply.MessageID}]; len(at) > 0 {
			return at
		}
	}
	var candidates []int
	for _, id := range f.stats {
		if id != "" {
			candidates = append(candidates, j.byStats[key{f.typ, id}]...)
		}
	}
	candidates = append(candidates, j.byLead[key{f.typ, f.lead()}]...)
	best := -1
	for _, i := range candidates {
		e := j.side.events[i]
		if j.used[i] || f.thread.has(e.MessageID) {
			continue
		}
		off := apart(e.OccurredAt, f.at)
		if f.reply != nil && off > sameReply {
			continue
		}
		if best < 0 || off < apart(j.side.events[best].OccurredAt, f.at) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return []int{best}
}

// has tells whether a mail of the thread has that id.
func (t *thread) has(id string) bool {
	return id != "" && t != nil && slices.ContainsFunc(t.replies, func(m smartleadapi.Message) bool { return m.MessageID == id })
}
