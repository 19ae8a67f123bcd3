package consolecmd_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

// served runs the command until seen, which is given the link, returns.
func served(t *testing.T, s *clitest.Stack, seen func(link string), args ...string) clitest.Result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.Open = func(link string) error { seen(link); cancel(); return nil }
	return s.RunWith(ctx, append([]string{"--local", "--state-dir", s.Dir, "console"}, args...)...)
}

func TestConsoleServesUntilItIsInterrupted(t *testing.T) {
	s := clitest.New(t)
	var opened string
	r := served(t, s, func(link string) {
		opened = link
		resp, err := http.Get(link) //nolint:gosec // the console of this test
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 1 {
			t.Errorf("the link: %d, %v", resp.StatusCode, resp.Cookies())
		}
	})
	if r.Code != 130 || r.Out != opened+"\n" || !strings.HasPrefix(opened, "http://127.0.0.1:") {
		t.Errorf("exit %d, opened %q\n%s%s", r.Code, opened, r.Out, r.Err)
	}
	r = served(t, s, func(string) {}, "--json")
	if !strings.HasPrefix(r.Out, `{"link":"http://127.0.0.1:`) {
		t.Errorf("as JSON: %s", r.Out)
	}
	s.Fails(1, "loopback", "console", "--addr", "0.0.0.0:0")
	s.Fails(1, "--addr 127.0.0.1:0", "console", "--addr", "127.0.0.1:99999")
}
