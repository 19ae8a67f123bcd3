package cli

import (
	"io"
	"strings"
	"unicode/utf8"
)

// table is a listing for a person. A heading that begins with '>' aligns its
// column to the right; the column whose heading begins with '~' gives way when
// the terminal is too narrow.
type table struct {
	headings []string
	right    []bool
	flexible int
	rows     [][]string
}

func newTable(headings ...string) *table {
	t := &table{flexible: -1, right: make([]bool, len(headings))}
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

// add appends a row. Every cell is cleaned here, so that no caller can forget.
func (t *table) add(cells ...string) {
	row := make([]string, len(t.headings))
	for i := range row {
		if i < len(cells) {
			row[i] = clean(cells[i])
		}
		row[i] = dash(row[i])
	}
	t.rows = append(t.rows, row)
}

const (
	gap         = "  "
	minFlexible = 12
)

// widths of the columns as they are.
func (t *table) widths() []int {
	widths := make([]int, len(t.headings))
	for _, row := range append([][]string{t.headings}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// width of the whole table as it is.
func (t *table) width() int {
	sum := len(gap) * (len(t.headings) - 1)
	for _, n := range t.widths() {
		sum += n
	}
	return sum
}

// write prints the table; width 0 means no limit.
func (t *table) write(w io.Writer, indent string, width int) error {
	widths := t.widths()
	if over := len(indent) + t.width() - width; t.flexible >= 0 && width > 0 && over > 0 {
		widths[t.flexible] = max(min(minFlexible, widths[t.flexible]), widths[t.flexible]-over)
	}
	var out strings.Builder
	for _, row := range append([][]string{t.headings}, t.rows...) {
		t.line(&out, indent, row, widths)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (t *table) line(out *strings.Builder, indent string, row []string, widths []int) {
	var line strings.Builder
	line.WriteString(indent)
	for i, cell := range row {
		if i > 0 {
			line.WriteString(gap)
		}
		cell = shorten(cell, widths[i])
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if t.right[i] {
			line.WriteString(pad + cell)
		} else {
			line.WriteString(cell + pad)
		}
	}
	out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// shorten cuts a text to n characters and shows that it did.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:max(0, n-1)]) + "…"
}

// print writes a table to stdout.
func (p *program) print(t *table, indent string) error {
	width := 0
	if p.OutTerminal {
		width = p.Width
	}
	return t.write(p.Out, indent, width)
}

// fields prints named values below each other.
type fields struct {
	names, values []string
}

func (f *fields) add(name, value string) {
	if value != "" {
		f.names, f.values = append(f.names, name), append(f.values, value)
	}
}

func (p *program) printFields(f fields) {
	longest := 0
	for _, n := range f.names {
		longest = max(longest, len(n))
	}
	for i, n := range f.names {
		p.line("  %-*s  %s", longest, n, f.values[i])
	}
}
