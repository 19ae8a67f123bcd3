package output

import (
	"context"
	"errors"
	"fmt"
	"io"

	"smartlead-receiver/pkg/cli/problem"
)

// maxLine bounds a line that is typed, in bytes.
const maxLine = 64 << 10

// line reads one line of In, and not a byte behind it, which may be the answer to
// the next question or the input of another program. The last line needs no end.
func (t *Terminal) line() (string, error) {
	var text []byte
	var next [1]byte
	for len(text) < maxLine {
		n, err := t.In.Read(next[:])
		switch {
		case n == 1 && next[0] == '\n', n == 0 && errors.Is(err, io.EOF):
			return string(text), nil
		case n == 1:
			text = append(text, next[0])
		case err != nil:
			return "", err
		}
	}
	return "", problem.Usage("the line is longer than %s", Count(maxLine, "byte", "bytes"))
}

// Interruptible is a reader whose Read ends with ErrInterrupted once ctx has ended,
// although the reader below still waits: a signal must end a program that waits for
// somebody to type. What arrives below after that is lost, so nothing may read on.
func Interruptible(ctx context.Context, in io.Reader) io.Reader {
	return &interruptible{ctx: ctx, in: in}
}

type interruptible struct {
	ctx context.Context //nolint:containedctx // io.Reader takes none
	in  io.Reader
}

func (r *interruptible) Read(p []byte) (int, error) {
	own := make([]byte, len(p)) // p is the caller's again once this returns
	n, err := Await(r.ctx, func() (int, error) { return r.in.Read(own) })
	copy(p, own[:n])
	return n, err
}

// Await returns what read returns, or ErrInterrupted when ctx ends first; read then
// goes on by itself.
func Await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("%w: %w", problem.ErrInterrupted, ctx.Err())
	}
}
