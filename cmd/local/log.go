package main

import (
	"context"
	"sync/atomic"
	"time"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/local/logtext"
	"smartlead-receiver/pkg/webhook"
)

// leadWait bounds the look-up of a lead for a line of the log.
const leadWait = time.Second

func newTextLog(o options, to streams, leads *leads) *logtext.Writer {
	return &logtext.Writer{To: to.err, Colour: to.colour && to.errTerminal, All: o.logLevel < 0, Lead: leads.of}
}

// leads reads from the ledger whose event it is: the log lines of the functions
// never name a lead, and the terminal of the person who runs them may. It is safe
// for concurrent use.
type leads struct{ ledger atomic.Pointer[ledger.Ledger] }

func (l *leads) readFrom(s *local.Stack) {
	l.ledger.Store(ledger.New(awssdk.DynamoDB{Client: s.Clients.DynamoDB}, s.Resources.Table))
}

func (l *leads) of(eventID string) string {
	from := l.ledger.Load()
	if from == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), leadWait)
	defer cancel()
	record, err := from.Get(ctx, webhook.EventID(eventID))
	if err != nil {
		return ""
	}
	return record.LeadEmail
}
