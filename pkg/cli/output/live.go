package output

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A LiveLine is one line on stderr that is written over itself. Off a terminal, and
// beside JSON, nothing is written. It is not for concurrent use.
type LiveLine struct {
	t     *Terminal
	drawn int // columns that the line took
}

// Live returns a line that is not written yet.
func (t *Terminal) Live() *LiveLine { return &LiveLine{t: t} }

// fallbackColumns is the width of a terminal that does not tell.
const fallbackColumns = 80

// Set writes the line anew, cut to the width that the terminal has at this moment. A
// terminal that became narrower has broken the former line in several: all are
// erased.
func (l *LiveLine) Set(format string, args ...any) {
	l.erase()
	columns := l.columns()
	text := Shorten(Plain(fmt.Sprintf(format, args...)), columns-1)
	l.write("%s", text)
	l.drawn = Width(text)
}

// Clear erases the line.
func (l *LiveLine) Clear() {
	l.erase()
	l.drawn = 0
}

// Keep leaves the line as it is, and what follows begins below it.
func (l *LiveLine) Keep() {
	if l.drawn > 0 {
		l.write("\n")
		l.drawn = 0
	}
}

func (l *LiveLine) erase() {
	if l.drawn == 0 {
		return
	}
	if up := (l.drawn - 1) / l.columns(); up > 0 {
		l.write("\x1b[%dA", up)
	}
	l.write("\r\x1b[J")
}

func (l *LiveLine) columns() int {
	if n := l.t.Columns(); n > 1 {
		return n
	}
	return fallbackColumns
}

func (l *LiveLine) write(format string, args ...any) {
	if l.t.ErrTerminal && !l.t.JSON {
		fmt.Fprintf(l.t.Err, format, args...)
	}
}

// How often a progress is looked at, and after how many looks it is shown: half a
// second, before which nobody wonders.
const (
	progressEvery = 250 * time.Millisecond
	progressAfter = 2
)

// Progress tells an operator that a command which reads many events is at work. Add
// is safe for concurrent use. Nothing else may be written to the terminal before End.
type Progress struct {
	count atomic.Int64
	stop  func()
}

// Progress begins to tell of a look at what is named, such as "dead events". Where
// there is no terminal, beside JSON, or without a ticker, it does nothing.
func (t *Terminal) Progress(what string) *Progress { return t.Doing("looking at " + what) }

// Doing begins to tell of work other than a look, such as "handing events over".
func (t *Terminal) Doing(what string) *Progress {
	p := &Progress{stop: func() {}}
	if !t.ErrTerminal || t.JSON || t.Ticker == nil {
		return p
	}
	ticks, stopTicks := t.Ticker(progressEvery)
	done, ended := make(chan struct{}), make(chan struct{})
	p.stop = sync.OnceFunc(func() { close(done); <-ended; stopTicks() })
	go func() {
		defer close(ended)
		line := t.Live()
		defer line.Clear()
		for looks := 1; ; looks++ {
			select {
			case <-done:
				return
			case <-ticks:
			}
			switch n := p.count.Load(); {
			case looks < progressAfter:
			case n == 0:
				line.Set("%s …", what)
			default:
				line.Set("%s … %s so far", what, Thousands(int(n)))
			}
		}
	}()
	return p
}

// Add counts what was looked at.
func (p *Progress) Add(n int) { p.count.Add(int64(n)) }

// End erases the line. It may be called again.
func (p *Progress) End() { p.stop() }
