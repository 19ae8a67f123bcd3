package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/klauspost/compress/gzip"

	"smartlead-receiver/pkg/webhook"
)

// part is an object in the making. The same lines make the same bytes.
type part struct {
	buf  bytes.Buffer
	gz   *gzip.Writer
	text int // bytes before compression
	sum  Sum
}

func newPart() *part {
	p := &part{}
	p.gz = gzip.NewWriter(&p.buf)
	return p
}

func (p *part) add(id webhook.EventID, line []byte) error {
	if _, err := p.gz.Write(line); err != nil {
		return fmt.Errorf("compress: %w", err) // memory refuses nothing
	}
	p.text += len(line)
	p.sum.add(digestOf(id))
	return nil
}

// full tells whether the object is as large as one may be.
func (p *part) full(policy Policy) bool {
	return p.text >= policy.PartText || p.buf.Len() >= policy.PartBytes
}

func (p *part) bytes() ([]byte, error) {
	if err := p.gz.Close(); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return p.buf.Bytes(), nil
}

// errNotOurs: an object is not what its name says.
var errNotOurs = errors.New("an object of the archive does not hold what its name says")

// write writes a part, unless it is there: of an earlier run, or of this one whose answer
// was lost. It returns the object's size.
func write(ctx context.Context, to Objects, account string, begin time.Time, p *part) (Object, error) {
	body, err := p.bytes()
	if err != nil {
		return Object{}, err
	}
	o := Object{Key: keyOf(account, begin, p.sum), Bytes: len(body)}
	created, err := to.Create(ctx, o.Key, body)
	if err != nil || created {
		return o, err
	}
	var there Sum
	for line, err := range linesOf(ctx, to, o.Key) {
		if err != nil {
			return o, err
		}
		there.add(digestOf(line.ID))
	}
	if there != p.sum {
		return o, fmt.Errorf("%w: %s", errNotOurs, o.Key)
	}
	return o, nil
}

// linesOf hands over the lines of an object, without what is in them but their identity
// and their lead. The first error ends it.
func linesOf(ctx context.Context, from Objects, key string) iter.Seq2[known, error] {
	return func(yield func(known, error) bool) {
		for text, err := range textsOf(ctx, from, key) {
			var line known
			if err == nil {
				if err = json.Unmarshal(text, &line); err != nil {
					err = fmt.Errorf("a line of %s: %w", key, err)
				}
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// known is what has to be known of a line.
type known struct {
	ID        webhook.EventID `json:"event_id"`
	LeadEmail string          `json:"lead_email"`
	Lead      struct {
		Email string `json:"email"`
	} `json:"lead"`
}

// maxText bounds a line that is read, in bytes: far more than one that is written.
const maxText = 64 << 20

// textsOf hands over the lines of an object as they are, each until the next is asked for.
func textsOf(ctx context.Context, from Objects, key string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		body, err := from.Get(ctx, key)
		if err != nil {
			yield(nil, fmt.Errorf("read %s: %w", key, err))
			return
		}
		gz, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			yield(nil, fmt.Errorf("read %s: %w", key, err))
			return
		}
		lines := bufio.NewScanner(gz)
		lines.Buffer(make([]byte, 0, 64<<10), maxText)
		for lines.Scan() {
			if !yield(lines.Bytes(), nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(nil, fmt.Errorf("read %s: %w", key, err))
		}
	}
}
