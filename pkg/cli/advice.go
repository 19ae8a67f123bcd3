package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// patience is how far behind its due time an event may be before the sweeper
// looks stopped: it runs every minute.
const patience = 5 * time.Minute

func (p *program) overdue(r webhook.Record) bool {
	return !r.DueAt.IsZero() && p.Now().Sub(r.DueAt) > patience
}

// headline says in one sentence where an event stands.
func (p *program) headline(r webhook.Record) string {
	switch r.State {
	case webhook.Pending:
		if r.LeaseNumber == 0 {
			return fmt.Sprintf("pending since %s: no worker has taken it yet", p.when(r.ReceivedAt))
		}
		return fmt.Sprintf("pending: %s; it is tried again %s", p.cause(r), p.ago(orTime(r.NotBefore, r.DueAt)))
	case webhook.Processing:
		if p.Now().After(r.LeaseUntil) {
			return fmt.Sprintf("processing: the worker of attempt %d has not spoken since its time ended %s", r.LeaseNumber, p.ago(r.LeaseUntil))
		}
		return fmt.Sprintf("processing: attempt %d is under way", r.LeaseNumber)
	case webhook.Delivered:
		return fmt.Sprintf("delivered %s%s", p.when(r.DeliveredAt), unrouted(r))
	case webhook.Dead:
		return fmt.Sprintf("dead since %s: %s", p.when(r.DiedAt), p.cause(r))
	case webhook.Held:
		return "held: its body did not carry a secret_key that the source trusts; it is kept and not delivered"
	case webhook.Parked:
		return fmt.Sprintf("parked %s, after %s: %s", p.when(r.UpdatedAt), count(r.Redrives, "redrive", "redrives"), p.cause(r))
	case webhook.Discarded:
		return fmt.Sprintf("discarded %s: given up by an operator", p.when(r.UpdatedAt))
	}
	return string(r.State)
}

func orTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

func unrouted(r webhook.Record) string {
	if len(r.Destinations) == 0 {
		return ""
	}
	for _, d := range r.Destinations {
		if d.Result == webhook.ResultDelivered {
			return ""
		}
	}
	return ", to nobody: no destination wants it"
}

// cause says what failed, in words.
func (p *program) cause(r webhook.Record) string {
	last := lastFailures(r)
	if len(last) == 0 {
		return failureText(r.ErrorClass, r.Error, 0)
	}
	parts := make([]string, 0, len(last))
	for _, a := range last {
		if a.Destination == "" {
			parts = append(parts, failureText(a.ErrorClass, a.Error, a.Status))
			continue
		}
		parts = append(parts, answered(a.Destination, a.Status, a.ErrorClass, a.Error))
	}
	return clean(strings.Join(parts, "; "))
}

// lastFailures is the latest failed attempt of each destination that is not
// settled, in order of their names.
func lastFailures(r webhook.Record) []webhook.Attempt {
	latest := map[string]webhook.Attempt{}
	for _, a := range r.History {
		if a.Result.Settled() {
			delete(latest, a.Destination)
			continue
		}
		latest[a.Destination] = a
	}
	if abandoned, ok := latest[""]; ok && len(latest) > 1 && abandoned.Number < r.LeaseNumber {
		delete(latest, "")
	}
	out := make([]webhook.Attempt, 0, len(latest))
	for _, a := range latest {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b webhook.Attempt) int { return strings.Compare(a.Destination, b.Destination) })
	return out
}

// answered says what became of an attempt at a destination.
func answered(name string, status int, class, text string) string {
	said := fmt.Sprintf("answered %d", status)
	switch {
	case status != 0 && strings.Contains(text, said):
		return fmt.Sprintf("the destination %s: %s", name, clean(text))
	case status != 0 && text != "":
		return fmt.Sprintf("the destination %s %s (%s)", name, said, clean(text))
	case status != 0:
		return fmt.Sprintf("the destination %s %s", name, said)
	}
	return fmt.Sprintf("the destination %s failed: %s", name, failureText(class, text, 0))
}

func failureText(class, text string, status int) string {
	switch {
	case text != "" && class != "":
		return clean(text) + " (" + class + ")"
	case text != "":
		return clean(text)
	case class != "":
		return class
	case status != 0:
		return fmt.Sprintf("HTTP %d", status)
	}
	return "no cause was noted"
}

// notApplied is rule 11 of the protocol: dead does not mean not applied.
const notApplied = "Dead does not mean not applied: the last answer may have been lost. " +
	"A replay carries the same idempotency key, so a destination that dedupes by it applies the event once."

// advice says what an operator may do next; one line each.
func (p *program) advice(r webhook.Record) []string {
	self := p.self()
	id := quote(string(r.ID))
	var lines []string
	switch r.State {
	case webhook.Pending, webhook.Processing:
		lines = append(lines, p.adviceUnderWay(r))
	case webhook.Delivered:
		lines = append(lines, "Nothing: every destination is settled.",
			fmt.Sprintf("To deliver it once more: %s events replay %s", self, id),
			"Destinations dedupe by the idempotency key; add --again when the effect itself is wanted again.")
	case webhook.Dead:
		lines = append(lines,
			fmt.Sprintf("When what failed is fixed: %s events replay %s", self, id),
			fmt.Sprintf("Many with the same cause, at a pace: %s redrive plan --error-class %s", self, quote(dash(r.ErrorClass))),
			fmt.Sprintf("To set it aside: %s events park %s; to give it up: %s events discard %s", self, id, self, id),
			notApplied)
	case webhook.Held:
		lines = append(lines,
			fmt.Sprintf("If the API key was changed: %s sources trust-key %s, which then releases what it held", self, quote(r.Source)),
			fmt.Sprintf("If you know this one event to be real: %s events release %s", self, id),
			fmt.Sprintf("If it is forged: %s events discard %s", self, id))
	case webhook.Parked:
		lines = append(lines,
			fmt.Sprintf("To try it again: %s events replay %s", self, id),
			fmt.Sprintf("To give it up: %s events discard %s", self, id), notApplied)
	case webhook.Discarded:
		lines = append(lines, "Nothing brings it back. If it is wanted after all, send its payload again under another identity, or fire it again at Smartlead.")
	}
	if r.Variants > 0 {
		lines = append(lines, fmt.Sprintf("Another body came under the same identity: %s events variants %s", self, id))
	}
	return lines
}

func (p *program) adviceUnderWay(r webhook.Record) string {
	switch {
	case p.overdue(r):
		return fmt.Sprintf("It is overdue since %s: the sweeper should have sent it. See: %s doctor", p.ago(r.DueAt), p.self())
	case r.State == webhook.Processing && p.Now().After(r.LeaseUntil):
		return fmt.Sprintf("Nothing: the sweeper hands it to another worker %s.", p.ago(r.DueAt))
	case r.NotBefore.After(p.Now()):
		return fmt.Sprintf("Nothing: it is retried by itself %s.", p.ago(r.NotBefore))
	}
	return "Nothing: it is on its way."
}
