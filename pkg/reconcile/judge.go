package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// fact is something that Smartlead says has happened, and of which one event should be
// there.
type fact struct {
	typ     webhook.Type
	at      time.Time // zero: Smartlead does not tell
	mail    smartleadapi.Mail
	stats   []string // mails on which it stands; the event has the id of one of them
	ignored bool

	since    time.Time             // where at is zero: when it may have happened at the latest; zero: when the mail was sent
	reply    *smartleadapi.Message // where Smartlead shows it
	thread   *thread               // that it belongs to, where it was read whole
	category string                // of a lead, now
	due      time.Time             // where it is absent: until when its event could be late
}

func (f fact) lead() string { return f.mail.LeadEmail }

// sameReply is within which two mails of a lead have the same reply.
const sameReply = 2 * time.Minute

// near is how far from a fact's time an event without a stats_id may say it was.
const near = 2 * time.Minute

// factsOf are the facts of a type.
func (s *sides) factsOf(typ webhook.Type) (facts []fact) {
	mails := s.mails
	switch typ { //nolint:exhaustive // these are not by mail
	case webhook.EmailReply:
		return s.withThreads(replies(mails))
	case webhook.UntrackedReplies:
		return untracked(s.inbox)
	}
	unsubscribed := map[string]bool{}
	for _, m := range mails {
		f := fact{typ: typ, mail: m, stats: []string{m.StatsID}}
		var is bool
		switch typ { //nolint:exhaustive // Types are all of which there are statistics
		case webhook.EmailSent:
			is, f.at = !m.SentAt.IsZero(), m.SentAt
		case webhook.EmailOpen:
			is, f.at = m.Opened, m.OpenedAt
		case webhook.EmailLinkClick:
			is, f.at = m.Clicked, m.ClickedAt
		case webhook.EmailBounce:
			is = m.Bounced
		case webhook.LeadUnsubscribed:
			// It is the lead's, and stands on every mail to it.
			is = m.Unsubscribed && !unsubscribed[m.LeadEmail]
			unsubscribed[m.LeadEmail] = is || unsubscribed[m.LeadEmail]
		}
		if is {
			facts = append(facts, f)
		}
	}
	return facts
}

// replies are counted by lead: one reply stands on several mails of a thread, with the
// same time, and its event has the stats_id of one of them.
func replies(mails []smartleadapi.Mail) (facts []fact) {
	byLead := map[string][]smartleadapi.Mail{}
	var leads []string
	for _, m := range mails {
		if !m.Replied {
			continue
		}
		if byLead[m.LeadEmail] == nil {
			leads = append(leads, m.LeadEmail)
		}
		byLead[m.LeadEmail] = append(byLead[m.LeadEmail], m)
	}
	for _, lead := range leads {
		of := byLead[lead]
		slices.SortStableFunc(of, func(a, b smartleadapi.Mail) int { return a.RepliedAt.Compare(b.RepliedAt) })
		begin := len(facts)
		for _, m := range of {
			if n := len(facts); n > begin && m.RepliedAt.Sub(facts[n-1].at) <= sameReply {
				facts[n-1].stats = append(facts[n-1].stats, m.StatsID)
				facts[n-1].ignored = facts[n-1].ignored && m.IgnoredReply
				if m.SentAt.After(facts[n-1].mail.SentAt) && !m.SentAt.After(m.RepliedAt) { // it answers the latest
					facts[n-1].mail = m
				}
				continue
			}
			facts = append(facts, fact{typ: webhook.EmailReply, at: m.RepliedAt, mail: m, stats: []string{m.StatsID}, ignored: m.IgnoredReply})
		}
	}
	return facts
}

// judgement judges the facts of a campaign.
type judgement struct {
	r    Request
	at   time.Time // when the mails began to be read
	out  Campaign
	side *sides

	byStats    map[key][]int // indexes of events
	byLead     map[key][]int
	byMessage  map[key][]int
	erased     map[webhook.Type][]int
	used       map[int]bool // events that stand for a fact
	excused    map[int]bool // erased events that stand for a fact
	unreadUsed map[int]bool // unreadable ones, likewise
	arrived    map[webhook.Type]int
	hasStats   map[string]bool
	hasLead    map[string]bool
}

type key struct {
	typ webhook.Type
	id  string
}

// most are the names that a count has, the most first.
func most(count map[string]int) []string {
	return slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
}

func judge(r Request, at time.Time, id string, side *sides) Campaign {
	j := &judgement{
		r: r, at: at, side: side, out: Campaign{ID: id, Sources: most(side.sources), Account: side.account, Mails: len(side.mails), Cause: side.cause},
		byStats: map[key][]int{}, byLead: map[key][]int{}, byMessage: map[key][]int{}, erased: make(map[webhook.Type][]int),
		used: map[int]bool{}, excused: map[int]bool{}, unreadUsed: map[int]bool{}, arrived: make(map[webhook.Type]int), hasStats: map[string]bool{}, hasLead: map[string]bool{},
	}
	if !side.readable {
		return j.out
	}
	j.out.Judged = true
	j.index()
	for _, typ := range r.Types {
		count := TypeCount{Type: typ, Counts: make(map[Verdict]int), Arrived: j.arrived[typ]}
		if typ == webhook.LeadCategoryUpdated {
			j.categories(&count)
		} else {
			for _, f := range side.factsOf(typ) {
				j.fact(&count, f)
			}
		}
		j.extras(&count)
		j.out.Types = append(j.out.Types, count)
	}
	return j.out
}

func (j *judgement) index() {
	for _, m := range j.side.mails {
		j.hasStats[m.StatsID], j.hasLead[m.LeadEmail] = true, true
	}
	for i, e := range j.side.events {
		j.arrived[e.Type]++
		if e.Erased() {
			j.erased[e.Type] = append(j.erased[e.Type], i)
			continue
		}
		if e.StatsID != "" {
			k := key{e.Type, e.StatsID}
			j.byStats[k] = append(j.byStats[k], i)
		}
		if e.LeadEmail != "" {
			k := key{e.Type, e.LeadEmail}
			j.byLead[k] = append(j.byLead[k], i)
		}
		if e.MessageID != "" {
			k := key{e.Type, e.MessageID}
			j.byMessage[k] = append(j.byMessage[k], i)
		}
	}
}

// fact counts the verdict on one fact.
func (j *judgement) fact(count *TypeCount, f fact) {
	events := j.eventsOf(f)
	if len(events) > 0 {
		count.Counts[Complete]++
		for _, i := range events {
			j.used[i] = true
		}
		if !slices.ContainsFunc(events, func(i int) bool { return j.side.events[i].State.Settled() }) {
			count.Undelivered++
		}
		if j.sample(count, f, events); !slices.ContainsFunc(events, func(i int) bool { return !j.side.events[i].Synthesized() }) {
			count.Synthesized++
		}
		count.Repeats += max(0, f.repeats()-len(events))
		return
	}
	verdict, reason, due := j.absent(f)
	f.due = due
	j.verdict(count, f, verdict, reason)
}

// verdict counts and names one.
func (j *judgement) verdict(count *TypeCount, f fact, verdict Verdict, reason Reason) {
	count.Counts[verdict]++
	if reason == BeforeReceiver { // they may be all that there is
		return
	}
	found := f.finding()
	found.Verdict, found.Reason, found.Due = verdict, reason, f.due
	j.found(found)
}

// finding is what is known of the fact.
func (f fact) finding() Finding {
	found := Finding{
		Type: f.typ, Lead: f.lead(), StatsID: f.mail.StatsID, Step: f.mail.Step, Subject: f.mail.Subject,
		At: f.at, SentAt: f.mail.SentAt, Reply: f.reply, Category: f.category, Times: max(1, f.repeats()),
	}
	if f.thread != nil {
		found.LeadID, found.MapID = f.thread.lead, f.thread.mapID
	}
	return found
}

// sample keeps a fact with its events, without those that were made of the same fact, or
// whose identity is not that of what was posted. What may still be late proves nothing. Of
// each kind the latest stay.
func (j *judgement) sample(count *TypeCount, f fact, events []int) {
	s := Sample{Finding: f.finding()}
	for _, i := range events {
		if e := j.side.events[i]; !e.Synthesized() && !slices.Contains(e.Flags, webhook.FlagVariant) {
			s.Events = append(s.Events, e.ID)
		}
	}
	if len(s.Events) == 0 || f.at.Add(j.r.Lag).After(j.at) {
		return
	}
	into := &count.Samples
	if s.Times > 1 {
		into = &count.Repeated
	}
	if *into = append(*into, s); len(*into) > maxSamples {
		*into = slices.Delete(*into, 0, 1)
	}
}

// repeats is how often Smartlead says that it happened.
func (f fact) repeats() int {
	switch f.typ { //nolint:exhaustive // of the others, Smartlead counts none
	case webhook.EmailOpen:
		return f.mail.Opens
	case webhook.EmailLinkClick:
		return f.mail.Clicks
	}
	return 1
}

// eventsOf are the events of a fact: by stats_id, whatever their time, because Smartlead
// tells the time of the first or the last; of what has none, by the lead and the time.
func (j *judgement) eventsOf(f fact) (events []int) {
	if f.thread != nil {
		return j.eventOf(f)
	}
	for _, id := range f.stats {
		events = append(events, j.byStats[key{f.typ, id}]...)
	}
	if len(events) > 0 {
		return events
	}
	for _, i := range j.byLead[key{f.typ, f.mail.LeadEmail}] {
		e := j.side.events[i]
		switch {
		case f.typ == webhook.LeadUnsubscribed:
		case f.typ == webhook.EmailReply && !f.at.IsZero(): // it may stand on another mail of the thread
			if apart(e.OccurredAt, f.at) > sameReply {
				continue
			}
		case e.StatsID != "":
			continue
		case !f.at.IsZero() && apart(e.OccurredAt, f.at) > near:
			continue
		}
		events = append(events, i)
	}
	return events
}

func apart(a, b time.Time) time.Duration { return a.Sub(b).Abs() }

// absent is the verdict on a fact without an event, and until when that could be late.
func (j *judgement) absent(f fact) (verdict Verdict, reason Reason, due time.Time) {
	since, lag := f.at, j.r.Lag
	var untimed Reason
	if since.IsZero() {
		since, lag, untimed = f.since, max(lag, untimedLag), Untimed
		if since.IsZero() {
			since = f.mail.SentAt
		}
	}
	due = since.Add(lag)
	switch {
	case !j.r.Began.IsZero() && since.Before(j.r.Began):
		return Unknowable, BeforeReceiver, due
	case j.r.Retention > 0 && since.Add(j.r.Retention).Before(j.at):
		return Unknowable, Expired, due
	case j.excuse(f):
		return Unknowable, Erased, due
	case j.unread(f.typ):
		return Unknowable, Unreadable, due
	case f.ignored:
		return Unknowable, IgnoredReply, due
	case due.After(j.at):
		return Late, untimed, due
	}
	return Missing, untimed, due
}

// excuse takes an erased event that may have been the fact's. Each stands for one fact.
func (j *judgement) excuse(f fact) bool {
	for _, i := range j.erased[f.typ] {
		if j.excused[i] || !f.at.IsZero() && apart(j.side.events[i].OccurredAt, f.at) > near {
			continue
		}
		j.excused[i] = true
		return true
	}
	return false
}

// unread takes an unreadable event that may have been of the type, likewise.
func (j *judgement) unread(typ webhook.Type) bool {
	for i, id := range j.side.unreadable {
		if of := id.Type(); !j.unreadUsed[i] && (of == "" || sortOf(of) == typ) {
			j.unreadUsed[i] = true
			return true
		}
	}
	return false
}

// extras counts events that Smartlead's statistics do not have. Statistics lag, too, so
// an event counts once it is older than the lag.
func (j *judgement) extras(count *TypeCount) {
	for i, e := range j.side.events {
		if e.Type != count.Type || e.Erased() || j.used[i] || e.ReceivedAt.Add(j.r.Lag).After(j.at) {
			continue
		}
		if reason, is := j.extra(e); is {
			j.extraEvent(count, e, reason)
		}
	}
}

func (j *judgement) extraEvent(count *TypeCount, e webhook.Record, reason Reason) {
	count.Counts[Extra]++
	j.found(Finding{Type: e.Type, Verdict: Extra, Reason: reason, Lead: e.LeadEmail, StatsID: e.StatsID, At: e.OccurredAt, EventID: e.ID})
}

// extra tells why Smartlead should have an event. One about a mail of another window is
// none.
func (j *judgement) extra(e webhook.Record) (Reason, bool) {
	if e.Type == webhook.UntrackedReplies {
		return j.extraReply(e)
	}
	known := j.hasStats[e.StatsID] || e.StatsID == "" && j.hasLead[e.LeadEmail]
	if e.Type == webhook.LeadUnsubscribed {
		known = j.hasLead[e.LeadEmail]
	}
	if known {
		return NotCounted, true
	}
	within := e.OccurredAt.After(j.r.Window.Since.Add(skew)) && (j.r.Window.Until.IsZero() || e.OccurredAt.Before(j.r.Window.Until.Add(-skew)))
	return NoSuchMail, e.Type == webhook.EmailSent && within
}

func (j *judgement) found(f Finding) {
	if len(j.out.Findings) == maxFindings {
		j.out.Unnamed++
		return
	}
	j.out.Findings = append(j.out.Findings, f)
}
