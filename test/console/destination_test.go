package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"smartlead-receiver/pkg/console/consoletest"
)

// A destination is added, tried, changed and removed by keys alone. Its secret is on one
// page, once.
func TestDestinationByKeys(t *testing.T) {
	browserPath(t)
	c := consoletest.New(t)
	b := open(t, c)
	b.visit("/destinations")
	b.tabTo(`main a.button[href="/destinations/add"]`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`location.pathname === "/destinations/add"`)
	b.tabTo(`input[name="name"]`)
	b.do(chromedp.KeyEvent("erp"))
	b.tabTo(`form[method="post"] button.primary`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("URL: is needed")
	b.standsWell("destinations-add-wrong")
	b.do(chromedp.SetValue(`input[name="url"]`, c.Dest.URL+"/in"), chromedp.SetValue(`input[name="type"]`, "EMAIL_REPLY"))
	b.tabTo(`form[method="post"] button.primary`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("Add the destination erp")
	ask := js[string](b, `location.pathname`)
	b.canBeUsed("destinations-add-ask", ask)
	b.tabTo(`.ask button`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("This is shown once")
	secret := js[string](b, `document.querySelector("#secret").textContent`)
	if !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("the secret is %q", secret)
	}
	for _, width := range []int64{400, 1280} { // it cannot be visited again
		b.width(width, 800)
		violations, sideways, _ := b.checks()
		if len(violations) > 0 || sideways > 0 {
			t.Errorf("the secret at %d: %v, %v pixels beside the window", width, violations, sideways)
		}
	}
	b.do(chromedp.Click(`main a.button[href="/destinations/erp/test"]`))
	b.untilText("Test erp")
	c.Secrets = append(c.Secrets, secret)

	b.visit("/destinations/erp/test")
	b.do(chromedp.SetValue(`select[name="type"]`, "EMAIL_OPEN"))
	b.tabTo(`main button.primary`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("does not want it: its type is EMAIL_OPEN")
	b.standsWell("destinations-tested")
	b.visit("/destinations/erp/set")
	b.do(chromedp.SetValue(`input[name="per-second"]`, "3"))
	b.tabTo(`form[method="post"] button.primary`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("limits: 3 a second, was none")
	b.tabTo(`.ask button`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("The destination erp is changed.")
	b.canBeUsed("destinations-two", "/destinations")
	b.visit("/destinations/erp/remove")
	b.tabTo(`.ask button`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilText("The destination erp is removed.")
	b.heardOnly(http.StatusBadRequest) // without a URL
}

// Without scripts a destination is changed and its secret rotated.
func TestDestinationWithoutScripts(t *testing.T) {
	browserPath(t)
	c := consoletest.New(t)
	b := open(t, c)
	b.scriptless()
	b.at("/destinations/crm/set")
	b.do(chromedp.SetValue(`input[name="timeout"]`, "5s"), chromedp.Click(`form[method="post"] button.primary`))
	b.untilText("timeout: 5s, was the default")
	b.do(chromedp.Click(`.ask button`))
	b.untilText("The destination crm is changed.")
	b.at("/destinations/crm/rotate")
	b.do(chromedp.Click(`.ask button`))
	b.untilText("This is shown once")
	secret := js[string](b, `document.querySelector("#secret").textContent`)
	b.at("/destinations")
	if strings.Contains(b.sees(), secret) {
		t.Error("the list shows the secret")
	}
	c.Secrets = append(c.Secrets, secret)
}
