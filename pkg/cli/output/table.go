package output

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Table is a listing for a person. A heading that begins with '>' aligns its
// column to the right; the column whose heading begins with '~' gives way when
// the terminal is too narrow.
type Table struct {
	headings []string
	right    []bool
	flexible int
	rows     [][]string
}

// NewTable returns a table with these headings and no row.
func NewTable(headings ...string) *Table {
	t := &Table{flexible: -1, right: make([]bool, len(headings))}
	for i, h := range headings {
		if rest, ok := strings.CutPrefix(h, ">"); ok {
			h, t.right[i] = rest, true
		}
		if rest, ok := strings.CutPrefix(h, "~"); ok {
			h, t.flexible = rest, i
		}
		t.headings = append(t.headings, h)
	}
	return t
}

// Add appends a row. Every cell is cleaned here, so that no caller can forget.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(t.headings))
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

const (
	gap         = "  "
	minFlexible = 12
)

// widths of the columns as they are.
func (t *Table) widths() []int {
	widths := make([]int, len(t.headings))
	for _, row := range append([][]string{t.headings}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// Width of the whole table as it is.
func (t *Table) Width() int {
	sum := len(gap) * (len(t.headings) - 1)
	for _, n := range t.widths() {
		sum += n
	}
	return sum
}

// write prints the table; width 0 means no limit.
func (t *Table) write(w io.Writer, indent string, width int) error {
	widths := t.widths()
	if over := len(indent) + t.Width() - width; t.flexible >= 0 && width > 0 && over > 0 {
		widths[t.flexible] = max(min(minFlexible, widths[t.flexible]), widths[t.flexible]-over)
	}
	var out strings.Builder
	for _, row := range append([][]string{t.headings}, t.rows...) {
		t.line(&out, indent, row, widths)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (t *Table) line(out *strings.Builder, indent string, row []string, widths []int) {
	var line strings.Builder
	line.WriteString(indent)
	for i, cell := range row {
		if i > 0 {
			line.WriteString(gap)
		}
		cell = Shorten(cell, widths[i])
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if t.right[i] {
			line.WriteString(pad + cell)
		} else {
			line.WriteString(cell + pad)
		}
	}
	out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
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
