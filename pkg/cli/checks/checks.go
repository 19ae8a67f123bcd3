// Package checks looks at every part of a receiver, and says what to fix: for the
// command doctor and for the console. It changes nothing.
package checks

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/stack"
)

// Asker is who wants to know, as far as the words and the means of a check depend on
// it.
type Asker struct {
	output.Clock
	Self  string // how smartleadctl is called for this stack
	Local bool   // the stack is that of make run
	Stack string // the name of a deployed one
	HTTP  http.RoundTripper
	// Source and Token are those of the webhook URL to check, as they were asked for; ""
	// for those of a local stack's own source. Where there are none, that check says so.
	Source, Token string
	UsualToken    string // of the environment: it may be another stack's
}

// Finding is the outcome of one check.
type Finding struct {
	Check  string `json:"check"`
	Result string `json:"result"` // OK, Note or Bad
	Detail string `json:"detail"`
	Next   string `json:"next,omitempty"`
}

// The results of a check: all is well; something is to be known, or done; a part is
// broken.
const (
	OK   = "ok"
	Note = "note"
	Bad  = "bad"
)

func fine(format string, args ...any) Finding {
	return Finding{Result: OK, Detail: fmt.Sprintf(format, args...)}
}

func noted(next, format string, args ...any) Finding {
	return Finding{Result: Note, Detail: fmt.Sprintf(format, args...), Next: next}
}

func broken(next, format string, args ...any) Finding {
	return Finding{Result: Bad, Detail: fmt.Sprintf(format, args...), Next: next}
}

// silent is the finding of a part that does not answer, or refuses.
func silent(s Asker, err error, what string) Finding {
	switch {
	case s.Local:
		return broken("start the local stack: make run", "%s", problem.Words(err))
	case problem.Denied(err):
		return broken("your credentials lack rights on "+what, "%s", problem.Words(err))
	}
	return broken("is "+what+" there, and reachable from here?", "%s", problem.Words(err))
}

type check struct {
	name string
	run  func(context.Context, Asker, *stack.Stack) Finding
}

// timeout bounds one check, so that one silent part does not hide the others.
const timeout = 15 * time.Second

// The checks that the console leaves out: it has a panel for the one, and the other
// asks for a token that nobody has there.
const (
	Incidents  = "incidents"
	WebhookURL = "webhook URL"
)

// Look makes every check but those left out, and hands over each finding as it comes.
// An error of told ends it.
func Look(ctx context.Context, s Asker, st *stack.Stack, told func(Finding) error, leftOut ...string) error {
	checks := all()
	if st.Deployment != nil {
		checks = slices.Insert(checks, 1, deployedChecks(st.Deployment)...)
	}
	for _, c := range checks {
		if slices.Contains(leftOut, c.name) {
			continue
		}
		within, cancel := context.WithTimeout(ctx, timeout)
		f := c.run(within, s, st)
		cancel()
		f.Check = c.name
		if err := told(f); err != nil {
			return err
		}
	}
	return nil
}

// all are the checks that every stack has, in the order in which a fault of one
// explains those of the next.
func all() []check {
	return []check{
		{"stack", checkStack},
		{"ledger", checkLedger},
		{"queues", checkQueues},
		{"sources", checkSources},
		{"accounts", checkAccounts},
		{"webhooks", checkScopes},
		{"silent sources", checkSilence},
		{"destinations", checkDestinations},
		{WebhookURL, checkURL},
		{"sweeper", checkDue},
		{"dead events", checkDead},
		{"held events", checkHeld},
		{"parked events", checkParked},
		{"removed destinations", checkRemoved},
		{"unrouted events", checkUnrouted},
		{"variants", checkVariants},
		{"redrive", checkRedrive},
		{"archive", checkArchive},
		{"comparison", checkComparison},
		{"refused requests", checkRefused},
		{Incidents, checkIncidents},
	}
}
