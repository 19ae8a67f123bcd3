package console_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"time"

	"smartlead-receiver/pkg/console"
	"smartlead-receiver/pkg/stack"
)

// Enter in the terminal prints a new link: each lets one browser in, once.
func TestEnterPrintsAnotherLink(t *testing.T) {
	typed, keys := io.Pipe()
	links := make(chan string, 4)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- console.Run(ctx, "127.0.0.1:0", console.Config{
			Connect: func(context.Context) (*stack.Stack, error) { return nil, errors.New("no stack") },
			Audit:   slog.New(slog.DiscardHandler), Now: time.Now,
		}, console.Terminal{Lines: typed, Say: func(link string, _ bool) { links <- link }})
	}()
	if _, err := io.WriteString(keys, "\n\n"); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for range 3 {
		select {
		case link := <-links:
			seen = append(seen, link)
		case <-time.After(30 * time.Second):
			t.Fatalf("%d links", len(seen))
		}
	}
	for i, link := range seen {
		for once, want := range []int{http.StatusOK, http.StatusUnauthorized} {
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			browser := &http.Client{Jar: jar}
			if got := status(t, browser, link); got != want {
				t.Errorf("link %d, use %d: %d", i+1, once+1, got)
			}
			u, err := url.Parse(link)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(jar.Cookies(u)); got != 1-once {
				t.Errorf("link %d, use %d: %d cookies", i+1, once+1, got)
			}
		}
	}
	stop()
	_ = keys.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func status(t *testing.T, client *http.Client, address string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}
