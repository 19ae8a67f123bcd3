package eventview

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

// Patience is how far behind its due time an event may be before the sweeper
// looks stopped: it runs every minute.
const Patience = 5 * time.Minute

// Overdue tells whether the sweeper should have sent an event long ago.
func Overdue(now time.Time, r webhook.Record) bool {
	return !r.DueAt.IsZero() && now.Sub(r.DueAt) > Patience
}

// Headline says in one sentence where an event stands.
func Headline(c output.Clock, r webhook.Record) string {
	switch r.State {
	case webhook.Pending:
		if r.LeaseNumber == 0 {
			return fmt.Sprintf("pending since %s: no worker has taken it yet", c.When(r.ReceivedAt))
		}
		again, why := orTime(r.NotBefore, r.DueAt), goesOnBy(r)
		if !again.After(c.Now()) {
			return fmt.Sprintf("pending: %s; its next attempt was due %s", why, c.Ago(again))
		}
		return fmt.Sprintf("pending: %s; it is tried again %s", why, c.Ago(again))
	case webhook.Processing:
		if c.Now().After(r.LeaseUntil) {
			return fmt.Sprintf("processing: the worker of attempt %d has not spoken since its time ended %s", r.LeaseNumber, c.Ago(r.LeaseUntil))
		}
		return fmt.Sprintf("processing: attempt %d is under way", r.LeaseNumber)
	case webhook.Delivered:
		return fmt.Sprintf("delivered %s", c.When(r.DeliveredAt))
	case webhook.Unrouted:
		return fmt.Sprintf("unrouted since %s: %s", c.When(r.UpdatedAt), Nobody(r))
	case webhook.Dead:
		return fmt.Sprintf("dead since %s: %s", c.When(r.DiedAt), Cause(r))
	case webhook.Held:
		return "held: its body did not carry a secret_key that the source trusts; it is kept and not delivered"
	case webhook.Parked:
		return fmt.Sprintf("parked %s, after %s: %s", c.When(r.UpdatedAt), output.Count(r.Redrives, "redrive", "redrives"), Cause(r))
	case webhook.Discarded:
		return fmt.Sprintf("discarded %s: given up by an operator", c.When(r.UpdatedAt))
	}
	return string(r.State)
}

// goesOnBy says why a pending event has not ended: by what is tried again, and apart from
// it who is not asked again.
func goesOnBy(r webhook.Record) string {
	tried, refused := causes(retried(LastFailures(r))), refusedBy(r)
	why := output.OrText(Waits(r), tried)
	if refused == "" || why == "" {
		return output.OrText(why, Cause(r))
	}
	return why + "; " + refused + " refused it for good, and is not asked again"
}

// retried leaves out the attempts behind which a destination is not asked again.
func retried(list []webhook.Attempt) []webhook.Attempt {
	return slices.DeleteFunc(list, func(a webhook.Attempt) bool { return a.Result == webhook.ResultPermanent })
}

// refusedBy names the destinations that refused an event for good; "" where none did.
func refusedBy(r webhook.Record) string {
	var names []string
	for _, d := range r.Destinations {
		if d.Result == webhook.ResultPermanent {
			names = append(names, d.Name)
		}
	}
	return strings.Join(names, " and ")
}

func orTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

// Nobody says why no destination has an unrouted event.
func Nobody(r webhook.Record) string {
	names := make(map[webhook.Result][]string)
	for _, d := range r.Destinations {
		names[d.Result] = append(names[d.Result], d.Name)
	}
	gone, unwanting := strings.Join(names[webhook.ResultRemoved], " and "), strings.Join(names[webhook.ResultUnrouted], " or ")
	switch {
	case gone != "" && unwanting != "":
		return fmt.Sprintf("no destination has it: %s removed while it waited, and not wanted by the filter or the kind of %s", wasOrWere(gone), unwanting)
	case gone != "":
		return fmt.Sprintf("no destination has it: %s removed while it waited", wasOrWere(gone))
	case unwanting != "":
		return "no destination has it: not wanted by the filter or the kind of " + unwanting
	}
	return "there was no destination"
}

func wasOrWere(names string) string {
	if strings.Contains(names, " and ") {
		return names + " were"
	}
	return names + " was"
}

// Cause says what failed, in words.
func Cause(r webhook.Record) string {
	last := LastFailures(r)
	if len(last) == 0 {
		return FailureText(r.ErrorClass, r.Error, 0)
	}
	return causes(last)
}

// causes says what failed in each attempt.
func causes(list []webhook.Attempt) string {
	parts := make([]string, 0, len(list))
	for _, a := range list {
		if a.Destination == "" {
			parts = append(parts, FailureText(a.ErrorClass, a.Error, a.Status))
			continue
		}
		parts = append(parts, Answered(a.Destination, a.Status, a.ErrorClass, a.Error))
	}
	return output.Clean(strings.Join(parts, "; "))
}

// LastFailures is the latest failed attempt of each destination that is not
// settled, in order of their names. Where those that have the event now failed, one from
// which it was handed over is left out.
func LastFailures(r webhook.Record) []webhook.Attempt {
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
	for _, d := range r.Destinations {
		if _, failed := latest[d.Name]; failed {
			maps.DeleteFunc(latest, func(name string, _ webhook.Attempt) bool { return name != "" && !has(r, name) })
			break
		}
	}
	out := make([]webhook.Attempt, 0, len(latest))
	for _, a := range latest {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b webhook.Attempt) int { return strings.Compare(a.Destination, b.Destination) })
	return out
}

func has(r webhook.Record, destination string) bool {
	return slices.ContainsFunc(r.Destinations, func(p webhook.Progress) bool { return p.Name == destination })
}

// Answered says what became of an attempt at a destination.
func Answered(name string, status int, class, text string) string {
	said := fmt.Sprintf("answered %d", status)
	switch {
	case status != 0 && strings.Contains(text, said):
		return fmt.Sprintf("the destination %s: %s", name, output.Clean(text))
	case status != 0 && text != "":
		return fmt.Sprintf("the destination %s %s (%s)", name, said, output.Clean(text))
	case status != 0:
		return fmt.Sprintf("the destination %s %s", name, said)
	}
	return fmt.Sprintf("the destination %s failed: %s", name, FailureText(class, text, 0))
}

// FailureText says what failed, from what is known of it.
func FailureText(class, text string, status int) string {
	switch {
	case text != "" && class != "":
		return output.Clean(text) + " (" + class + ")"
	case text != "":
		return output.Clean(text)
	case class != "":
		return class
	case status != 0:
		return fmt.Sprintf("HTTP %d", status)
	}
	return "no cause was noted"
}
