// Package coding undoes the content codings of HTTP (RFC 9110, section 8.4) within
// bounds.
package coding

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// Decode returns one of these, wrapped. Their text holds nothing of a body.
var (
	// ErrUnknown says that a coding is none of Names, or that there are too many.
	ErrUnknown = errors.New("unknown content coding")
	// ErrDamaged says that the body is not what its coding says, or is cut off.
	ErrDamaged = errors.New("not what its content coding says")
	// ErrTooLarge says that the body becomes larger than the bounds allow.
	ErrTooLarge = errors.New("too large when decompressed")
)

// Names are the codings that are understood, as Accept-Encoding lists them.
const Names = "gzip, deflate, br, zstd"

const (
	// MaxBody bounds a decompressed body, in bytes: what a body may have that comes
	// without a coding. So nothing behind sees larger ones than before.
	MaxBody = 6 << 20
	// maxRatio bounds how many times larger a body may become. JSON reaches 50 in
	// arrays of like events, a bomb 1,000.
	maxRatio = 200
	// free is allowed whatever the ratio, in bytes.
	free = 1 << 20
	// maxCodings bounds the codings in a row.
	maxCodings = 2
	// maxWindow is what RFC 9659 allows for zstd over HTTP, in bytes.
	maxWindow = 8 << 20
)

// Decode returns the body without the codings of a Content-Encoding header, the last
// one undone first. Nothing is done where the header is empty or says identity, nor
// where the body is JSON text already: proxies that decompress leave the header.
// It uses at most some tens of megabytes, whatever the body, and never changes it.
// Safe for concurrent use.
func Decode(header string, body []byte) ([]byte, error) {
	codings, err := parse(header)
	if err != nil || len(codings) == 0 || isText(body) {
		return body, err
	}
	for _, name := range slices.Backward(codings) {
		if body, err = undo(name, body); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// parse returns the codings of the header, in their order, without identity.
func parse(header string) ([]string, error) {
	var codings []string
	for name := range strings.SplitSeq(header, ",") {
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case "", "identity":
			continue
		case "x-gzip":
			name = "gzip"
		case "gzip", "deflate", "br", "zstd":
		default:
			return nil, fmt.Errorf("%w: use %s, or none", ErrUnknown, Names)
		}
		if codings = append(codings, name); len(codings) > maxCodings {
			return nil, fmt.Errorf("%w: more than %d codings in a row", ErrUnknown, maxCodings)
		}
	}
	return codings, nil
}

// isText tells JSON text from what is compressed: neither gzip nor zstd begins so, and
// of the others no stream is UTF-8 from a bracket to a bracket but by design.
func isText(body []byte) bool {
	text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF")))
	if len(text) < 2 || !utf8.Valid(text) {
		return false
	}
	first, last := text[0], text[len(text)-1]
	return first == '{' && last == '}' || first == '[' && last == ']'
}

func undo(name string, body []byte) ([]byte, error) {
	switch name {
	case "gzip":
		return read(name, body, func(in *bytes.Reader) (io.Reader, error) { return gzip.NewReader(in) })
	case "br":
		return read(name, body, func(in *bytes.Reader) (io.Reader, error) { return brotli.NewReader(in), nil })
	case "zstd":
		return unzstd(body)
	}
	return inflate(body)
}

// inflate reads what senders call deflate: zlib, as the RFC says, or the bare stream.
func inflate(body []byte) ([]byte, error) {
	plain, err := read("deflate", body, func(in *bytes.Reader) (io.Reader, error) { return zlib.NewReader(in) })
	if !errors.Is(err, ErrDamaged) {
		return plain, err
	}
	return read("deflate", body, func(in *bytes.Reader) (io.Reader, error) { return flate.NewReader(in), nil })
}

func unzstd(body []byte) ([]byte, error) {
	var dec *zstd.Decoder
	defer func() {
		if dec != nil {
			dec.Close()
		}
	}()
	return read("zstd", body, func(in *bytes.Reader) (io.Reader, error) {
		var err error
		dec, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		return dec, err
	})
}

// read reads all of one stream, and no more than the bound and a byte. What is left
// behind the stream is none of it.
func read(name string, body []byte, open func(*bytes.Reader) (io.Reader, error)) ([]byte, error) {
	if len(body) == 0 {
		return nil, fmt.Errorf("%w: %s of no bytes", ErrDamaged, name)
	}
	in := bytes.NewReader(body)
	stream, err := open(in)
	if err != nil {
		return nil, fmt.Errorf("%w: it is no %s", ErrDamaged, name)
	}
	bound := min(MaxBody, max(free, maxRatio*len(body)))
	plain, err := io.ReadAll(io.LimitReader(bufio.NewReader(stream), int64(bound)+1))
	switch {
	case len(plain) > bound:
		return nil, fmt.Errorf("%w: more than %d bytes from %d", ErrTooLarge, bound, len(body))
	case err != nil:
		return nil, fmt.Errorf("%w: the %s is damaged or cut off", ErrDamaged, name)
	case in.Len() > 0:
		return nil, fmt.Errorf("%w: something stands behind the %s", ErrDamaged, name)
	}
	return plain, nil
}
