package console_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"smartlead-receiver/pkg/console/consoletest"
)

// tick lets the redrive function make one step, and the worker what it released. A run
// that is cut off holds the job for a while.
func tick(c *consoletest.Console) {
	c.Advance(40 * time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	c.Env.Sleep = func(context.Context, time.Duration) { cancel() }
	c.RunRedrive(ctx)
	c.Work()
}

// An operator plans, agrees, watches the chart move, pauses, goes on, and sees the end;
// nothing is loaded anew by hand.
func TestRedriveIsWatched(t *testing.T) {
	browserPath(t)
	c := consoletest.New(t)
	c.DeadReplies(30)
	b := open(t, c)
	b.do(chromedp.Click(`nav a[href="/redrive"]`))
	b.untilText("Plan")
	b.do(chromedp.Click(`form.filters button`))
	b.untilText("30 dead events")
	b.do(chromedp.Click(`a.primary`))
	b.untilText("30 dead events go back to work")
	b.do(chromedp.Click(`form.ask button`))
	b.untilText("Started: 30 events.")
	js[bool](b, `window.sameDocument = true`)

	drawn := func() string { return js[string](b, `document.querySelector("svg .decided").getAttribute("d")`) }
	before := drawn()
	for range 2 { // the chart moves, by itself
		tick(c)
		b.until(`document.querySelector("svg .decided").getAttribute("d") !== ` + quoted(before))
		before = drawn()
	}
	b.do(chromedp.Click(`#move`))
	b.untilText("‖ paused")
	tick(c)
	b.do(chromedp.Click(`#move`))
	b.untilText("Goes on, beginning with a few.")
	js[bool](b, `window.sameDocument = true`)
	job := js[string](b, `location.pathname`)
	for deadline := time.Now().Add(patience); !strings.Contains(c.OK(job), "✓ done") && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		tick(c) // the engine hides what was received by the real clock
	}
	b.untilText("✓ done")
	b.untilText("30 of 30")
	if !js[bool](b, `window.sameDocument === true`) {
		t.Error("the end came by loading the page anew")
	}
	if tag := js[string](b, `document.querySelector("#job").cloneNode(false).outerHTML`); strings.Contains(tag, "hx-get") {
		t.Errorf("it goes on asking: %s", tag)
	}
}

// What an operator has put the focus on stays there when the page moves on beneath.
func TestFocusStaysWhileTheRedriveMoves(t *testing.T) {
	browserPath(t)
	c := consoletest.New(t)
	c.DeadReplies(30)
	job := jobAddress.FindString(c.Press("/redrive/start", nil).Body)
	b := open(t, c)
	b.visit(job)
	b.do(chromedp.Focus("#move"))
	js[bool](b, `document.querySelector("#samples").open = true`)
	before := js[string](b, `document.querySelector(".headline").textContent`)
	tick(c)
	tick(c)
	b.until(`document.querySelector(".headline").textContent !== ` + quoted(before))
	if at := js[string](b, `document.activeElement.id`); at != "move" {
		t.Errorf("the focus is on %q", at)
	}
	if !js[bool](b, `document.querySelector("#samples").open`) {
		t.Error("the table was folded")
	}
}
