package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// cemetery is an index of the dead whose pages are small, as if each entry were
// large. It refuses the page that is numbered so.
type cemetery struct {
	ledger.API
	mu     sync.Mutex          // the partitions are read side by side
	shards map[string][]string // keys, in order
	pages  int
	read   int
	refuse int
	most   int // entries of a page, however many are asked for
}

func (c *cemetery) Query(_ context.Context, in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages++; c.pages == c.refuse {
		return nil, errors.New("throttled")
	}
	if aws.ToString(in.IndexName) != "dead" {
		return nil, fmt.Errorf("a read of %s", aws.ToString(in.IndexName))
	}
	page := min(c.most, int(aws.ToInt32(in.Limit)))
	text := func(av dynamodb.AttributeValue) string { return av.(*dynamodb.AttributeValueMemberS).Value }
	keys := c.shards[text(in.ExpressionAttributeValues[":p"])]
	begin := 0
	if in.ExclusiveStartKey != nil {
		begin = slices.Index(keys, text(in.ExclusiveStartKey["dead_key"])) + 1
	}
	out := &dynamodb.QueryOutput{}
	for _, k := range keys[begin:min(begin+page, len(keys))] {
		c.read++
		out.Items = append(out.Items, map[string]dynamodb.AttributeValue{
			"dead_key": &dynamodb.AttributeValueMemberS{Value: k},
			"pk":       &dynamodb.AttributeValueMemberS{Value: k[strings.Index(k, "#")+1:]}, "sk": &dynamodb.AttributeValueMemberS{Value: "E#000001"},
			"death": &dynamodb.AttributeValueMemberN{Value: "3"},
		})
	}
	if begin+page < len(keys) {
		out.LastEvaluatedKey = out.Items[len(out.Items)-1]
	}
	return out, nil
}

func newCemetery(n int) *cemetery {
	c := &cemetery{shards: map[string][]string{}, most: 7}
	for i := range n {
		shard := fmt.Sprintf("dead#%d", i*i%4) // uneven: two of four have none
		at := noon.Add(time.Duration(i) * time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z")
		c.shards[shard] = append(c.shards[shard], fmt.Sprintf("%s#v1:EMAIL_REPLY:A%04d", at, i))
	}
	return c
}

// Over pages and shards, every dead event is shown once and in order, and no
// event is read.
func TestDeadSummariesOverPages(t *testing.T) {
	c := newCemetery(100)
	n := 0
	for g, err := range ledger.New(c, "events").DeadSummaries(t.Context(), noon.Add(time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		want := webhook.DeadSummary{
			ID: webhook.EventID(fmt.Sprintf("v1:EMAIL_REPLY:A%04d", n)), Type: webhook.EmailReply, Death: 3,
			DiedAt: noon.Add(time.Duration(n) * time.Millisecond),
		}
		if !reflect.DeepEqual(g, want) {
			t.Fatalf("summary %d is %+v", n, g)
		}
		n++
	}
	if n != 100 || c.read != 100 {
		t.Errorf("%d summaries from %d entries read, want 100", n, c.read)
	}
}

// Who leaves early has made DynamoDB read little in vain, and who wants all makes few
// calls: a page of 1 MB has about 3,500 entries.
func TestDeadSummariesReadNoFurtherThanNeeded(t *testing.T) {
	for _, c := range []struct{ wanted, read, calls int }{{1, 500, 4}, {1000, 1750, 8}, {20_000, 20_000, 24}} {
		of := newCemetery(20_000)
		of.most = 3500
		n := 0
		for _, err := range ledger.New(of, "events").DeadSummaries(t.Context(), noon.Add(time.Hour)) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == c.wanted {
				break
			}
		}
		if n != c.wanted || of.read > c.read || of.pages > c.calls {
			t.Errorf("%d of %d: %d entries read in %d calls, want at most %d in %d", n, c.wanted, of.read, of.pages, c.read, c.calls)
		}
	}
}

func TestDeadSummariesEndWithTheFirstError(t *testing.T) {
	c := newCemetery(100)
	c.refuse = 8
	shown, errs := 0, 0
	for _, err := range ledger.New(c, "events").DeadSummaries(t.Context(), noon.Add(time.Hour)) {
		switch {
		case errs > 0:
			t.Fatal("it goes on after an error")
		case errors.Is(err, webhook.ErrUnavailable):
			errs++
		case err != nil:
			t.Fatal(err)
		default:
			shown++
		}
	}
	if errs != 1 || shown == 0 || shown == 100 {
		t.Errorf("%d errors after %d summaries", errs, shown)
	}
}
