package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/console"
	"smartlead-receiver/pkg/console/consoletest"
)

func TestOnlyLoopbackIsServed(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:8080", "192.168.1.7:8080", ":8080", "localhost:8080", "[::]:8080", "127.0.0.1"} {
		if _, err := console.New(addr, console.Config{Now: time.Now}); err == nil {
			t.Errorf("%s is served", addr)
		}
	}
	for _, addr := range []string{"127.0.0.1:8080", "[::1]:8080"} {
		if _, err := console.New(addr, console.Config{Now: time.Now}); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestLinkLetsOneBrowserInOnce(t *testing.T) {
	c := consoletest.New(t)
	link := c.Link()
	stranger := c.Browser()
	if a := c.Do(stranger, http.MethodGet, c.URL+"/", nil, nil); a.Status != http.StatusUnauthorized || strings.Contains(a.Body, "csrf") {
		t.Errorf("without a cookie: %d\n%s", a.Status, a.Body)
	}
	a := c.Do(stranger, http.MethodGet, link, nil, nil)
	cookie := a.Header.Get("Set-Cookie")
	_, port, _ := strings.Cut(strings.TrimPrefix(c.URL, "http://"), ":")
	for _, want := range []string{"slc_" + port + "=", "HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie has no %s: %s", want, cookie)
		}
	}
	if a.Status != http.StatusOK || !strings.Contains(a.Body, `http-equiv="refresh" content="0; url=/"`) {
		t.Errorf("the link: %d\n%s", a.Status, a.Body)
	}
	if a := c.Do(stranger, http.MethodGet, c.URL+"/", nil, nil); a.Status != http.StatusOK {
		t.Errorf("with the cookie: %d", a.Status)
	}
	if a := c.Do(c.Browser(), http.MethodGet, link, nil, nil); a.Status != http.StatusUnauthorized {
		t.Errorf("a used link: %d", a.Status)
	}
	if a := c.Do(stranger, http.MethodGet, link, nil, nil); a.Status != http.StatusOK || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("the browser that used it loads the link again: %d %v", a.Status, a.Header)
	}
	late := c.Link()
	c.Advance(5 * time.Minute)
	if a := c.Do(c.Browser(), http.MethodGet, late, nil, nil); a.Status != http.StatusUnauthorized {
		t.Errorf("a link of five minutes ago: %d", a.Status)
	}
	if a := c.Do(c.Browser(), http.MethodGet, c.URL+"/enter?token=", nil, nil); a.Status != http.StatusUnauthorized {
		t.Errorf("a link without a token: %d", a.Status)
	}
}

func TestOnlyItsOwnHostIsAnswered(t *testing.T) {
	c := consoletest.New(t)
	for _, host := range []string{"evil.example", "localhost:1", strings.Replace(strings.TrimPrefix(c.URL, "http://"), "127.0.0.1", "localhost", 1)} {
		for _, path := range []string{"/", "/assets/app.css", "/enter?token=x"} {
			if a := c.Do(c.Client, http.MethodGet, c.URL+path, nil, map[string]string{"Host": host}); a.Status != http.StatusMisdirectedRequest {
				t.Errorf("%s as %s: %d", path, host, a.Status)
			}
		}
	}
}

// A changing request needs the cookie, the Origin of the console and the session's
// token, each by itself.
func TestOnlyItsOwnFormsAreTaken(t *testing.T) {
	c := consoletest.New(t)
	csrf := console.CSRFOf(c.Server)
	form := url.Values{"csrf": {csrf}}
	post := func(client *http.Client, form url.Values, header map[string]string) int {
		return c.Do(client, http.MethodPost, c.URL+"/no-such-action", form, header).Status
	}
	if got := post(c.Client, form, nil); got != http.StatusMethodNotAllowed && got != http.StatusNotFound {
		t.Fatalf("its own form: %d", got)
	}
	for name, header := range map[string]map[string]string{
		"no Origin":               {"Origin": ""},
		"no header at all":        {"Origin": "", "Sec-Fetch-Site": ""},
		"a foreign Origin":        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
		"a form of another port":  {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
		"a hidden Origin":         {"Origin": "null"},
		"an Origin without fetch": {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": ""},
	} {
		if got := post(c.Client, form, header); got != http.StatusForbidden {
			t.Errorf("%s: %d", name, got)
		}
	}
	for name, form := range map[string]url.Values{"no token": {}, "a wrong token": {"csrf": {csrf + "x"}}, "an empty token": {"csrf": {""}}} {
		if got := post(c.Client, form, nil); got != http.StatusForbidden {
			t.Errorf("%s: %d", name, got)
		}
	}
	if a := c.Do(c.Client, http.MethodPost, c.URL+"/no-such-action?csrf="+csrf, url.Values{}, nil); a.Status != http.StatusForbidden {
		t.Errorf("a token in the address: %d", a.Status)
	}
	if got := post(c.Browser(), form, nil); got != http.StatusUnauthorized {
		t.Errorf("no cookie: %d", got)
	}
	other := c.Browser()
	c.Enter(other)
	if got := post(other, form, nil); got != http.StatusForbidden {
		t.Errorf("the token of another session: %d", got)
	}
}

func TestEveryAnswerIsClosedToOthers(t *testing.T) {
	c := consoletest.New(t)
	for _, path := range []string{"/", "/no-such-page", "/assets/no-such.css", "/assets/app.css", "/enter"} {
		h := c.Get(path).Header
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(policy, "unsafe") ||
			!strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, policy)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

// What is too large is not taken for a stranger's.
func TestAFormThatIsTooLargeIsCalledThat(t *testing.T) {
	c := consoletest.New(t)
	form := url.Values{"csrf": {console.CSRFOf(c.Server)}, "body": {strings.Repeat("x", 5<<20)}}
	a := c.Do(c.Client, http.MethodPost, c.URL+"/send", form, nil)
	if a.Status != http.StatusRequestEntityTooLarge || !strings.Contains(a.Text(), "a form may have 4 MB") || strings.Contains(a.Text(), "Not let in") {
		t.Errorf("%d\n%s", a.Status, a.Text())
	}
}

// What is sent to a page that is only looked at is answered by a page.
func TestAPageThatHasNoActionSaysSo(t *testing.T) {
	c := consoletest.New(t)
	form := url.Values{"csrf": {console.CSRFOf(c.Server)}}
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"/events":        {http.StatusMethodNotAllowed, "nothing can be sent to this page: nothing was done Go back"},
		"/":              {http.StatusMethodNotAllowed, "nothing was done"},
		"/events/x/none": {http.StatusNotFound, "there is no page /events/x/none"},
	} {
		a := c.Do(c.Client, http.MethodPost, c.URL+path, form, nil)
		if a.Status != want.status || !strings.Contains(a.Text(), want.says) || !strings.Contains(a.Body, `<nav class="bar"`) {
			t.Errorf("%s: %d %q\n%s", path, a.Status, a.Header.Get("Content-Type"), a.Body)
		}
	}
}

// On the first page of a deployed stack the search has the focus; on that of a local one
// the keys work at once.
func TestSearchHasTheFocusWhereAStackIsDeployed(t *testing.T) {
	c := consoletest.New(t)
	if strings.Contains(c.Get("/").Body, "autofocus") {
		t.Error("of a local stack")
	}
	c.Server.Local = false
	if !strings.Contains(c.Get("/").Body, `autocomplete="off" autofocus>`) || strings.Contains(c.Get("/events").Body, "autofocus") {
		t.Error("of a deployed stack, on its first page alone")
	}
}
