//go:build screenshots

package console_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

// TestScreenshots takes the pictures that the documents show: make screenshots.
func TestScreenshots(t *testing.T) {
	browserPath(t)
	c := consoletest.New(t)
	c.DeadReplies(400)
	c.Answer.Store(410)
	for n := range 7 {
		c.Stack.Post(clitest.Reply(900 + n))
		c.Work()
	}
	c.Answer.Store(200)
	for n := range 12 {
		c.Stack.Post(clitest.Reply(950 + n))
		c.Work()
		c.Advance(97 * time.Second)
	}
	b := open(t, c)
	b.width(1100, 620)
	b.media(&emulation.MediaFeature{Name: "prefers-color-scheme", Value: "light"})
	folder := filepath.Join("..", "..", "docs", "img")
	take := func(name, path string) {
		b.visit(path)
		b.picture(folder, "console-"+name, chromedp.CaptureScreenshot())
	}
	take("dead", "/dead")
	job := jobAddress.FindString(c.Press("/redrive/start?error_class=http_503", nil).Body)
	for n := range 24 {
		switch n {
		case 10:
			c.Answer.Store(503) // a relapse
		case 12:
			c.Answer.Store(200)
		}
		tick(c)
		for strings.Contains(c.OK("/events?state=pending"), "EMAIL_REPLY lead") { // the queue keeps some back
			c.Work()
			time.Sleep(50 * time.Millisecond)
		}
	}
	b.width(1100, 900)
	take("redrive", job)
}
