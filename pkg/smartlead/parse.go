package smartlead

import (
	"bytes"
	"cmp"
	"unicode/utf8"

	"smartlead-receiver/pkg/webhook"
)

// Options says in whose name a body is read.
type Options struct {
	// Account is part of every identity: sources of one provider account share
	// it.
	Account string
	// RedactionKey keys the fingerprints that replace credentials. Without it
	// they become the word "redacted".
	RedactionKey []byte
	// Secrets are literal values, such as the token of the URL, that are
	// removed wherever they appear in a body. Values below 6 bytes are ignored.
	Secrets []string
	// Outside says that nobody redacted the body before. A secret_key that looks like a
	// fingerprint is then a value like any other: who has seen the fingerprint of a key,
	// as each destination does, cannot pass for somebody who has the key.
	Outside bool
}

// limits bounds what one JSON text may cost. Its size is bounded by the caller.
type limits struct {
	depth  int // nested objects and arrays
	values int // values and member names
}

var bodyLimits = limits{depth: 100, values: 1_000_000}

// maxElements bounds the elements that are read of a top-level array.
const maxElements = 10_000

// Batch is what one request brought.
type Batch struct {
	Array    bool // the body is an array, of any length
	Elements []Element
}

// Element is one event of a batch, or the reason why it is none.
type Element struct {
	Index       int           // position in the batch, from 0
	Event       webhook.Event // ID is the natural key; Source, ReceivedAt, Attempt and Generation are empty
	Key         string        // natural key, "v1:TYPE:BASE32"
	Basis       []string      // names of the fields on which the identity rests, in order
	BasisFields []Field       // the same with values, for people
	Timeless    bool          // the identity has neither a time nor an id: it may repeat for real
	Fingerprint string        // base32 hash of the canonical body
	SecretKey   string        // the body's secret_key, for authentication only; never stored
	TestEvent   bool          // the dashboard's test: secret_key is the word "secretkey"
	HookID      string        // of the provider's webhook that sent it; no part of the event
	HookName    string        // what a person called that webhook
	Payload     []byte        // redacted original JSON, what is stored
	Err         error         // this element is refused; the others are not concerned
}

// Parse reads the body of a request: one event or an array of them, in any
// dialect, also inside {"body": …} wrappers and JSON text. It returns
// ErrNotJSON, ErrScalar, ErrEncoding, ErrTooDeep or ErrTooMany (wrapped, with a
// position) when the body as a whole is refused, and ErrInternal, of the body or
// of one element, for a defect of ours. An object of no known type is an event
// of type UNKNOWN, also when it is empty. Nothing returned refers to body. Safe
// for concurrent use.
func Parse(body []byte, opts Options) (batch Batch, err error) {
	defer guard(&err)
	body, err = decodeBody(body)
	if err != nil {
		return Batch{}, err
	}
	p := parser{opts: opts, redactor: newRedactor(opts)}
	t, err := scanTree(body, bodyLimits)
	if err != nil {
		return Batch{}, err
	}
	defer t.free()
	if err := p.top(t, 0, maxWrappers); err != nil {
		return Batch{}, err
	}
	return p.batch, nil
}

// Normalize reads an event from a stored payload: it gives the event that
// Parse gave. Errors are those of Parse, and ErrNotObject.
func Normalize(payload []byte, opts Options) (event webhook.Event, err error) {
	defer guard(&err)
	t, err := scanTree(payload, bodyLimits)
	if err != nil {
		return webhook.Event{}, err
	}
	defer t.free()
	if t.kind(0) != '{' {
		return webhook.Event{}, refuse(ErrNotObject, 0, "an event is an object")
	}
	var e Element
	e.examine(t, opts, false)
	return e.Event, nil
}

// decodeBody drops a byte order mark and refuses what is not UTF-8. What passed
// a gateway as text has U+FFFD for each byte that is not.
func decodeBody(body []byte) ([]byte, error) {
	body = bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF"))
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return nil, refuse(ErrNotJSON, 0, "the body is empty")
	case bytes.HasPrefix(body, []byte("\xFF\xFE")), bytes.HasPrefix(body, []byte("\xFE\xFF")),
		len(body) > 1 && (body[0] == 0 || body[1] == 0), bytes.HasPrefix(body, []byte("\uFFFD\uFFFD")):
		return nil, refuse(ErrEncoding, 0, "it looks like UTF-16 or UTF-32")
	case bytes.HasPrefix(body, []byte("\x1F\x8B")), bytes.HasPrefix(body, []byte("\x1F\uFFFD")):
		return nil, refuse(ErrEncoding, 0, "it looks compressed")
	}
	if at := bytes.IndexByte(body, 0); at >= 0 {
		return nil, refuse(ErrEncoding, at, "a NUL, which JSON does not have")
	}
	if utf8.Valid(body) {
		return body, nil
	}
	at := 0
	for {
		r, n := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && n <= 1 {
			return nil, refuse(ErrEncoding, at, "a byte that UTF-8 does not have")
		}
		at += n
	}
}

type parser struct {
	opts     Options
	redactor *redactor
	secret   string // of the wrapper around what is read
	batch    Batch
}

// next makes room for the next element.
func (p *parser) next() (*Element, error) {
	n := len(p.batch.Elements)
	if n >= maxElements {
		return nil, refuse(ErrTooMany, 0, "more elements than are read")
	}
	p.batch.Elements = append(p.batch.Elements, Element{Index: n})
	return &p.batch.Elements[n], nil
}

// add reads an object as an event: redacted first, so that the event and its
// identity are those of the stored payload.
func (p *parser) add(t *tree, i uint32) error {
	e, err := p.next()
	if err != nil {
		return err
	}
	if err := p.event(e, t, i); err != nil {
		*e = Element{Index: e.Index, Err: err}
	}
	return nil
}

// refused adds an element that is none.
func (p *parser) refused(err error) error {
	e, full := p.next()
	if full == nil {
		e.Err = err
	}
	return full
}

func (p *parser) event(e *Element, t *tree, i uint32) (err error) {
	defer guard(&err)
	payload, redacted := p.redactor.payload(t, i)
	if redacted == nil {
		if redacted, err = scanTree(payload, bodyLimits); err != nil {
			return err
		}
	}
	defer redacted.free()
	e.examine(redacted, p.opts, true)
	f := t.index(i)
	e.SecretKey = cmp.Or(t.text(f[fSecretKey]), p.secret)
	return nil
}

// examine reads a redacted payload, an object. A fingerprint is made where it is wanted.
func (e *Element) examine(t *tree, opts Options, fingerprint bool) {
	e.Payload = t.src
	t.shared = true
	b := read(t)
	if fingerprint {
		e.Fingerprint = b.hash()
	}
	fields := b.identity(opts.Account)
	e.Key = naturalKey(b.typ, fields)
	e.Timeless = b.timeless(fields)
	e.Basis, e.BasisFields = fields.names(), fields.shown()
	e.HookID, e.HookName = b.firstID(b.f[fWebhookID]), b.scalar(fWebhookName)
	e.TestEvent = b.scalar(fSecretKey) == testSecret
	b.event(&e.Event, opts.Account, e)
}
