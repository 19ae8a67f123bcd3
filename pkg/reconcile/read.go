package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// sides are what both say of a campaign.
type sides struct {
	readable bool // the mails were read to the end
	cause    error
	mails    []smartleadapi.Mail
	events   []webhook.Record
	sources  map[string]int // events by the source by which they came
	account  string         // of the latest event
	accepted []acceptance   // of all types, where counts are compared
	// unreadable are events of the ledger that may be of any campaign.
	unreadable []webhook.EventID

	read    *Threads
	threads map[string]*thread // by the lead's address
	changes map[string]*change // likewise
	inbox   []smartleadapi.Message
	whole   bool // of the inbox
}

// inboxID is the key of what belongs to no campaign.
const inboxID = ""

// readTheirs reads what Smartlead says, but what can be asked for only when it is known
// what was received.
func (s *Service) readTheirs(ctx context.Context, r Request) (map[string]*sides, error) {
	all := map[string]*sides{}
	kept := 0
	for _, id := range r.Campaigns {
		if s.Heard != nil {
			s.Heard(id)
		}
		side, err := s.readMails(ctx, id, r.Window, maxKept-kept)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		kept += len(side.mails)
		side.cause, all[id] = err, side
	}
	if slices.Contains(r.Types, webhook.UntrackedReplies) && s.Inbox != nil {
		all[inboxID] = s.readInbox(ctx, r.Window)
	}
	return all, ctx.Err()
}

// readFurther reads the threads of leads that answered, and then what was received since:
// an event that came meanwhile must not be missed for it.
func (s *Service) readFurther(ctx context.Context, reading *reading) error {
	reading.names = s.categoryNames(ctx)
	if asked := reading.r.Threads > 0 && slices.Contains(reading.r.Types, webhook.EmailReply); !asked || s.People == nil || reading.ended() {
		return nil
	}
	began, room := s.Now(), reading.r.Threads
	for _, id := range reading.r.Campaigns {
		side := reading.sides[id]
		if !side.readable {
			continue
		}
		side.read = s.readThreads(ctx, id, side, room)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		room -= side.read.Read + side.read.Absent
	}
	return s.readEvents(ctx, reading, began.Add(-edge))
}

func (s *Service) readMails(ctx context.Context, id string, w smartleadapi.Window, room int) (*sides, error) {
	side := &sides{}
	read, err := s.Provider.Mails(ctx, id, w, func(m smartleadapi.Mail) error {
		if room--; room < 0 {
			return errRoom
		}
		side.mails = append(side.mails, m)
		return nil
	})
	if err != nil {
		side.mails = nil
		return side, err
	}
	side.readable = true
	if read.Total >= 0 && read.Total != read.Read {
		return side, fmt.Errorf("%w: %d of %d", errCount, read.Read, read.Total)
	}
	return side, nil
}

// reading is what is read of the ledger in one run.
type reading struct {
	r      Request
	sides  map[string]*sides
	seen   map[webhook.EventID]bool // nil: nothing is read twice
	looked int
	kept   int
	cut    error // why not all of it was looked at
	names  func() map[string]string
}

// readEvents sorts what was received since then by campaign.
func (s *Service) readEvents(ctx context.Context, in *reading, since time.Time) error {
	campaign := ""
	if len(in.r.Campaigns) == 1 && in.sides[inboxID] == nil {
		campaign = in.r.Campaigns[0]
	}
	for after := ""; ; {
		part, err := s.Ledger.Received(ctx, campaign, since, s.Now(), in.r.skips, after)
		if err != nil {
			return fmt.Errorf("read what was received: %w", err)
		}
		in.looked += part.Looked
		for _, id := range part.Unreadable {
			if in.again(id) {
				continue
			}
			for _, side := range in.sides {
				side.unreadable = append(side.unreadable, id)
			}
		}
		for _, rec := range part.Records {
			in.keep(rec)
		}
		switch {
		case part.Next == "":
			return nil
		case in.looked >= in.r.MaxEvents || in.kept >= maxKept:
			in.cut = errEvents(in.looked)
			return nil
		}
		after = part.Next
	}
}

// ended tells whether not all was looked at, so that nothing is judged.
func (in *reading) ended() bool { return in.cut != nil }

// again notes that an event was read, and tells whether it was before.
func (in *reading) again(id webhook.EventID) bool {
	if in.seen == nil {
		return false
	}
	before := in.seen[id]
	in.seen[id] = true
	return before
}

func (in *reading) keep(rec webhook.Record) {
	side := in.sides[rec.CampaignID]
	if side == nil || slices.Contains(rec.Flags, webhook.FlagTestEvent) || in.again(rec.ID) {
		return
	}
	if side.sources == nil {
		side.sources = map[string]int{}
	}
	side.sources[rec.Source]++
	side.account = rec.Account
	if posted := 1 + rec.Duplicates + rec.Variants; in.r.Counts {
		if rec.Synthesized() { // nobody posted it, unless it came after all
			posted--
		}
		if posted > 0 {
			side.accepted = append(side.accepted, acceptance{at: rec.ReceivedAt, request: rec.RequestID, again: posted - 1})
		}
	}
	if !slices.Contains(in.r.Types, sortOf(rec.Type)) {
		return
	}
	side.events = append(side.events, trimmed(rec))
	in.kept++
	if rec.Type == webhook.LeadCategoryUpdated {
		side.newest(rec)
	}
}

// skips tells by an id alone that the event is not compared.
func (r Request) skips(id webhook.EventID) bool {
	typ := id.Type()
	return typ != "" && !r.Counts && !slices.Contains(r.Types, sortOf(typ))
}

// sortOf is the type under which an event is compared: the first mail to a lead is
// reported twice, and either report will do.
func sortOf(t webhook.Type) webhook.Type {
	if t == webhook.FirstEmailSent {
		return webhook.EmailSent
	}
	return t
}

// trimmed keeps of an event what is compared.
func trimmed(r webhook.Record) webhook.Record {
	var flags []string
	for _, flag := range []string{webhook.FlagSynthesized, webhook.FlagVariant} {
		if slices.Contains(r.Flags, flag) {
			flags = append(flags, flag)
		}
	}
	return webhook.Record{
		ID: r.ID, State: r.State, ErasedAt: r.ErasedAt,
		Receipt: webhook.Receipt{
			Type: sortOf(r.Type), Account: r.Account, LeadEmail: r.LeadEmail, StatsID: r.StatsID, MessageID: r.MessageID,
			OccurredAt: r.OccurredAt, ReceivedAt: r.ReceivedAt, Flags: flags,
		},
	}
}
