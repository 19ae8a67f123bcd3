package eventview

import (
	"fmt"

	"smartlead-receiver/pkg/webhook"
)

// Stands says how far one destination is with an event.
func Stands(r webhook.Record, d webhook.Progress) string {
	over := r.State == webhook.Dead || r.State == webhook.Parked || r.State == webhook.Discarded
	switch {
	case d.Result == webhook.ResultUnrouted:
		return "not wanted by its filter"
	case d.Result == webhook.ResultRemoved:
		return "removed since"
	case d.Result.Settled():
		return string(d.Result)
	case d.Result == webhook.ResultPermanent:
		return "refused for good"
	case over:
		return "failed"
	case d.Attempts > 0:
		return "failed, is retried"
	case d.Postponed > 0:
		return "postponed, is retried"
	}
	return "not tried yet"
}

// Attempted counts the attempts that the budget has, and those that it does not.
func Attempted(d webhook.Progress) string {
	if d.Postponed > 0 {
		return fmt.Sprintf("%d and %d postponed", d.Attempts, d.Postponed)
	}
	return fmt.Sprint(d.Attempts)
}
