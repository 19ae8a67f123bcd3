package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// Payloads reads events with what says where their bodies are; ledger.Ledger does.
type Payloads interface {
	WithPayloads(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error)
}

// Bodies reads stored bodies; bodies.Store does.
type Bodies interface {
	Load(ctx context.Context, p webhook.Payload) ([]byte, error)
}

// payloadsAtOnce bounds the bodies that are held at once.
const payloadsAtOnce = 50

// change is the newest change of a lead's category that arrived.
type change struct {
	record webhook.Record
	name   string // the new category; empty: it was taken away
	read   bool   // its body could be read
}

// newest keeps the newest change of a lead's category.
func (s *sides) newest(rec webhook.Record) {
	if rec.LeadEmail == "" || rec.Erased() {
		return
	}
	if known := s.changes[rec.LeadEmail]; known != nil && timeOf(known.record).After(timeOf(rec)) {
		return
	}
	if s.changes == nil {
		s.changes = map[string]*change{}
	}
	s.changes[rec.LeadEmail] = &change{record: rec}
}

// timeOf is when a change was; some dialects do not tell.
func timeOf(r webhook.Record) time.Time {
	if r.OccurredAt.IsZero() {
		return r.ReceivedAt
	}
	return r.OccurredAt
}

// readChanges reads to what the newest changes were. Where a body names an id alone, the
// account's categories are asked for, once.
//
// What cannot be read is left unread, and its lead is unknowable; the error is one that
// keeps all of them from being read.
func (s *Service) readChanges(ctx context.Context, side *sides, names func() map[string]string) error {
	if s.Payloads == nil || s.Bodies == nil || len(side.changes) == 0 {
		return nil
	}
	byID := map[webhook.EventID]*change{}
	for _, c := range side.changes {
		byID[c.record.ID] = c
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(byID)), payloadsAtOnce) {
		records, err := s.Payloads.WithPayloads(ctx, chunk)
		if _, some := errors.AsType[*webhook.UnreadableError](err); err != nil && !some {
			return fmt.Errorf("read changes of categories: %w", err)
		}
		for id, r := range records {
			body, err := s.Bodies.Load(ctx, r.Payload)
			if err != nil {
				continue
			}
			byID[id].changed(r.Account, body, names)
		}
	}
	return nil
}

// changed notes to what a lead's category was changed, by the event's body.
func (c *change) changed(account string, body []byte, names func() map[string]string) {
	batch, err := smartlead.Parse(body, smartlead.Options{Account: account})
	if err != nil || len(batch.Elements) != 1 || batch.Elements[0].Err != nil || batch.Elements[0].Event.Category == nil {
		return
	}
	to := batch.Elements[0].Event.Category
	c.name, c.read = to.New, true
	if to.New == "" && to.NewID != "" {
		c.name = names()[to.NewID]
		c.read = c.name != ""
	}
}

// categoryNames asks for the account's categories, by id, at most once.
func (s *Service) categoryNames(ctx context.Context) func() map[string]string {
	var byID map[string]string
	return func() map[string]string {
		if byID != nil || s.People == nil {
			return byID
		}
		byID = map[string]string{}
		all, err := s.People.Categories(ctx)
		if err != nil {
			return byID // what names an id alone is unknowable then
		}
		for _, c := range all {
			byID[c.ID] = c.Name
		}
		return byID
	}
}

// categories compares the category that each lead has now with the newest change that
// arrived. It is the state alone: what a lead had between, Smartlead does not tell. One
// without a category of which no change came has nothing to compare.
func (j *judgement) categories(count *TypeCount) {
	for i, e := range j.side.events { // older changes say nothing of the state
		if e.Type == webhook.LeadCategoryUpdated {
			j.used[i] = true
		}
	}
	for _, m := range j.side.leads() {
		c := j.side.changes[m.LeadEmail]
		f := fact{typ: webhook.LeadCategoryUpdated, mail: m, since: latest(m.SentAt, m.RepliedAt), category: m.Category}
		if c != nil {
			f.since = latest(f.since, timeOf(c.record))
		}
		switch {
		case c == nil && m.Category == "":
		case c != nil && !c.read:
			j.verdict(count, f, Unknowable, Unreadable)
		case c != nil && strings.EqualFold(strings.TrimSpace(c.name), strings.TrimSpace(m.Category)):
			count.Counts[Complete]++
			if !c.record.State.Settled() {
				count.Undelivered++
			}
		case c != nil && m.Category == "": // it is gone at Smartlead, or not there yet
			if !c.record.ReceivedAt.Add(j.r.Lag).After(j.at) {
				j.extraEvent(count, c.record, NotCounted)
			}
		default:
			verdict, reason, due := j.absent(f)
			f.due = due
			if c != nil && reason == Untimed {
				reason = Differs
			}
			j.verdict(count, f, verdict, reason)
		}
	}
}

// leads are the leads of the mails, each once, with the time of the latest mail to it and
// of its latest reply.
func (s *sides) leads() (all []smartleadapi.Mail) {
	at := map[string]int{}
	for _, m := range s.mails {
		i, known := at[m.LeadEmail]
		if !known {
			at[m.LeadEmail], all = len(all), append(all, m)
			continue
		}
		if m.SentAt.After(all[i].SentAt) {
			m.RepliedAt = latest(m.RepliedAt, all[i].RepliedAt)
			all[i] = m
		} else {
			all[i].RepliedAt = latest(m.RepliedAt, all[i].RepliedAt)
		}
	}
	return all
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
