package console_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

// selectedPath asks for a move of events, as the list's form does.
func selectedPath(move string, ids ...string) string {
	return "/events/selected/" + move + "?" + url.Values{"id": ids, "state": {"dead"}}.Encode()
}

// three are a dead, a delivered and a discarded event.
func three(c *consoletest.Console) (dead, delivered, discarded string) {
	c.Answer.Store(503)
	dead, discarded = c.Stack.Post(clitest.Reply(1)), c.Stack.Post(clitest.Reply(2))
	c.Work()
	c.Press(eventPath(discarded)+"/discard", nil)
	c.Answer.Store(200)
	delivered = c.Stack.Post(clitest.Reply(3))
	c.Work()
	return dead, delivered, discarded
}

func TestRowsCanBeSelected(t *testing.T) {
	c := consoletest.New(t)
	dead, delivered, _ := three(c)
	a := c.Get("/events?source=demo")
	wants(t, a.Body, `<input type="checkbox" form="chosen" name="id" value="`+dead+`" aria-label="Select EMAIL_REPLY of lead1@acme.example.com">`, `value="`+delivered+`"`,
		`<input type="hidden" name="source" value="demo">`)
	wants(t, a.Text(), "Replay Park Discard Release")
	for _, path := range []string{"/", "/leads/lead1@acme.example.com", "/find?q=lead"} {
		if strings.Contains(c.Get(path).Body, `class="pick"`) {
			t.Errorf("%s has boxes, and nothing to do with them", path)
		}
	}
}

// What was selected is asked about with number, effect and key of each, and moved
// together; what does not fit is named and left.
func TestSelectedEventsAreMovedTogether(t *testing.T) {
	c := consoletest.New(t)
	dead, delivered, discarded := three(c)
	path := selectedPath("replay", dead, delivered, discarded, "v1:EMAIL_REPLY:"+strings.Repeat("A", 32))
	asked := c.Get(path)
	wants(t, asked.Text(), "Replay 2 events", "1 delivered, 1 dead.", "new budget of attempts", "It is delivered once more", "2 others are left as it stands",
		"lead1@acme.example.com brought back "+dead, "lead3@acme.example.com delivered once more "+delivered, "left as it is: it was discarded", "it is gone", "under new keys, because the effect itself is wanted again")
	wants(t, asked.Body, `href="/events?state=dead"`)
	moved := c.Press(path, nil)
	wants(t, moved.Text(), "Replay: 2 done", "✓ done EMAIL_REPLY lead1@acme.example.com ✗ dead ○ pending", "✓ done EMAIL_REPLY lead3@acme.example.com ✓ delivered ○ pending", "Back to the list")
	wants(t, c.Audit(), "action=replay caller=tester on="+dead+" result=done", "on="+delivered+" result=done")
	c.Work()
	wants(t, c.OK(eventPath(dead)), "✓ delivered")
	wants(t, c.OK(eventPath(delivered)), "replayed after it was settled 1 time")
	again := c.Press(path, url.Values{"again": {"yes"}})
	wants(t, again.Text(), "Replay: 2 done")
	wants(t, c.OK(eventPath(delivered)), "idempotency key "+delivered+"#2")
}

// Two operators select the same events: what the one has moved, the other is told of,
// row by row, and the rest is done.
func TestASecondOperatorOfManyIsTold(t *testing.T) {
	c := consoletest.New(t)
	c.Answer.Store(503)
	var ids []string
	for n := range 3 {
		ids = append(ids, c.Stack.Post(clitest.Reply(n)))
	}
	c.Work()
	other := c.Browser()
	c.Enter(other)
	path := c.URL + selectedPath("park", ids...)
	theirs := c.Do(other, http.MethodGet, path, nil, nil).Form()
	c.Press(eventPath(ids[1])+"/replay", nil)
	c.Work() // it dies again: another death than the one that they saw
	a := c.Do(other, http.MethodPost, path, theirs, nil)
	wants(t, a.Text(), "Park: 2 done, 1 changed meanwhile", "✗ changed meanwhile EMAIL_REPLY lead1@acme.example.com ✗ dead ✗ dead somebody moved it meanwhile: nothing was changed",
		"✓ done EMAIL_REPLY lead0@acme.example.com ✗ dead P parked")
	if a.Status != http.StatusOK {
		t.Errorf("a part that was done: %d", a.Status)
	}
	if again := c.Do(other, http.MethodPost, path, theirs, nil); again.Status != http.StatusConflict || !strings.Contains(again.Text(), "Park: 3 changed meanwhile") {
		t.Errorf("once more: %d\n%s", again.Status, again.Text())
	}
	wants(t, c.OK(eventPath(ids[1])), "✗ dead")
	wants(t, c.OK(eventPath(ids[2])), "P parked")
}

func TestASelectionIsBounded(t *testing.T) {
	c := consoletest.New(t)
	dead, _, discarded := three(c)
	many := make([]string, 201)
	for n := range many {
		many[n] = "v1:EMAIL_REPLY:" + strings.Repeat("A", 29) + strconv.Itoa(100+n)
	}
	for name, c2 := range map[string]struct {
		path   string
		status int
		says   string
	}{
		"nothing":           {selectedPath("replay"), http.StatusBadRequest, "no event is selected"},
		"too many":          {selectedPath("replay", many...), http.StatusBadRequest, "201 events are selected; one move takes 200"},
		"no id":             {selectedPath("replay", "x y"), http.StatusBadRequest, "no id of an event"},
		"nothing that fits": {selectedPath("release", dead, discarded), http.StatusConflict, "release is for held events, and none of the 2 that are selected is one"},
	} {
		if a := c.Get(c2.path); a.Status != c2.status || !strings.Contains(a.Text(), c2.says) {
			t.Errorf("%s: %d\n%s", name, a.Status, a.Text())
		}
	}
	form := c.Get(selectedPath("replay", dead)).Form()
	form.Del("seen")
	if a := c.Do(c.Client, http.MethodPost, c.URL+selectedPath("replay", dead), form, nil); a.Status != http.StatusBadRequest {
		t.Errorf("a form without what was seen: %d\n%s", a.Status, a.Text())
	}
	wants(t, c.OK(eventPath(dead)), "✗ dead")
}
