// Package console_test looks at the operator's console in a real browser: headless
// Chromium, which make tools puts into .tools. What a page does by script, how it
// looks, and what hinders a person shows here alone.
package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"smartlead-receiver/pkg/console/consoletest"
)

// patience bounds every wait for a condition; a page is there in a fraction of it.
const patience = 60 * time.Second

// chromium is one browser for all tests, each of which has its own profile in it.
var chromium struct {
	sync.Mutex
	ctx  context.Context
	stop []context.CancelFunc
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, stop := range slices.Backward(chromium.stop) {
		stop()
	}
	os.Exit(code)
}

// browserPath is where Chromium is. Without it a test skips, or fails where make test
// asks for every engine.
func browserPath(t *testing.T) string {
	t.Helper()
	path := os.Getenv("CHROME")
	if path == "" {
		path = filepath.Join("..", "..", ".tools", "bin", "chromium")
	}
	path, err := filepath.EvalSymlinks(path)
	if err == nil {
		if path, err = filepath.Abs(path); err == nil {
			return path
		}
	}
	if os.Getenv("REQUIRE_ENGINES") != "" {
		t.Fatalf("there is no Chromium (%v): make tools installs it, or set CHROME to a Chrome's path", err)
	}
	t.Skip("there is no Chromium: make tools installs it, or set CHROME to a Chrome's path")
	return ""
}

func startChromium(t *testing.T) context.Context {
	t.Helper()
	path := browserPath(t)
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.ctx != nil {
		return chromium.ctx
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("headless", "shell"), chromedp.Flag("no-zygote", true), chromedp.Flag("use-angle", "swiftshader"), chromedp.Flag("in-process-gpu", true),
		chromedp.Flag("hide-scrollbars", false))
	ctx, stop := chromedp.NewContext(allocator)
	chromium.stop = append(chromium.stop, stopAllocator, stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	chromium.ctx = ctx
	return ctx
}

// tab is one tab of a browser that was let into a console, or not yet.
type tab struct {
	*testing.T
	c   *consoletest.Console
	ctx context.Context

	mu     sync.Mutex
	faults []string // what the browser logged as an error
}

// open opens a tab in a profile of its own and follows a link of the console.
func open(t *testing.T, c *consoletest.Console, options ...chromedp.ContextOption) *tab {
	t.Helper()
	b := blank(t, c, append([]chromedp.ContextOption{chromedp.WithNewBrowserContext()}, options...)...)
	b.do(chromedp.Navigate(c.Link()))
	b.until(`location.pathname === "/" && document.readyState === "complete"`)
	return b
}

// blank is a tab that was not let in.
func blank(t *testing.T, c *consoletest.Console, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(startChromium(t), options...)
	t.Cleanup(stop)
	b := &tab{T: t, c: c, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if faults := b.heard(); len(faults) > 0 {
			t.Errorf("the browser says: %s", strings.Join(faults, "\n"))
		}
	})
	b.width(1280, 800)
	return b
}

// hear notes what a developer would see in red: an exception, a refusal by the policy,
// an asset that is missing.
func (b *tab) hear(ev any) {
	fault := ""
	switch e := ev.(type) {
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Source == cdplog.EntrySourceSecurity {
			fault = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		fault = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			fault += " " + e.ExceptionDetails.Exception.Description
		}
	}
	if fault != "" {
		b.mu.Lock()
		b.faults = append(b.faults, fault)
		b.mu.Unlock()
	}
}

// heard returns the faults so far, and forgets them.
func (b *tab) heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	faults := b.faults
	b.faults = nil
	return faults
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatalf("%v, at\n%s", err, b.sees())
	}
}

func run[T any](b *tab, a chromedp.Action[T]) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		b.Fatalf("%v, at\n%s", err, b.sees())
	}
	return v
}

// js evaluates an expression on the page.
func js[T any](b *tab, expression string) T {
	b.Helper()
	return run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for a condition on the page, whatever page is there then.
func (b *tab) until(condition string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		// A page that goes away answers with an error: the next one is asked.
		met, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		if err == nil && met {
			return
		}
		select {
		case <-ctx.Done():
			b.Fatalf("it never came true that %s (%v), at\n%s", condition, err, b.sees())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// untilText waits until a reader sees the text.
func (b *tab) untilText(text string) {
	b.Helper()
	b.until(fmt.Sprintf("document.readyState === 'complete' && document.body.innerText.replace(/\\s+/g, ' ').includes(%s)", quoted(text)))
}

func quoted(text string) string {
	q, _ := json.Marshal(text)
	return string(q)
}

// sees is the text of the page, for a message.
func (b *tab) sees() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + location.search + "\n" + (document.body ? document.body.innerText : "")`))
	if err != nil {
		return err.Error()
	}
	return text
}

// visit opens a page and gives what it holds to the search for secrets.
func (b *tab) visit(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.c.URL + path))
	b.until(`document.readyState === "complete"`)
	js[float64](b, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(window.drawnWhole = performance.now()))))`)
	b.c.Said = append(b.c.Said, run(b, chromedp.OuterHTML("html")))
}

func (b *tab) width(width, height int64) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, height))
}

// media sets what the browser says of its user's wishes.
func (b *tab) media(features ...*emulation.MediaFeature) {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	}))
}

// checks returns a tab's axe violations, its sideways scroll in pixels, and what in
// its layout has shifted since it was drawn whole: a slow machine draws a part of a page
// first, and the columns of a table find their widths.
func (b *tab) checks() (violations []string, sideways float64, shifts []string) {
	b.Helper()
	js[bool](b, axeSource(b.T)+"; true")
	violations = js[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.slice(0, 4).map(n => n.html.slice(0, 160) + " [" + n.failureSummary.replace(/\s+/g, " ").slice(0, 200) + "]").join(" | ")))`)
	sideways = js[float64](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
	shifts = js[[]string](b, `new Promise(done => {
		const all = [];
		const add = list => { for (const e of list) if (e.startTime > window.drawnWhole) for (const s of e.sources) all.push((s.node?.outerHTML || s.node?.parentNode?.outerHTML || "?").slice(0, 160) + " by " + e.value); };
		const o = new PerformanceObserver(l => add(l.getEntries()));
		o.observe({type: "layout-shift", buffered: true});
		requestAnimationFrame(() => requestAnimationFrame(() => { add(o.takeRecords()); done(all); }));
	})`)
	return violations, sideways, shifts
}

var axe struct {
	sync.Once
	source string
	err    error
}

func axeSource(t *testing.T) string {
	t.Helper()
	axe.Do(func() {
		content, err := os.ReadFile(filepath.Join("..", "..", ".tools", "browser", "node_modules", "axe-core", "axe.min.js"))
		axe.source, axe.err = string(content), err
	})
	if axe.err != nil {
		t.Fatalf("axe-core is missing (%v): make tools installs it", axe.err)
	}
	return axe.source
}

// screenshot keeps what a page looks like, for a person to see; nothing compares it.
func (b *tab) screenshot(name string) {
	b.Helper()
	b.picture("screens", name, chromedp.FullScreenshot(100))
}

func (b *tab) picture(folder, name string, taken chromedp.Action[[]byte]) {
	b.Helper()
	if err := os.MkdirAll(folder, 0o750); err != nil {
		b.Fatal(err)
	}
	image := run(b, taken)
	if err := os.WriteFile(filepath.Join(folder, name+".png"), image, 0o600); err != nil {
		b.Fatal(err)
	}
}
