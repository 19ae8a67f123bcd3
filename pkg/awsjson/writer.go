// Package awsjson writes and reads the JSON of AWS's services, whose shapes are known:
// no member is looked up by reflection.
package awsjson

import (
	"encoding/base64"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Writer appends JSON to its bytes. It sets the commas; who writes sees to it that
// values follow names and what is begun ends.
type Writer []byte

// Begin opens an object '{' or a list '['.
func (w *Writer) Begin(open byte) {
	w.comma()
	*w = append(*w, open)
}

// End closes it, by '}' or ']'.
func (w *Writer) End(closing byte) { *w = append(*w, closing) }

// comma parts a value from the one before. No value ends as an object or list begins,
// or as a name ends.
func (w *Writer) comma() {
	if n := len(*w); n > 0 && (*w)[n-1] != '{' && (*w)[n-1] != '[' && (*w)[n-1] != ':' {
		*w = append(*w, ',')
	}
}

// Name writes the name of the next value, which is a member's: it holds nothing that JSON
// escapes.
func (w *Writer) Name(name string) {
	w.comma()
	*w = append(append(append(*w, '"'), name...), '"', ':')
}

// Key writes the name of the next value, which may be any text.
func (w *Writer) Key(key string) {
	w.Text(key)
	*w = append(*w, ':')
}

// Text writes a string. What is no UTF-8 in it becomes U+FFFD.
func (w *Writer) Text(s string) {
	w.comma()
	*w, _ = jsontext.AppendQuote(*w, s) // the error says that it replaced something
}

// Bytes writes bytes in base64, and nil as null.
func (w *Writer) Bytes(b []byte) {
	w.comma()
	if b == nil {
		*w = append(*w, "null"...)
		return
	}
	*w = append(base64.StdEncoding.AppendEncode(append(*w, '"'), b), '"')
}

// Int writes a whole number.
func (w *Writer) Int(n int64) {
	w.comma()
	*w = strconv.AppendInt(*w, n, 10)
}

// Bool writes true or false.
func (w *Writer) Bool(v bool) {
	w.comma()
	*w = strconv.AppendBool(*w, v)
}

// TextMember writes a member that is a string, unless it is nil.
func (w *Writer) TextMember(name string, v *string) {
	if v != nil {
		w.Name(name)
		w.Text(*v)
	}
}

// BoolMember writes a member that is true or false, unless it is nil.
func (w *Writer) BoolMember(name string, v *bool) {
	if v != nil {
		w.Name(name)
		w.Bool(*v)
	}
}

// IntMember writes a member that is a number, unless it is 0.
func (w *Writer) IntMember(name string, v int32) {
	if v != 0 {
		w.Name(name)
		w.Int(int64(v))
	}
}
