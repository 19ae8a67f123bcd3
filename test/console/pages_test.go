package console_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

// furnished is a console over a stack in which something of everything has happened.
func furnished(t *testing.T) *consoletest.Console {
	t.Helper()
	browserPath(t) // before a stack is started in vain
	c := consoletest.New(t)
	c.TwoCauses()
	c.Stack.Post(clitest.Reply(501))
	c.Stack.Post(strings.Replace(clitest.Reply(501), `"event_type"`, `"note":"x","event_type"`, 1)) // a variant
	return c
}

var jobAddress = regexp.MustCompile(`/redrive/[0-9TZ.]+`)

var eventAddress = regexp.MustCompile(`/events/v1:[^"/]+`)

// addresses are all pages, with things that are there.
func addresses(t *testing.T, c *consoletest.Console) map[string]string {
	t.Helper()
	c.Press("/redrive/start?limit=1", nil)
	event := eventAddress.FindString(c.Get("/events?state=dead").Body)
	variant := eventAddress.FindString(c.Get("/events?lead=lead501@acme.example.com").Body)
	if event == "" || variant == "" {
		t.Fatalf("no event: %q, %q", event, variant)
	}
	return map[string]string{
		"replay-all": "/events/replay?state=delivered", "replay-unknown": "/replays/2126-03-04T00:00:00.000Z?state=delivered",
		"events-selected-replay": "/events/selected/replay?id=" + strings.TrimPrefix(event, "/events/") + "&id=" + strings.TrimPrefix(variant, "/events/"),
		"event":                  event, "event-replay": event + "/replay", "event-variant": variant, "lead": "/leads/lead501@acme.example.com",
		"find": "/find?q=lead", "find-none": "/find?q=nobody@nowhere.example", "keys": "/keys",
		"overview": "/", "events": "/events", "events-none": "/events?type=EMAIL_BOUNCE", "dead": "/dead", "destinations": "/destinations", "destinations-test": "/destinations/crm/test", "destinations-add": "/destinations/add", "destinations-set": "/destinations/crm/set", "destinations-rotate": "/destinations/crm/rotate", "destinations-remove": "/destinations/crm/remove", "destinations-routes": "/destinations/routes?event=" + strings.TrimPrefix(event, "/events/"), "sources": "/sources", "incidents": "/incidents?all=1", "completeness": "/completeness", "completeness-repair": "/completeness/repair?since=7d", "completeness-repair-unknown": "/completeness/repair/2126-03-04T00:00:00.000Z?since=7d", "send": "/send",
		"redrive": "/redrive?plan=1", "redrive-start": "/redrive/start",
		"redrive-job": jobAddress.FindString(c.Get("/redrive").Body), "no-such-page": "/none",
	}
}

// Every page can be read on a telephone and on a desk, by light and by night, by eye and
// by ear: it needs no sideways scroll, nothing in it jumps, and axe finds nothing.
func TestEveryPageCanBeUsed(t *testing.T) {
	c := furnished(t)
	pages := addresses(t, c)
	for _, link := range regexp.MustCompile(`<a href="(/[a-z]*)" data-key`).FindAllStringSubmatch(c.Get("/").Body, -1) {
		known := false
		for _, address := range pages {
			path, _, _ := strings.Cut(address, "?")
			known = known || path == link[1]
		}
		if !known {
			t.Errorf("the bar leads to %s, which is not looked at here", link[1])
		}
	}
	b := open(t, c)
	for name, address := range pages {
		b.canBeUsed(name, address)
	}
	if b.heardOnly(http.StatusNotFound); len(pages) < 5 {
		t.Errorf("%d pages", len(pages))
	}
}

// canBeUsed holds one page to what holds for every page.
func (b *tab) canBeUsed(name, address string) {
	b.Helper()
	for _, width := range []int64{400, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.width(width, 800)
			b.media(&emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme})
			b.visit(address)
			b.standsWell(fmt.Sprintf("%s-%d-%s", name, width, scheme))
		}
	}
}

// standsWell holds the page that is open to it, and keeps what it looks like.
func (b *tab) standsWell(name string) {
	b.Helper()
	violations, sideways, shifts := b.checks()
	for _, v := range violations {
		b.Errorf("%s: %s", name, v)
	}
	if sideways > 0 {
		b.Errorf("%s: %v pixels stand beside the window", name, sideways)
	}
	for _, s := range shifts {
		b.Errorf("%s: the layout shifts: %s", name, s)
	}
	b.screenshot(name)
}

// heardOnly forgets that pages were answered with that status, and no other fault.
func (b *tab) heardOnly(status int) {
	b.Helper()
	for _, fault := range b.heard() {
		if !strings.Contains(fault, fmt.Sprint("status of ", status)) {
			b.Errorf("the browser says: %s", fault)
		}
	}
}

// The checks find what they are for.
func TestChecksCanFail(t *testing.T) {
	b := open(t, furnished(t))
	js[bool](b, `(() => {
		const i = document.createElement("img"); i.src = "/assets/icon.svg"; document.body.append(i);
		const wide = document.createElement("div"); wide.id = "wide"; wide.textContent = "wide ".repeat(400); document.body.append(wide);
		wide.setAttribute("class", "state");
		return true;
	})()`)
	violations, sideways, _ := b.checks()
	if !strings.Contains(strings.Join(violations, "\n"), "image-alt") || sideways <= 0 {
		t.Errorf("%v, %v", violations, sideways)
	}
	shift := js[float64](b, `new Promise(done => {
		new PerformanceObserver(l => done(l.getEntries()[0].value)).observe({type: "layout-shift"});
		const tall = document.createElement("div"); tall.textContent = "x"; tall.className = "panel"; tall.append(...Array.from({length: 20}, () => document.createElement("br")));
		requestAnimationFrame(() => requestAnimationFrame(() => document.body.prepend(tall)));
	})`)
	if shift <= 0 {
		t.Errorf("a shift of %v", shift)
	}
	// The policy refuses what a page does not bring itself, and that is heard.
	js[bool](b, `(() => { const s = document.createElement("script"); s.textContent = "window.pwned = 1"; document.body.append(s); return true; })()`)
	deadline := time.Now().Add(patience)
	for len(b.faultsSoFar()) == 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if faults := b.heard(); len(faults) == 0 || js[bool](b, "!!window.pwned") {
		t.Errorf("an inline script ran, or nobody heard of it: %v", faults)
	}
}

func (b *tab) faultsSoFar() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.faults
}
