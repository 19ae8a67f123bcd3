package awsjson

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Reader reads JSON value by value. A repeated name is no error, nor is what is no UTF-8
// within a string: the services decide what a text holds.
type Reader struct{ d *jsontext.Decoder }

// NewReader returns a reader of a whole text, whose bytes no other may change meanwhile.
func NewReader(text []byte) Reader {
	return Reader{jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
}

// Struct reads an object member by member, those that are null left out. member reads the
// value, or calls Skip; the name is its only during the call.
func (r Reader) Struct(member func(name []byte) error) error {
	return r.Map(func(name []byte) error {
		if r.Null() {
			return nil
		}
		return member(name)
	})
}

// Map reads an object entry by entry, those that are null too.
func (r Reader) Map(entry func(key []byte) error) error {
	if err := r.open('{'); err != nil {
		return err
	}
	for r.d.PeekKind() != '}' {
		key, err := r.text()
		if err != nil {
			return err
		}
		if err := entry(key); err != nil {
			return err
		}
	}
	_, err := r.d.ReadToken()
	return err
}

// List reads a list item by item, those that are null too.
func (r Reader) List(item func() error) error {
	if err := r.open('['); err != nil {
		return err
	}
	for r.d.PeekKind() != ']' {
		if err := item(); err != nil {
			return err
		}
	}
	_, err := r.d.ReadToken()
	return err
}

func (r Reader) open(kind jsontext.Kind) error {
	token, err := r.d.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != kind {
		return fmt.Errorf("expected %q, got %s", byte(kind), token.Kind())
	}
	return nil
}

// Null reads a null, and tells whether there was one.
func (r Reader) Null() bool {
	if r.d.PeekKind() != 'n' {
		return false
	}
	_, err := r.d.ReadToken()
	return err == nil
}

// Skip reads a value that nobody asked for.
func (r Reader) Skip() error { return r.d.SkipValue() }

// text returns the text of a string until the next read.
func (r Reader) text() ([]byte, error) {
	raw, err := r.d.ReadValue()
	if err != nil {
		return nil, err
	}
	if raw.Kind() != '"' {
		return nil, fmt.Errorf("expected a string, got %s", raw.Kind())
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	text, _ := jsontext.AppendUnquote(nil, raw) // the error says that it replaced what is no UTF-8
	return text, nil
}

// Text reads a string.
func (r Reader) Text() (string, error) {
	text, err := r.text()
	return string(text), err
}

// Bytes reads bytes in base64.
func (r Reader) Bytes() ([]byte, error) {
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(b, text)
	return b[:n], err
}

// Bool reads true or false.
func (r Reader) Bool() (bool, error) {
	token, err := r.d.ReadToken()
	if err != nil {
		return false, err
	}
	if kind := token.Kind(); kind != 't' && kind != 'f' {
		return false, fmt.Errorf("expected true or false, got %s", kind)
	}
	return token.Bool(), nil
}

// Int reads a whole number of so many bits.
func (r Reader) Int(bits int) (int64, error) {
	raw, err := r.number()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(raw), 10, bits)
}

// Float reads a number.
func (r Reader) Float() (float64, error) {
	raw, err := r.number()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(string(raw), 64)
}

func (r Reader) number() ([]byte, error) {
	raw, err := r.d.ReadValue()
	if err != nil {
		return nil, err
	}
	if raw.Kind() != '0' {
		return nil, fmt.Errorf("expected a number, got %s", raw.Kind())
	}
	return raw, nil
}

// TextPointer reads a string into a member of its own.
func (r Reader) TextPointer(v **string) error {
	text, err := r.Text()
	*v = &text
	return err
}

// ReadMap reads a map. A null in it is the zero value.
func ReadMap[T any](r Reader, all *map[string]T, read func(*T) error) error {
	*all = map[string]T{}
	return r.Map(func(key []byte) error {
		name := string(key)
		var one T
		if !r.Null() {
			if err := read(&one); err != nil {
				return err
			}
		}
		(*all)[name] = one
		return nil
	})
}

// ReadList reads a list. A null in it is the zero value.
func ReadList[T any](r Reader, all *[]T, read func(*T) error) error {
	*all = []T{}
	return r.List(func() error {
		var one T
		if !r.Null() {
			if err := read(&one); err != nil {
				return err
			}
		}
		*all = append(*all, one)
		return nil
	})
}
