package smartlead

import (
	"encoding/binary"
	"errors"
	"testing"
)

func TestEncoding(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want error
	}{
		"UTF-8":                    {`{"a":"\u0000"}`, nil},
		"replaced in a string":     {"{\"a\":\"\uFFFD\uFFFD\"}", nil},
		"UTF-16":                   {utf16Text(`{}`, binary.LittleEndian, 2), ErrEncoding},
		"UTF-16, mark":             {"\xff\xfe" + utf16Text(`{}`, binary.LittleEndian, 2), ErrEncoding},
		"UTF-16, mark, as text":    {"\uFFFD\uFFFD" + utf16Text(`{}`, binary.LittleEndian, 2), ErrEncoding},
		"UTF-16, Chinese, as text": {"\uFFFD\uFFFD\uFFFD\u0416", ErrEncoding},
		"UTF-32, big end, as text": {utf16Text(`{}`, binary.BigEndian, 4), ErrEncoding},
		"NUL at the end":           {"{}\x00", ErrEncoding},
		"NUL among members":        {"{\"a\":1,\x00\"b\":2}", ErrEncoding},
		"NUL in a string":          {"{\"a\":\"\x00\"}", ErrEncoding},
		"compressed":               {"\x1f\x8b\x08", ErrEncoding},
		"compressed, as text":      {"\x1f\uFFFD\x08", ErrEncoding},
		"one replaced character":   {"\uFFFDa", ErrNotJSON},
	} {
		if _, err := Parse([]byte(c.body), corpusOptions); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}
