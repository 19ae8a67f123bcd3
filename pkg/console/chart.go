package console

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// A chart is a drawing of few points, made here, so that it needs no script and no
// inline style. Its coordinates are those of its view box, from the left and from the
// top. What it shows stands in a table beside it, too.
type chart struct {
	ID     string // of its title, on the page
	Label  string // what it shows, in a sentence
	Class  string
	Width  float64
	Height float64
	Boxes  []box
	Paths  []stroke
	Texts  []label
}

// box is a filled rectangle, such as a bar or the band of a hold.
type box struct {
	Class, Title string
	X, Y, W, H   float64
}

// stroke is a line, or with a class of an area what lies below one.
type stroke struct{ Class, Title, D string }

// label is a text; Anchor is start, middle or end.
type label struct {
	Class, Anchor, Text string
	X, Y                float64
	Title               string
}

// frame is a panel of a chart: the rectangle, and what its axes measure.
type frame struct {
	left, top, width, height float64
	from, to                 float64 // of the x axis
	top1                     float64 // value at the top; the bottom is 0
}

// x and y place a value. What lies outside is placed on the edge, and what is no
// number at 0.
func (f frame) x(v float64) float64 { return f.left + f.width*share(v-f.from, f.to-f.from) }
func (f frame) y(v float64) float64 { return f.top + f.height*(1-share(v, f.top1)) }

func share(part, whole float64) float64 {
	s := part / whole
	if math.IsNaN(s) || math.IsInf(s, 0) {
		return 0
	}
	return min(1, max(0, s))
}

// at writes a point.
func at(x, y float64) string { return fmt.Sprintf("%.1f %.1f", x, y) }

// step is a value that holds from one time to another.
type step struct{ from, to, value float64 }

// steps draws values that hold for a time, with a gap where nothing is known.
func (f frame) steps(all []step) string {
	var d strings.Builder
	last := math.NaN()
	for _, s := range all {
		if s.to <= f.from || s.from >= f.to {
			continue
		}
		if s.from != last {
			d.WriteString("M" + at(f.x(s.from), f.y(s.value)))
		} else {
			d.WriteString("L" + at(f.x(s.from), f.y(s.value)))
		}
		d.WriteString("L" + at(f.x(s.to), f.y(s.value)))
		last = s.to
	}
	return d.String()
}

// area draws what lies below the values.
func (f frame) area(all []step) string {
	var d strings.Builder
	for _, s := range all {
		if s.to <= f.from || s.from >= f.to || s.value == 0 {
			continue
		}
		d.WriteString("M" + at(f.x(s.from), f.y(0)) + "L" + at(f.x(s.from), f.y(s.value)) + "L" + at(f.x(s.to), f.y(s.value)) + "L" + at(f.x(s.to), f.y(0)) + "Z")
	}
	return d.String()
}

// level draws a line at one value from edge to edge.
func (f frame) level(v float64) string {
	return "M" + at(f.left, f.y(v)) + "L" + at(f.left+f.width, f.y(v))
}

// ceiling is the next round number that is not below v, at least 1.
func ceiling(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) || v <= 1 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 2.5, 5, 10} {
		if unit*n >= v {
			return unit * n
		}
	}
	return 10 * unit
}

// tickEvery are the distances that the marks of a time axis may have.
var tickEvery = []time.Duration{
	10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour,
}

// timeTicks are the marks of a time axis, at most n, at round times of a clock in that
// zone.
func timeTicks(from, to time.Time, n int, zone *time.Location) []time.Time {
	every := tickEvery[len(tickEvery)-1]
	for _, d := range tickEvery {
		if to.Sub(from) <= time.Duration(n)*d {
			every = d
			break
		}
	}
	_, offset := from.In(zone).Zone()
	shift := time.Duration(offset) * time.Second
	first := from.Add(shift).Truncate(every).Add(-shift)
	var ticks []time.Time
	for t := first; !t.After(to) && len(ticks) <= n; t = t.Add(every) {
		if !t.Before(from) {
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// tickText is what stands at a mark.
func tickText(t time.Time, span time.Duration, zone *time.Location) string {
	switch {
	case span > 36*time.Hour:
		return t.In(zone).Format("2 Jan")
	case span < 3*time.Minute:
		return t.In(zone).Format(time.TimeOnly)
	}
	return t.In(zone).Format("15:04")
}
