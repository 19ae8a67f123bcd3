package output

import (
	"io"
	"strings"
)

// Table is a listing for a person. A heading says how its column behaves by the
// signs that it begins with: '>' aligns to the right; '@' holds event ids, which a
// terminal shows short; '~' holds the cause, which is the last to be cut; '+', of
// the last column, is wrapped and never cut; '!' is not for a terminal, because
// another column there says the same; '*' holds a state or a result, which has its
// colour.
type Table struct {
	columns []column
	rows    [][]string
}

// column is one of a table, and how it gives way where a terminal is too narrow.
type column struct {
	heading        string
	right, id      bool
	cause, wrapped bool
	scripts        bool // not for a terminal
	state          bool
	early, dispose int // the place in Early and in Dispose, from 1; 0: in neither
	late           int // the same, in Late
}

// NewTable returns a table with these headings and no row.
func NewTable(headings ...string) *Table {
	t := &Table{}
	for _, h := range headings {
		name := strings.TrimLeft(h, ">@~+!*")
		signed := func(sign string) bool { return strings.Contains(strings.TrimSuffix(h, name), sign) }
		t.columns = append(t.columns, column{
			heading: name, right: signed(">"), id: signed("@"), cause: signed("~") || signed("+"), wrapped: signed("+"), scripts: signed("!"), state: signed("*"),
		})
	}
	return t
}

// Early names columns that are shortened before all others, in this order. A
// heading that the table has not is passed over.
func (t *Table) Early(headings ...string) *Table {
	return t.rank(headings, func(c *column, place int) { c.early = place })
}

// Late names columns that are shortened only when the cause is, and others are left
// out: what an operator looks for.
func (t *Table) Late(headings ...string) *Table {
	return t.rank(headings, func(c *column, place int) { c.late = place })
}

// Dispose names columns that are left out, in this order, where shortening is not
// enough; the last one only before the name of a failure would be cut. A heading that the table has not is passed over.
func (t *Table) Dispose(headings ...string) *Table {
	return t.rank(headings, func(c *column, place int) { c.dispose = place })
}

func (t *Table) rank(headings []string, set func(c *column, place int)) *Table {
	for place, h := range headings {
		for i := range t.columns {
			if t.columns[i].heading == h {
				set(&t.columns[i], place+1)
			}
		}
	}
	return t
}

// Add appends a row. Every cell is cleaned here, so that no caller can forget.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(t.columns))
	for i := range row {
		if i < len(cells) {
			row[i] = Clean(cells[i])
		}
		row[i] = Dash(row[i])
	}
	t.rows = append(t.rows, row)
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

const gap = "  "

// Width of the whole table as it is.
func (t *Table) Width() int {
	return t.whole().width()
}

// Print writes a table to stdout. On a terminal it fits the width: ids are short,
// columns are shortened or left out as the table says, the cause last; where
// nothing helps, the cells of a row stand below each other. Off a terminal
// everything is whole.
func (t *Terminal) Print(table *Table, indent string) error {
	if !t.OutTerminal {
		l := table.whole()
		l.terminal = t
		_, err := io.WriteString(t.Out, l.text(indent))
		return err
	}
	l := table.short()
	l.terminal = t
	text := l.text
	if width := t.Columns(); width > 0 && !l.fit(width-len(indent)) {
		text = func(indent string) string { return l.stacked(indent, width) }
	}
	if _, err := io.WriteString(t.Out, text(indent)); err != nil {
		return err
	}
	if len(l.gone) > 0 && t.ErrTerminal {
		t.Say("not shown for want of width: %s", strings.Join(l.gone, ", "))
	}
	return nil
}

// Columns is the width of the terminal at this moment; 0: unknown.
func (t *Terminal) Columns() int {
	if t.Width == nil {
		return 0
	}
	return t.Width()
}

// Fields are named values that stand below each other.
type Fields struct {
	names, values []string
}

// Add appends a value; an empty one is left out.
func (f *Fields) Add(name, value string) {
	if value != "" {
		f.names, f.values = append(f.names, name), append(f.values, value)
	}
}

// Len is the number of values.
func (f *Fields) Len() int { return len(f.names) }
