package ledgertest

import (
	"fmt"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var deadLetterRules = []rule{
	{"the dead letter of that very death revives a dead event", deadLetterRevives},
	{"any other message revives no dead event", deadLetterStale},
	{"a second copy of a dead letter revives nothing", deadLetterTwice},
	{"a dead letter that was sent clears what the event owed", confirmDeadLetterClears},
	{"only that death and that due time are cleared", confirmDeadLetterIsExact},
	{"a late clearing does not strand the next death", confirmDeadLetterLate},
	{"an event that moved on is not cleared", confirmDeadLetterMoved},
}

func deadLetterRevives(e *env) {
	dead := e.in(webhook.Dead, "A")
	req := e.request(dead.ID, sec(100))
	req.Death = dead.Death
	lease := e.lease(req)
	want := dead
	want.State, want.LeaseNumber, want.LeaseNonce, want.LeaseUntil = webhook.Processing, 2, req.Nonce, req.Until
	want.DueAt, want.UpdatedAt, want.Redrives = req.DueAt, sec(100), 1
	want.Destinations = []webhook.Progress{
		{Name: "crm", Result: webhook.ResultDelivered, Attempts: 1}, // kept
		{Name: "slack"}, // a new budget
	}
	e.same(want, e.get(dead.ID))
	e.same(want, lease.Record)
	e.wantList("the dead", ledger.Query{Dead: true})
}

func deadLetterStale(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.settled(e.leased(id, sec(10)), webhook.Pending, sec(20))
	dead := e.settled(e.leased(id, sec(1000)), webhook.Dead, sec(1010))
	equal(e, "death", dead.Death, 2)
	for _, byDeadLetter := range []int{0, 1, 3, -2} {
		req := e.request(id, sec(2000))
		req.Death = byDeadLetter
		e.refused(req, webhook.LeaseRefusedStaleDeadLetter)
	}
}

func deadLetterTwice(e *env) {
	dead := e.in(webhook.Dead, "A")
	req := e.request(dead.ID, sec(100))
	req.Death = dead.Death
	lease := e.lease(req)
	req = e.request(dead.ID, sec(101))
	req.Death = dead.Death
	e.refused(req, webhook.LeaseRefusedBusy)
	again := e.settled(lease, webhook.Dead, sec(110))
	equal(e, "death", again.Death, 2)
	equal(e, "first death", again.FirstDied, dead.DiedAt)
	equal(e, "latest death", again.DiedAt, sec(110))
	e.refused(req, webhook.LeaseRefusedStaleDeadLetter)
}

func confirmDeadLetterClears(e *env) {
	want := e.in(webhook.Dead, "A")
	e.wantDue(sec(10_000), want.ID)
	e.must(e.l.ConfirmDeadLetter(e.ctx, want.ID, want.Death, want.DueAt))
	want.DueAt = time.Time{}
	e.same(want, e.get(want.ID))
	e.wantDue(sec(10_000))
	e.wantList("the dead", ledger.Query{Dead: true}, want.ID)

	e.unchanged(want.ID, webhook.ErrChanged, func() error {
		return e.l.ConfirmDeadLetter(e.ctx, want.ID, want.Death, sec(80))
	})
	e.unchanged(want.ID, webhook.ErrChanged, func() error {
		return e.l.ConfirmDeadLetter(e.ctx, want.ID, want.Death, time.Time{})
	})
	e.want(e.l.ConfirmDeadLetter(e.ctx, "v1:EMAIL_REPLY:NONE", 1, sec(1)), webhook.ErrNotFound)
}

func confirmDeadLetterIsExact(e *env) {
	dead := e.in(webhook.Dead, "A")
	e.unchanged(dead.ID, webhook.ErrChanged, func() error {
		return e.l.ConfirmDeadLetter(e.ctx, dead.ID, dead.Death+1, dead.DueAt)
	})
	e.unchanged(dead.ID, webhook.ErrChanged, func() error {
		return e.l.ConfirmDeadLetter(e.ctx, dead.ID, dead.Death, dead.DueAt.Add(time.Millisecond))
	})
}

func confirmDeadLetterLate(e *env) {
	dead := e.in(webhook.Dead, "A")
	req := e.request(dead.ID, sec(30))
	req.Death = dead.Death
	lease := e.lease(req)
	s := settlement(lease, webhook.Dead, sec(40))
	s.DueAt = dead.DueAt // as two deaths in the same moment would have it
	e.must(e.l.Settle(e.ctx, lease, s))
	e.unchanged(dead.ID, webhook.ErrChanged, func() error {
		return e.l.ConfirmDeadLetter(e.ctx, dead.ID, dead.Death, dead.DueAt)
	})
	e.wantDue(sec(10_000), dead.ID)
}

func confirmDeadLetterMoved(e *env) {
	for i, move := range []func(webhook.Record) error{
		func(r webhook.Record) error { return e.l.Park(e.ctx, r.ID, r.Death, sec(50)) },
		func(r webhook.Record) error {
			m := e.revival(r, sec(50))
			m.DueAt = r.DueAt
			_, err := e.l.Revive(e.ctx, m)
			return err
		},
	} {
		dead := e.in(webhook.Dead, fmt.Sprintf("A%d", i))
		e.must(move(dead))
		e.unchanged(dead.ID, webhook.ErrChanged, func() error {
			return e.l.ConfirmDeadLetter(e.ctx, dead.ID, dead.Death, dead.DueAt)
		})
	}
}
