package archive

import (
	"encoding/json"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// TestObject is an object in the making, for tests that write one beside the archiver.
type TestObject struct {
	account string
	begin   time.Time
	part    *part
}

// NewObject begins an object.
func NewObject(account string, begin time.Time) TestObject {
	return TestObject{account, begin, newPart()}
}

// Add adds a line.
func (o TestObject) Add(t *testing.T, id webhook.EventID, line any) {
	t.Helper()
	text, err := json.Marshal(line)
	if err == nil {
		err = o.part.add(id, append(text, '\n'))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Key is the object's name.
func (o TestObject) Key() string { return keyOf(o.account, o.begin, o.part.sum) }

// Body is the object.
func (o TestObject) Body(t *testing.T) []byte {
	t.Helper()
	body, err := o.part.bytes()
	if err != nil {
		t.Fatal(err)
	}
	return body
}
