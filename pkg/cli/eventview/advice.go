package eventview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

// NotApplied is rule 11 of the protocol: dead does not mean not applied.
const NotApplied = "Dead does not mean not applied: the last answer may have been lost. " +
	"A replay carries the same idempotency key, so a destination that dedupes by it applies the event once."

// Advice says what an operator may do next; one line each. self is how this
// program was called, id how the event is called there.
func Advice(c output.Clock, self, id string, r webhook.Record) []string {
	id = output.Quote(id)
	var lines []string
	if r.Erased() {
		return append(lines, "Nothing: it was erased, and nothing can be delivered of it.")
	}
	switch r.State {
	case webhook.Pending, webhook.Processing:
		lines = append(lines, adviceUnderWay(c, self, r))
	case webhook.Delivered:
		lines = append(lines, "Nothing: every destination is settled.",
			fmt.Sprintf("To deliver it once more: %s events replay %s", self, id),
			"Destinations dedupe by the idempotency key; add --again when the effect itself is wanted again.")
	case webhook.Unrouted:
		if r.ErrorClass == webhook.ClassDestinationRemoved {
			lines = append(lines, fmt.Sprintf("Add the destination that should have it: %s destinations add", self))
		} else {
			lines = append(lines, fmt.Sprintf("Nothing, if nobody should have it. What the filters want: %s destinations list", self))
		}
		lines = append(lines,
			fmt.Sprintf("Then, to deliver it to the destinations that are configured now: %s events replay %s", self, id))
	case webhook.Dead:
		lines = append(lines,
			fmt.Sprintf("When what failed is fixed: %s events replay %s", self, id),
			manyLike(self, r.ErrorClass),
			fmt.Sprintf("To set it aside: %s events park %s; to give it up: %s events discard %s", self, id, self, id),
			NotApplied)
	case webhook.Held:
		lines = append(lines,
			fmt.Sprintf("If the API key was changed: %s sources trust-key %s, which then releases what it held", self, output.Quote(r.Source)),
			fmt.Sprintf("If you know this one event to be real: %s events release %s", self, id),
			fmt.Sprintf("If it is forged: %s events discard %s", self, id))
	case webhook.Parked:
		lines = append(lines,
			fmt.Sprintf("To try it again: %s events replay %s", self, id),
			fmt.Sprintf("To give it up: %s events discard %s", self, id), NotApplied)
	case webhook.Discarded:
		back := "Nothing brings it back: the same event, sent again, is a duplicate of it."
		if slices.Contains(r.Flags, webhook.FlagUntrustedSender) {
			back = "Nothing brings it back but the same event, sent again with a secret_key that the source trusts."
		}
		lines = append(lines, back,
			fmt.Sprintf("What it said, for whoever wants it after all: %s events show %s --raw", self, id))
	}
	if r.Variants > 0 {
		lines = append(lines, fmt.Sprintf("Another body came under the same identity, and was not delivered. How it differs: %s events variants %s", self, id),
			fmt.Sprintf("To deliver one of them as an event of its own: %s events split %s FINGERPRINT", self, id))
	}
	return lines
}

func adviceUnderWay(c output.Clock, self string, r webhook.Record) string {
	switch {
	case Overdue(c.Now(), r):
		return fmt.Sprintf("It was due %s: the sweeper should have sent it. See: %s doctor", c.Ago(r.DueAt), self)
	case r.State == webhook.Processing && c.Now().After(r.DueAt):
		return "Nothing: the sweeper hands it to another worker within a minute."
	case r.State == webhook.Processing && c.Now().After(r.LeaseUntil):
		return fmt.Sprintf("Nothing: the sweeper hands it to another worker %s.", c.Ago(r.DueAt))
	case r.NotBefore.After(c.Now()):
		return fmt.Sprintf("Nothing: it is retried by itself %s.", c.Ago(r.NotBefore))
	}
	return "Nothing: it is on its way."
}

// Note is what is worth knowing of an event in a listing.
func Note(c output.Clock, r webhook.Record) string {
	var notes []string
	add := func(on bool, format string, args ...any) {
		if on {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	add(r.State == webhook.Unrouted && r.ErrorClass == webhook.ClassDestinationRemoved, "its destination was removed")
	add(!r.State.Settled() && r.ErrorClass != "", "%s", classOf(r))
	add(r.Erased(), "erased")
	add(r.State == webhook.Dead, "died %s", c.Ago(r.DiedAt))
	add(Waits(r) != "", "%s", Waits(r))
	add(r.State == webhook.Pending && r.NotBefore.After(c.Now()), "retried %s", c.Ago(r.NotBefore))
	add(r.State == webhook.Pending && refusedBy(r) != "", "refused by %s", refusedBy(r))
	add(Overdue(c.Now(), r), "overdue")
	add(r.Generation > 0, "replayed %d×", r.Generation)
	add(r.Redrives > 0, "redriven %d×", r.Redrives)
	add(r.Duplicates > 0, "%s", output.Count(r.Duplicates, "duplicate", "duplicates"))
	add(r.Variants > 0, "%s", output.Count(r.Variants, "variant", "variants"))
	notes = append(notes, r.Flags...)
	return strings.Join(notes, ", ")
}

// classOf is the class of what an event waits or died of: of one that is retried, of what
// is retried.
func classOf(r webhook.Record) string {
	if tried := retried(LastFailures(r)); r.State == webhook.Pending && len(tried) > 0 {
		return slices.MaxFunc(tried, func(a, b webhook.Attempt) int { return cmp.Compare(a.Number, b.Number) }).ErrorClass
	}
	return r.ErrorClass
}

// manyLike is how events that died of the same cause are brought back.
func manyLike(self, class string) string {
	if class == "" {
		return fmt.Sprintf("Many, at a pace: %s redrive plan", self)
	}
	return fmt.Sprintf("Many with the same cause, at a pace: %s redrive plan --error-class %s", self, output.Quote(class))
}
