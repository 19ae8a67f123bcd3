// Package ttlcheck finds tests whose items expire by the clock of the machine.
// The engines that tests talk to delete expired items by that clock, at moments
// of their own: a test that wrote such an item fails by chance, or on a day to
// come.
//
// Where a test holds the clients, [Transport] or [Proxy] stands between it and
// the engine and sees every write. Where it runs a whole program, which has its
// own engine and the real clock, [Tables] looks at the tables at the end.
package ttlcheck

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/local/tabledef"
)

// Margin is how far ahead of the real clock an expiry must lie: longer than any
// test takes.
const Margin = time.Hour

// reporter is the part of a test that is told of what was found.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// Transport passes every request on to next, and fails the test when a request
// to DynamoDB writes an expiry that has passed, or that it cannot read. It reads
// each such request's body before it passes it on. It is safe for concurrent
// use, until the test ends.
func Transport(t testing.TB, next http.RoundTripper) http.RoundTripper {
	return transport{t, next}
}

// Proxy returns the URL of a server that does the same before a DynamoDB, for
// clients that take a URL. It ends with the test.
func Proxy(t testing.TB, engine string) string {
	t.Helper()
	target, err := url.Parse(engine)
	if err != nil {
		t.Fatal(err)
	}
	next := &http.Transport{MaxIdleConnsPerHost: 64}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: Transport(t, next),
		ErrorLog:  log.New(io.Discard, "", 0), // the client hears of it
	})
	t.Cleanup(func() {
		server.Close()
		next.CloseIdleConnections()
	})
	return server.URL
}

type transport struct {
	t    reporter
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (g transport) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, found := strings.Cut(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	if !found || r.Body == nil {
		return g.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	if bytes.Contains(body, []byte(tabledef.TTLAttribute)) {
		g.t.Helper()
		for _, finding := range findings(body, time.Now().Add(Margin)) {
			g.t.Errorf("%s %s. Engines delete what has expired by the real clock: begin at testclock.Noon()", operation, finding)
		}
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return g.next.RoundTrip(r)
}

// attribute is the part of an attribute's value that matters here.
type attribute struct {
	S, N *string
}

func (a attribute) String() string {
	switch {
	case a.S != nil:
		return *a.S
	case a.N != nil:
		return *a.N
	}
	return "?"
}

// write is one put or one update, wherever in a request it stands.
type write struct {
	TableName                 string
	Key                       map[string]attribute
	Item                      map[string]attribute
	UpdateExpression          string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]attribute
}

// findings says of each write of a request what is wrong with its expiry.
func findings(body []byte, earliest time.Time) []string {
	var request any
	if err := json.Unmarshal(body, &request); err != nil {
		return []string{"is not JSON: " + err.Error()}
	}
	var out []string
	for _, w := range writes(request, "") {
		if wrong := w.wrong(earliest); wrong != "" {
			out = append(out, fmt.Sprintf("to the table %s, key %s: %s", w.TableName, w.key(), wrong))
		}
	}
	return out
}

// writes finds the puts and updates of a request: it is one, or it holds many, by
// the name of their table or with it.
func writes(part any, table string) []write {
	var out []write
	switch part := part.(type) {
	case []any:
		for _, element := range part {
			out = append(out, writes(element, table)...)
		}
	case map[string]any:
		if part["Item"] != nil || part["UpdateExpression"] != nil {
			w := write{TableName: table}
			text, err := json.Marshal(part)
			if err == nil {
				err = json.Unmarshal(text, &w)
			}
			if err == nil {
				return []write{w}
			}
		}
		for name, member := range part {
			if name == "PutRequest" {
				name = table
			}
			out = append(out, writes(member, name)...)
		}
	}
	return out
}

// key is the item's primary key.
func (w write) key() string {
	key := w.Key
	if key == nil {
		key = w.Item
	}
	return key[tabledef.PartitionKey].String() + " " + key[tabledef.SortKey].String()
}

// wrong says what is wrong with the expiry that is written; "" says nothing, or
// that none is.
func (w write) wrong(earliest time.Time) string {
	values := []attribute{}
	if a, found := w.Item[tabledef.TTLAttribute]; found {
		values = append(values, a)
	}
	names, readable := assigned(w.UpdateExpression, w.ExpressionAttributeNames)
	if !readable {
		return fmt.Sprintf("how it sets %s cannot be read: %s", tabledef.TTLAttribute, w.UpdateExpression)
	}
	for _, name := range names {
		values = append(values, w.ExpressionAttributeValues[name])
	}
	for _, value := range values {
		if wrong := wrong(value, earliest); wrong != "" {
			return wrong
		}
	}
	return ""
}

// wrong says what is wrong with one value of the attribute.
func wrong(value attribute, earliest time.Time) string {
	seconds, err := strconv.ParseInt(value.String(), 10, 64)
	if value.N == nil || err != nil {
		return fmt.Sprintf("%s is no number of seconds: %s", tabledef.TTLAttribute, value)
	}
	if at := time.Unix(seconds, 0).UTC(); at.Before(earliest) {
		return fmt.Sprintf("%s is %s, which is past or within %s", tabledef.TTLAttribute, at.Format(time.RFC3339), Margin)
	}
	return ""
}
