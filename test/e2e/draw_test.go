//go:build e2e

package e2e

import (
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// The picture's measures, in pixels: a dashboard has 24 columns.
const (
	column, unit = 50, 40
	period       = 5 * time.Second // of a point; CloudWatch shows five minutes
)

// lineColours are those of CloudWatch's lines, in their order.
var lineColours = []string{"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f"}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder never fails
	return b.String()
}

// drawDashboard draws the widgets of a dashboard with what was counted.
func drawDashboard(widgets []widget, states map[string]cwtypes.StateValue, counted map[string][]sample, lines []logLine) string {
	height := 0
	for _, w := range widgets {
		height = max(height, (w.Y+w.Height)*unit)
	}
	c := canvas{states: states, counted: counted, lines: lines, from: lines[0].at.Truncate(period), until: lines[len(lines)-1].at.Add(period)}
	fmt.Fprintf(&c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`, 24*column, height)
	fmt.Fprintf(&c, `<title>The dashboard of a stack, after the end-to-end tests</title><rect width="%d" height="%d" fill="#f2f3f3"/>`, 24*column, height)
	for _, w := range widgets {
		c.widget(w)
	}
	c.WriteString("</svg>\n")
	return c.String()
}

type canvas struct {
	strings.Builder
	states      map[string]cwtypes.StateValue // of alarms, by ARN
	counted     map[string][]sample
	lines       []logLine
	from, until time.Time
}

func (c *canvas) text(x, y int, fill, text string) {
	fmt.Fprintf(c, `<text x="%d" y="%d" fill="%s">%s</text>`, x, y, fill, escaped(text))
}

func (c *canvas) widget(w widget) {
	x, y, width, height := w.X*column+4, w.Y*unit+4, w.Width*column-8, w.Height*unit-8
	fmt.Fprintf(c, "\n"+`<rect x="%d" y="%d" width="%d" height="%d" fill="#fff" stroke="#d5dbdb"/>`, x, y, width, height)
	fmt.Fprintf(c, `<text x="%d" y="%d" font-weight="bold" fill="#16191f">%s</text>`, x+10, y+20, escaped(w.Properties.Title))
	switch {
	case w.Type == "alarm":
		c.alarms(w, x+10, y+34)
	case w.Properties.View == "table":
		head, rows := rowsOf(w.Properties.Query, c.lines)
		c.table(x+10, y+44, append([][]string{head}, rows...))
	case w.Properties.Query != "":
		c.text(x+10, y+44, "#545b64", "a query of the log, drawn by CloudWatch")
	default:
		c.chart(w, x+10, y+30, width-20, height-40)
	}
}

func (c *canvas) alarms(w widget, x, y int) {
	for i, arn := range w.Properties.Alarms {
		name := strings.TrimPrefix(arn[strings.LastIndexByte(arn, ':')+1:], stackName+"-")
		name, _, _ = strings.Cut(name, "-")
		fill, mark := "#687078", "– " // no data yet
		switch c.states[arn] {
		case cwtypes.StateValueOk:
			fill, mark = "#037f0c", "✓ "
		case cwtypes.StateValueInsufficientData:
		case cwtypes.StateValueAlarm:
			fill, mark = "#d13212", "✗ "
		}
		c.text(x+i%5*232, y+14+i/5*20, fill, mark+name)
	}
}

func (c *canvas) table(x, y int, rows [][]string) {
	for i, row := range rows[:min(len(rows), 8)] {
		for j, cell := range row {
			fill := "#16191f"
			if i == 0 {
				fill = "#545b64"
			}
			c.text(x+j*140, y+i*20, fill, cell)
		}
	}
}

// series are the points of a metric: one for each period, by its statistic.
func (c *canvas) series(m metric) []float64 {
	buckets := make([][]float64, int(c.until.Sub(c.from)/period)+1)
	for _, s := range c.counted[m.key] {
		if i := int(s.at.Sub(c.from) / period); i >= 0 && i < len(buckets) {
			buckets[i] = append(buckets[i], s.value)
		}
	}
	points := make([]float64, len(buckets))
	for i, values := range buckets {
		if m.stat != "Sum" && len(values) > 0 {
			var percent float64
			if _, err := fmt.Sscanf(m.stat, "p%f", &percent); err != nil {
				percent = 100 // Maximum
			}
			slices.Sort(values)
			points[i] = values[int(math.Ceil(percent/100*float64(len(values))))-1]
			continue
		}
		for _, v := range values {
			points[i] += v
		}
	}
	return points
}

func (c *canvas) chart(w widget, x, y, width, height int) {
	const legend = 150
	top, all, counts := 0.0, [][]float64{}, false
	for _, m := range w.metrics() {
		points := c.series(m)
		all, counts = append(all, points), counts || len(c.counted[m.key]) > 0
		top = max(top, slices.Max(points))
	}
	for i, m := range w.metrics() {
		colour := lineColours[i%len(lineColours)]
		label := m.label
		if len(c.counted[m.key]) == 0 {
			colour, label = "#aab7b8", label+" –"
		}
		c.text(x+width-legend, y+10+i*17, colour, label)
		if len(c.counted[m.key]) == 0 {
			continue
		}
		fmt.Fprintf(c, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="`, colour)
		for j, v := range all[i] {
			fmt.Fprintf(c, "%.1f,%.1f ", float64(x)+float64(j)/float64(max(1, len(all[i])-1))*float64(width-legend-10), float64(y+height)-v/top*float64(height-16))
		}
		c.WriteString(`"/>`)
	}
	if !counts {
		c.text(x, y+14, "#545b64", "AWS counts this,")
		c.text(x, y+31, "#545b64", "the emulator does not.")
		return
	}
	c.text(x, y+10, "#545b64", fmt.Sprintf("%.4g", top))
	fmt.Fprintf(c, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#d5dbdb"/>`, x, y+height, x+width-legend-10, y+height)
}
