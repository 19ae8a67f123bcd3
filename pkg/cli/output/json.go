package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// encode is a value as one line of JSON.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return EscapeJSON(buf.Bytes()), nil
}

// EscapeJSON spells characters that a terminal may obey (C1 controls,
// direction overrides) as \u escapes. The JSON means the same: such characters
// can only be inside strings, and encoding/json escapes those of ASCII itself.
func EscapeJSON(text []byte) []byte {
	var out []byte
	last := 0
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r >= 0x7f && !unicode.IsPrint(r) {
			out = append(out, text[last:i]...)
			if r > 0xffff {
				hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
				out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
			last = i + n
		}
		i += n
	}
	if out == nil {
		return text
	}
	return append(out, text[last:]...)
}
