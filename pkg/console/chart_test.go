package console

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/redrive"
)

var chartNumber = regexp.MustCompile(`-?[0-9]+\.[0-9]`)

// drawn renders a chart and checks that it is well-formed, that every point lies in
// its frame, that no value is none, and that its colours come by classes.
func drawn(t *testing.T, c chart) string {
	t.Helper()
	sets, err := parseTemplates(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := sets["failure.html"].ExecuteTemplate(&out, "chart", c); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	titles := 0
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if start, ok := token.(xml.StartElement); ok {
			if start.Name.Local == "title" {
				titles++
			}
			checkPoints(t, c, start)
		}
	}
	for _, bad := range []string{"NaN", "Inf", "style=", "fill=", "stroke="} {
		if strings.Contains(text, bad) {
			t.Errorf("%s in\n%s", bad, text)
		}
	}
	if titles == 0 || c.Label == "" {
		t.Errorf("the chart has no title:\n%s", text)
	}
	return text
}

func checkPoints(t *testing.T, c chart, e xml.StartElement) {
	t.Helper()
	number := map[string]float64{}
	for _, a := range e.Attr {
		number[a.Name.Local], _ = strconv.ParseFloat(a.Value, 64)
		if a.Name.Local != "d" {
			continue
		}
		for i, text := range chartNumber.FindAllString(a.Value, -1) {
			v, _ := strconv.ParseFloat(text, 64)
			if bound := []float64{c.Width, c.Height}[i%2]; v < 0 || v > bound {
				t.Errorf("%s: a point at %v of %v", a.Value, v, bound)
			}
		}
	}
	x, y, w, h := number["x"], number["y"], number["width"], number["height"]
	if e.Name.Local == "rect" && (w <= 0 || h < 0) {
		t.Errorf("a box of %v × %v", w, h)
	}
	if e.Name.Local != "svg" && (x < 0 || y < 0 || x+w > c.Width+0.1 || y+h > c.Height+0.1) {
		t.Errorf("%s at %v, %v, %v × %v is outside %v × %v", e.Name.Local, x, y, w, h, c.Width, c.Height)
	}
}

var chartStart = time.Date(2026, 11, 29, 13, 50, 7, 0, time.UTC)

func chartRequest(now time.Time) *request {
	return &request{clock: func() time.Time { return now }, zone: time.UTC}
}

// view is a redrive of so many ticks, which holds in the middle.
func viewOf(ticks int, state redrive.State) redrive.View {
	v := redrive.View{JobID: "j", State: state, StartedAt: chartStart, UpdatedAt: chartStart, Ceiling: 200, Rate: 80}
	for n := range ticks {
		s := redrive.Sample{End: time.Duration(5*(n+1)) * time.Second, State: redrive.Running, Rate: float64(10 * (n % 21)), Delivered: 40 * (n % 20), Attempts: n % 50, Failed: n % 10, LiveAttempts: n % 7, LiveFailed: n % 3}
		if n > ticks/2 && n < ticks/2+5 {
			s.State, s.Rate = redrive.Holding, 0
		}
		s.Failed, s.LiveFailed = min(s.Failed, s.Attempts), min(s.LiveFailed, s.LiveAttempts)
		v.Samples = append(v.Samples, s)
		v.UpdatedAt = chartStart.Add(s.End)
		v.Decisions = append(v.Decisions, redrive.Entry{At: v.UpdatedAt, State: s.State, Rate: s.Rate, Reason: `<b>"slower" & more</b>`})
	}
	return v
}

// A mark of a decision stands in a line of its own, wherever it is in time.
func TestDecisionsLieOverNoText(t *testing.T) {
	v := viewOf(90, redrive.Running)
	q := chartRequest(v.UpdatedAt)
	marks, texts := []label{}, []label{}
	for _, l := range q.paceChart(v, q.paceRows(v), true).Texts {
		if l.Class == "decision" {
			marks = append(marks, l)
		} else {
			texts = append(texts, l)
		}
	}
	if len(marks) < 10 || len(texts) < 5 {
		t.Fatalf("%d marks, %d texts", len(marks), len(texts))
	}
	const line = 13 // of the chart's text, in pixels
	for _, l := range texts {
		if d := l.Y - marks[0].Y; d > -line && d < line && l.X < paceWidth-paceRight {
			t.Errorf("%q at %v lies among the marks at %v", l.Text, l.Y, marks[0].Y)
		}
	}
}

func TestPaceChartIsWholeWhateverTheRedriveIs(t *testing.T) {
	for _, ticks := range []int{0, 1, 2, 90, 180, 1000} {
		for _, state := range []redrive.State{redrive.Running, redrive.Holding, redrive.Paused, redrive.Done, redrive.Cancelled} {
			for _, all := range []bool{true, false} {
				v := viewOf(ticks, state)
				q := chartRequest(v.UpdatedAt.Add(7 * time.Second))
				c := q.paceChart(v, q.paceRows(v), all)
				text := drawn(t, c)
				if ticks > 1 && (!strings.Contains(text, `class="decided" d="M`) || !strings.Contains(text, `class="failed" d="M`)) {
					t.Fatalf("%d ticks, %s, all %v: no line in\n%s", ticks, state, all, text)
				}
				if held := strings.Contains(text, `class="band"`); held != (ticks > 2 && (all || ticks <= 180) || state == redrive.Holding || state == redrive.Paused) {
					t.Errorf("%d ticks, %s: a band: %v", ticks, state, held)
				}
			}
		}
	}
}

// What is no number, or beyond all measure, draws nothing outside the frame.
func TestPaceChartOfNonsense(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -5, 1e300} {
		view := viewOf(20, redrive.Running)
		view.Ceiling, view.Rate, view.Samples[3].Rate = v, v, v
		view.Samples[4].Delivered, view.Samples[5].End = -7, -time.Hour
		q := chartRequest(chartStart.Add(-time.Hour))
		drawn(t, q.paceChart(view, q.paceRows(view), true))
	}
}

// The chart shows the numbers of the table: half way up is half of the axis.
func TestPaceChartMeasures(t *testing.T) {
	v := redrive.View{State: redrive.Done, StartedAt: chartStart, UpdatedAt: chartStart.Add(100 * time.Second), Ceiling: 200, Samples: []redrive.Sample{
		{End: 50 * time.Second, State: redrive.Running, Rate: 100, Delivered: 2500, Attempts: 10, Failed: 3},
		{End: 100 * time.Second, State: redrive.Running, Rate: 200, Delivered: 5000},
	}}
	q := chartRequest(v.UpdatedAt)
	rows := q.paceRows(v)
	if got := strings.Join([]string{rows[0].Rate, rows[0].Delivered, rows[0].Failed, rows[0].Live, rows[1].Delivered, rows[1].Failed}, " "); got != "100 50 30 % – 100 –" {
		t.Errorf("the table says %s", got)
	}
	text := drawn(t, q.paceChart(v, rows, true))
	half := at(paceLeft+(paceWidth-paceLeft-paceRight)/2, 14+60)
	if !strings.Contains(text, `class="decided" d="M`+half) {
		t.Errorf("no step at %s in\n%s", half, text)
	}
}

func TestRoundNumbersAndTimes(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 1: 1, 3: 5, 11: 20, 21: 25, 84: 100, 101: 200, 200: 200, 1e6 + 1: 2e6, math.Inf(1): 1} {
		if got := ceiling(v); got != want {
			t.Errorf("above %v: %v, want %v", v, got, want)
		}
	}
	india := time.FixedZone("IST", 5*3600+1800)
	for _, span := range []time.Duration{0, 7 * time.Second, time.Minute, 31 * time.Minute, 5 * time.Hour, 90 * time.Hour, 9000 * time.Hour} {
		ticks := timeTicks(chartStart, chartStart.Add(span), 7, india)
		if len(ticks) > 8 || span > time.Minute && len(ticks) < 2 {
			t.Errorf("%s: %d marks", span, len(ticks))
		}
		for _, tick := range ticks {
			if span > time.Hour && span < 24*time.Hour && tick.In(india).Minute()%30 != 0 {
				t.Errorf("%s: a mark at %s", span, tick.In(india))
			}
		}
	}
}
