package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

func eventPath(id string) string { return "/events/" + url.PathEscape(id) }

func wants(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in\n%s", w, text)
		}
	}
}

func TestEventTellsItsStory(t *testing.T) {
	c := consoletest.New(t)
	c.Answer.Store(503)
	id := c.Stack.Post(clitest.Reply(1))
	c.Advance(400 * time.Millisecond)
	c.Work()
	c.Advance(5 * time.Minute)
	c.Stack.Post(clitest.Reply(1))
	c.Stack.Post(strings.Replace(clitest.Reply(1), `"text":"Yes"`, `"text":"No"`, 1))
	text := c.OK(eventPath(id))
	wants(t, text,
		"✗ dead EMAIL_REPLY lead1@acme.example.com", "dead since 2126-03-04 12:00:00Z", "answered 503",
		"12:00:00 ○ received through demo, and claimed, request req-", "occurred 1.5", "12:00:00 +40", "✗ crm #1 503", "✗ dead, at attempt 1",
		"12:05:00 +5 min", "≡ 1 duplicate, the latest then", "≠ a variant: 1 field differs", "Replay Park Discard Send to…",
		"Reply of", "Yes", "Normalized, as destinations receive it", "Original, credentials removed", "event_type EMAIL_REPLY",
		"Path Event Variant", "reply_message.text Yes No", "campaign_id 4100001", "another reply", "It was not delivered.", "fields are the same",
		"curl -H 'Content-Type: application/json' -d", "/webhooks/demo/$SMARTLEAD_TOKEN", "What to do next",
	)
	if a := c.Get("/events/v1:EMAIL_REPLY:NOSUCH"); a.Status != http.StatusNotFound {
		t.Errorf("an event that is none: %d", a.Status)
	}
	if a := c.Get("/events/nonsense"); a.Status != http.StatusNotFound {
		t.Errorf("an id that is none: %d", a.Status)
	}
}

// Attempts that failed alike fold into one line, and long waits are drawn as such.
func TestManyAttemptsFold(t *testing.T) {
	c := consoletest.New(t)
	c.Answer.Store(503)
	id := c.Stack.Post(clitest.Reply(1))
	for range 6 {
		c.Work()
		c.Advance(10 * time.Minute)
		c.Press(eventPath(id)+"/replay", nil)
	}
	c.Work()
	a := c.Get(eventPath(id))
	wants(t, a.Text(), "crm #2 503", "4 attempts like it 12:20:00", "+10 min", "+50 min", "crm #7 503")
	wants(t, a.Body, `class="step long"`)
}

func TestEventIsMovedAfterAQuestion(t *testing.T) {
	c := consoletest.New(t)
	c.Answer.Store(503)
	id := c.Stack.Post(clitest.Reply(1))
	c.Work()
	asked := c.OK(eventPath(id) + "/replay")
	wants(t, asked, "Replay 1 event", "lead1@acme.example.com, dead", "new budget of attempts", "Idempotency key: "+id, "Cancel")
	wants(t, c.Stack.OK("events", "show", id, "--json").Out, `"state":"dead"`)
	parked := c.Press(eventPath(id)+"/park", nil)
	wants(t, parked.Text(), "The event is parked.", "P parked")
	c.Answer.Store(200)
	replayed := c.Press(eventPath(id)+"/replay", nil)
	wants(t, replayed.Text(), "The event is on its way again.", "○ pending")
	c.Work()
	wants(t, c.OK(eventPath(id)), "✓ delivered", "✓ crm #2 200")
	again := c.Press(eventPath(id)+"/replay", url.Values{"again": {"yes"}})
	wants(t, again.Text(), "on its way again", "replayed after it was settled 1 time", "idempotency key "+id+"#1")
	wants(t, c.Audit(), "action=replay caller=tester on="+id, "action=park")
	c.Work()

	dead := c.Stack.Post(clitest.Reply(2))
	c.Answer.Store(503)
	c.Work()
	gone := c.Press(eventPath(dead)+"/discard", nil)
	wants(t, gone.Text(), "The event is discarded.", "– discarded")
	for _, path := range []string{"/replay", "/park", "/discard", "/release", "/send-to"} {
		if a := c.Get(eventPath(dead) + path); a.Status != http.StatusConflict {
			t.Errorf("%s of a discarded event: %d\n%s", path, a.Status, a.Text())
		}
	}
}

// Two operators see the same dead event, and both press Replay: one moves it, the
// other is told.
func TestASecondOperatorIsTold(t *testing.T) {
	c := consoletest.New(t)
	c.Answer.Store(503)
	id := c.Stack.Post(clitest.Reply(1))
	c.Work()
	other := c.Browser()
	c.Enter(other)
	path := c.URL + eventPath(id) + "/replay"
	mine, theirs := c.Get(eventPath(id)+"/replay").Form(), c.Do(other, http.MethodGet, path, nil, nil).Form()
	if a := c.Do(c.Client, http.MethodPost, path, mine, nil); a.Status != http.StatusOK {
		t.Fatalf("the first: %d\n%s", a.Status, a.Text())
	}
	a := c.Do(other, http.MethodPost, path, theirs, nil)
	if a.Status != http.StatusConflict || !strings.Contains(a.Text(), "nothing was done") || !strings.Contains(a.Text(), "changed meanwhile") {
		t.Errorf("the second: %d\n%s", a.Status, a.Text())
	}
	c.Work() // it dies again: the death that the second saw is not this one
	if a := c.Do(other, http.MethodPost, path, theirs, nil); a.Status != http.StatusConflict {
		t.Errorf("the second, once it is dead again: %d\n%s", a.Status, a.Text())
	}
}

func TestVariantIsSplit(t *testing.T) {
	c := consoletest.New(t)
	id := c.Stack.Post(clitest.Reply(1))
	c.Stack.Post(strings.Replace(clitest.Reply(1), `"text":"Yes"`, `"text":"No"`, 1))
	c.Work()
	path := linkNamed(t, c.Get(eventPath(id)).Body, "Split")
	made := c.Press(path, nil)
	wants(t, made.Text(), "This is the event that the variant has become.", "No")
	if made.Status != http.StatusOK || strings.Contains(made.Text(), "Path Event Variant") {
		t.Errorf("%d: the event itself is shown", made.Status)
	}
	wants(t, c.OK(eventPath(id)), "It is the event EMAIL_REPLY:")
	c.Work()
	wants(t, c.Press(path, nil).Text(), "It was split before. This is its event, delivered")
}

func TestEventIsSentToAnotherDestination(t *testing.T) {
	c := consoletest.New(t)
	c.Answer.Store(503)
	id := c.Stack.Post(clitest.Reply(1))
	c.Work()
	if a := c.Get(eventPath(id) + "/send-to"); !strings.Contains(a.Text(), "there is no other destination") {
		t.Errorf("got\n%s", a.Text())
	}
	c.Stack.OK("destinations", "add", "spare", "--url", c.Dest.URL, "--no-sign")
	if a := c.Press(eventPath(id)+"/send-to", url.Values{"from": {"crm"}, "to": {"nowhere"}}); a.Status != http.StatusBadRequest {
		t.Errorf("to a destination that is none: %d\n%s", a.Status, a.Text())
	}
	c.Answer.Store(200)
	sent := c.Press(eventPath(id)+"/send-to", url.Values{"from": {"crm"}, "to": {"spare"}})
	wants(t, sent.Text(), "It waits for spare instead of crm now. It is on its way again.")
	c.Work()
	wants(t, c.OK(eventPath(id)), "✓ delivered", "✓ spare #2 200")
}

// What a sender wrote is text, whatever it looks like.
func TestMarkupStaysText(t *testing.T) {
	c := consoletest.New(t)
	evil := `<script>alert(1)</script><img src=x onerror=alert(2)>\u202eevil <hx-partial hx-target=\"#main\">x</hx-partial>`
	body := strings.NewReplacer(`"text":"Yes","html":"<p>Yes</p>"`, `"text":"`+evil+`"`, `"Re: hello 1"`, `"`+evil+`"`,
		`"campaign_id":4100001`, `"campaign_id":"`+evil+`","<b onclick=x>":"`+evil+`"`, `lead1@acme.example.com`, `\"><script>x</script>@acme.example.com`).Replace(clitest.Reply(1))
	id := c.Stack.Post(body)
	c.Work()
	for _, path := range []string{eventPath(id), "/events", "/", "/events?campaign=" + url.QueryEscape(`"><script>`), "/leads/" + url.PathEscape(`"><script>x</script>@acme.example.com`)} {
		a := c.Get(path)
		for _, raw := range []string{"<script>", "<img", "<b ", "\u202e", "<hx-partial", `onclick="`} {
			if strings.Contains(a.Body, raw) {
				t.Errorf("%s holds %q:\n%s", path, raw, a.Body)
			}
		}
	}
	wants(t, c.OK(eventPath(id)), `alert(1)`)
}

func TestLeadShowsAPersonByCampaign(t *testing.T) {
	c := consoletest.New(t)
	c.Stack.Post(clitest.Reply(1))
	c.Stack.Post(strings.NewReplacer("4100001", "4100002", "reply-1@", "reply-2@", "stats-1", "stats-2").Replace(clitest.Reply(1)))
	c.Stack.Post(clitest.Reply(3))
	text := c.OK("/leads/LEAD1@acme.example.com")
	wants(t, text, "Campaign 4100001", "Campaign 4100002", "smartleadctl --local leads forget lead1@acme.example.com")
	if strings.Contains(text, "lead3@") {
		t.Errorf("another lead:\n%s", text)
	}
	wants(t, c.OK("/leads/nobody@acme.example.com"), "Nothing is kept of this lead")
	c.Stack.Run("leads", "forget", "nobody@acme.example.com", "--yes")
	wants(t, c.OK("/leads/nobody@acme.example.com"), "Nothing is kept of this lead, who was erased", "leads forgotten nobody@acme.example.com")
	wants(t, c.OK("/find?q=nobody@acme.example.com"), "who was erased", "leads forgotten nobody@acme.example.com")
}

// The story of an open event is shown anew as it goes on.
func TestAnOpenStoryGoesOn(t *testing.T) {
	c := consoletest.New(t)
	id := c.Stack.Post(clitest.Reply(1))
	stream := follow(t, c, "/live"+eventPath(id))
	first := stream.until("event: tick")
	wants(t, first, `hx-target="#main"`, "pending")
	c.Work()
	wants(t, stream.until("event: tick")+stream.until("event: tick"), "delivered", "crm #1 200")
}
