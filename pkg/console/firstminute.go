package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// What a person may try with a sample, beside the first one: each is one click, and
// opens what it made.
var (
	againAction   = action{path: "/events/{id}/sample/again", name: "send a sample again", back: theEvent, do: sendAgain}
	variantAction = action{path: "/events/{id}/sample/variant", name: "send a sample changed", back: theEvent, do: sendVariant}
	failingAction = action{path: "/events/sample/failing", name: "send a sample to a destination that fails", back: func(*request) string { return eventsPath }, do: sendFailing}
	backAction    = action{path: "/events/{id}/sample/back", name: "bring a sample back", back: theEvent, do: bringBack}
)

const (
	samplePrefix    = "sample-" // of the stats id of each sample
	sampleCampaign  = 4100001
	failingCampaign = 4100002
	// sampleDestination is the destination of a local stack that takes the samples which
	// fail.
	sampleDestination = "sample-crm"
	// nothingThere is a path of the receiver at which nothing is, so that it answers 404.
	nothingThere = "/nothing-is-here"
	// destinationsSettle is longer than a local worker keeps its destinations.
	destinationsSettle = 2 * time.Second
)

// offer is a button of a sample's page.
type offer struct {
	Name, Says, Path string
	Primary          bool
}

// offers are what can be tried with an event; none where it is no sample of a stack
// whose token is known.
func (q *request) offers(r webhook.Record) []offer {
	if !q.isSample(r) {
		return nil
	}
	own := eventAddress(string(r.ID)) + "/sample/"
	all := []offer{
		{Name: "Send it again", Says: "a duplicate: counted, and not delivered twice", Path: own + "again"},
		{Name: "Send it with another text", Says: "a variant: the same reply, changed; kept beside it, and not delivered", Path: own + "variant"},
	}
	if !q.Local {
		return all
	}
	all = append(all, offer{Name: "Send one to a destination that fails", Says: "a dead event, with the reason", Path: failingAction.path})
	if r.State == webhook.Dead && r.CampaignID == strconv.Itoa(failingCampaign) {
		all = append([]offer{{Name: "Repair the destination, and bring it back", Says: "a redrive", Path: own + "back", Primary: true}}, all...)
	}
	return all
}

func (q *request) isSample(r webhook.Record) bool {
	return q.st.Token != "" && r.Source == q.st.Demo && strings.HasPrefix(r.StatsID, samplePrefix) && !r.Erased()
}

// sample is the body of the event of the address, which must be a sample.
func (q *request) sample() (map[string]any, error) {
	rec, err := q.event()
	if err != nil {
		return nil, err
	}
	if !q.isSample(rec) {
		return nil, problem.Usage("the event is no sample")
	}
	text, err := q.st.Bodies.Load(q.ctx(), rec.Payload)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, problem.Failed(err, "the stored body cannot be read")
	}
	return body, nil
}

// postSample posts a body as Smartlead does, and opens its event.
func (q *request) postSample(body map[string]any, said string) (*done, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	status, rows, err := q.post(q.st.Demo, q.st.Token, text)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK || len(rows) != 1 || rows[0].ID == "" {
		return nil, problem.Failed(nil, "the receiver answered %d and took no event", status)
	}
	return &done{To: rows[0].Path, On: rows[0].ID, Notice: notice{Text: said}}, nil
}

func sendAgain(q *request) (*done, error) {
	body, err := q.sample()
	if err != nil {
		return nil, err
	}
	return q.postSample(body, "The same body was sent once more. It is a duplicate: the story counts it, and nothing is delivered twice.")
}

func sendVariant(q *request) (*done, error) {
	body, err := q.sample()
	if err != nil {
		return nil, err
	}
	reply, ok := body["reply_message"].(map[string]any)
	if !ok {
		return nil, problem.Failed(nil, "the sample has no reply")
	}
	text := "Yes, call me at " + q.clock.Now().UTC().Format("15:04:05.000") + ".\n\nTom"
	reply["text"], reply["html"] = text, "<p>"+strings.ReplaceAll(text, "\n\n", "</p><p>")+"</p>"
	return q.postSample(body, "The same reply was sent with another text. It is a variant: below, the fields that differ stand side by side, and Split makes it an event of its own.")
}

// sendFailing sends a sample to a destination of the local stack that answers 404.
func sendFailing(q *request) (*done, error) {
	if err := q.localSamples(); err != nil {
		return nil, err
	}
	form := fmt.Sprintf(`{"type":"http","filter":{"campaign_ids":["%d"]},"config":{"url":%q,"allow_http":true,"allow_private":true}}`,
		failingCampaign, q.st.APIURL+nothingThere)
	if err := q.setSampleDestination(form); err != nil {
		return nil, err
	}
	return q.postSample(sampleReply(q.clock.Now(), failingCampaign), "A sample was sent that goes to the destination "+sampleDestination+
		", too, at whose address nothing is. It answers 404, which no further attempt mends: in a moment the event is dead.")
}

// localSamples refuses what is for a local stack alone.
func (q *request) localSamples() error {
	if !q.Local || q.st.Token == "" {
		return problem.Usage("destinations that fail are for a local stack: make run")
	}
	return nil
}

// setSampleDestination makes the destination of samples so, and waits until the worker
// has it. Where none is configured, events go to the log: that goes on.
func (q *request) setSampleDestination(form string) error {
	entries, err := q.st.Destinations.List(q.ctx())
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		if err := q.st.Destinations.Put(q.ctx(), "log", []byte(`{"type":"log"}`), true); err != nil {
			return err
		}
	}
	at := slices.IndexFunc(entries, func(e sourcestore.Entry) bool { return e.Name == sampleDestination })
	if at >= 0 {
		cfg, err := registry.Types.Parse(entries[at].Value)
		if err != nil || !slices.Equal(cfg.Filter.CampaignIDs, []string{strconv.Itoa(failingCampaign)}) {
			return problem.Failed(err, "a destination %s is there already that is not the samples'", sampleDestination).Hint("rename or remove it")
		}
	}
	if at < 0 || string(entries[at].Value) != form {
		if err := q.st.Destinations.Put(q.ctx(), sampleDestination, []byte(form), true); err != nil {
			return err
		}
		q.st.Operator.Sleep(q.ctx(), destinationsSettle)
	}
	return q.ctx().Err()
}

// bringBack lets the destination of samples write to the log, and redrives the event.
func bringBack(q *request) (*done, error) {
	if err := q.localSamples(); err != nil {
		return nil, err
	}
	rec, err := q.event()
	if err != nil {
		return nil, err
	}
	if !q.isSample(rec) || rec.State != webhook.Dead {
		return nil, problem.Failed(webhook.ErrChanged, "the event is %s, and no dead sample", rec.State)
	}
	if err := q.setSampleDestination(fmt.Sprintf(`{"type":"log","filter":{"campaign_ids":["%d"]}}`, failingCampaign)); err != nil {
		return nil, err
	}
	job, err := q.st.Redrive.Start(q.ctx(), redrive.Request{Filter: redrive.Filter{IDs: []webhook.EventID{rec.ID}}})
	if errors.Is(err, redrive.ErrActive) {
		return nil, problem.Failed(err, "nothing was started").Hint("one redrive runs at a time: see it, or cancel it, on the page Redrive")
	}
	if err != nil {
		return nil, err
	}
	return &done{To: jobPath(job.ID), On: string(rec.ID), Notice: notice{
		Text: "The destination " + sampleDestination + " writes to the worker's log now, and this redrive brings the event back.",
		Link: eventAddress(string(rec.ID)), Name: "The event",
	}}, nil
}
