// Package consoletest runs the console over a receiver in process, and looks at it
// as a browser does: over HTTP, with its cookie.
package consoletest

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/stack/deployment"
)

// Console is a console that serves, and a browser that was let in.
type Console struct {
	*clitest.Stack
	Server *console.Server
	URL    string // without a slash at its end
	Client *http.Client
	// Deployment is what AWS says of the stack, as if it were a deployed one; nil: nothing.
	Deployment *deployment.Deployment

	t     *testing.T
	sleep func(context.Context, time.Duration) // of what runs beside the pages
	found *stack.LocalFinder
	mu    sync.Mutex
	audit bytes.Buffer
}

// Answer is what the console answered.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// New starts a stack, and the console over it.
func New(t *testing.T) *Console {
	t.Helper()
	return Over(t, clitest.New(t))
}

// Over starts the console over a stack. What it answers is searched for the stack's
// secrets at the end of the test.
func Over(t *testing.T, s *clitest.Stack) *Console {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Console{Stack: s, t: t, sleep: s.Env.Sleep, URL: "http://" + l.Addr().String()}
	found := &stack.LocalFinder{StateDir: s.Dir, Env: stack.Env{
		Now: s.Clock, Sleep: c.doze, Nonce: func() (string, error) { return rand.Text(), nil },
	}}
	c.found = found
	c.Server, err = console.New(l.Addr().String(), console.Config{
		Connect: func(context.Context) (*stack.Stack, error) { return c.connect() },
		Name:    "local stack", Self: "smartleadctl --local", Local: true, Caller: "tester",
		Audit: slog.New(slog.NewTextHandler(c, nil)), Now: s.Clock, Zone: time.UTC, HTTP: http.DefaultTransport,
		Sleep: c.doze, Getenv: func(name string) string { return s.Getenv[name] },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var served sync.WaitGroup
	served.Go(func() {
		if err := c.Server.Serve(ctx, l); err != nil {
			t.Errorf("the console ended: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); served.Wait() })
	c.Client = c.Browser()
	c.Enter(c.Client)
	return c
}

// Sleeps replaces what happens while something that runs beside the pages waits.
func (c *Console) Sleeps(sleep func(context.Context, time.Duration)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sleep = sleep
}

func (c *Console) doze(ctx context.Context, d time.Duration) {
	c.mu.Lock()
	sleep := c.sleep
	c.mu.Unlock()
	sleep(ctx, d)
}

// connect finds the stack: the same one until the local stack is started anew.
func (c *Console) connect() (*stack.Stack, error) {
	st, err := c.found.Find()
	if err == nil && c.Deployment != nil {
		st.Deployment = c.Deployment
	}
	return st, err
}

// Found is the stack as the console finds it.
func (c *Console) Found() *stack.Stack {
	c.t.Helper()
	found, err := c.found.Find()
	if err != nil {
		c.t.Fatal(err)
	}
	return found
}

// Write takes what the console logs.
func (c *Console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.audit.Write(p)
}

// Audit is what the console logged so far.
func (c *Console) Audit() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.audit.String()
}

// Browser is a browser without a cookie, which follows redirects.
func (c *Console) Browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{}}
	c.t.Cleanup(client.CloseIdleConnections)
	return client
}

// Link is a fresh link.
func (c *Console) Link() string {
	c.t.Helper()
	link, err := c.Server.Link()
	if err != nil {
		c.t.Fatal(err)
	}
	return link
}

// Enter lets a browser in.
func (c *Console) Enter(client *http.Client) {
	c.t.Helper()
	if a := c.Do(client, http.MethodGet, c.Link(), nil, nil); a.Status != http.StatusOK {
		c.t.Fatalf("the link: %d\n%s", a.Status, a.Body)
	}
}

// Do sends one request to a whole address; header replaces what a browser would send.
func (c *Console) Do(client *http.Client, method, address string, form url.Values, header map[string]string) Answer {
	c.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, address, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", c.URL)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range header {
		req.Header.Set(name, value)
		if name == "Host" {
			req.Host = value
		}
		if value == "" {
			req.Header.Del(name)
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.Said = append(c.Said, string(content), resp.Header.Get("Location"))
	c.mu.Unlock()
	return Answer{resp.StatusCode, resp.Header, string(content)}
}

// Get looks at a page.
func (c *Console) Get(path string) Answer {
	c.t.Helper()
	return c.Do(c.Client, http.MethodGet, c.URL+path, nil, nil)
}

// OK is the text of a page that must be there.
func (c *Console) OK(path string) string {
	c.t.Helper()
	a := c.Get(path)
	if a.Status != http.StatusOK {
		c.t.Fatalf("%s: %d\n%s", path, a.Status, a.Text())
	}
	return a.Text()
}

// Looked is what the doctor's page says once the doctor looks no more.
func (c *Console) Looked() string {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		text := c.OK("/checkup")
		if !strings.Contains(text, "looks at every part now") {
			return text
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("the doctor looks for a minute:\n%s", text)
		}
	}
}

var (
	csrfValue = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	hidden    = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
)

// Form are the hidden values of the forms of a page, each once.
func (a Answer) Form() url.Values {
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(a.Body, -1) {
		if value := html.UnescapeString(m[2]); !slices.Contains(form[m[1]], value) {
			form.Add(m[1], value)
		}
	}
	return form
}

// Press presses the button of the question at path, with further values of the form,
// and follows to what was made.
func (c *Console) Press(path string, more url.Values) Answer {
	c.t.Helper()
	asked := c.Get(path)
	if !csrfValue.MatchString(asked.Body) {
		c.t.Fatalf("%s asks nothing: %d\n%s", path, asked.Status, asked.Text())
	}
	form := asked.Form()
	for name, values := range more {
		form[name] = values
	}
	return c.Do(c.Client, http.MethodPost, c.URL+path, form, nil)
}

// Text is what a reader sees of a page: its text, one space between words.
func (a Answer) Text() string {
	root, err := html.Parse(strings.NewReader(a.Body))
	if err != nil {
		return a.Body
	}
	var out strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			out.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}
