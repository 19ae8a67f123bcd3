package outsider

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/local"
)

// raw writes bytes to the front and returns the status that they are answered with; 0
// where the connection ends without an answer. Half a request is ended by its sender.
func raw(t *testing.T, address, request string) int {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, request) // it may be refused before it is read
	_ = conn.(*net.TCPConn).CloseWrite()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("nobody answers %.80q", request)
	}
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// Whatever arrives over HTTP, the function fails at nothing of it, and goes on serving.
func TestHostileRequestsOverHTTP(t *testing.T) {
	w := newWorld(t)
	var lines bytes.Buffer
	receiver, _ := w.cold(slog.New(slog.NewJSONHandler(&lines, nil)))
	var invoked atomic.Int64
	front := httptest.NewServer(local.NewFront(func(ctx context.Context, ev events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		invoked.Add(1)
		return receiver(ctx, ev)
	}, patience, slog.New(slog.DiscardHandler)))
	t.Cleanup(front.Close)
	address := front.Listener.Addr().String()

	const hook = "/webhooks/strict/" + token
	post := func(path, headers, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s", path, len(body), headers, body)
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := z.Write(bytes.Repeat([]byte("[0,"), 10<<20))
	w.must(errors.Join(err, z.Close()))

	const noAnswer = 0
	for name, c := range map[string]struct {
		request string
		want    []int
	}{
		"an encoded slash":            {post("/webhooks/strict%2F"+token, "", "{}"), []int{401, 404}},
		"dots":                        {post("/webhooks/../webhooks/strict/./wrong", "", "{}"), []int{301, 307, 404}},
		"encoded dots":                {post("/webhooks/%2e%2e/%2e/", "", "{}"), []int{401, 404}},
		"a name in another script":    {post("/webhooks/str%D1%96ct/"+token, "", "{}"), []int{401}},
		"raw bytes in the path":       {post("/webhooks/\xff\xfe/\x80", "", "{}"), []int{400, 401, 404}},
		"an escape cut off":           {post("/webhooks/strict/%4", "", "{}"), []int{400}},
		"a NUL in the path":           {post("/webhooks/strict/%00", "", "{}"), []int{401}},
		"a long path":                 {post("/webhooks/strict/"+strings.Repeat("a", 200_000), "", "{}"), []int{401}},
		"a path without end":          {post("/webhooks/strict/"+strings.Repeat("a", 3<<20), "", "{}"), []int{431, noAnswer}},
		"a flood of headers":          {post(hook, strings.Repeat("X-Flood: y\r\n", 200_000), "{}"), []int{431, noAnswer}},
		"many headers":                {post(hook, strings.Repeat("X-Request-Id: "+strings.Repeat("z", 900)+"\r\n", 500), "not JSON"), []int{400}},
		"a huge body":                 {post("/webhooks/strict/wrong", "", strings.Repeat("x", 11<<20)), []int{413, noAnswer}},
		"a body beyond an invocation": {post(hook, "Content-Type: application/json\r\n", `{"a":"`+strings.Repeat("x", 7<<20)+`"}`), []int{413}},
		"a body that stops":           {"POST " + hook + " HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{", []int{400, noAnswer}},
		"chunks that are none":        {"POST " + hook + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}", []int{400}},
		"two lengths":                 {"POST " + hook + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", []int{400}},
		"no HTTP":                     {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", []int{400, noAnswer}},
		"a bomb, with the token":      {post(hook, "Content-Encoding: gzip\r\n", bomb.String()), []int{413}},
		"a bomb, without":             {post("/webhooks/strict/wrong", "Content-Encoding: gzip\r\n", bomb.String()), []int{401}},
		"nesting":                     {post(hook, "", strings.Repeat("[", 1<<20)), []int{400}},
		"an error, not JSON":          {post("/errors/strict/"+token, "", "{"), []int{400}},
		"an error, of any depth":      {post("/errors/strict/"+token, "", strings.Repeat("[", 200_000)), []int{400}},
		"an error, too large":         {post("/errors/strict/"+token, "", `"`+strings.Repeat("x", 1<<20)+`"`), []int{413}},
		"an error, a bomb":            {post("/errors/strict/"+token, "Content-Encoding: gzip\r\n", bomb.String()), []int{413}},
		"an error of a stranger":      {post("/errors/strict/wrong", "", "{}"), []int{401}},
		"an error of nobody":          {post("/errors/nobody/"+token, "", "{}"), []int{401}},
		"a method of its own":         {"BREW " + hook + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{405}},
		"a Bearer of its own":         {post("/webhooks/strict", "Authorization: Bearer "+strings.Repeat("%", 4000)+"\r\n", "{}"), []int{401}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := raw(t, address, c.request); !slices.Contains(c.want, got) {
				t.Errorf("answered %d, want one of %v", got, c.want)
			}
		})
	}
	if got := raw(t, address, post(hook, "", with(`{"event_type":"EMAIL_OPEN","campaign_id":1}`, key(secret)))); got != http.StatusOK {
		t.Errorf("after all of it an event is answered %d", got)
	}
	if strings.Contains(lines.String(), token) || strings.Contains(lines.String(), `"level":"ERROR"`) || lines.Len() > 64<<10 || invoked.Load() < 10 {
		t.Errorf("%d requests reached the function, which wrote %d bytes: %.2000s", invoked.Load(), lines.Len(), lines.String())
	}
}
