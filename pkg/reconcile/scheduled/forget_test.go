package scheduled_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
)

func TestALeadIsTakenOutOfWhatIsKept(t *testing.T) {
	w := newWorld(t, 2, lostReplies(1))
	w.toEnd()
	findings := scheduled.Findings{Documents: &w.docs, Now: w.service().Now}
	lead := w.campaigns()[1].Now().Findings[0].Lead
	mentions := func(text string) bool { return strings.Contains(text, lead) }
	count := func() int {
		n, err := findings.Mentions(t.Context(), mentions, func() {})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if count() != 1 {
		t.Fatalf("%s stands in %d findings", lead, count())
	}
	if n, err := findings.Forget(t.Context(), mentions, func() {}); n != 1 || err != nil || count() != 0 {
		t.Errorf("%d, %v, and in %d still", n, err, count())
	}
	for name, d := range w.docs.kept {
		if strings.Contains(string(d.Body), lead) {
			t.Errorf("%s stands in %s", lead, name)
		}
	}
	if c := w.campaigns()[1]; c.Now().Of(reconcile.Missing) != 2 || len(c.Now().Findings) != 2 {
		t.Errorf("the count is gone, too: %+v", c.Now())
	}
	if n, err := findings.Forget(t.Context(), mentions, func() {}); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	if sum := w.run(); sum.Err != nil { // the document that was written is the run's still
		t.Error(sum.Err)
	}
}
