package output

import (
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// How far a column is shortened, in columns of the terminal. What is shorter by
// itself stays as it is.
const (
	minType  = 11 // the type in an id
	minEarly = 16 // one of Early, while other columns may still be left out
	minLate  = 22 // one of Late, likewise: most of a lead's address
	minCause = 40 // the cause, likewise
	fewEarly = 10 // one of Early, before the last one is left out
	fewLate  = 12 // one of Late, likewise
	fewCause = 18 // the cause, likewise: long enough for the name of a failure
	minOther = 9  // any other text; no state is longer
	minLast  = 10 // the cause, at the very last
)

// layout is a table as it is about to be written.
type layout struct {
	columns  []*laid
	rows     int
	gone     []string // headings of the columns that were left out
	terminal *Terminal
}

// laid is a column with its cells as they are shown.
type laid struct {
	column
	cells   []string // the heading is the first
	natural int      // the width of the widest cell
	width   int      // as it is shown
}

// whole is the table with everything in it.
func (t *Table) whole() *layout {
	l := &layout{rows: len(t.rows) + 1}
	for i, c := range t.columns {
		col := &laid{column: c, cells: []string{c.heading}}
		for _, row := range t.rows {
			col.cells = append(col.cells, row[i])
		}
		l.columns = append(l.columns, col.measured())
	}
	return l
}

// short is the table for a terminal.
func (t *Table) short() *layout {
	l := t.whole()
	l.columns = slices.DeleteFunc(l.columns, func(c *laid) bool { return c.scripts })
	for _, c := range l.columns {
		if c.id {
			c.each(ShortID)
		}
	}
	return l
}

func (c *laid) measured() *laid {
	c.natural = 0
	for _, cell := range c.cells {
		c.natural = max(c.natural, Width(cell))
	}
	c.width = c.natural
	return c
}

// each changes every cell but the heading.
func (c *laid) each(change func(string) string) {
	for i := range c.cells[1:] {
		c.cells[i+1] = change(c.cells[i+1])
	}
	c.measured()
}

// all tells whether every cell but the heading, and but those without a value, is
// of a kind, and some is.
func (c *laid) all(is func(string) bool) bool {
	some := false
	for _, cell := range c.cells[1:] {
		if cell != Dash("") && !is(cell) {
			return false
		}
		some = some || cell != Dash("")
	}
	return some
}

func (l *layout) width() int {
	sum := len(gap) * (len(l.columns) - 1)
	for _, c := range l.columns {
		sum += c.width
	}
	return sum
}

// fit makes the layout at most as wide as the limit, and tells whether it could:
// first by what loses least, the cause at the very last.
func (l *layout) fit(limit int) bool {
	over := func() int { return l.width() - limit }
	early := func(c *laid) bool { return c.early > 0 }
	late := func(c *laid) bool { return c.late > 0 }
	cause := func(c *laid) bool { return c.cause }
	other := func(c *laid) bool { return !c.cause && !c.id && !c.right && !c.all(isShortStamp) }
	for _, shorten := range []func(){
		func() { l.compact(isStamp, shortStamp) },
		func() { l.compact(isShortID, func(id string) string { return shortenType(id, minType) }) },
		func() { l.narrow(over, minEarly, early) },
		func() { l.narrow(over, minCause, cause) },
		func() { l.narrow(over, minLate, late) },
		func() { l.leaveOut(over, 1) },
		func() { l.narrow(over, fewEarly, early) },
		func() { l.narrow(over, fewCause, cause) },
		func() { l.narrow(over, fewLate, late) },
		func() { l.leaveOut(over, 0) },
		func() { l.narrow(over, minOther, other) },
		func() { l.narrow(over, minLast, cause) },
	} {
		if over() <= 0 {
			break
		}
		shorten()
	}
	l.giveBack(over)
	return over() <= 0
}

// compact changes the columns whose cells are all of a kind.
func (l *layout) compact(is func(string) bool, change func(string) string) {
	for _, c := range l.columns {
		if c.all(is) {
			c.each(change)
		}
	}
}

// narrow takes from the columns that it is told, down to a least width each: in the
// order of Early, then the widest first.
func (l *layout) narrow(over func() int, least int, which func(*laid) bool) {
	var narrowed []*laid
	for _, c := range l.columns {
		if which(c) {
			narrowed = append(narrowed, c)
		}
	}
	slices.SortStableFunc(narrowed, func(a, b *laid) int {
		if a.early != b.early {
			return a.early - b.early
		}
		return b.width - a.width
	})
	for _, c := range narrowed {
		if n := over(); n > 0 {
			c.width = max(c.width-n, min(c.width, max(least, Width(c.heading))))
		}
	}
}

// leaveOut removes columns in the order of Dispose until the rest fits; some of
// them are kept.
func (l *layout) leaveOut(over func() int, kept int) {
	for over() > 0 {
		next, left := -1, 0
		for i, c := range l.columns {
			if c.dispose == 0 {
				continue
			}
			if left++; next < 0 || c.dispose < l.columns[next].dispose {
				next = i
			}
		}
		if left <= kept {
			return
		}
		l.gone = append(l.gone, l.columns[next].heading)
		l.columns = slices.Delete(l.columns, next, next+1)
	}
}

// giveBack widens what was cut before a column went, the last column first: there
// stands the cause.
func (l *layout) giveBack(over func() int) {
	for _, c := range slices.Backward(l.columns) {
		if room := -over(); room > 0 {
			c.width = min(c.natural, c.width+room)
		}
	}
}

// text is the layout as lines.
func (l *layout) text(indent string) string {
	var out strings.Builder
	for i := range l.rows {
		line := indent
		for j, c := range l.columns {
			if j > 0 {
				line += gap
			}
			if c.wrapped && j == len(l.columns)-1 {
				line = strings.TrimSuffix(hang(line, l.painted(i, c, c.cells[i]), Width(line)+c.width), "\n")
				break
			}
			cell := Shorten(c.cells[i], c.width)
			pad := strings.Repeat(" ", c.width-Width(cell))
			cell = l.painted(i, c, cell)
			if c.right {
				line += pad + cell
			} else {
				line += cell + pad
			}
		}
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return out.String()
}

// painted is a cell in its colour; row 0 is the headings.
func (l *layout) painted(row int, c *laid, cell string) string {
	switch {
	case row == 0 && l.terminal.colored():
		return bold.Styled(cell)
	case row > 0 && c.state:
		return l.terminal.paint(c.cells[row], cell)
	}
	return cell
}

// stacked is the layout with the cells of a row below each other.
func (l *layout) stacked(indent string, width int) string {
	names := &laid{}
	for _, c := range l.columns {
		names.cells = append(names.cells, c.cells[0])
	}
	names.measured()
	var out strings.Builder
	for i := 1; i < l.rows; i++ {
		for j, c := range l.columns {
			label := indent + "- "
			if j > 0 {
				label = indent + "  "
			}
			label += c.cells[0] + strings.Repeat(" ", names.width-Width(c.cells[0])) + gap
			out.WriteString(hang(label, l.painted(i, c, c.cells[i]), width))
		}
	}
	return out.String()
}

// hang is a text behind a label, wrapped at the width; further lines stand below
// its beginning. Width 0 means no limit.
func hang(label, text string, width int) string {
	room := width - Width(label)
	if width <= 0 || room < minOther {
		return strings.TrimRight(label+text, " ") + "\n"
	}
	lines := strings.Split(ansi.Wrap(text, room, ""), "\n")
	for i := range lines[1:] {
		lines[i+1] = strings.Repeat(" ", Width(label)) + strings.TrimSpace(lines[i+1])
	}
	return strings.TrimRight(label+strings.Join(lines, "\n"), " ") + "\n"
}

const shortStampLayout = "01-02 15:04Z"

func isStamp(s string) bool {
	_, err := time.Parse(stampLayout, s)
	return err == nil
}

func isShortStamp(s string) bool {
	_, err := time.Parse(shortStampLayout, s)
	return err == nil
}

// shortStamp is a stamp without its year and its seconds.
func shortStamp(s string) string {
	t, err := time.Parse(stampLayout, s)
	if err != nil {
		return s
	}
	return t.Format(shortStampLayout)
}
