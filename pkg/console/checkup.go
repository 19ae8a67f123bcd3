package console

import (
	"context"
	"fmt"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/checks"
	"smartlead-receiver/pkg/cli/output"
)

// checkupPage has what doctor finds. The checks are made in the background, for every
// tab at once: what they read is none of the page's.
var checkupPage = page{path: "/checkup", file: "checkup.html", title: "Doctor", under: "/", read: func(q *request) (any, error) { return q.checkup(false), nil }}

// lookEvery is how long what was found out in the background is good enough. The checks
// read up to 3,000 units, most of them where sources sent very much; the count of the
// dead up to 130.
const lookEvery = 5 * time.Minute

// checkup is what the doctor found.
type checkup struct {
	Looked  stamp // zero: not yet
	Looking bool
	Says    string // how many checks went how
	Open    bool   // it is worth seeing at once
	Rows    []checkRow
	CSRF    string
}

// checkRow is a check and what to do about it.
type checkRow struct {
	Check, Detail, Next string
	Mark                jobMark
}

var resultMarks = map[string]jobMark{
	checks.Bad: {"fails", "✗", "dead"}, checks.Note: {"note", "!", "held"}, checks.OK: {"fine", "✓", "delivered"},
}

// checkup shows what was found; anew asks for another look.
func (q *request) checkup(anew bool) checkup {
	found, at, looking, _ := q.Server.checkup.now(q, anew, lookAround)
	c := checkup{Looked: q.at(at), Looking: looking != nil, CSRF: q.session.csrf}
	counts := map[string]int{}
	for _, result := range []string{checks.Bad, checks.Note, checks.OK} {
		for _, f := range found {
			if f.Result == result {
				counts[result]++
				c.Rows = append(c.Rows, checkRow{output.Clean(f.Check), output.Clean(f.Detail), output.Clean(f.Next), resultMarks[result]})
			}
		}
	}
	c.Open = counts[checks.Bad] > 0
	var says []string
	for _, part := range []struct{ result, words string }{{checks.Bad, "✗ %d failed"}, {checks.Note, "! %d to know"}, {checks.OK, "✓ %d fine"}} {
		if n := counts[part.result]; n > 0 {
			says = append(says, fmt.Sprintf(part.words, n))
		}
	}
	c.Says = strings.Join(says, ", ")
	return c
}

// lookAround makes the checks. A right that is missing, or a part that does not answer,
// is a finding of its own.
func lookAround(ctx context.Context, q *request) ([]checks.Finding, error) {
	leftOut := []string{checks.Incidents}
	if q.st.Token == "" {
		leftOut = append(leftOut, checks.WebhookURL)
	}
	var all []checks.Finding
	err := checks.Look(ctx, checks.Asker{Clock: q.Now, Self: q.Self, Local: q.Local, Stack: q.Name, HTTP: q.HTTP}, q.st, func(f checks.Finding) error {
		all = append(all, f)
		return ctx.Err()
	}, leftOut...)
	return all, err
}

// lookAction has the doctor look again.
var lookAction = action{path: "/checkup", do: func(q *request) (*done, error) {
	q.checkup(true)
	return &done{To: "/"}, nil
}}

// deadTally is how many dead events there are, as far as they were counted.
type deadTally struct {
	n    int
	more bool
}

// String says 3,000+ where there are more than were counted.
func (d deadTally) String() string {
	if d.more {
		return output.Thousands(d.n) + "+"
	}
	return output.Thousands(d.n)
}

// deadInBar is how many events are dead, for the bar: as of a while ago, or "" where
// nobody has counted yet, or none is.
func (s *Server) deadInBar(q *request) (count string, at stamp) {
	if q.st == nil || q.Header.Get("HX-Request") == "true" { // a fragment has no bar
		return "", stamp{}
	}
	tally, counted, _, err := s.dead.now(q, false, tallyDead)
	if err != nil || counted.IsZero() || tally.n == 0 {
		return "", stamp{}
	}
	return tally.String(), q.at(counted)
}

func tallyDead(ctx context.Context, q *request) (deadTally, error) {
	var t deadTally
	for _, err := range q.st.Ledger.DeadSummaries(ctx, q.Now().Add(time.Hour)) {
		if err != nil {
			return t, err
		}
		if t.more = t.n == countedDead; t.more {
			break
		}
		t.n++
	}
	return t, nil
}
