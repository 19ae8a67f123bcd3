package ledger

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// index names the partitions to merge and the attributes of one look-up.
type index struct {
	name, hash, sort string
	partitions       []string
}

// entry is what an index shows of an event: its sort key, and the attributes
// that are projected. It may be older than the event.
type entry struct {
	key        string
	id         webhook.EventID
	variant    string // the fingerprint, where it is a variant of that event
	attributes map[string]dynamodb.AttributeValue
}

// entryOf reads an entry. Every index shows the keys of the table.
func entryOf(av map[string]dynamodb.AttributeValue, sort string) entry {
	e := entry{attributes: av}
	e.key = e.text(sort)
	e.id = idOf(e.text("pk"), e.text("sk"))
	e.variant = variantOf(e.text("sk"))
	return e
}

// uuid reads a text that may be kept as the bytes of a UUID.
func (e entry) uuid(name string) string {
	var t uuidText
	_ = t.UnmarshalDynamoDBAttributeValue(e.attributes[name]) // never fails
	return string(t)
}

func (e entry) text(name string) string {
	s, ok := e.attributes[name].(*dynamodb.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return s.Value
}

// merger walks the partitions of an index as one, in the order of the sort key
// from low to high, both included. It reads every entry once.
type merger struct {
	l         *Ledger
	ix        index
	low, high string
	oldest    bool // first
	page      int  // entries that one read asks of a partition; 0: as many as DynamoDB gives, 1 MB
	grows     int  // by how many more each further read of a partition asks
	keys      bool // alone are read of an entry
	ahead     bool // what is read will be needed: a partition that is nearly used up is read on with another one that is
	parts     []*part
}

// part is one partition of a merger.
type part struct {
	name    string
	entries []entry // read and not handed over
	start   key
	reads   int
	ended   bool
}

func (l *Ledger) merger(ix index, low, high string, oldest bool) *merger {
	m := &merger{l: l, ix: ix, low: low, high: high, oldest: oldest}
	if low > high { // DynamoDB refuses such bounds
		return m
	}
	for _, name := range ix.partitions {
		m.parts = append(m.parts, &part{name: name})
	}
	return m
}

// next hands over the entry that comes first; ok is false at the end.
func (m *merger) next(ctx context.Context) (e entry, ok bool, err error) {
	if err := m.fill(ctx); err != nil {
		return entry{}, false, err
	}
	var first *part
	for _, p := range m.parts {
		if len(p.entries) > 0 && (first == nil || m.before(p.entries[0].key, first.entries[0].key)) {
			first = p
		}
	}
	if first == nil {
		return entry{}, false, nil
	}
	e, first.entries = first.entries[0], first.entries[1:]
	return e, true, nil
}

// fill reads on where a partition has nothing left to hand over, all of those at the
// same time. The partitions of an index are about alike, so that they would be used up
// one shortly after the other, and each would be waited for.
func (m *merger) fill(ctx context.Context) error {
	if !slices.ContainsFunc(m.parts, func(p *part) bool { return len(p.entries) == 0 && !p.ended }) {
		return nil
	}
	enough := 0
	if m.ahead {
		enough = m.page / 2
	}
	var wg sync.WaitGroup
	errs := make([]error, len(m.parts))
	for i, p := range m.parts {
		if len(p.entries) > enough || p.ended {
			continue
		}
		wg.Go(func() {
			for first := true; (first || len(p.entries) == 0) && !p.ended && errs[i] == nil; first = false {
				errs[i] = m.read(ctx, p)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (m *merger) before(a, b string) bool {
	if m.oldest {
		return a < b
	}
	return a > b
}

// ended tells whether nothing is left. False may be wrong: DynamoDB says that a
// partition goes on where its last page was full.
func (m *merger) ended() bool {
	return !slices.ContainsFunc(m.parts, func(p *part) bool { return !p.ended || len(p.entries) > 0 })
}

func (m *merger) read(ctx context.Context, p *part) error {
	in := &dynamodb.QueryInput{
		TableName:                &m.l.table,
		IndexName:                &m.ix.name,
		KeyConditionExpression:   aws.String("#h = :p AND #s BETWEEN :low AND :high"),
		ExpressionAttributeNames: map[string]string{"#h": m.ix.hash, "#s": m.ix.sort},
		ExpressionAttributeValues: map[string]dynamodb.AttributeValue{
			":p":    &dynamodb.AttributeValueMemberS{Value: p.name},
			":low":  &dynamodb.AttributeValueMemberS{Value: m.low},
			":high": &dynamodb.AttributeValueMemberS{Value: m.high},
		},
		ScanIndexForward:  &m.oldest,
		ExclusiveStartKey: p.start,
	}
	if m.keys {
		in.ProjectionExpression = aws.String("pk, sk, #s")
	}
	if m.page > 0 {
		in.Limit = aws.Int32(int32(m.page + p.reads*m.grows)) //nolint:gosec // a page size, small
	}
	p.reads++
	out, err := m.l.api.Query(ctx, in)
	if err != nil {
		return unavailable("list", err)
	}
	p.start, p.ended = out.LastEvaluatedKey, len(out.LastEvaluatedKey) == 0
	for _, av := range out.Items {
		if e := entryOf(av, m.ix.sort); strings.Contains(e.key, "#") {
			p.entries = append(p.entries, e)
		}
	}
	return nil
}
