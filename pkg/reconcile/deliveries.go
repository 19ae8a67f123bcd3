package reconcile

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// Summary tells what Smartlead counts of its own deliveries; smartleadapi.Client does.
type Summary interface {
	Deliveries(ctx context.Context, campaign string, w smartleadapi.Window) (smartleadapi.Deliveries, error)
}

// Refusals lists the requests that were not accepted; ledger.Ledger does.
type Refusals interface {
	EachRejected(ctx context.Context, since, until time.Time) iter.Seq2[webhook.RejectedRequest, error]
}

// Agreement is how Smartlead's count of its deliveries stands to what was accepted here.
type Agreement string

const (
	// Agrees: what it counts as delivered is between the least and the most that was
	// accepted here.
	Agrees Agreement = "agrees"
	// MoreThere: it counts more as delivered than was accepted here.
	MoreThere Agreement = "more_there"
	// FewerThere: it counts fewer.
	FewerThere Agreement = "fewer_there"
)

// Deliveries compares counts of requests. They are never equal for sure: several events
// may come in one request, one event in several, and of a duplicate only the last receipt
// has a time.
type Deliveries struct {
	There smartleadapi.Deliveries
	// Least and Most are how many requests with events of the campaign were accepted in the
	// window: Least without duplicates and without what came near its ends, Most with both.
	Least, Most int
	// Refused is how many requests were refused in the window, of anybody, because a
	// request that is refused is not read. -1: it is not known.
	Refused   int
	Agreement Agreement
	Cause     error // why nothing is compared: the counts there are not known
}

const (
	// edge is how far from an end of the window a request may count on either side of it.
	edge = 5 * time.Minute
	// refusalsKept is how long refused requests are certainly kept.
	refusalsKept = 13 * 24 * time.Hour
	// maxRefused bounds the refused requests that are looked at.
	maxRefused = 20_000
)

// TheirSide tells that Smartlead counts deliveries as failed while nothing was refused
// here, so that they did not fail by an answer of this receiver that it knows of.
func (d Deliveries) TheirSide() bool {
	return d.Cause == nil && d.There.Failed > 0 && d.Refused == 0
}

// Says is the outcome in a sentence.
func (d Deliveries) Says() string {
	switch {
	case d.Cause != nil:
		return "Smartlead's count of its deliveries is not known"
	case d.Agreement == MoreThere:
		return fmt.Sprintf("Smartlead counts %d deliveries as successful, and at most %d were accepted here: it counts those to other addresses, too, "+
			"and what was accepted may be older than events are kept", d.There.Succeeded, d.Most)
	case d.Agreement == FewerThere:
		return fmt.Sprintf("Smartlead counts %d deliveries as successful, and at least %d were accepted here: its count may lag, "+
			"and does not have what a webhook of the user or the client brought", d.There.Succeeded, d.Least)
	}
	return fmt.Sprintf("Smartlead counts %d deliveries as successful, and between %d and %d were accepted here", d.There.Succeeded, d.Least, d.Most)
}

// countDeliveries reads what Smartlead counts for a campaign, and compares it.
func (s *Service) countDeliveries(ctx context.Context, id string, w smartleadapi.Window, side *sides, refused int) *Deliveries {
	d := &Deliveries{Refused: refused}
	if d.There, d.Cause = s.Summary.Deliveries(ctx, id, w); d.Cause != nil {
		return d
	}
	least, most := map[string]bool{}, map[string]bool{}
	again := 0
	for _, a := range side.accepted {
		if a.at.Before(w.Since.Add(-edge)) || !a.at.Before(w.Until.Add(edge)) {
			continue
		}
		most[a.request] = true
		again += a.again
		if a.at.After(w.Since.Add(edge)) && a.at.Before(w.Until.Add(-edge)) {
			least[a.request] = true
		}
	}
	d.Least, d.Most = len(least), len(most)+again
	switch {
	case d.There.Succeeded > d.Most:
		d.Agreement = MoreThere
	case d.There.Succeeded < d.Least:
		d.Agreement = FewerThere
	default:
		d.Agreement = Agrees
	}
	return d
}

// acceptance is the first receipt of an event.
type acceptance struct {
	at      time.Time
	request string
	again   int // further receipts, at whatever time
}

var errSeen = errors.New("seen enough")

// countRefused counts the requests that were refused in a window; -1: it is not known.
func (s *Service) countRefused(ctx context.Context, w smartleadapi.Window) int {
	if s.Refusals == nil || s.Now().Sub(w.Since) > refusalsKept {
		return -1
	}
	n := 0
	err := func() error {
		for _, err := range s.Refusals.EachRejected(ctx, w.Since.Add(-edge), w.Until.Add(edge)) {
			if err != nil {
				return err
			}
			if n++; n > maxRefused {
				return errSeen
			}
		}
		return nil
	}()
	if err != nil && !errors.Is(err, errSeen) {
		return -1
	}
	return n
}

// SupportText is what to send to Smartlead's support where the deliveries of a campaign
// failed on its side; empty where that cannot be said. It names no lead and no address.
func (r Report) SupportText(c Campaign) string {
	if c.Deliveries == nil || !c.Deliveries.TheirSide() {
		return ""
	}
	d := c.Deliveries
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
	line("Subject: Webhook deliveries of campaign %s fail on your side", c.ID)
	line("")
	line("Campaign: %s", c.ID)
	line("Time: %s to %s", stamp(r.Window.Since), stamp(r.Window.Until))
	line("By GET /campaigns/%s/webhooks/summary: %d calls, %d successful, %d failed.", c.ID, d.There.Total, d.There.Succeeded, d.There.Failed)
	line("In that time our endpoint recorded %d requests as refused, and accepted between %d and %d requests with events of the campaign.", d.Refused, d.Least, d.Most)
	for _, t := range c.Types {
		if n := t.Counts[Missing]; n > 0 {
			line("By your API it happened, and no event of it arrived: %d × %s.", n, t.Type)
		}
	}
	line("")
	line("Which status or error do your delivery logs have for the failed calls, and to which webhook id did they go?")
	line("Is a webhook of the campaign disabled, or overridden by one of the user level?")
	line("Please post the failed calls again, or say why that is not possible.")
	return b.String()
}
