package smartlead

import (
	"encoding/json"
	"reflect"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"smartlead-receiver/pkg/webhook"
)

// checkElement holds for every event, whatever its body was.
func checkElement(t rapid.TB, e Element, opts Options) {
	t.Helper()
	if _, err := webhook.ParseEventID(e.Key); err != nil {
		t.Errorf("got the key %q, want one that can be parsed: %v", e.Key, err)
	}
	if string(e.Event.ID) != e.Key || string(e.Event.Raw) != string(e.Payload) {
		t.Errorf("got the event %s of %s, want %s of %s", e.Event.ID, e.Event.Raw, e.Key, e.Payload)
	}
	// Strict JSON has no duplicate names and no surrogate without a partner.
	if !jsontext.Value(e.Payload).IsValid() {
		t.Errorf("got the payload %q, want strict JSON", e.Payload)
	}
	event, err := Normalize(e.Payload, opts)
	if err != nil || !reflect.DeepEqual(event, e.Event) {
		t.Errorf("Normalize: %v\n got %+v\nwant %+v", err, event, e.Event)
	}
	payload := newRedactor(opts).payloadOf(t, e.Payload)
	if string(payload) != string(e.Payload) {
		t.Errorf("redaction is not idempotent:\n got %s\nwant %s", payload, e.Payload)
	}
	tree, err := scanTree(payload, bodyLimits)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.free()
	var again Element
	again.examine(tree, opts, true)
	if again.Key != e.Key || again.Fingerprint != e.Fingerprint || again.Timeless != e.Timeless {
		t.Errorf("after another redaction: got %s %s %v, want %s %s %v", again.Key, again.Fingerprint, again.Timeless, e.Key, e.Fingerprint, e.Timeless)
	}
	if e.Event.OccurredAt.IsZero() != (e.Event.OccurredAtSource == webhook.TimeFromReceipt) {
		t.Errorf("got the time %v from %s, want none from the receipt, or one from the event", e.Event.OccurredAt, e.Event.OccurredAtSource)
	}
	if len(e.Basis) < 2 || e.Basis[0] != basisAccount && opts.Account != "" {
		t.Errorf("got the basis %v, want the account first, and two fields or more", e.Basis)
	}
	if _, err := json.Marshal(e.Event); err != nil {
		t.Errorf("got %v, want an event that can be written", err)
	}
}

// payloadOf redacts a text. A tree that comes with the payload must be that of a scan; of
// what was replaced it may say that something may be there that is not.
func (r *redactor) payloadOf(t rapid.TB, text []byte) []byte {
	t.Helper()
	tree, err := scanTree(text, bodyLimits)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.free()
	payload, moved := r.payload(tree, 0)
	if moved == nil {
		return payload
	}
	defer moved.free()
	scanned, err := scanTree(payload, bodyLimits)
	if err != nil {
		t.Fatal(err)
	}
	defer scanned.free()
	if len(moved.nodes) != len(scanned.nodes) || string(moved.src) != string(scanned.src) {
		t.Fatalf("%d nodes of %s, a scan has %d of %s", len(moved.nodes), moved.src, len(scanned.nodes), scanned.src)
	}
	for i, want := range scanned.nodes {
		got := moved.nodes[i]
		missed := want.has &^ got.has
		want.has = got.has
		if got != want || missed != 0 {
			t.Fatalf("node %d of %s is %+v, a scan has %+v; missed: %d", i, payload, got, want, missed)
		}
	}
	return payload
}
