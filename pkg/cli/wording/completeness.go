package wording

import (
	"fmt"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
)

// Standing says where the schedule of comparisons with Smartlead stands. Self is how
// smartleadctl is called. Nothing in it is text from outside as it came.
func Standing(st scheduled.State, now time.Time, self string) (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	switch {
	case st.Off != "":
		say("nothing is compared: %s. Keep one: %s reconcile set-key", output.Clean(st.Off), self)
		return lines
	case st.OnSince.IsZero():
		say("the function has compared nothing yet: it looks every five minutes for a key (%s reconcile set-key)", self)
		return lines
	}
	if r := st.Run; r != nil {
		say("a %s look is under way since %s: %s done, %s so far", r.Look, output.Stamp(r.StartedAt), output.Count(r.Campaigns, "campaign", "campaigns"), output.Count(r.Calls, "call", "calls"))
	} else {
		say("the next run is due at %s", output.Stamp(st.DueAt))
	}
	if st.Cause != "" {
		say("it could not go on: %s", output.Clean(st.Cause))
	}
	if st.PausedUntil.After(now) {
		say("Smartlead is not asked before %s", output.Stamp(st.PausedUntil))
	}
	if !st.AskedAt.IsZero() {
		say("a second look was asked for at %s, and begins within five minutes", output.Stamp(st.AskedAt))
	}
	if age := st.Age(now); age > 24*time.Hour {
		say("no run has succeeded for %s", output.Span(age))
	}
	if d := st.Drift; !d.At.IsZero() {
		say("as of %s: %s missing in %s, %s not compared or not whole", output.Stamp(d.At), output.Count(d.Counts[reconcile.Missing], "event is", "events are"),
			output.Count(d.Campaigns, "campaign", "campaigns"), output.Count(d.Unproven, "campaign is", "campaigns are"))
	}
	say("%s of Smartlead's API within the last hour", output.Count(st.CallsOfLastHour(now), "call", "calls"))
	return lines
}

// Compared says what the counts of a type do not.
func Compared(count reconcile.TypeCount) (lines []string) {
	say := func(format string, args ...any) {
		lines = append(lines, string(count.Type)+": "+fmt.Sprintf(format, args...))
	}
	if count.Counts[reconcile.Missing] > 0 && count.Arrived == 0 {
		say("none of this type arrived: it may not be ticked in the webhook")
	}
	if count.Repeats > 0 {
		say("Smartlead counts %s more of mails whose first event is here; it does not tell when, so nobody can say whether each arrived", output.Thousands(count.Repeats))
	}
	if count.Undelivered > 0 {
		say("%s arrived and not been delivered", output.Count(count.Undelivered, "event has", "events have"))
	}
	return lines
}

// KeptOf says what the counts that are kept of a campaign do not.
func KeptOf(c scheduled.Campaign, of scheduled.Drift) (lines []string) {
	now := c.Now()
	if of.LeavesOut(c) {
		lines = append(lines, fmt.Sprintf("Smartlead has not listed it since %s, as it does with archived and deleted ones: it is no longer counted above", output.Stamp(c.LookedAt)))
	}
	if c.Cause != "" {
		lines = append(lines, fmt.Sprintf("not compared, or not whole, since %s: %s", output.Stamp(c.CauseSince), output.Clean(c.Cause)))
	}
	if now.Of(reconcile.Missing) > 0 && !c.Arrived {
		lines = append(lines, "no event of it ever arrived: does its webhook lead here, and is the API key of this account?")
	}
	for _, count := range now.Types {
		lines = append(lines, Compared(count)...)
	}
	if c.Repaired.Says != "" {
		lines = append(lines, fmt.Sprintf("repair at %s: %s", output.Stamp(c.RepairedAt), output.Clean(c.Repaired.Says)))
	}
	return lines
}
