package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

// filled is the form of a page that is sent, as it stands there.
func filled(t *testing.T, body string) url.Values {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || !inPosted(n) {
			continue
		}
		a := map[string]string{}
		for _, at := range n.Attr {
			a[at.Key] = at.Val
		}
		_, checked := a["checked"]
		switch {
		case n.Data == "input" && a["type"] == "checkbox" && !checked:
		case n.Data == "input" && a["name"] != "":
			form.Set(a["name"], a["value"])
		case n.Data == "textarea" && n.FirstChild != nil:
			form.Set(a["name"], n.FirstChild.Data)
		}
	}
	return form
}

func inPosted(n *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n.Data == "form" {
			return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "method" && a.Val == "post" })
		}
	}
	return false
}

// fill sends the form at path with further values; an empty one is left out, as an
// unticked box is.
func fill(t *testing.T, c *consoletest.Console, path string, more map[string]string) consoletest.Answer {
	t.Helper()
	form := filled(t, c.Get(path).Body)
	for name, value := range more {
		if form.Set(name, value); value == "" {
			form.Del(name)
		}
	}
	path, _, _ = strings.Cut(path, "?")
	return c.Do(c.Client, http.MethodPost, c.URL+path, form, nil)
}

// question follows a form to its question, and says where that is.
func question(t *testing.T, c *consoletest.Console, path string, more map[string]string) string {
	t.Helper()
	stay := *c.Client
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	form := filled(t, c.Get(path).Body)
	for name, value := range more {
		if form.Set(name, value); value == "" {
			form.Del(name)
		}
	}
	path, _, _ = strings.Cut(path, "?")
	a := c.Do(&stay, http.MethodPost, c.URL+path, form, nil)
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%s: %d\n%s", path, a.Status, a.Text())
	}
	return a.Header.Get("Location")
}

var secretShown = regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+`)

// shownOnce takes the secret out of the answer that shows it; nothing else may.
func shownOnce(t *testing.T, c *consoletest.Console, a consoletest.Answer) string {
	t.Helper()
	secret := html.UnescapeString(secretShown.FindString(html.UnescapeString(a.Body)))
	if secret == "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("no secret is shown, or the answer is kept: %q\n%s", a.Header.Get("Cache-Control"), a.Text())
	}
	c.Said = slices.DeleteFunc(c.Said, func(said string) bool { return said == a.Body })
	c.Secrets = append(c.Secrets, secret)
	return secret
}

func TestADestinationIsAdded(t *testing.T) {
	c := consoletest.New(t)
	wants(t, c.OK("/destinations/add"), "Kind", "http posts events to URL", "Sign deliveries", "a program of jq that is true")
	wants(t, c.OK("/destinations/add?kind=sqs"), "ARN", "Max bytes")
	c.Secrets = append(c.Secrets, "very-hidden", "header-secret")
	ask := question(t, c, "/destinations/add", map[string]string{
		"name": "erp", "url": c.Dest.URL + "/very-hidden", "header": "X-Key: header-secret\r\nX-Team: b", "type": "EMAIL_REPLY, EMAIL_BOUNCE", "per-second": "5", "timeout": "4s",
	})
	asked := c.Get(ask)
	wants(t, asked.Text(), "Add the destination erp", "Events go to http "+c.Dest.URL, "EMAIL_REPLY", "Limits: 5 a second.", "shown once: on the next page")
	other := c.Browser()
	c.Enter(other)
	if a := c.Do(other, http.MethodGet, c.URL+ask, nil, nil); a.Status != http.StatusConflict {
		t.Errorf("another session reads the draft: %d\n%s", a.Status, a.Text())
	}
	made := c.Do(c.Client, http.MethodPost, c.URL+ask, asked.Form(), nil)
	wants(t, made.Text(), "The signing secret of erp", "This is shown once", "The destination erp is added.")
	secret := shownOnce(t, c, made)
	if strings.Contains(c.Audit(), secret) || strings.Contains(c.Audit(), "very-hidden") {
		t.Errorf("a secret is in the log:\n%s", c.Audit())
	}
	wants(t, c.Audit(), `action="destinations keep" caller=tester on=erp`)
	if a := c.Do(c.Client, http.MethodPost, c.URL+ask, asked.Form(), nil); a.Status != http.StatusConflict || !strings.Contains(a.Text(), "is gone") {
		t.Errorf("added twice: %d\n%s", a.Status, a.Text())
	}
	wants(t, c.OK("/destinations"), "erp http", "1 secret", "Change erp", "Rotate erp", "Remove erp")
	wants(t, c.Stack.OK("destinations", "list", "--json").Out, `"headers":["X-Key","X-Team"]`, `"timeout":"4s"`, `"per_second":5`)

	for _, bad := range []struct {
		more map[string]string
		says string
	}{
		{map[string]string{"name": "A B", "url": c.Dest.URL}, "Name A B: a name is 1 to 63"},
		{map[string]string{"name": "erp", "url": c.Dest.URL}, "Name erp: there is such a destination already"},
		{map[string]string{"name": "x"}, "URL: is needed"},
		{map[string]string{"name": "x", "url": "ftp://very-hidden"}, "URL: begins with https://"},
		{map[string]string{"name": "x", "url": c.Dest.URL, "header": "header-secret"}, "Header: it is written as"},
		{map[string]string{"name": "x", "url": c.Dest.URL, "timeout": "long"}, "Timeout: a duration looks like"},
		{map[string]string{"name": "x", "url": c.Dest.URL, "per-second": "5000"}, "Per second: is between"},
		{map[string]string{"name": "x", "url": c.Dest.URL, "at-once": "many"}, "At once many is no number"},
		{map[string]string{"name": "x", "url": c.Dest.URL, "type": "NONSENSE"}, "NONSENSE"},
		{map[string]string{"name": "x", "url": c.Dest.URL, "without-flag": "nonsense"}, "Without flag"},
		{map[string]string{"name": "x", "url": c.Dest.URL, "if": ".a ==="}, "If: "},
	} {
		a := fill(t, c, "/destinations/add", bad.more)
		if a.Status != http.StatusBadRequest || !strings.Contains(a.Text(), bad.says) {
			t.Errorf("%v: %d, want %q\n%s", bad.more, a.Status, bad.says, a.Text())
		}
	}
	if a := c.Get("/destinations/add?kind=pigeon"); a.Status != http.StatusBadRequest || !strings.Contains(a.Text(), "pigeon") {
		t.Errorf("%d\n%s", a.Status, a.Text())
	}
}

func TestADestinationIsChanged(t *testing.T) {
	c := consoletest.New(t)
	const set = "/destinations/crm/set"
	wants(t, c.OK(set), "Change crm", "What is not shown may hold a credential")
	if a := fill(t, c, set, nil); !strings.Contains(a.Text(), "Nothing to change: destination crm is so already.") {
		t.Errorf("got\n%s", a.Text())
	}
	ask := question(t, c, set, map[string]string{"timeout": "7s", "campaign": "4100001", "breaker": ""})
	asked := c.Get(ask)
	wants(t, asked.Text(), "Change the destination crm", "timeout: 7s, was the default", "takes: campaign 4100001, took everything", "limits: no breaker, was none", "Other events go there then")
	wants(t, c.Do(c.Client, http.MethodPost, c.URL+ask, asked.Form(), nil).Text(), "The destination crm is changed.")
	form := filled(t, c.Get(set).Body)
	if form.Get("timeout") != "7s" || form.Get("campaign") != "4100001" || form.Has("breaker") || form.Get("url") != "" {
		t.Errorf("the form says %v", form)
	}
	// What is shown and emptied is the default again, and what is hidden stays.
	ask = question(t, c, set, map[string]string{"timeout": "", "campaign": "", "breaker": "true"})
	wants(t, c.Do(c.Client, http.MethodPost, c.URL+ask, c.Get(ask).Form(), nil).Text(), "is changed")
	wants(t, c.OK("/destinations"), "crm http "+c.Dest.URL, "everything")
	c.Secrets = append(c.Secrets, "another-path")
	ask = question(t, c, set, map[string]string{"url": c.Dest.URL + "/another-path"})
	wants(t, c.OK(ask), "url: another, which is not shown", "or they go elsewhere")
	// Somebody else changes it meanwhile.
	c.Stack.OK("destinations", "set", "crm", "--timeout", "9s")
	if a := c.Do(c.Client, http.MethodPost, c.URL+ask, c.Get(ask).Form(), nil); a.Status != http.StatusConflict || !strings.Contains(a.Text(), "somebody changed destination crm meanwhile") {
		t.Errorf("%d\n%s", a.Status, a.Text())
	}
	a := fill(t, c, set, map[string]string{"timeout": "1h", "url": "https://x.example/another-path"})
	if a.Status != http.StatusBadRequest || !strings.Contains(a.Text(), "Timeout: 100ms to 1m0s") || filled(t, a.Body).Get("timeout") != "1h" {
		t.Errorf("%d\n%s", a.Status, a.Text())
	}
	// A draft does not wait for ever.
	ask = question(t, c, set, map[string]string{"timeout": "8s"})
	c.Advance(16 * time.Minute)
	if a := c.Get(ask); a.Status != http.StatusConflict || !strings.Contains(a.Text(), "is gone") {
		t.Errorf("%d\n%s", a.Status, a.Text())
	}
}

func TestASigningSecretIsRotated(t *testing.T) {
	c := consoletest.New(t)
	const rotate = "/destinations/crm/rotate"
	wants(t, c.OK("/destinations"), "Sign crm")
	wants(t, c.OK(rotate), "Its deliveries are not signed today")
	first := shownOnce(t, c, c.Press(rotate, nil))
	wants(t, c.OK(rotate), "Both secrets sign until you end the rotation.")
	seen := c.Get(rotate).Form()
	made := c.Press(rotate, nil)
	if second := shownOnce(t, c, made); second == first {
		t.Error("it is the same secret")
	}
	if a := c.Do(c.Client, http.MethodPost, c.URL+rotate, seen, nil); a.Status != http.StatusConflict || !strings.Contains(a.Text(), "meanwhile") {
		t.Errorf("two operators: %d\n%s", a.Status, a.Text())
	}
	wants(t, c.OK("/destinations"), "2 secrets", "End rotation crm")
	wants(t, c.OK(rotate), "End the rotation of crm", "2 secrets sign")
	wants(t, c.Press(rotate, nil).Text(), "The newest secret of crm signs alone.", "1 secret")
	c.Stack.OK("destinations", "add", "log", "--kind", "log")
	if a := c.Get("/destinations/log/rotate"); a.Status != http.StatusBadRequest || !strings.Contains(a.Text(), "it signs nothing") {
		t.Errorf("%d\n%s", a.Status, a.Text())
	}
}

func TestADestinationIsRemoved(t *testing.T) {
	c := consoletest.New(t)
	c.DeadReplies(3)
	const remove = "/destinations/crm/remove"
	asked := c.Get(remove)
	wants(t, asked.Text(), "Remove the destination crm", "3 wait for it: 3 dead; 3 have no other destination")
	if strings.Contains(asked.Body, "<select") {
		t.Error("there is nobody to hand over to")
	}
	c.Stack.OK("destinations", "add", "spare", "--url", c.Dest.URL, "--no-sign")
	wants(t, c.OK(remove), "What waits for it", "it counts as settled there", "spare")
	if a := c.Press(remove, url.Values{"to": {"nowhere"}}); a.Status != http.StatusBadRequest {
		t.Errorf("%d\n%s", a.Status, a.Text())
	}
	wants(t, c.Press(remove, url.Values{"to": {"spare"}}).Text(), "The destination crm is removed. 3 events wait now for spare: ", "smartleadctl --local destinations remove crm --to spare")
	wants(t, c.OK("/events?state=dead"), "spare")
	wants(t, c.Press("/destinations/spare/remove", nil).Text(), "The destination spare is removed.", "There is no destination")
	for _, path := range []string{remove, "/destinations/none/set", "/destinations/none/rotate", "/destinations/..%2fx/remove", "/destinations/none/keep/x"} {
		if a := c.Get(path); a.Status != http.StatusNotFound && !strings.HasSuffix(path, "keep/x") {
			t.Errorf("%s: %d\n%s", path, a.Status, a.Text())
		}
	}
}

func TestSamplesOfEachTypeAndWhoWantsAnEvent(t *testing.T) {
	c := consoletest.New(t)
	c.Stack.OK("destinations", "add", "some", "--url", c.Dest.URL, "--type", "EMAIL_OPEN", "--type", "EMAIL_BOUNCE", "--no-sign")
	a := c.Press("/destinations/some/test", url.Values{"type": {"each type that it takes"}})
	wants(t, a.Text(), "The destination some took 2 samples.", "EMAIL_OPEN ✓", "EMAIL_BOUNCE ✓")
	a = c.Press("/destinations/some/test", url.Values{"type": {"EMAIL_REPLY"}})
	wants(t, a.Text(), "The destination some took the sample", "does not want it: its type is EMAIL_REPLY, and EMAIL_OPEN or EMAIL_BOUNCE is wanted")
	c.Answer.Store(503)
	wants(t, c.Press("/destinations/some/test", url.Values{"type": {"each type that it takes"}}).Text(), "did not take 2 of 2 samples", "a real event would be tried again")
	if a := c.Press("/destinations/some/test", url.Values{"type": {"NONSENSE"}}); a.Status != http.StatusBadRequest {
		t.Errorf("%d\n%s", a.Status, a.Text())
	}
	id := c.Post(clitest.Reply(1))
	wants(t, c.Get(eventPath(id)).Body, "/destinations/routes?event=v1%3aEMAIL_REPLY")
	wants(t, c.OK("/destinations/routes?event="+url.QueryEscape(id)), "crm ✓ yes", "some ⊘ no its type is EMAIL_REPLY, and EMAIL_OPEN or EMAIL_BOUNCE is wanted")
	wants(t, c.OK("/destinations/routes"), "Who wants an event")
	for path, status := range map[string]int{"/destinations/routes?event=x": http.StatusBadRequest, "/destinations/routes?event=v1%3AEMAIL_REPLY%3AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": http.StatusNotFound} {
		if a := c.Get(path); a.Status != status {
			t.Errorf("%s: %d\n%s", path, a.Status, a.Text())
		}
	}
}

// A form shows no credential of any kind of destination, neither what is stored nor what
// was just typed beside a mistake.
func TestFormsShowNoCredential(t *testing.T) {
	c := consoletest.New(t)
	c.Secrets = append(c.Secrets, "pat-na1-hidden", "pat-na1-typed", "T0/B0/hidden", "T1/B1/typed")
	c.Stack.OK("destinations", "add", "hub", "--kind", "hubspot", "--token", "pat-na1-hidden", "--property", "jobtitle=.lead.title")
	c.Stack.OK("destinations", "add", "talk", "--kind", "slack", "--webhook-url", "https://hooks.slack.com/services/T0/B0/hidden")
	for name, typed := range map[string]string{"hub": "token", "talk": "webhook-url"} {
		wants(t, c.OK("/destinations/"+name+"/set"), "Change "+name)
		value := map[string]string{"hub": "pat-na1-typed", "talk": "https://hooks.slack.com/services/T1/B1/typed"}[name]
		a := fill(t, c, "/destinations/"+name+"/set", map[string]string{typed: value, "per-second": "many"})
		if a.Status != http.StatusBadRequest || !strings.Contains(a.Text(), "Per second many is no number") {
			t.Errorf("%s: %d\n%s", name, a.Status, a.Text())
		}
		ask := question(t, c, "/destinations/"+name+"/set", map[string]string{typed: value})
		wants(t, c.OK(ask), "another, which is not shown")
		wants(t, c.Do(c.Client, http.MethodPost, c.URL+ask, c.Get(ask).Form(), nil).Text(), "The destination "+name+" is changed.")
	}
}
