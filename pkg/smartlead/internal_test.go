package smartlead

import (
	"errors"
	"strings"
	"testing"
)

// TestDefectOfOurs holds that a panic while one element is read is the failure of
// that element, and says where, and nothing of what was read.
func TestDefectOfOurs(t *testing.T) {
	tree, err := scanTree([]byte(`[{"event_type":"EMAIL_OPEN","a":"Sup3rS3cr3tT0k3n"},{"a":1}]`), bodyLimits)
	if err != nil {
		t.Fatal(err)
	}
	p := parser{opts: corpusOptions} // without a redactor
	if err := p.top(tree, 0, maxWrappers); err != nil {
		t.Fatal(err)
	}
	p.redactor = newRedactor(corpusOptions)
	if err := p.top(tree, 0, maxWrappers); err != nil {
		t.Fatal(err)
	}
	if len(p.batch.Elements) != 4 {
		t.Fatalf("got %d elements, want 4", len(p.batch.Elements))
	}
	broken := p.batch.Elements[0]
	if !errors.Is(broken.Err, ErrInternal) || !strings.Contains(broken.Err.Error(), "nil pointer dereference in redact") {
		t.Errorf("got %v, want ErrInternal and its place in redact.go", broken.Err)
	}
	for _, e := range p.batch.Elements[2:] {
		if e.Err != nil {
			t.Errorf("of the next one: got %v, want no error", e.Err)
		}
	}
}

func TestPanicSaysNothingOfTheBody(t *testing.T) {
	read := func() (err error) {
		defer guard(&err)
		panic("Sup3rS3cr3tT0k3n")
	}
	if err := read(); !errors.Is(err, ErrInternal) || strings.Contains(err.Error(), "Sup3r") || !strings.Contains(err.Error(), "internal_test.go:") {
		t.Errorf("got %v, want ErrInternal, its place, and nothing of the value", err)
	}
}
