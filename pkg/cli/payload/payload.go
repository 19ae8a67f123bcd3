// Package payload reads the bodies that an operator has at hand.
package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxInvocation is what Lambda takes of a request: 6 MB of JSON, in which the
// body is a string.
const MaxInvocation = 6 << 20

// TooLargeText says what is wrong with a body that is too large.
const TooLargeText = "larger than the receiver takes: 6 MB, with the body quoted as JSON; send it in smaller parts"

// TooLarge tells whether a body cannot reach the receiver. One that is a little
// smaller may not either: the request's headers count, too.
func TooLarge(body []byte) bool {
	if len(body) <= MaxInvocation/6 { // no character becomes longer than six
		return false
	}
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	return e.Encode(string(body)) == nil && quoted.Len() > MaxInvocation
}

// maxFile bounds what is read of a file: more than Lambda lets in.
const maxFile = 16 << 20

// Read returns what a file holds, or stdin where the file is '-': at most 16 MiB.
// An error does not name the file.
func Read(stdin io.Reader, file string) ([]byte, error) {
	in := stdin
	if file != "-" {
		f, err := os.Open(file) //nolint:gosec // the operator names it
		if err != nil {
			return nil, pathless(err)
		}
		defer f.Close()
		in = f
	}
	body, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, pathless(err)
	}
	if len(body) > maxFile {
		return nil, fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	return body, nil
}

// pathless drops the name of the file, which stands beside the error.
func pathless(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
