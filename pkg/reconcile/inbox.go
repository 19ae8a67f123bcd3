package reconcile

import (
	"context"
	"errors"

	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// Inbox tells which replies Smartlead could give to no campaign; smartleadapi.Client does.
type Inbox interface {
	Untracked(ctx context.Context, w smartleadapi.Window, each func(smartleadapi.Message) error) (smartleadapi.Inbox, error)
}

var errInbox = errors.New("the master inbox has more untracked replies than are read: take a shorter window")

// readInbox reads the replies that came in the window. They belong to no campaign, so they
// are compared for the whole account.
func (s *Service) readInbox(ctx context.Context, w smartleadapi.Window) *sides {
	side := &sides{}
	read, err := s.Inbox.Untracked(ctx, w, func(m smartleadapi.Message) error {
		side.inbox = append(side.inbox, m)
		return nil
	})
	switch {
	case err != nil:
		side.inbox, side.cause = nil, err
	case !read.Whole:
		side.readable, side.cause = true, errInbox
	default:
		side.readable, side.whole = true, true
	}
	return side
}

// untracked are the facts of the master inbox.
func untracked(all []smartleadapi.Message) (facts []fact) {
	t := &thread{replies: all}
	for _, m := range all {
		facts = append(facts, fact{
			typ: webhook.UntrackedReplies, at: m.At, reply: &m, thread: t, mail: smartleadapi.Mail{LeadEmail: m.From, Subject: m.Subject},
		})
	}
	return facts
}

// extraReply tells whether an untracked reply that arrived should be in the inbox. It can
// be told where all of the inbox was read, and where no other account of Smartlead posts
// here: such an event names no campaign, so nobody can tell whose it is.
func (j *judgement) extraReply(e webhook.Record) (Reason, bool) {
	for _, other := range j.side.events {
		if other.Account != e.Account {
			return "", false
		}
	}
	within := !e.OccurredAt.Before(j.r.Window.Since) && (j.r.Window.Until.IsZero() || e.OccurredAt.Before(j.r.Window.Until))
	return NotCounted, j.side.whole && within
}
