package eventview

import (
	"fmt"
	"strings"

	"smartlead-receiver/pkg/webhook"
)

// Stands says how far one destination is with an event.
func Stands(r webhook.Record, d webhook.Progress) string {
	over := r.State == webhook.Dead || r.State == webhook.Parked || r.State == webhook.Discarded
	switch {
	case d.Result == webhook.ResultUnrouted:
		return "not wanted by its filter or its kind"
	case d.Result == webhook.ResultRemoved:
		return "removed since"
	case d.Result.Settled():
		return string(d.Result)
	case d.Result == webhook.ResultPermanent:
		return "refused for good"
	case over:
		return "failed"
	case d.Waiting != "":
		return "waits, since " + waiting(d.Waiting)
	case d.Attempts > 0:
		return "failed, is retried"
	case d.Postponed > 0:
		return "postponed, is retried"
	}
	if r.State == webhook.Processing || r.Abandoned > 0 || r.FirstUnknown {
		return "no outcome yet" // its worker has not reported, and may have sent it
	}
	return "not tried yet"
}

// waiting says why nothing may be sent.
func waiting(cause string) string {
	switch cause {
	case webhook.WaitPaused:
		return "the destination is paused"
	case webhook.WaitOpen:
		return "the destination fails too often"
	case webhook.WaitTurn, webhook.WaitLine:
		return "the destination has its rate"
	case webhook.WaitTooMany:
		return "no more may be sent to it at once for now"
	}
	return cause
}

// Waits says which destinations of a pending event may not be sent it now, and why;
// empty where there is none.
func Waits(r webhook.Record) string {
	if r.State != webhook.Pending {
		return ""
	}
	var waits []string
	for _, d := range r.Destinations {
		if d.Waiting != "" {
			waits = append(waits, d.Name+" waits, since "+waiting(d.Waiting))
		}
	}
	return strings.Join(waits, "; ")
}

// Attempted counts the attempts that the budget has, and those that it does not.
func Attempted(d webhook.Progress) string {
	if d.Postponed > 0 {
		return fmt.Sprintf("%d and %d postponed", d.Attempts, d.Postponed)
	}
	return fmt.Sprint(d.Attempts)
}
