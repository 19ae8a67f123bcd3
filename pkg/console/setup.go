package console

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/problem"
)

// setup is what a stack that has no event yet is told.
type setup struct {
	Sample bool // a sample can be sent: the source's token is known, as of a local stack
	CSRF   string
}

func (q *request) setup() setup { return setup{Sample: q.st.Token != "", CSRF: q.session.csrf} }

var sampleAction = action{path: "/events/sample", name: "send a sample", do: sendSample}

// sendSample posts a reply as Smartlead would, and opens its event. Each is another
// reply, so that each is an event of its own.
func sendSample(q *request) (*done, error) {
	if q.st.Token == "" {
		return nil, problem.Usage("the token of a source is needed to send through it").Hint("the page Send takes one")
	}
	return q.postSample(sampleReply(q.clock.Now(), sampleCampaign), "A sample reply was sent, as Smartlead sends one. This is its story so far.")
}

// sampleReply is like events/payloads/help/reply.json, with an id of its own.
func sampleReply(now time.Time, campaign int) map[string]any {
	id := strings.ToLower(rand.Text()[:12])
	at := now.UTC().Format("2006-01-02T15:04:05.000+00:00")
	return map[string]any{
		"event_type": "EMAIL_REPLY", "campaign_id": campaign, "campaign_name": "Sample campaign", "stats_id": samplePrefix + id,
		"to_email": "tom@acme.example.com", "to_name": "Tom Acme", "from_email": "mira@outbound.example", "subject": "Re: Quick question",
		"event_timestamp": at, "reply_message": map[string]any{
			"message_id": fmt.Sprintf("<sample-%s@acme.example.com>", id), "time": at,
			"text": "Yes, call me on Tuesday.\n\nTom", "html": "<p>Yes, call me on Tuesday.</p><p>Tom</p>",
		},
	}
}
