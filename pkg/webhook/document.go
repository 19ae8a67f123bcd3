package webhook

// Document is a small piece of state beside the events, as a listing returns it.
type Document struct {
	Name    string
	Version int
	Body    []byte // nil where the item is not as it is written: whoever reads it finds it broken
}
