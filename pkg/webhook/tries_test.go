package webhook_test

import (
	"testing"

	"smartlead-receiver/pkg/webhook"
)

func TestTriesAreAttemptsAndNoLeases(t *testing.T) {
	many := make([]webhook.Attempt, webhook.MaxHistory)
	for i := range many { // two destinations each; the first of lease 5 was forgotten
		many[i] = webhook.Attempt{Number: 5 + (i+1)/2, Destination: "crm", Result: webhook.ResultRetry}
	}
	for name, c := range map[string]struct {
		leases  int
		history []webhook.Attempt
		want    int
	}{
		"none yet":               {leases: 0},
		"under way":              {leases: 1},
		"only waited":            {leases: 7},
		"waited, then delivered": {leases: 3, history: []webhook.Attempt{{Number: 3, Result: webhook.ResultDelivered}}, want: 1},
		"two destinations at once": {leases: 2, history: []webhook.Attempt{
			{Number: 1, Destination: "a", Result: webhook.ResultRetry}, {Number: 1, Destination: "b", Result: webhook.ResultDelivered}, {Number: 2, Destination: "a", Result: webhook.ResultPermanent},
		}, want: 2},
		"wanted by none": {leases: 1, history: []webhook.Attempt{{Number: 1, Result: webhook.ResultUnrouted}}},
		"removed":        {leases: 2, history: []webhook.Attempt{{Number: 1, Result: webhook.ResultRetry}, {Number: 2, Result: webhook.ResultRemoved}}, want: 1},
		"abandoned":      {leases: 1, history: []webhook.Attempt{{Number: 1, Result: webhook.ResultAbandoned}}, want: 1},
		"more than kept": {leases: 35, history: many, want: 35},
	} {
		if got := (webhook.Record{LeaseNumber: c.leases, History: c.history}).Tries(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestWhoMayHaveAnEvent(t *testing.T) {
	attempt := func(destination string, result webhook.Result) []webhook.Attempt {
		return []webhook.Attempt{{Number: 1, Destination: destination, Result: result}}
	}
	for name, c := range map[string]struct {
		record webhook.Record
		want   bool
	}{
		"new":                     {webhook.Record{LeaseNumber: 1}, false},
		"only waited":             {webhook.Record{LeaseNumber: 9}, false},
		"failed there":            {webhook.Record{History: attempt("crm", webhook.ResultRetry)}, true},
		"refused there":           {webhook.Record{History: attempt("crm", webhook.ResultPermanent)}, true},
		"delivered, replayed":     {webhook.Record{History: attempt("crm", webhook.ResultDelivered), Generation: 1}, true},
		"sent elsewhere":          {webhook.Record{History: attempt("other", webhook.ResultRetry)}, false},
		"not wanted before":       {webhook.Record{History: attempt("crm", webhook.ResultUnrouted)}, false},
		"a worker stopped":        {webhook.Record{Abandoned: 1}, true},
		"one may have stopped":    {webhook.Record{LeaseNumber: 9, FirstUnknown: true}, true},
		"died of such":            {webhook.Record{History: attempt("", webhook.ResultAbandoned)}, true},
		"more than is remembered": {webhook.Record{History: make([]webhook.Attempt, webhook.MaxHistory)}, true},
	} {
		if got := c.record.MayHave("crm"); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}
