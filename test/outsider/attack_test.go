package outsider

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// spell changes how an object is spelled, and not what it says.
func spell(body string, change func(map[string]any)) string {
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		panic(err)
	}
	change(m)
	out, _ := json.Marshal(m) // what was read: it cannot fail
	return string(out)
}

// attacks are bodies that rest on more than another secret: an identity that is spelled
// otherwise, elements of an array that stand in for each other, wrappers within wrappers,
// and members that say who somebody is.
var attacks = []disguise{
	{"the identity in other types and case", func(b string) string {
		return with(spell(b, func(m map[string]any) {
			m["campaign_id"] = fmt.Sprint(" ", int(m["campaign_id"].(float64)), " ")
			for _, name := range []string{"to_email", "lead_email", "sl_lead_email"} {
				if text, ok := m[name].(string); ok {
					m[name] = "  " + strings.ToUpper(text) + " "
				}
			}
		}), key(testSecret))
	}},
	{"a secret with a blank of no width", func(b string) string { return with(b, key(testSecret+"\u200b")) }},
	{"a secret with a zero behind it", func(b string) string { return with(b, key(testSecret+"\x00")) }},
	{"a list of secrets", func(b string) string { return with(b, `"secret_key":["`+testSecret+`","`+retired+`"]`) }},
	{"wrappers within wrappers", func(b string) string {
		return wrapped(wrapped(with(b, key(testSecret)), key("wrong-secret")), `"headers":{"x-request-id":"other","authorization":"Bearer x"}`)
	}},
	{"flags, state and source of his own", func(b string) string {
		return behind(b, `"flags":["test_event","superseded"]`, `"state":"delivered"`, `"held":false`, `"source":"strict"`, `"account":"strict"`,
			`"generation":9`, `"attempt":9`, `"expires_at":1`, `"schema":"smartlead.event.v1"`)
	}},
	{"an envelope around it", func(b string) string {
		return `{"id":"evt-stolen","type":"` + typeOf(b) + `","created_at":"2126-03-04T11:00:00Z","data":` + with(b, key(testSecret)) + `}`
	}},
	{"the type twice", func(b string) string { return behind(with(b, key(testSecret)), `"event_type":"EMAIL_OPEN"`) }},
	{"a secret of another sort", func(b string) string {
		return behind(b, `"api_key":"`+testSecret+`"`, `"token":"`+token+`"`, `"webhook_url":"https://x.example/webhooks/strict/`+token+`"`)
	}},
	{"times of the future", func(b string) string {
		return with(spell(b, func(m map[string]any) {
			for name := range m {
				if strings.HasPrefix(name, "time_") || strings.HasSuffix(name, "_at") {
					m[name] = "9999-12-31T23:59:59.999Z"
				}
			}
		}), key("wrong-secret"))
	}},
	{"a body that is large", func(b string) string { return behind(with(b, key(testSecret)), `"padding":"`+noise(120_000)+`"`) }},
	{"thousands of members", func(b string) string {
		var members []string
		for i := range 3000 {
			members = append(members, fmt.Sprintf(`"m%d":"%s"`, i, testSecret))
		}
		return behind(b, members...)
	}},
}

func typeOf(body string) (typ string) {
	for _, name := range []string{"event_type", "eventType", "event", "type"} {
		spell(body, func(m map[string]any) {
			if text, ok := m[name].(string); ok && typ == "" {
				typ = text
			}
		})
	}
	return typ
}

var chance = rand.NewChaCha8([32]byte{13})

// noise is a text that cannot be compressed.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = chance.Read(b) // it never fails
	return base64.StdEncoding.EncodeToString(b)
}

var errDown = errors.New("the table is down")

// outage has the table refuse everything while it is down.
type outage struct {
	ledger.API
	down atomic.Bool
}

func (o *outage) err() error {
	if o.down.Load() {
		return errDown
	}
	return nil
}

func (o *outage) GetItem(ctx context.Context, in *dynamodb.GetItemInput) (*dynamodb.GetItemOutput, error) {
	if err := o.err(); err != nil {
		return nil, err
	}
	return o.API.GetItem(ctx, in)
}

func (o *outage) PutItem(ctx context.Context, in *dynamodb.PutItemInput) (*dynamodb.PutItemOutput, error) {
	if err := o.err(); err != nil {
		return nil, err
	}
	return o.API.PutItem(ctx, in)
}

func (o *outage) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput) (*dynamodb.UpdateItemOutput, error) {
	if err := o.err(); err != nil {
		return nil, err
	}
	return o.API.UpdateItem(ctx, in)
}

func (o *outage) Query(ctx context.Context, in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	if err := o.err(); err != nil {
		return nil, err
	}
	return o.API.Query(ctx, in)
}

// fragile gives the receiver a table that may be down.
func (w *world) fragile() *outage {
	w.Helper()
	o := &outage{API: w.env.Clients.DynamoDB}
	env := w.env
	env.Clients.DynamoDB = o
	receiver, err := app.Receiver(env)
	w.must(err)
	w.receiver = receiver
	return o
}

// during are stories in which a letter that is small is posted while the table is down,
// so that the message is the event's only copy until a worker claims it.
var during = []string{"OT", "TO", "PT", "T.O.T", "oT.", "Ot.", "ot.", "to.", "o.T", "t.O.T", "pt.V", "oO.tT."}

// Attacks that rest on other bodies, each beside a trusted event of every sort, in both
// orders, and in both lanes by which an event becomes durable.
func TestAttacksChangeNothingInBothLanes(t *testing.T) {
	alone, beside := newWorld(t), newWorld(t)
	downAlone, downBeside := alone.fragile(), beside.fragile()
	files := payloads(t)
	sent := 0
	for s, story := range during {
		var senders []sender
		for i, file := range files {
			for j, attack := range attacks {
				if !whole() && (i+j)%len(during) != s {
					continue
				}
				total++
				one := sender{source: []string{"strict", "header"}[(i+j)%3/2], requestID: fmt.Sprintf("attack-%d", total), disguise: attack}
				one.trusted, one.changed = numbered(t, file, total, nil), numbered(t, file, total, map[string]any{"note": "sent again"})
				if (i+j)%5 == 0 {
					one.trusted = behind(one.trusted, `"note":"`+noise(120_000)+`"`)
				}
				one.name = fmt.Sprintf("%s/%s/%s/%s", story, file, attack.name, one.source)
				senders = append(senders, one)
			}
		}
		want, got := alone.live(story, senders, false, downAlone), beside.live(story, senders, true, downBeside)
		sent += len(senders)
		for _, one := range senders {
			if !slices.Equal(want[one.name], got[one.name]) {
				t.Errorf("%s: the trusted sender was answered %v, and without the outsider %v", one.name, got[one.name], want[one.name])
			}
		}
		for _, line := range want["ids"] {
			id, name, _ := strings.Cut(line, " ")
			compare(t, name, webhook.EventID(id), alone, beside)
		}
	}
	for key, bodies := range beside.delivered {
		for _, body := range bodies {
			if alone.delivered[key] == nil && !isTest(body) {
				t.Errorf("an outsider's event was delivered: %.300s", body)
			}
		}
	}
	if len(alone.delivered) < sent {
		t.Errorf("%d events delivered in %d cases: the comparison shows nothing", len(alone.delivered), sent)
	}
}

// live tells a story in which the table may be down.
func (w *world) live(story string, senders []sender, outsiders bool, table *outage) map[string][]string {
	w.Helper()
	answers := map[string][]string{}
	for _, letter := range story + "." {
		table.down.Store(false)
		if letter == '.' {
			w.pump()
			continue
		}
		upper := letter
		if letter >= 'a' {
			table.down.Store(true)
			upper = letter - 'a' + 'A'
		}
		for _, s := range senders {
			trusted := upper == 'T' || upper == 'V'
			if !trusted && !outsiders {
				continue
			}
			results := w.post(s.source, s.requestID, s.body(upper))
			if trusted {
				answers[s.name] = append(answers[s.name], fmt.Sprint(results))
				for _, r := range results {
					if r.EventID != "" {
						answers["ids"] = append(answers["ids"], string(r.EventID)+" "+s.name)
					}
				}
			}
		}
		w.pass(time.Second)
	}
	table.down.Store(false)
	return answers
}
