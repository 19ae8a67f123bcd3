package console_test

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

// Why a reply did not arrive is two actions away: search, and look.
func TestSearchLeadsToTheCause(t *testing.T) {
	c := furnished(t)
	b := open(t, c)
	b.do(chromedp.KeyEvent("/"))
	b.until(`document.activeElement.id === "search"`)
	js[string](b, `document.activeElement.value = ""`) // the driver types what a real browser does not
	b.do(chromedp.KeyEvent("lead0@acme.example.com" + kb.Enter))
	b.untilText("✗ dead EMAIL_REPLY lead0@acme.example.com")
	b.untilText("crm #1 503")
	if js[float64](b, `document.querySelectorAll(".story > .step").length`) < 3 || !js[bool](b, `[...document.querySelectorAll(".gap")].some(g => g.textContent.startsWith("+"))`) {
		t.Errorf("the story:\n%s", b.sees())
	}
}

// What a sender wrote is read, and never run.
func TestWhatASenderWroteIsNotRun(t *testing.T) {
	browserPath(t)
	c := consoletest.New(t)
	evil := `<script>window.pwned=1</script><img src=x onerror='window.pwned=1'>\u202egnp <hx-partial hx-target='#main'>gone</hx-partial>`
	id := c.Stack.Post(strings.NewReplacer(`"text":"Yes","html":"<p>Yes</p>"`, `"text":"`+evil+`"`, `Re: hello 1`, evil).Replace(clitest.Reply(1)))
	b := open(t, c)
	for _, path := range []string{"/", "/events", "/events/" + url.PathEscape(id)} {
		b.visit(path)
		if js[bool](b, "!!window.pwned || document.querySelectorAll('main img, main script').length > 0") {
			t.Errorf("%s ran it", path)
		}
	}
	// Also where it arrives while the page is open.
	b.untilText("pending EMAIL_REPLY")
	c.Work()
	b.untilText("✓ delivered EMAIL_REPLY")
	if js[bool](b, "!!window.pwned") || !strings.Contains(js[string](b, "document.body.textContent"), "window.pwned=1") {
		t.Errorf("it was run, or is not shown:\n%s", b.sees())
	}
}

// A row that is in use stays where it is while others arrive, and they come when they
// are asked for; a list that is not in use shows them at once.
func TestArrivalsLeaveTheRowInUse(t *testing.T) {
	c := furnished(t)
	b := open(t, c)
	b.visit("/events")
	b.do(chromedp.KeyEvent("j"))
	b.do(chromedp.KeyEvent("j"))
	b.until(`document.querySelectorAll("#rows tr")[1].classList.contains("here")`)
	top := js[float64](b, `document.activeElement.getBoundingClientRect().top`)
	focused := js[string](b, `document.activeElement.closest("tr").id`)
	c.Stack.Post(clitest.Reply(701))
	b.untilText("1 new, show")
	if now := js[string](b, `document.activeElement.closest("tr").id`); now != focused || js[float64](b, `document.activeElement.getBoundingClientRect().top`) != top {
		t.Errorf("the row in use moved, or another one has the focus: %s, now %s", focused, now)
	}
	if strings.Contains(b.sees(), "lead701@") {
		t.Error("the arrival is shown beside the row in use")
	}
	b.do(chromedp.KeyEvent("l"))
	b.untilText("lead701@acme.example.com")
	b.do(chromedp.KeyEvent("/"))
	c.Stack.Post(clitest.Reply(702))
	b.untilText("lead702@acme.example.com")
	c.Work()
	b.untilText("✓ delivered EMAIL_REPLY lead702@acme.example.com")
}

// What came just before a page was opened is sent again by the first look: it keeps its
// place, and what is older than the page stays away.
func TestArrivalsKeepTheirOrder(t *testing.T) {
	c := furnished(t)
	for i := range 60 {
		c.Stack.Post(clitest.Reply(800 + i))
		c.Advance(10 * time.Millisecond)
	}
	b := open(t, c)
	b.visit("/events")
	c.Stack.Post(clitest.Reply(900))
	b.untilText("lead900@acme.example.com")
	times := js[[]float64](b, `[...document.querySelectorAll("#rows tr")].map(r => Number(r.dataset.at))`)
	if !slices.IsSortedFunc(times, func(a, b float64) int { return cmp.Compare(b, a) }) || len(times) != 51 {
		t.Errorf("%d rows, want the page's 50 and the new one, the newest first: %.0f", len(times), times)
	}
	if first := js[string](b, `document.querySelector("#rows tr").textContent`); !strings.Contains(first, "lead900@") {
		t.Errorf("the first row is %q", first)
	}
}

// Keys reach every page and a replay; they can be turned off.
func TestKeysReachEverything(t *testing.T) {
	c := furnished(t)
	b := open(t, c)
	b.do(chromedp.KeyEvent("g"), chromedp.KeyEvent("e"))
	b.until(`location.pathname === "/events"`)
	b.visit("/events?state=dead")
	b.do(chromedp.KeyEvent("j"), chromedp.KeyEvent(kb.Enter))
	b.untilText("Story")
	b.do(chromedp.KeyEvent("r"))
	b.untilText("Replay 1 event")
	b.tabTo(".ask button") // over the bar
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("The event is on its way again.")
	b.do(chromedp.KeyEvent("?"))
	b.until(`location.pathname === "/keys" && document.readyState === "complete"`)
	b.do(chromedp.Click("[data-keys]"))
	b.do(chromedp.KeyEvent("g"), chromedp.KeyEvent("e"))
	b.visit("/keys")
	if at := js[string](b, "location.pathname"); at != "/keys" || js[bool](b, `document.querySelector("[data-keys]").checked`) {
		t.Errorf("the keys are off, and led to %s", at)
	}
}

// Eight tabs of one browser follow events; a ninth page is still answered.
func TestManyTabsLeaveRoom(t *testing.T) {
	c := furnished(t)
	first := blank(t, c) // all of them in one profile
	first.do(chromedp.Navigate(c.Link()))
	first.until(`location.pathname === "/"`)
	for range 8 {
		b := blank(t, c)
		b.do(chromedp.Navigate(c.URL + "/events"))
		b.untilText("lead501@acme.example.com")
		b.until(`document.querySelector("#live").textContent.includes(":")`)
	}
	ninth := blank(t, c)
	ninth.do(chromedp.Navigate(c.URL + "/keys"))
	ninth.untilText("Single keys are on")
}
