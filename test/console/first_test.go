package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

// offer presses an offer of a sample's page, by the end of its address.
func (b *tab) offer(name string) {
	b.Helper()
	b.do(chromedp.Click(`.offers button[formaction$="/` + name + `"]`))
}

// A new stack is learnt by clicks alone: a sample, its duplicate, its variant, a dead
// one, and its way back. Scripts or not.
func TestTheFirstMinute(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		t.Run(map[bool]string{true: "with scripts", false: "without"}[scripts], func(t *testing.T) {
			browserPath(t)
			c := consoletest.New(t)
			b := open(t, c)
			if !scripts {
				b.scriptless()
			}
			said := func(text string) {
				b.Helper()
				b.until(`document.body.innerText.replace(/\s+/g, " ").includes(` + quoted(text) + `)`)
			}
			b.at("/events")
			b.do(chromedp.Click(".setup button"))
			said("A sample reply was sent")
			c.Work()
			b.offer("again")
			said("1 duplicate")
			b.offer("variant")
			said("reply_message.text")
			b.screenshot("first-minute")
			b.offer("failing")
			said("at whose address nothing is")
			c.Work()
			if !scripts {
				b.do(chromedp.Reload())
			}
			said("✗ dead EMAIL_REPLY")
			b.offer("back")
			said("Redrive of")
			ctx, cancel := context.WithCancel(context.Background())
			c.Env.Sleep = func(context.Context, time.Duration) { cancel() }
			c.RunRedrive(ctx)
			c.Work()
			b.at("/events?state=dead")
			said("No event matches")
		})
	}
}

// While a page takes long, a bar says so, after a moment, and nothing moves; who wants
// less motion sees it stand.
func TestABarSaysThatAPageLoads(t *testing.T) {
	c := fourDead(t)
	slow := make(chan struct{})
	answer := sync.OnceFunc(func() { close(slow) })
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = strings.TrimPrefix(c.URL, "http://")
		switch {
		case r.URL.Path == "/dead":
			<-slow
		case r.URL.RawQuery == "seen=1":
			answer()
		}
		c.Server.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { answer(); front.CloseClientConnections(); front.Close() }) // pages are followed
	b := blank(t, c)
	link := strings.Replace(c.Link(), c.URL, front.URL, 1)
	b.do(chromedp.Navigate(link))
	b.until(`location.pathname === "/" && document.readyState === "complete"`)
	const bar = `document.getElementById("loading")`
	if !js[bool](b, bar+`.hidden`) {
		t.Error("a bar beside a page that is there")
	}
	b.media(&emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "reduce"})
	if name := js[string](b, `getComputedStyle(`+bar+`).animationName`); name != "none" {
		t.Errorf("it moves, by %s", name)
	}
	// A page that goes away answers no question: it notes what it sees, and asks for the
	// answer once it has seen the bar.
	js[bool](b, `(() => {
		const bar = `+bar+`, main = document.querySelector("main"), top = main.getBoundingClientRect().top, asked = performance.now();
		new MutationObserver(() => {
			sessionStorage.setItem("after", performance.now() - asked);
			sessionStorage.setItem("moved", main.getBoundingClientRect().top - top);
			fetch("/keys?seen=1");
		}).observe(bar, {attributes: true});
		setTimeout(() => document.querySelector('a[href="/dead"]').click());
		return true;
	})()`)
	b.until(`location.pathname === "/dead" && document.readyState === "complete" && ` + bar + `.hidden`)
	if after := js[float64](b, `Number(sessionStorage.getItem("after"))`); after < 300 {
		t.Errorf("the bar came after %.0f ms", after)
	}
	if moved := js[float64](b, `Number(sessionStorage.getItem("moved"))`); moved != 0 {
		t.Errorf("the page moved by %v", moved)
	}
}

// All that a filter matches is replayed, seen to its end, stopped and gone on with.
func TestManyAreReplayed(t *testing.T) {
	browserPath(t)
	c := consoletest.New(t)
	for i := range 3 {
		c.Stack.Post(clitest.Reply(i))
	}
	c.Work()
	c.Advance(time.Minute)
	hold := make(chan struct{})
	c.Sleeps(func(ctx context.Context, _ time.Duration) {
		select {
		case <-ctx.Done():
		case <-hold:
			c.Advance(time.Second)
			c.Work()
		}
	})
	b := open(t, c)
	b.visit("/events?state=delivered")
	b.do(chromedp.Click(`.chosen a.button`))
	b.untilText("Replay 3 events")
	b.screenshot("replay-all")
	b.do(chromedp.Click(`form.ask button`))
	b.untilText("1 of 3 at most 5 a second")
	js[bool](b, `window.sameDocument = true`)
	b.do(chromedp.Focus("#stop"))
	violations, sideways, shifts := b.checks()
	if len(violations)+len(shifts) > 0 || sideways > 0 {
		t.Errorf("%v, %v, %v", violations, sideways, shifts)
	}
	close(hold)
	b.untilText("✓ done 3 of 3")
	b.untilText("delivered 3")
	b.screenshot("replay")
	if !js[bool](b, `window.sameDocument === true`) {
		t.Error("the end came by loading the page anew")
	}
}

// Without scripts, too.
func TestManyAreReplayedWithoutScripts(t *testing.T) {
	browserPath(t)
	c := consoletest.New(t)
	for i := range 3 {
		c.Stack.Post(clitest.Reply(i))
	}
	c.Work()
	c.Advance(time.Minute)
	b := open(t, c)
	b.scriptless()
	b.at("/events?state=delivered")
	b.do(chromedp.Click(`.chosen a.button`))
	b.until(`document.querySelector("h1")?.innerText === "Replay 3 events"`)
	b.do(chromedp.Click(`form.ask button`))
	b.until(`document.querySelector("h1")?.innerText.startsWith("Replay of")`)
	for deadline := time.Now().Add(patience); !strings.Contains(b.sees(), "✓ done"); b.do(chromedp.Reload()) {
		if time.Now().After(deadline) {
			t.Fatal(b.sees())
		}
	}
}
