package console

import (
	"context"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/stack/deployment"
)

// What the functions of a deployed stack count. The chart shows what came in beside what
// became of messages in the same hour, whenever those had come in.
const (
	countedReceived  = "accepted"
	countedHeld      = "held"
	countedRepeat    = "duplicate"
	countedVariant   = "variant"
	countedDelivered = "delivered"
	countedUnrouted  = "unrouted"
	countedDied      = "dead"
)

var counters = []deployment.Counter{
	{Metric: "Events", Outcome: countedReceived}, {Metric: "Events", Outcome: countedHeld},
	{Metric: "Events", Outcome: countedRepeat}, {Metric: "Events", Outcome: countedVariant},
	{Metric: "Processed", Outcome: countedDelivered}, {Metric: "Processed", Outcome: countedUnrouted}, {Metric: "Processed", Outcome: countedDied},
}

const (
	// countedHours is how far back the chart goes.
	countedHours = 24
	// countedStep is how long a span is that CloudWatch counts in: hours begin at a quarter
	// of an hour of UTC in some zones.
	countedStep = 15 * time.Minute
	// countedPatience is how long a page waits for CloudWatch; a later look shows what came.
	countedPatience = 500 * time.Millisecond
)

// countedHour is an hour of CloudWatch's counts.
type countedHour struct {
	At                                            string
	Received, Repeated, Delivered, Unrouted, Died int
}

// cloudCounts is what the overview shows of CloudWatch's counts.
type cloudCounts struct {
	Asked   bool // the stack is deployed: there are counts
	Looking bool
	Looked  stamp
	Refused string // why there are none, in words
	Hours   []countedHour
	Chart   hourChart
}

// cloudCounts reads the counts of the latest hours, or says why there are none. It waits a
// moment for those that nobody has read yet.
func (q *request) cloudCounts() cloudCounts {
	if q.st.Deployment == nil {
		return cloudCounts{}
	}
	look := func() ([]deployment.Counted, time.Time, <-chan struct{}, error) {
		return q.Server.counts.now(q, false, readCounts)
	}
	found, at, looking, err := look()
	if looking != nil && at.IsZero() {
		select {
		case <-looking:
			found, at, looking, err = look()
		case <-time.After(countedPatience):
		case <-q.ctx().Done():
		}
	}
	c := cloudCounts{Asked: true, Looking: looking != nil && at.IsZero(), Looked: q.at(at)}
	switch {
	case problem.Denied(err):
		c.Refused = "the right cloudwatch:GetMetricData is missing: deploy/operator-policy.json has it."
	case err != nil:
		c.Refused = output.Clean(strings.TrimSuffix(problem.Words(err), ".")) + "."
	case !at.IsZero():
		c.Hours = q.countedHours(found)
		c.Chart = countedChart(c.Hours)
	}
	return c
}

func readCounts(ctx context.Context, q *request) ([]deployment.Counted, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	until := q.Now().UTC().Truncate(countedStep).Add(countedStep)
	return q.st.Deployment.Counts(ctx, until.Add(-(countedHours+1)*time.Hour), until, countedStep, counters...)
}

// countedHours sorts counts into the hours of the reader's zone, the oldest first.
func (q *request) countedHours(found []deployment.Counted) []countedHour {
	first := hourOf(q.clock.Now().In(q.zone))
	hours := make([]countedHour, countedHours)
	for i := range hours {
		hours[i].At = first.Add(-time.Duration(i) * time.Hour).Format("2 Jan 15:04")
	}
	for _, c := range found {
		i := int(first.Sub(hourOf(c.At.In(q.zone))) / time.Hour)
		if i < 0 || i >= countedHours {
			continue
		}
		switch h := &hours[i]; c.Outcome {
		case countedReceived, countedHeld:
			h.Received += c.N
		case countedRepeat, countedVariant:
			h.Repeated += c.N
		case countedDelivered:
			h.Delivered += c.N
		case countedUnrouted:
			h.Unrouted += c.N
		case countedDied:
			h.Died += c.N
		}
	}
	slices.Reverse(hours)
	return hours
}

// hourOf is when the hour of a zone began.
func hourOf(t time.Time) time.Time {
	return t.Add(-time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
}

// countedChart draws two bars an hour: what came in, and what became of messages.
func countedChart(hours []countedHour) hourChart {
	const half = barWidth / 2
	c := hourChart{Width: len(hours) * (barWidth + barGap), Height: chartHeight}
	most := 1
	for _, h := range hours {
		most = max(most, h.Received, h.Delivered+h.Unrouted+h.Died)
	}
	for i, h := range hours {
		x := i * (barWidth + barGap)
		bar := hourBar{Title: h.At}
		bar.Parts = append(bar.Parts, stacked(x, half, most, classed{"processing", h.Received})...)
		bar.Parts = append(bar.Parts, stacked(x+half, half, most, classed{"delivered", h.Delivered}, classed{"dead", h.Died}, classed{"held", h.Unrouted})...)
		c.Bars = append(c.Bars, bar)
	}
	return c
}
