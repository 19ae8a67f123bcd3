package output

import (
	"fmt"
	"io"
)

// Terminal is the streams of one run: data goes to Out, messages and questions
// to Err. It is not for concurrent use.
type Terminal struct {
	In          io.Reader // read no further than a command needs: what follows is the next reader's
	Out, Err    io.Writer
	InTerminal  bool
	OutTerminal bool
	ErrTerminal bool
	Width       int                    // of the terminal, in columns; 0: unknown
	ReadSecret  func() ([]byte, error) // a line from the terminal, without echo
	JSON        bool                   // data is one JSON object a line
}

// Emit writes one JSON object as one line.
func (t *Terminal) Emit(v any) error {
	line, err := encode(v)
	if err != nil {
		return err
	}
	_, err = t.Out.Write(line)
	return err
}

// Line writes one line of data for a person.
func (t *Terminal) Line(format string, args ...any) {
	fmt.Fprintln(t.Out, Plain(fmt.Sprintf(format, args...)))
}

// Say writes one line of a message to stderr.
func (t *Terminal) Say(format string, args ...any) {
	fmt.Fprintln(t.Err, Plain(fmt.Sprintf(format, args...)))
}

// Print writes a table to stdout, cut to the width of a terminal.
func (t *Terminal) Print(table *Table, indent string) error {
	width := 0
	if t.OutTerminal {
		width = t.Width
	}
	return table.write(t.Out, indent, width)
}

// PrintFields writes named values below each other.
func (t *Terminal) PrintFields(f Fields) {
	longest := 0
	for _, n := range f.names {
		longest = max(longest, len(n))
	}
	for i, n := range f.names {
		t.Line("  %-*s  %s", longest, n, f.values[i])
	}
}

// Finished tells of a command that has no other output.
func (t *Terminal) Finished(name, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if t.JSON {
		return t.Emit(struct {
			Name string `json:"name"`
			Done string `json:"done"`
		}{name, text})
	}
	t.Say("%s", text)
	return nil
}
