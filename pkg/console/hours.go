package console

import (
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// hour is what arrived in an hour, by what became of it.
type hour struct {
	At                               string
	Delivered, UnderWay, Dead, Other int
}

// Sum is all that arrived.
func (h hour) Sum() int { return h.Delivered + h.UnderWay + h.Dead + h.Other }

// maxHours bounds the bars.
const maxHours = 24

// hours counts events, the newest first, into hours, the oldest first, with those in
// which nothing arrived; at most maxHours of them, the latest.
func (q *request) hours(list []webhook.Record) []hour {
	first := hourOf(q.clock.Now().In(q.zone))
	counted := make([]hour, 1, maxHours)
	at := func(i int) string { return first.Add(-time.Duration(i) * time.Hour).Format("2 Jan 15:04") }
	counted[0].At = at(0)
	for _, r := range list {
		i := 0
		if before := first.Sub(r.ReceivedAt); before > 0 {
			i = 1 + int((before-1)/time.Hour)
		}
		if i >= maxHours {
			break
		}
		for len(counted) <= i {
			counted = append(counted, hour{At: at(len(counted))})
		}
		counted[i].add(r.State)
	}
	slices.Reverse(counted)
	return counted
}

func (h *hour) add(state webhook.State) {
	switch state {
	case webhook.Delivered:
		h.Delivered++
	case webhook.Pending, webhook.Processing:
		h.UnderWay++
	case webhook.Dead:
		h.Dead++
	case webhook.Held, webhook.Parked, webhook.Unrouted, webhook.Discarded:
		h.Other++
	}
}

// hourChart is a drawing of hours: one bar each, its parts one above the other.
type hourChart struct {
	Width, Height int
	Bars          []hourBar
}

type hourBar struct {
	Title string
	Parts []barPart
}

type barPart struct {
	Class      string
	X, Y, W, H int
}

const (
	chartHeight = 64
	barWidth    = 16
	barGap      = 4
)

func chartOf(hours []hour) hourChart {
	c := hourChart{Width: len(hours) * (barWidth + barGap), Height: chartHeight}
	most := 1
	for _, h := range hours {
		most = max(most, h.Sum())
	}
	for i, h := range hours {
		c.Bars = append(c.Bars, hourBar{h.At, stacked(i*(barWidth+barGap), barWidth, most,
			classed{"delivered", h.Delivered}, classed{"processing", h.UnderWay}, classed{"dead", h.Dead}, classed{"held", h.Other})})
	}
	return c
}

// classed is a number that a part of a bar stands for.
type classed struct {
	class string
	n     int
}

// stacked are the parts of a bar, one above the other; the whole height stands for most.
func stacked(x, width, most int, parts ...classed) (drawn []barPart) {
	y := chartHeight
	for _, part := range parts {
		if part.n == 0 {
			continue
		}
		height := max(2, part.n*(chartHeight-8)/most) // also one event is seen
		y -= height
		drawn = append(drawn, barPart{part.class, x, y, width, height})
	}
	return drawn
}
