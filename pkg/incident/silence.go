package incident

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

const (
	// fewest events tell how long the gaps of a source usually are.
	fewest = 20
	// learnFor is how long a source is watched before its gaps count as usual: a
	// weekend is in it.
	learnFor = 7 * 24 * time.Hour
	// gapDays are the days whose longest gaps are usual: two weekends.
	gapDays = 14
	// A silence is unusual from this many times the longest gap on; where requests of
	// the source failed since its latest event, from once.
	unusual = 2
	// shortest is the shortest silence that anybody is told of where none is set, and
	// afterErrors where requests failed.
	shortest    = 2 * time.Hour
	afterErrors = time.Hour
	// maxRhythms bounds the sources that are watched: some 200 bytes each, in what is
	// written every minute.
	maxRhythms = 50
	// rulesEvery is how often it is asked what operators set, and silencedEvery which
	// webhooks silence others.
	rulesEvery    = 5 * time.Minute
	silencedEvery = time.Hour
	// silentAgain is after how long a silence is noted again: well within the time
	// after which an incident counts as quiet.
	silentAgain = time.Hour
)

// These are the causes of the incidents of silence.
const (
	causeSilent   = "no event"
	causeSilenced = "silenced by a webhook of the user level"
	causeNobody   = "nobody looked" // of an outage
)

// rhythm is when events of a source came.
type rhythm struct {
	First  int64      `json:"f"` // when it was first watched, Unix seconds
	Last   int64      `json:"l"` // of the latest event, or when a rule was set
	Events int        `json:"n,omitempty"`
	Gaps   [][2]int64 `json:"g,omitempty"` // day, and the longest gap that ended on it, in seconds; the oldest first
	After  int64      `json:"a,omitempty"` // the rule, in seconds
	Never  bool       `json:"x,omitempty"`
	Quiet  string     `json:"q,omitempty"`
}

func (r *rhythm) last() time.Time { return time.Unix(r.Last, 0).UTC() }

// quiet are the hours that are left out. They were read when they were set.
func (r *rhythm) quiet() QuietHours {
	q, _ := ParseQuiet(r.Quiet)
	return q
}

// came notes an event.
func (r *rhythm) came(at time.Time) {
	if at.Unix() <= r.Last {
		return
	}
	if r.Events > 0 {
		day, length := at.Unix()/86_400, int64(r.quiet().Active(r.last(), at)/time.Second)
		if n := len(r.Gaps); n > 0 && r.Gaps[n-1][0] == day {
			r.Gaps[n-1][1] = max(r.Gaps[n-1][1], length)
		} else {
			r.Gaps = append(r.Gaps, [2]int64{day, length})
		}
		r.Gaps = slices.DeleteFunc(r.Gaps, func(g [2]int64) bool { return day-g[0] >= gapDays })
	}
	r.Last, r.Events = at.Unix(), min(r.Events+1, fewest)
}

// follow takes a rule in. Gaps that were measured with other quiet hours say nothing.
func (r *rhythm) follow(rule SilenceRule, now time.Time) {
	if r.Quiet != rule.Quiet.String() {
		r.Gaps, r.Events, r.First = nil, 0, now.Unix()
	}
	r.After, r.Never, r.Quiet = int64(rule.After/time.Second), rule.Never, rule.Quiet.String()
}

func (r *rhythm) longest() time.Duration {
	var longest int64
	for _, g := range r.Gaps {
		longest = max(longest, g[1])
	}
	return time.Duration(longest) * time.Second
}

// silent tells for how long there was no event, quiet hours left out, and whether that is
// longer than it may be.
func (r *rhythm) silent(now time.Time, failed bool) (time.Duration, bool) {
	length := r.quiet().Active(r.last(), now)
	switch {
	case r.Never:
		return length, false
	case r.After > 0:
		return length, length >= time.Duration(r.After)*time.Second
	case r.Events < fewest:
		return length, false
	case failed:
		return length, length >= max(afterErrors, r.longest())
	}
	learned := now.Sub(time.Unix(r.First, 0)) >= learnFor
	return length, learned && length >= max(shortest, unusual*r.longest())
}

// Silenced is a webhook that fell silent while one of the user level brings the same.
type Silenced struct {
	Source  string
	Subject string // type and campaign
	Text    string
}

// silences are what a look knows of sources that fell silent.
type silences struct {
	silent   map[string]string // by source: what is said of it
	silenced []Silenced
	asked    bool // which webhooks silence others
	behind   bool // events were received that were not looked at
}

// countSilences counts what goes on.
func countSilences(all map[string]*Incident) (silent, silenced int) {
	for _, in := range all {
		switch {
		case in.Kind != KindSilence || !in.Ongoing():
		case in.Cause == causeSilenced:
			silenced++
		default:
			silent++
		}
	}
	return silent, silenced
}

// listen notes what was received in the rhythms, and returns who is silent. It asks
// seldom for what operators set, and whether a source is there before it is told of. Of
// who is silent it says nothing while what was received is not whole.
func (w *Watcher) listen(ctx context.Context, all map[string]*Incident, next *watched, received []webhook.Seen, whole bool) (silences, error) {
	now := next.At
	next.Rhythms = maps.Clone(next.Rhythms)
	if next.Rhythms == nil {
		next.Rhythms = map[string]rhythm{}
	}
	for _, s := range received {
		r, known := next.Rhythms[s.Source]
		if !known && len(next.Rhythms) >= maxRhythms || s.Source == "" {
			continue
		}
		if !known {
			r = rhythm{First: now.Unix()}
		}
		r.Gaps = slices.Clone(r.Gaps)
		r.came(s.At)
		next.Rhythms[s.Source] = r
	}
	if now.Sub(next.RulesAt) >= rulesEvery {
		if err := w.follow(ctx, next, now); err != nil {
			return silences{}, err
		}
		next.RulesAt = now
	}
	found := silences{silent: map[string]string{}, behind: !whole}
	for source, r := range next.Rhythms {
		if !whole {
			break
		}
		failedAt, failed := failures(all, source, r.last())
		length, is := r.silent(now, failed)
		if !is {
			continue
		}
		there, err := w.isThere(ctx, source)
		if err != nil {
			return silences{}, err
		}
		if !there {
			delete(next.Rhythms, source)
			continue
		}
		found.silent[source] = r.text(length, failed, failedAt)
	}
	if w.Silenced != nil && now.Sub(next.SilencedAt) >= silencedEvery {
		list, err := w.Silenced(ctx)
		if err != nil {
			return silences{}, fmt.Errorf("which webhooks silence others: %w", err)
		}
		found.silenced, found.asked, next.SilencedAt = list, true, now
	}
	return found, nil
}

// follow takes in what operators set.
func (w *Watcher) follow(ctx context.Context, next *watched, now time.Time) error {
	rules, err := NewSilences(w.Documents, w.Now).All(ctx)
	if err != nil {
		return err
	}
	for _, source := range slices.Sorted(maps.Keys(rules)) {
		rule := rules[source]
		r, known := next.Rhythms[source]
		if !known && (rule.After == 0 || !makeRoom(next.Rhythms)) {
			continue
		}
		if !known {
			r = rhythm{First: now.Unix(), Last: rule.SetAt.Unix()}
		}
		r.follow(rule, now)
		next.Rhythms[source] = r
	}
	return nil
}

// makeRoom gives the place of the source that was watched for the shortest time to one
// whose silence an operator set: what is learned anew is worth less than what was asked
// for. It returns false where all were asked for.
func makeRoom(rhythms map[string]rhythm) bool {
	if len(rhythms) < maxRhythms {
		return true
	}
	least := ""
	for _, source := range slices.Sorted(maps.Keys(rhythms)) {
		if r := rhythms[source]; r.After == 0 && (least == "" || r.First > rhythms[least].First) {
			least = source
		}
	}
	if least == "" {
		return false
	}
	delete(rhythms, least)
	return true
}

// isThere tells whether a source was not removed.
func (w *Watcher) isThere(ctx context.Context, source string) (bool, error) {
	if w.SourceExists == nil {
		return true, nil
	}
	there, err := w.SourceExists(ctx, source)
	if err != nil {
		return false, fmt.Errorf("whether source %s is there: %w", source, err)
	}
	return there, nil
}

// failures tells when requests of a source last failed by our fault or were refused, if
// that was not long before its latest event, or later.
func failures(all map[string]*Incident, source string, last time.Time) (at time.Time, failed bool) {
	for _, in := range all {
		own := in.Kind == KindRefused && in.Source == source || in.Kind == KindOutage && in.Cause != causeNobody
		if own && in.LastAt.After(last.Add(-afterErrors)) && in.LastAt.After(at) {
			at, failed = in.LastAt, true
		}
	}
	return at, failed
}

func (r *rhythm) text(length time.Duration, failed bool, at time.Time) string {
	text := "for " + span(length)
	if r.Quiet != "" {
		text += " outside its quiet hours"
	}
	if r.After > 0 {
		text += "; set are " + span(time.Duration(r.After)*time.Second)
	} else {
		text += "; never longer than " + span(r.longest()) + " before"
	}
	if failed {
		text += "; its requests failed until " + at.Format("2006-01-02 15:04Z") + ", so that Smartlead may have switched the webhook off"
	}
	return text
}

// noted returns what is to be noted: a silence that is no incident yet, and one that was
// not noted for a while.
func (s silences) noted(all map[string]*Incident, rhythms map[string]rhythm, now time.Time) (seen []Sighting) {
	add := func(key Key, since time.Time, text string) {
		sight := Sighting{Key: key, Text: text, Count: 1, First: since, Last: now}.bounded()
		if in := all[sight.ID()]; in != nil {
			closed := !in.Ongoing() && !since.After(in.ClosedAt) // by hand: this very silence is known
			if closed || in.Ongoing() && now.Sub(in.LastAt) < silentAgain {
				return
			}
			if in.Ongoing() {
				sight.Count = 0
			}
		}
		seen = append(seen, sight)
	}
	for _, source := range slices.Sorted(maps.Keys(s.silent)) {
		r := rhythms[source]
		add(Key{Kind: KindSilence, Cause: causeSilent, Source: source}, r.last(), s.silent[source])
	}
	slices.SortFunc(s.silenced, func(a, b Silenced) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Subject, b.Subject))
	})
	for _, one := range s.silenced {
		add(Key{Kind: KindSilence, Cause: causeSilenced, Subject: one.Subject, Source: one.Source}, now, one.Text)
	}
	return seen
}

// ended says why an incident of silence is over; "" where it is not, or is no such
// incident.
func (s silences) ended(in Incident, rhythms map[string]rhythm) string {
	switch {
	case in.Kind != KindSilence || in.Cause == Others:
		return ""
	case in.Cause == causeSilenced:
		still := slices.ContainsFunc(s.silenced, func(one Silenced) bool {
			return clip(one.Subject, maxPart) == in.Subject && one.Source == in.Source
		})
		if s.asked && !still {
			return "it speaks again, or nobody misses it"
		}
		return ""
	case s.behind || s.silent[in.Source] != "":
		return ""
	}
	switch r, watched := rhythms[in.Source]; {
	case !watched:
		return "the source was removed"
	case r.Never:
		return "nobody is to be told"
	case r.last().After(in.OpenedAt):
		return "an event came"
	}
	return "it is not unusual any more"
}
