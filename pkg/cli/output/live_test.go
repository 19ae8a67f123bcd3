package output

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// lines collects what is written, also by another goroutine.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func TestProgressIsShownAfterHalfASecond(t *testing.T) {
	for name, c := range map[string]struct {
		terminal, json bool
		ticks          int
		want           string
	}{
		"a quarter of a second": {true, false, 1, ""},
		"half a second":         {true, false, 2, "looking at events … 1,200 so far\r\x1b[J"},
		"more":                  {true, false, 3, "looking at events … 1,200 so far\r\x1b[Jlooking at events … 1,200 so far\r\x1b[J"},
		"no terminal":           {false, false, 0, ""},
		"JSON":                  {true, true, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var errs lines
			ticks := make(chan time.Time)
			stopped := false
			terminal := Terminal{Err: &errs, ErrTerminal: c.terminal, JSON: c.json, Ticker: func(d time.Duration) (<-chan time.Time, func()) {
				if d != 250*time.Millisecond {
					t.Errorf("a tick every %s", d)
				}
				return ticks, func() { stopped = true }
			}}
			p := terminal.Progress("events")
			p.Add(1000)
			p.Add(200)
			for range c.ticks {
				ticks <- time.Time{}
			}
			p.End()
			p.End()
			if got := errs.text.String(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if stopped != (c.ticks > 0) {
				t.Errorf("the ticker is stopped: %v", stopped)
			}
		})
	}
}

// A line is cut to the width of the moment, and erased where a narrower terminal has
// broken it.
func TestALiveLineFollowsTheWidth(t *testing.T) {
	var errs lines
	width := 40
	terminal := Terminal{Err: &errs, ErrTerminal: true, Width: func() int { return width }}
	line := terminal.Live()
	line.Set("%s", strings.Repeat("a", 60))
	width = 15
	line.Set("short\x1b[2J")
	line.Keep()
	want := strings.Repeat("a", 38) + "…" + "\x1b[2A\r\x1b[J" + "short [2J\n"
	if got := errs.text.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
