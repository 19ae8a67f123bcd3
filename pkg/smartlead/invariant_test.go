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
	again, err := analyze(newRedactor(opts).payloadOf(t, e.Payload), opts, true)
	if err != nil || string(again.Payload) != string(e.Payload) {
		t.Errorf("redaction is not idempotent: %v\n got %s\nwant %s", err, again.Payload, e.Payload)
	}
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

func (r *redactor) payloadOf(t rapid.TB, text []byte) []byte {
	t.Helper()
	tree, err := scanTree(text, bodyLimits)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.free()
	return r.payload(tree, 0)
}
