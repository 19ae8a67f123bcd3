package incident

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// observe looks at what the ledger shows since the last look, and returns how far it
// looked and what was seen: each key once.
func (w *Watcher) observe(ctx context.Context, all map[string]*Incident, last watched, saw []Sighting) (watched, error) {
	now := w.Now().UTC()
	until := now.Add(-lag)
	next := last
	next.At, next.Seen = now, nil
	seen := slices.Clone(saw)
	if now.Sub(last.At) >= gap {
		seen = append(seen, Sighting{
			Key: Key{Kind: KindOutage, Cause: causeNobody}, Count: 1, First: last.At, Last: now,
			Text: "the sweeper did not run, or could not use the table, for " + span(now.Sub(last.At)),
		})
	}
	received, end, err := between(w.Ledger.ReceivedBetween(ctx, last.Received, until), until, maxReceived, func(s webhook.Seen) time.Time { return s.At })
	if err != nil {
		return next, fmt.Errorf("what was received: %w", err)
	}
	next.Received = later(last.Received, end)
	died, end, err := between(w.Ledger.DiedBetween(ctx, last.Died, until), until, maxDied, func(d webhook.DeadSummary) time.Time { return d.DiedAt })
	if err != nil {
		return next, fmt.Errorf("what died: %w", err)
	}
	next.Died = later(last.Died, end)
	refused, err := w.refusals(ctx, last.Refused, until)
	if err != nil {
		return next, fmt.Errorf("what was refused: %w", err)
	}
	next.Refused = later(last.Refused, until)

	if next.silences, err = w.listen(ctx, all, &next, received, !next.Received.Before(until)); err != nil {
		return next, err
	}
	alerts := slices.DeleteFunc(slices.Clone(received), func(s webhook.Seen) bool { return s.Variant || !isAlert(s.Type) })
	records, err := w.read(ctx, alerts, died)
	if err != nil {
		return next, err
	}
	seen = append(seen, refused...)
	seen = append(seen, variants(received)...)
	seen = append(seen, w.alerts(alerts, records)...)
	seen = append(seen, deaths(died, records)...)
	seen = append(seen, next.silences.noted(all, next.Rhythms, now)...)
	next.Seen = within(all, merge(seen))
	return next, nil
}

// between takes what a listing hands over, the oldest first, up to a number of entries.
// end is the time before which nothing is left out; what came at that very time is left
// to the next look.
func between[T any](list iter.Seq2[T, error], until time.Time, most int, at func(T) time.Time) (taken []T, end time.Time, err error) {
	for one, err := range list {
		if err != nil {
			return nil, time.Time{}, err
		}
		if len(taken) == most {
			end = at(one)
			if first := at(taken[0]); !end.After(first) { // all of them at one time: some are not counted
				end = first.Add(time.Millisecond)
			}
			return slices.DeleteFunc(taken, func(t T) bool { return !at(t).Before(end) }), end, nil
		}
		taken = append(taken, one)
	}
	return taken, until, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// read reads the events that the index does not tell enough of, at most maxRead: alerts
// first.
func (w *Watcher) read(ctx context.Context, alerts []webhook.Seen, died []webhook.DeadSummary) (map[webhook.EventID]webhook.Record, error) {
	var ids []webhook.EventID
	for _, a := range alerts {
		ids = append(ids, a.ID)
	}
	for _, d := range died {
		ids = append(ids, d.ID)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	records, err := w.Ledger.WithPayloads(ctx, ids[:min(len(ids), maxRead)])
	// What cannot be read says less; it keeps nobody from the rest.
	if err != nil && !errors.As(err, new(*webhook.UnreadableError)) {
		return nil, fmt.Errorf("read what died, and alerts: %w", err)
	}
	return records, nil
}

func isAlert(t webhook.Type) bool {
	return t == webhook.EmailAccountDisconnected || t == webhook.LinkedInDisconnected || t == webhook.CampaignBounceBreach
}

// alerts leaves out what nobody trusts, what was sent to try the webhook, and what was
// erased.
func (w *Watcher) alerts(list []webhook.Seen, records map[webhook.EventID]webhook.Record) []Sighting {
	var seen []Sighting
	for _, a := range list {
		s := Sighting{
			Key:     Key{Kind: KindAlert, Cause: string(a.Type), Account: a.Account},
			Example: string(a.ID), Count: 1, First: a.At, Last: a.At,
		}
		if rec, read := records[a.ID]; read {
			if rec.State == webhook.Held || rec.Erased() || slices.Contains(rec.Flags, webhook.FlagTestEvent) {
				continue
			}
			if said, err := w.Alert(rec); err == nil { // else its type says enough
				s.Subject, s.Text = said.Subject, said.Text
			}
		}
		seen = append(seen, s)
	}
	return seen
}

func variants(received []webhook.Seen) []Sighting {
	var seen []Sighting
	for _, v := range received {
		if v.Variant {
			seen = append(seen, Sighting{
				Key:     Key{Kind: KindVariant, Cause: "variant", Source: v.Source, Account: v.Account},
				Example: string(v.ID), Count: 1, First: v.At, Last: v.At,
			})
		}
	}
	return seen
}

// deaths counts deaths by class and destination. The index has no destination, so that
// events are read for it; where there are too many, those of a class that was at one
// destination in all that were read count there, too.
func deaths(died []webhook.DeadSummary, records map[webhook.EventID]webhook.Record) []Sighting {
	at := map[string]map[string]bool{}
	for _, rec := range records {
		if rec.State != webhook.Dead {
			continue
		}
		if at[rec.ErrorClass] == nil {
			at[rec.ErrorClass] = map[string]bool{}
		}
		at[rec.ErrorClass][diedAt(rec)] = true
	}
	var seen []Sighting
	for _, d := range died {
		s := Sighting{
			Key:     Key{Kind: KindDead, Cause: d.ErrorClass},
			Example: string(d.ID), Count: 1, First: d.DiedAt, Last: d.DiedAt,
		}
		if rec, read := records[d.ID]; read {
			s.Subject = diedAt(rec)
		} else if len(at[d.ErrorClass]) == 1 {
			for s.Subject = range at[d.ErrorClass] {
			}
		}
		seen = append(seen, s)
	}
	return seen
}

// diedAt names the destination at which an event died: the last that did not take it.
func diedAt(r webhook.Record) string {
	name := ""
	for _, p := range r.Destinations {
		if !p.Result.Settled() || p.Result == webhook.ResultPermanent {
			name = p.Name
		}
	}
	return name
}

// refusals counts refused requests. A name that is no source of ours is not kept: a
// stranger may try any number of them.
func (w *Watcher) refusals(ctx context.Context, since, until time.Time) ([]Sighting, error) {
	var seen []Sighting
	n := 0
	for r, err := range w.Ledger.EachRejected(ctx, since, until) {
		if err != nil {
			return nil, err
		}
		s := Sighting{Key: Key{Kind: KindRefused, Cause: r.Cause, Source: r.Source}, Count: 1, First: r.At, Last: r.At}
		if strangers[r.Cause] {
			s.Source = ""
		}
		if n++; n > maxRefused {
			s.AtLeast = true
			seen = append(seen, s)
			break
		}
		seen = append(seen, s)
	}
	return seen, nil
}

// strangers are the causes whose requests name whatever source they like.
var strangers = map[string]bool{"unknown_source": true, "wrong_path": true}

// merge makes one sighting of those of a key.
func merge(list []Sighting) []Sighting {
	var merged []Sighting
	at := map[Key]int{}
	for _, s := range list {
		s = s.bounded()
		i, known := at[s.Key]
		if !known {
			at[s.Key] = len(merged)
			merged = append(merged, s)
			continue
		}
		m := &merged[i]
		m.Count += s.Count
		m.AtLeast = m.AtLeast || s.AtLeast
		if s.First.Before(m.First) {
			m.First = s.First
		}
		if !s.Last.Before(m.Last) {
			m.Last, m.Text, m.Example, m.Over = s.Last, s.Text, s.Example, s.Over
		}
	}
	return merged
}

// within counts what is beyond the limits, of what is kept and of one look, on the
// incident of the others.
func within(all map[string]*Incident, seen []Sighting) []Sighting {
	kept := make(map[Kind]int, len(Kinds))
	for _, in := range all {
		kept[in.Kind]++
	}
	for i, s := range seen {
		switch {
		case all[s.ID()] != nil && i < maxPending:
		case kept[s.Kind] >= rules[s.Kind].most || i >= maxPending:
			seen[i].Key, seen[i].Text, seen[i].Example = s.others(), "", ""
		default:
			kept[s.Kind]++
		}
	}
	return merge(seen)
}

// whatIsGone returns which incidents are over because nothing of theirs is dead any
// more. While there is such an incident it asks the index, every minute where little is
// dead and more seldom where much is, and says nothing where more is dead than it looks at.
func (w *Watcher) whatIsGone(ctx context.Context, all map[string]*Incident, next *watched) func(Incident) bool {
	none := func(Incident) bool { return false }
	now := w.Now()
	due := now.Sub(next.GoneAt) >= min(goneEvery, time.Duration(1+next.StillN/goneEach)*time.Minute)
	if !due || !slices.ContainsFunc(ongoing(all), func(in Incident) bool { return in.Kind == KindDead }) {
		return none
	}
	next.GoneAt = now.UTC()
	there := map[string]bool{}
	next.StillN = maxDied
	n := 0
	for d, err := range w.Ledger.DiedBetween(ctx, time.Time{}, now) {
		if n++; err != nil || n > maxDied {
			return none
		}
		there[d.ErrorClass] = true
	}
	next.StillN = n
	for _, s := range next.Seen { // of this very look
		if s.Kind == KindDead {
			there[s.Cause] = true
		}
	}
	return func(in Incident) bool {
		return in.Kind == KindDead && in.LastAt.Before(now.Add(-lag)) && (in.Cause != Others && !there[in.Cause] || len(there) == 0)
	}
}

func ongoing(all map[string]*Incident) []Incident {
	var list []Incident
	for _, in := range all {
		if in.Ongoing() {
			list = append(list, *in)
		}
	}
	return list
}
