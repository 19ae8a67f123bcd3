package output

import (
	"fmt"
	"io"
	"time"
)

// Terminal is the streams of one run: data goes to Out, messages and questions
// to Err. It is not for concurrent use.
type Terminal struct {
	In          io.Reader // read no further than a command needs: what follows is the next reader's
	Out, Err    io.Writer
	InTerminal  bool
	OutTerminal bool
	ErrTerminal bool
	Width       func() int             // of the terminal at this moment, in columns; 0: unknown
	ReadSecret  func() ([]byte, error) // a line from the terminal, without echo
	JSON        bool                   // data is one JSON object a line
	Color       ColorMode
	Ticker      Ticker                   // for Progress; nil: none is shown
	Getenv      func(name string) string // says what the environment wants of colour
}

// A Ticker ticks at that interval until it is stopped.
type Ticker func(every time.Duration) (ticks <-chan time.Time, stop func())

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

// Wrap writes a text of data behind a label. On a terminal it is wrapped between
// words, and further lines stand below its beginning. A command is not for Wrap: a
// person copies it.
func (t *Terminal) Wrap(label, text string) {
	width := 0
	if t.OutTerminal {
		width = t.Columns()
	}
	fmt.Fprint(t.Out, hang(label, Plain(text), width))
}

// ID is an event id as it is shown: short to a person on a terminal.
func (t *Terminal) ID(id string) string {
	if t.OutTerminal && !t.JSON {
		return ShortID(id)
	}
	return id
}

// Say writes one line of a message to stderr.
func (t *Terminal) Say(format string, args ...any) {
	fmt.Fprintln(t.Err, Plain(fmt.Sprintf(format, args...)))
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
