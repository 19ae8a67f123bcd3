package console_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
)

// lossy is a console beside an account of which events were lost. What is waited for
// waits until free is closed.
func lossy(t *testing.T) (c *consoletest.Console, lost []fakeapi.Post, free chan struct{}) {
	t.Helper()
	browserPath(t)
	s := clitest.New(t)
	_, lost = s.Lossy()
	c, free = consoletest.Over(t, s), make(chan struct{})
	c.Sleeps(func(ctx context.Context, d time.Duration) {
		if d >= time.Minute {
			select {
			case <-free:
			case <-ctx.Done():
			}
		}
		c.Advance(d)
	})
	return c, lost, free
}

var madeEvent = regexp.MustCompile(`data-href="(/events/[^"]+)"`)

// A repair is tried, agreed to and followed by keys alone; each of its pages can be used.
func TestRepairByKeys(t *testing.T) {
	c, lost, free := lossy(t)
	b := open(t, c)
	b.visit("/completeness")
	b.do(chromedp.KeyEvent("g"), chromedp.KeyEvent("c"))
	b.until(`location.pathname === "/completeness"`)
	b.tabTo(`main a.button[href="/completeness/repair"]`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`location.pathname === "/completeness/repair"`)
	b.tabTo(`main input[name="budget"]`)
	b.do(chromedp.KeyEvent("0"))
	b.tabTo(`main button.primary`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("Budget is at least 1")
	b.standsWell("completeness-repair-wrong")
	b.do(chromedp.SetValue(`main input[name="budget"]`, "20"))
	b.tabTo(`main button.primary`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("A repair would")
	run := js[string](b, `location.pathname + location.search`)
	b.canBeUsed("completeness-dry-run", run)
	b.tabTo(`main a.primary`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("Repair what is missing")
	ask := js[string](b, `location.pathname + location.search`)
	b.canBeUsed("completeness-repair-ask", ask)
	b.tabTo(`.ask button`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("waiting until") // not the fact, which stands there from the beginning
	b.canBeUsed("completeness-repair-waiting", run)
	close(free)
	b.untilText("What it did after the wait") // by itself: nobody loads the page
	b.canBeUsed("completeness-repair-done", run)
	c.Work()

	b.canBeUsed("completeness-repaired", "/completeness")
	b.visit(run)
	b.do(chromedp.Click(`main a.button[href^="/completeness/repairs/"]:nth-last-of-type(3)`))
	b.untilText("Events that it made")
	record := js[string](b, `location.pathname`)
	b.canBeUsed("completeness-repair-record", record)
	m := madeEvent.FindStringSubmatch(c.Get(record).Body)
	if m == nil {
		t.Fatalf("no event was made:\n%s", b.sees())
	}
	b.canBeUsed("event-made", m[1])
	for _, p := range lost {
		c.Post(string(p.Body))
	}
	b.canBeUsed("event-made-posted", m[1])
	b.do(chromedp.Click(`#made ~ p a.button`))
	b.until(`location.pathname === ` + quoted(record))
	b.heardOnly(http.StatusBadRequest) // the budget of nothing
}

// Without scripts a repair is asked for, looked at again, and stopped.
func TestRepairWithoutScripts(t *testing.T) {
	c, _, _ := lossy(t)
	b := open(t, c)
	b.scriptless()
	b.at("/completeness/repair?campaign=4100001")
	b.do(chromedp.Click(`main button.primary`))
	b.until(`location.pathname.startsWith("/completeness/repair/")`)
	run := js[string](b, `location.pathname + location.search`)
	for deadline := time.Now().Add(patience); !strings.Contains(b.sees(), "A repair would"); b.at(run) {
		if time.Now().After(deadline) {
			t.Fatalf("no dry run:\n%s", b.sees())
		}
	}
	b.do(chromedp.Click(`main a.primary`))
	b.until(`document.querySelector("form.ask button")`)
	b.do(chromedp.Click(`form.ask button`))
	b.until(`location.pathname.startsWith("/completeness/repair/") && !location.pathname.endsWith("/go")`)
	for deadline := time.Now().Add(patience); !strings.Contains(b.sees(), "waiting until"); b.at(run) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not wait:\n%s", b.sees())
		}
	}
	b.do(chromedp.Click(`#stop`))
	b.untilText("It stops.")
}
