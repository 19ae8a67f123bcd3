package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

func TestVariantIsSplit(t *testing.T) {
	c := furnished(t)
	b := open(t, c)
	b.visit(eventAddress.FindString(c.Get("/events?lead=lead501@acme.example.com").Body))
	if rows := js[int](b, `document.querySelectorAll(".variant ins").length`); rows != 1 {
		t.Errorf("%d fields differ, want the one", rows)
	}
	before := js[string](b, `location.pathname`)
	b.do(chromedp.Click(`.variant a.button`))
	b.until(`document.querySelector("form.ask")`)
	b.do(chromedp.Click(`form.ask button`))
	b.until(`location.pathname.startsWith("/events/") && !location.pathname.endsWith("/split") && location.pathname !== ` + quoted(before))
	b.untilText("lead501@acme.example.com")
}

// A reply is text of a stranger: it is read, and runs nothing.
func TestHostileReply(t *testing.T) {
	browserPath(t)
	c := consoletest.New(t)
	hostile := `<script>window.pwned=1</script><img src=x onerror=\"window.pwned=1\"><svg onload=window.pwned=1>\u202eABC {{.}} </textarea><script>window.pwned=1</script>`
	id := c.Stack.Post(strings.Replace(strings.Replace(clitest.Reply(5), `"text":"Yes"`, `"text":"`+hostile+`"`, 1), `Re: hello 5`, hostile, 1))
	b := open(t, c)
	for _, path := range []string{"/events/" + id, "/events", "/leads/lead5@acme.example.com", "/find?q=" + "%3Cscript%3Ewindow.pwned%3D1%3C/script%3E"} {
		b.visit(path)
		if js[bool](b, `!!window.pwned || document.querySelectorAll("main script, main img, main svg").length > 0`) {
			t.Errorf("%s: it ran, or became an element", path)
		}
		if strings.ContainsRune(js[string](b, `document.documentElement.outerHTML`), '\u202e') {
			t.Errorf("%s turns the direction of what follows", path)
		}
	}
	b.visit("/events/" + id)
	b.untilText("ABC {{.}}")
	b.heardOnly(http.StatusNotFound) // the search that finds nothing
}

// A stack that goes away is said to be away, and is found again by itself.
func TestStackGoesAndComesBack(t *testing.T) {
	browserPath(t)
	c := consoletest.New(t)
	b := open(t, c)
	file, away := filepath.Join(c.Dir, "stack.json"), filepath.Join(c.Dir, "away.json")
	if err := os.Rename(file, away); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(c.URL + "/dead"))
	b.untilText("The stack does not answer.")
	if err := os.Rename(away, file); err != nil {
		t.Fatal(err)
	}
	b.untilText("Nothing is dead.")
	b.heardOnly(http.StatusServiceUnavailable)
}

// Of two operators who bring one event back, one does, and the other is told.
func TestTwoOperators(t *testing.T) {
	c := furnished(t)
	ask := eventAddress.FindString(c.Get("/events?state=dead").Body) + "/replay"
	mine, theirs := open(t, c), open(t, c)
	mine.visit(ask)
	theirs.visit(ask)
	mine.do(chromedp.Click(`form.ask button`))
	mine.until(`!location.pathname.endsWith("/replay") && document.querySelector("[role=status]")`)
	theirs.do(chromedp.Click(`form.ask button`))
	theirs.until(`document.querySelector("[role=alert]")`)
	theirs.untilText("changed")
	theirs.heardOnly(http.StatusConflict)
}

// A page of another port is of the same site, so that the cookie comes along: its form
// is refused all the same.
func TestFormOfAnotherPortIsRefused(t *testing.T) {
	c := furnished(t)
	ask := eventAddress.FindString(c.Get("/events?state=dead").Body) + "/discard"
	csrf := c.Get(ask).Form().Get("csrf")
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<form method="post" action="%s%s"><input name="csrf" value="%s"><button id="go">go</button></form>`, c.URL, ask, csrf)
	}))
	defer foreign.Close()
	b := open(t, c)
	b.do(chromedp.Navigate(foreign.URL), chromedp.Click("#go"))
	b.untilText("the request did not come from a page of this console")
	b.heardOnly(http.StatusForbidden)
	if a := c.Get("/events?state=discarded"); strings.Contains(a.Body, `class="state discarded"`) {
		t.Error("the event was discarded")
	}
}

// Times are those of the reader's zone where a cookie says so; an odd locale and a
// wish for less motion change nothing.
func TestZonesAndLocales(t *testing.T) {
	c := furnished(t)
	b := open(t, c)
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: "en_US_POSIX"})
		return err
	}))
	b.media(&emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"})
	first := `document.querySelector("#rows time").textContent + " " + document.querySelector("#rows time").title`
	b.visit("/events")
	utc := js[string](b, first)
	js[string](b, `document.cookie = "tz=Asia/Kolkata; path=/"`)
	b.visit("/events")
	india := js[string](b, first)
	if utc == india || utc[len(utc)-20:] != india[len(india)-20:] {
		t.Errorf("%q in UTC, %q in India", utc, india)
	}
}

// Without scripts every page can be read, and an event brought back.
func TestWithoutScripts(t *testing.T) {
	c := furnished(t)
	pages := addresses(t, c)
	b := open(t, c)
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	visit := func(address string) { // without what a page says of its own drawing
		b.do(chromedp.Navigate(c.URL + address))
		b.until(`document.readyState === "complete"`)
	}
	for name, address := range pages {
		visit(address)
		if text := js[string](b, `document.querySelector("h1").innerText`); text == "" {
			t.Errorf("%s has no heading", name)
		}
	}
	visit(pages["event-replay"])
	b.do(chromedp.Click(`form.ask button`))
	b.until(`!location.pathname.endsWith("/replay") && document.querySelector("[role=status]")`)
	b.heardOnly(http.StatusNotFound)
}
