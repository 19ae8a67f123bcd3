package ledger

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

var received = time.Date(2126, 3, 4, 12, 0, 0, 5_000_000, time.UTC)

var someFacts = []facts{
	{},
	{
		Fingerprint: "ZST4KAPQGYRKILQEHR3YKCZ4DXSCVQA6", Basis: []string{"account", "type", "a field of another version"},
		RawType: "replied", Dialect: "help", ProviderEventID: "p-1", FromProvider: true, RequestID: "JKJaXmPLvHcESHA=",
		OccurredAt: received.Add(-1234 * time.Millisecond), OccurredAtSource: "event", Timeless: true, Late: true,
		OtherLead: true, LeadEmail: "ann@example.com", PayloadEncoding: "zstd-1", PayloadSize: 4209,
	},
	{Fingerprint: "not base32", OtherLead: true, OccurredAt: received.Add(time.Hour)},
	{Fingerprint: strings.Repeat("x", 3000)},
}

func TestFactsComeBack(t *testing.T) {
	for _, want := range someFacts {
		got, err := decodeFacts(want.encode(received), received)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
	}
}

func TestHistoryComesBack(t *testing.T) {
	for _, want := range []history{
		{},
		{
			DeliveredAt: received.Add(time.Second),
			Attempts: []webhook.Attempt{
				{Number: 1, Destination: "crm", Result: webhook.ResultRetry, Status: 503, ErrorClass: "http_503", Error: "unavailable", StartedAt: received.Add(-time.Second), Duration: 7 * time.Millisecond},
				{Number: 2, Generation: 1, Destination: "crm", Result: webhook.ResultDelivered, Status: 200, StartedAt: received.Add(time.Minute)},
				{Result: webhook.ResultAbandoned},
			},
		},
	} {
		got, err := decodeHistory(want.encode(received), received)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
	}
}

// What stands in items means the same for ever: new words go to the end, and no tag is
// given another meaning.
func TestRowsAreReadForEver(t *testing.T) {
	const row = "\x01\x02\x16another one\x03\x01\x03\x07\x05\x15\x07\x08\x06gw1\x09\xa4\x13\x0a\x27\x0e\x2d\x0f\xe2A"
	f, err := decodeFacts([]byte(row), received)
	want := facts{
		Fingerprint: "another one", Basis: []string{"account", "stats_id"}, Dialect: "help", FromProvider: true, RequestID: "gw1",
		OccurredAt: received.Add(-1234 * time.Millisecond), OccurredAtSource: "event", PayloadEncoding: "zstd-1", PayloadSize: 4209,
	}
	if err != nil || !reflect.DeepEqual(f, want) {
		t.Errorf("got %+v (%v), want %+v", f, err, want)
	}
	h, err := decodeHistory([]byte("\x01\x01\xd0\x0f\x02\x02\x04\x06crm\x05\x4b\x06\x90\x03\x09\xc8\x01\x0a\x46"), received)
	wantHistory := history{DeliveredAt: received.Add(time.Second), Attempts: []webhook.Attempt{{
		Number: 1, Destination: "crm", Result: webhook.ResultDelivered, Status: 200, StartedAt: received.Add(100 * time.Millisecond), Duration: 35 * time.Millisecond,
	}}}
	if err != nil || !reflect.DeepEqual(h, wantHistory) {
		t.Errorf("got %+v (%v), want %+v", h, err, wantHistory)
	}
}

// A row that is cut off or damaged is an error, never a panic or a large allocation.
func TestDamagedRows(t *testing.T) {
	f := someFacts[1].encode(received)
	for cut := 1; cut < len(f); cut++ {
		_, _ = decodeFacts(f[:cut], received) // a cut between two fields is not seen
	}
	for _, row := range []string{"\x02", "\x01\x63\x00", "\x01\x02\xff\xff\xff\xff\x0e", "\x01\x02\xff", "\x01\x0f", "\x01\x03\x7f"} {
		if got, err := decodeFacts([]byte(row), received); err == nil {
			t.Errorf("%q is read as %+v", row, got)
		}
	}
	for _, row := range []string{"\x02", "\x01\x63\x00", "\x01\x04\x02a", "\x01\x02", "\x01\x02\x02\x63\x02", "\x01\x01"} {
		if got, err := decodeHistory([]byte(row), received); err == nil {
			t.Errorf("%q is read as %+v", row, got)
		}
	}
}

func FuzzRows(f *testing.F) {
	for _, some := range someFacts {
		f.Add(some.encode(received))
	}
	f.Fuzz(func(_ *testing.T, row []byte) {
		_, _ = decodeFacts(row, received)
		_, _ = decodeHistory(row, received)
	})
}

func TestProgressComesBack(t *testing.T) {
	want := progressOf([]webhook.Progress{
		{Name: "crm"}, {Name: "a name", Result: webhook.ResultDelivered, Attempts: 1},
		{Name: "b", Result: webhook.ResultRetry, Attempts: 3, Postponed: 2, PostponedFor: 90 * time.Second},
		{Name: "c", Result: webhook.ResultRetry, Attempts: 1, NextAt: time.UnixMilli(1772712000123).UTC(), Waits: 3, Waiting: webhook.WaitPaused},
		{Name: "d", Waits: 1, Waiting: webhook.WaitTurn, NextAt: time.UnixMilli(1772712000123).UTC()},
		{Name: "e@f~1/g+h", Result: webhook.ResultRetry, Attempts: 12, Postponed: 1, PostponedFor: time.Second, NextAt: time.UnixMilli(0).UTC()},
	})
	av, err := dynamodb.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got []progress
	if err := dynamodb.Unmarshal(av, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	for _, text := range []string{"", "delivered", "delivered 1", "delivered one crm", "retry 1+x/1 crm", "retry 1@ crm", "retry 1~/x crm", "retry 1+1/x crm"} {
		if av, _ := dynamodb.Marshal([]string{text}); dynamodb.Unmarshal(av, &got) == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

func TestUUIDsComeBack(t *testing.T) {
	for text, bytes := range map[uuidText]bool{
		"5b1f7a52-0c3e-4d9a-9a41-1f5c2d7e8a01": true, "5B1F7A52-0c3e-4d9a-9a41-1f5c2d7e8a01": false,
		"5b1f7a52-0c3e-4d9a-9a41-1f5c2d7e8a0g": false, "5b1f7a520-c3e-4d9a-9a41-1f5c2d7e8a01": false, "stats-7": false, "1234567890123456": false,
	} {
		av, err := dynamodb.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var got uuidText
		if err := dynamodb.Unmarshal(av, &got); err != nil || got != text {
			t.Errorf("%s comes back as %s: %v", text, got, err)
		}
		if _, is := text.bytes(); is != bytes {
			t.Errorf("%s is kept as bytes: %v", text, is)
		}
	}
}
