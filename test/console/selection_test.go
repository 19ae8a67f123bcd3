package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

// scriptless turns the scripts of a tab's pages off.
func (b *tab) scriptless() {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// at opens a page without what a script says of its drawing.
func (b *tab) at(address string) {
	b.Helper()
	b.do(chromedp.Navigate(b.c.URL + address))
	b.until(`document.readyState === "complete"`)
}

// fourDead is a console with four dead events.
func fourDead(t *testing.T) *consoletest.Console {
	t.Helper()
	browserPath(t)
	c := consoletest.New(t)
	c.DeadReplies(4)
	return c
}

// tabTo presses Tab until what has the focus matches.
func (b *tab) tabTo(selector string) {
	b.Helper()
	for range 60 {
		if js[bool](b, `document.activeElement.matches(`+quoted(selector)+`)`) {
			return
		}
		b.do(chromedp.KeyEvent(kb.Tab))
	}
	b.Fatalf("Tab does not reach %s, at\n%s", selector, b.sees())
}

// Rows are selected, moved together, and what became of them is read, by keys alone.
// What arrives meanwhile waits, and does not lose the selection.
func TestSelectionByKeys(t *testing.T) {
	c := fourDead(t)
	b := open(t, c)
	b.visit("/events?state=dead")
	bar := func() string { return js[string](b, `document.querySelector("[data-count]").textContent`) }
	if bar() != "None selected:" || !js[bool](b, `[...document.querySelectorAll("#chosen button")].every(b => b.disabled)`) {
		t.Errorf("the bar says %q, with nothing selected", bar())
	}
	for range 3 {
		b.do(chromedp.KeyEvent("j"), chromedp.KeyEvent("x"))
	}
	b.until(`document.querySelector("[data-count]").textContent === "3 selected:"`)
	b.do(chromedp.KeyEvent("x"))
	b.until(`document.querySelector("[data-count]").textContent === "2 selected:"`)
	b.do(chromedp.KeyEvent("x"))
	js[bool](b, `document.activeElement.blur() || true`)
	c.Answer.Store(503)
	c.Stack.Post(clitest.Reply(77))
	c.Work()
	b.untilText("1 new, show")
	if bar() != "3 selected:" || strings.Contains(b.sees(), "lead77@") {
		t.Errorf("an arrival moved the selection: %q\n%s", bar(), b.sees())
	}
	b.screenshot("events-selected")
	c.Answer.Store(200)
	b.do(chromedp.KeyEvent("r"))
	b.untilText("Replay 3 events")
	b.screenshot("events-selected-replay")
	b.tabTo(".ask button")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("Replay: 3 done")
	b.screenshot("events-moved")
	c.Work()
	b.tabTo(`a.primary`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`location.pathname === "/events" && location.search === "?state=dead" && document.querySelectorAll("#rows tr").length === 2`)
}

// The box above the boxes selects every row, and says so where only some are.
func TestEveryRowIsSelected(t *testing.T) {
	b := open(t, fourDead(t))
	b.visit("/events?state=dead")
	b.do(chromedp.Click("[data-all]"))
	b.until(`document.querySelector("[data-count]").textContent === "4 selected:"`)
	b.do(chromedp.Click("#rows tr:first-child .pick input"))
	b.until(`document.querySelector("[data-count]").textContent === "3 selected:" && document.querySelector("[data-all]").indeterminate`)
}

// Without scripts the boxes are ticked, and the form is sent.
func TestSelectionWithoutScripts(t *testing.T) {
	b := open(t, fourDead(t))
	b.scriptless()
	b.at("/events?state=dead")
	b.do(chromedp.Click("#rows tr:nth-child(1) .pick input"), chromedp.Click("#rows tr:nth-child(3) .pick input"))
	b.do(chromedp.Click(`#chosen button[formaction$="/park"]`))
	b.until(`document.querySelector("h1")?.innerText === "Park 2 events"`)
	b.do(chromedp.Click(`form.ask button`))
	b.until(`document.querySelector("h1")?.innerText === "Park: 2 done"`)
}

// Of two operators who select the same events, one moves them, and the other is told.
func TestTwoOperatorsSelect(t *testing.T) {
	c := fourDead(t)
	mine, theirs := open(t, c), open(t, c)
	for _, b := range []*tab{mine, theirs} {
		b.visit("/events?state=dead")
		b.do(chromedp.Click("[data-all]"), chromedp.Click(`#chosen button[formaction$="/replay"]`))
		b.untilText("Replay 4 events")
	}
	mine.do(chromedp.Click(`form.ask button`))
	mine.untilText("Replay: 4 done")
	theirs.do(chromedp.Click(`form.ask button`))
	theirs.untilText("Replay: 4 changed meanwhile")
	theirs.untilText("somebody moved it meanwhile: nothing was changed")
	theirs.heardOnly(http.StatusConflict)
}
