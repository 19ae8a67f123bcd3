package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"
)

// noTime keeps an object without a time of its last change.
var noTime time.Time

// plain takes a body out of the chunks in which the SDK sends one whose checksum
// follows it.
func plain(body []byte, header http.Header) []byte {
	if !strings.Contains(header.Get("Content-Encoding"), "aws-chunked") {
		return body
	}
	whole, _ := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body))) // the checksum behind the last chunk is not read
	return whole
}

// counter counts what is written to it.
type counter struct{ bytes int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}
