package incident

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Reports keeps what tools report, and bounds what a tool in a loop writes: an instance
// writes an incident once in coalesce, and counts in between; of each source some
// incidents are kept, and what is beyond counts on one more. It is safe for concurrent
// use.
type Reports struct {
	store *Store

	mu     sync.Mutex
	counts map[string]*pending
	full   map[string]time.Time // sources that have as many incidents as may be kept; until when that is taken for granted
}

// pending is what was counted of an incident and not written.
type pending struct {
	sighting Sighting
	until    time.Time // before which nothing is written
}

const (
	coalesce   = 10 * time.Second
	maxCounted = 500 // incidents that an instance counts apart
)

// NewReports returns what keeps reports in a store. It makes no call.
func NewReports(store *Store) *Reports {
	return &Reports{store: store, counts: map[string]*pending{}, full: map[string]time.Time{}}
}

// Report counts a sighting on its incident, and returns the id of that. The first one is
// written at once; repeats within ten seconds are written with the next one behind them,
// or with that of another incident, and lost where the instance ends before. Where it
// returns an error, nothing was counted, and the sender may repeat.
func (r *Reports) Report(ctx context.Context, s Sighting) (string, error) {
	s = s.bounded()
	now := r.store.now()
	id, write := r.take(&s, now)
	if !write {
		return id, nil
	}
	in, err := r.write(ctx, s, now)
	if err != nil {
		r.giveBack(s, id)
		return "", err
	}
	if left, ok := r.overdue(now); ok {
		if _, err := r.write(ctx, left, now); err != nil { // what was reported is kept; this waits
			r.giveBack(left, left.ID())
		}
	}
	return in.ID, nil
}

// take counts a sighting, and says whether it is to be written now, with all that was
// counted before.
func (r *Reports) take(s *Sighting, now time.Time) (id string, write bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.full[s.Source]) && r.counts[s.ID()] == nil || len(r.counts) >= maxCounted && r.counts[s.ID()] == nil {
		s.Key = s.others()
	}
	id = s.ID()
	p := r.counts[id]
	if p == nil {
		p = &pending{}
		r.counts[id] = p
	}
	if p.sighting.Count > 0 {
		*s = merge([]Sighting{p.sighting, *s})[0]
	}
	if now.Before(p.until) {
		p.sighting = *s
		return id, false
	}
	p.sighting, p.until = Sighting{}, now.Add(coalesce)
	return id, true
}

// giveBack keeps what could not be written for the next time, but for the latest, which
// its sender repeats.
func (r *Reports) giveBack(s Sighting, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.counts[id]
	if p == nil {
		return
	}
	p.until = time.Time{}
	if s.Count--; s.Count > 0 {
		p.sighting = merge(append([]Sighting{s}, p.sighting))[0]
	}
}

// overdue takes what was counted of one incident and may be written, and forgets those of
// which nothing is left.
func (r *Reports) overdue(now time.Time) (Sighting, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, p := range r.counts {
		switch {
		case now.Before(p.until):
		case p.sighting.Count == 0:
			delete(r.counts, id)
		default:
			s := p.sighting
			p.sighting, p.until = Sighting{}, now.Add(coalesce)
			return s, true
		}
	}
	return Sighting{}, false
}

// write counts a sighting on its incident, and where that is new and too many are kept of
// its source, on the others.
func (r *Reports) write(ctx context.Context, s Sighting, now time.Time) (Incident, error) {
	in, err := r.store.load(ctx, s.ID())
	if err != nil {
		return Incident{}, err
	}
	if in.ID == "" && s.Cause != Others {
		all, err := r.store.all(ctx)
		if err != nil {
			return Incident{}, err
		}
		n := 0
		for _, in := range all {
			if in.Kind == s.Kind && in.Source == s.Source {
				n++
			}
		}
		if n >= rules[s.Kind].most {
			r.mu.Lock()
			r.full[s.Source] = now.Add(time.Minute)
			delete(r.counts, s.ID())
			r.mu.Unlock()
			s.Key, s.Text = s.others(), ""
			return r.store.Record(ctx, s)
		}
	}
	return r.store.Record(ctx, s)
}

// Pattern is a text without what changes from one time to the next: numbers and ids. What
// has the same pattern is the same error.
func Pattern(text string) string {
	var out []string
	for _, word := range strings.Fields(text) {
		out = append(out, patternOf(word))
	}
	return clip(strings.Join(out, " "), maxPart)
}

// idLike is from how many characters on a word with a digit is an id as a whole.
const idLike = 16

func patternOf(word string) string {
	core := strings.TrimFunc(word, unicode.IsPunct)
	if len(core) >= idLike && strings.ContainsFunc(core, unicode.IsDigit) {
		return strings.Replace(word, core, "#", 1)
	}
	var b strings.Builder
	digits := false
	for _, r := range word {
		switch {
		case !unicode.IsDigit(r):
			b.WriteRune(r)
		case !digits:
			b.WriteByte('#')
		}
		digits = unicode.IsDigit(r)
	}
	return b.String()
}
