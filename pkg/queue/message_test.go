package queue

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

const id = webhook.EventID("v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

var sentAt = time.Date(2026, 3, 4, 17, 30, 0, 0, time.UTC)

var messages = []struct {
	name string
	m    webhook.Message
	wire string // a message that waits in a queue outlives the receiver that sent it: changing this needs another version
}{
	{
		"event", webhook.Message{Kind: webhook.KindEvent, ID: id + "~2"},
		`{"v":1,"kind":"event","event_id":"v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567~2"}`,
	},
	{
		"first", webhook.Message{Kind: webhook.KindEvent, ID: id, First: true},
		`{"v":1,"kind":"event","event_id":"v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567","first":true}`,
	},
	{
		"dead letter", webhook.Message{Kind: webhook.KindDeadLetter, ID: id, DeadLetter: &webhook.DeadLetter{
			Death: 3, ErrorClass: "http_503", Error: "answered 503", Attempts: 3, FirstAt: sentAt, LastAt: sentAt.Add(time.Hour),
			Type: webhook.EmailReply, Account: "acme", CampaignID: "7",
		}},
		`{"v":1,"kind":"dead_letter","event_id":"v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567","death":3,"error_class":"http_503",` +
			`"error":"answered 503","attempts":3,"first_at":"2026-03-04T17:30:00Z","last_at":"2026-03-04T18:30:00Z",` +
			`"type":"EMAIL_REPLY","account":"acme","campaign_id":"7"}`,
	},
	{
		"unclaimed", webhook.Message{Kind: webhook.KindUnclaimed, Receipt: &webhook.Receipt{
			Key: string(id), Timeless: true, Window: time.Hour, Fingerprint: "F", Basis: []string{"account"},
			Account: "acme", Source: "main", Type: webhook.EmailReply, RawType: "EMAIL_REPLIED", Dialect: "help",
			CampaignID: "7", LeadEmail: "ann@acme.example", StatsID: "s", MessageID: "<m@acme.example>",
			ProviderEventID: "p", ProviderRequestID: "x", RequestID: "r",
			OccurredAt: sentAt, OccurredAtSource: webhook.TimeFromEvent, ReceivedAt: sentAt.Add(time.Millisecond), Flags: []string{"timeless"}, Held: true,
			Payload:   webhook.Payload{Encoding: "zstd", Data: []byte{1, 2, 3}, Ref: "acme/f", Size: 9},
			Retention: 30 * 24 * time.Hour,
		}},
		`{"v":1,"kind":"unclaimed","receipt":{"natural_key":"v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567","timeless":true,"window_ms":3600000,` +
			`"fingerprint":"F","basis":["account"],"account":"acme","source":"main","type":"EMAIL_REPLY","raw_type":"EMAIL_REPLIED","dialect":"help",` +
			`"campaign_id":"7","lead_email":"ann@acme.example","stats_id":"s","message_id":"\u003cm@acme.example\u003e",` +
			`"provider_event_id":"p","provider_request_id":"x","request_id":"r",` +
			`"occurred_at":"2026-03-04T17:30:00Z","occurred_at_source":"event","received_at":"2026-03-04T17:30:00.001Z","flags":["timeless"],"held":true,"retention_ms":2592000000,` +
			`"payload":{"encoding":"zstd","data":"AQID","ref":"acme/f","size":9}}}`,
	},
	{
		"unclaimed, the least", webhook.Message{Kind: webhook.KindUnclaimed, Receipt: &webhook.Receipt{Key: string(id), ReceivedAt: sentAt}},
		`{"v":1,"kind":"unclaimed","receipt":{"natural_key":"v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567","received_at":"2026-03-04T17:30:00Z","payload":{}}}`,
	},
}

func TestWireFormIsStable(t *testing.T) {
	for _, c := range messages {
		t.Run(c.name, func(t *testing.T) {
			got, err := encode(c.m)
			if err != nil || got != c.wire {
				t.Fatalf("got  %s\nwant %s\n%v", got, c.wire, err)
			}
			back, err := Decode(c.wire)
			if err != nil || !reflect.DeepEqual(back, c.m) {
				t.Fatalf("got %+v, want %+v: %v", back, c.m, err)
			}
		})
	}
}

// TestEveryFieldTravels fails for a field that was added to a receipt or a dead
// letter and not to the wire form.
func TestEveryFieldTravels(t *testing.T) {
	var receipt webhook.Receipt
	fill(t, reflect.ValueOf(&receipt).Elem(), "receipt")
	receipt.Key = string(id)
	var letter webhook.DeadLetter
	fill(t, reflect.ValueOf(&letter).Elem(), "dead letter")
	for _, m := range []webhook.Message{
		{Kind: webhook.KindUnclaimed, Receipt: &receipt},
		{Kind: webhook.KindDeadLetter, ID: id, DeadLetter: &letter},
	} {
		body, err := encode(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(body)
		if err != nil || !reflect.DeepEqual(back, m) {
			t.Errorf("%s: %v\ngot  %+v %+v\nwant %+v %+v", m.Kind, err, back.Receipt, back.DeadLetter, m.Receipt, m.DeadLetter)
		}
	}
}

// fill gives every field of a struct a value that is not zero.
func fill(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(sentAt))
		return
	case time.Duration:
		v.Set(reflect.ValueOf(7 * time.Hour))
		return
	}
	switch kind := v.Kind(); {
	case kind == reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), name+"."+v.Type().Field(i).Name)
		}
	case kind == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), name+"[0]")
	case kind == reflect.String:
		v.SetString(name)
	case kind == reflect.Bool:
		v.SetBool(true)
	case kind == reflect.Int:
		v.SetInt(7)
	case kind == reflect.Uint8:
		v.SetUint(7)
	default:
		t.Fatalf("%s is a %s: say here what fills it", name, v.Type())
	}
}

func TestForeignMessages(t *testing.T) {
	for _, body := range []string{
		"", "hello secret", "{}", "[]", `{"v":2,"kind":"event","event_id":"` + string(id) + `"}`,
		`{"v":1,"kind":"event"}`, `{"v":1,"kind":"event","event_id":"x"}`, `{"v":1,"kind":"dead_letter","event_id":"` + string(id) + `"}`,
		`{"v":1,"kind":"unclaimed"}`, `{"v":1,"kind":"unclaimed","receipt":{"natural_key":"` + string(id) + `"}}`,
		`{"v":1,"kind":"unclaimed","receipt":{"natural_key":"x","received_at":"2026-03-04T17:30:00Z"}}`,
		`{"v":2,"kind":"unclaimed","receipt":{"natural_key":"` + string(id) + `","received_at":"2026-03-04T17:30:00Z"}}`,
		`{"v":1,"kind":"other","event_id":"` + string(id) + `"}`,
	} {
		if _, err := Decode(body); !errors.Is(err, errForeign) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestWhatLacksItsContentIsNotSent(t *testing.T) {
	for _, m := range []webhook.Message{{}, {Kind: webhook.KindEvent}, {Kind: webhook.KindDeadLetter, ID: id}, {Kind: webhook.KindUnclaimed}} {
		if _, err := encode(m); err == nil {
			t.Errorf("%+v was encoded", m)
		}
	}
}
