package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/webhook"
)

// Query selects events for a listing. Exactly one look-up is used, the most
// selective that is set; the rest filters what it returns.
type Query struct {
	// Look-ups, most selective first. Dead lists by time of death.
	MessageID, StatsID, RequestID, Lead, Campaign string
	Dead                                          bool

	Since, Until time.Time // receipt, or death when Dead; Until zero: no bound; Since zero: one month before Until
	State        webhook.State
	Type         webhook.Type
	Source       string
	Account      string
	Flag         string
	ErrorClass   string

	Limit  int    // events to return, 1 to 1,000
	After  string // continues behind an earlier page
	Oldest bool   // oldest first
	Now    time.Time
}

// Page is a part of a listing. Next continues it; it is empty at the end. A
// page may be short, even empty, and still have a Next: each call reads a
// bounded number of items.
type Page struct {
	Records []webhook.Record
	Next    string
	Scanned int
}

const (
	maxScanned = 2000 // items that one List call reads
	maxKeys    = 100  // items of one BatchGetItem (AWS, "Quotas in DynamoDB")
)

// List returns events in order of their index, newest first, without
// payloads. No event is lost or repeated between pages: the cursor is a unique
// index key.
func (l *Ledger) List(ctx context.Context, q Query) (Page, error) {
	if err := q.Check(); err != nil {
		return Page{}, err
	}
	var page Page
	cursor := q.After
	// Where the filters leave too few of the first keys, more are read at once.
	for n := min(q.Limit, maxKeys); len(page.Records) < q.Limit && page.Scanned < maxScanned; n = maxKeys {
		keys, next, err := l.pageOfKeys(ctx, q, cursor, n)
		if err != nil {
			return Page{}, err
		}
		page.Scanned += len(keys)
		records, err := l.GetMany(ctx, idsOfKeys(keys))
		if err != nil {
			return Page{}, err
		}
		for i, k := range keys {
			rec, ok := records[idOfKey(k)]
			if ok && q.isCurrent(k, rec) && q.Matches(rec) {
				page.Records = append(page.Records, rec)
			}
			if len(page.Records) == q.Limit && (i < len(keys)-1 || next != "") {
				page.Next = k
				return page, nil
			}
		}
		if next == "" {
			return page, nil
		}
		cursor = next
	}
	page.Next = cursor
	return page, nil
}

// Check tells what is wrong with a query that came from outside.
func (q Query) Check() error {
	if q.Limit < 1 || q.Limit > 1000 {
		return fmt.Errorf("ledger: a listing has a limit of 1 to 1,000, not %d", q.Limit)
	}
	if when, _, ok := strings.Cut(q.After, "#"); q.After != "" && (!ok || instant(when).time().IsZero()) {
		return fmt.Errorf("ledger: %q is not where a listing may continue", q.After)
	}
	return nil
}

// Matches tells whether an event is of the listing, apart from its time.
func (q Query) Matches(r webhook.Record) bool {
	return (q.MessageID == "" || fit(q.MessageID) == r.MessageID) &&
		(q.StatsID == "" || fit(q.StatsID) == r.StatsID) &&
		(q.RequestID == "" || fit(q.RequestID) == requestID(r.Receipt)) &&
		(q.State == "" || q.State == r.State) &&
		(!q.Dead || r.State == webhook.Dead) &&
		(q.Type == "" || q.Type == r.Type) &&
		(q.Source == "" || q.Source == r.Source) &&
		(q.Account == "" || q.Account == r.Account) &&
		(q.Lead == "" || fit(q.Lead) == r.LeadEmail) &&
		(q.Campaign == "" || fit(q.Campaign) == r.CampaignID) &&
		(q.ErrorClass == "" || q.ErrorClass == r.ErrorClass) &&
		(q.Flag == "" || slices.Contains(r.Flags, q.Flag))
}

// requestID is the id by which the request that brought an event is looked up:
// the provider's where it sent one, else the gateway's.
func requestID(r webhook.Receipt) string {
	if r.ProviderRequestID != "" {
		return r.ProviderRequestID
	}
	return r.RequestID
}

// index names the partitions to merge and the attributes of one look-up.
type index struct {
	name, hash, sort string
	partitions       []string
}

func (q Query) index(day string) index {
	switch {
	case q.MessageID != "":
		return index{"message", "message_id", "time_key", []string{fit(q.MessageID)}}
	case q.StatsID != "":
		return index{"stats", "stats_id", "time_key", []string{fit(q.StatsID)}}
	case q.RequestID != "":
		return index{"request", "request_id", "time_key", []string{fit(q.RequestID)}}
	case q.Lead != "":
		return index{"lead", "lead_key", "time_key", []string{fit(q.Lead)}}
	case q.Campaign != "":
		return index{"campaign", "campaign_key", "time_key", numbered(timeShards, func(n uint32) string { return campaignKey(fit(q.Campaign), n) })}
	case q.Dead:
		return index{"dead", "dead_shard", "dead_key", numbered(deadShards, func(n uint32) string { return fmt.Sprintf("dead#%d", n) })}
	}
	return index{"time", "time_shard", "time_key", numbered(timeShards, func(n uint32) string { return timeShard(day, n) })}
}

func numbered(n uint32, name func(uint32) string) []string {
	out := make([]string, 0, n)
	for i := range n {
		out = append(out, name(i))
	}
	return out
}

// isCurrent tells whether the key that the index showed is still the event's. The
// index is eventually consistent: an event that died again is listed in its new
// place, or the cursor would jump there and skip what lies between.
func (q Query) isCurrent(k string, r webhook.Record) bool {
	return !q.ByDeath() || k == timeKey(at(r.DiedAt), r.ID)
}

func (q Query) byReceipt() bool {
	return q.MessageID != "" || q.StatsID != "" || q.RequestID != "" || q.Lead != "" || q.Campaign != ""
}

// ByDeath tells whether the look-up is the dead index, in order of death.
func (q Query) ByDeath() bool { return q.Dead && !q.byReceipt() }

// byDay tells whether the look-up is the time index, whose partitions are days.
func (q Query) byDay() bool { return !q.Dead && !q.byReceipt() }

// pageOfKeys returns up to n index keys behind the cursor, merged over the
// partitions, and the cursor to go on with. The time index is walked day by
// day.
func (l *Ledger) pageOfKeys(ctx context.Context, q Query, cursor string, n int) ([]string, string, error) {
	since, until := q.Bounds()
	low, high := string(at(since)), string(at(until))
	if q.Oldest {
		if cursor != "" {
			low = cursor + "\x00"
		}
	} else if cursor != "" {
		high = before(cursor)
	}
	if !q.byDay() {
		return l.merge(ctx, q.index(""), low, high, n, q.Oldest)
	}
	for day := firstDay(low, high, q.Oldest); day >= low[:10] && day <= high[:10]; day = nextDay(day, q.Oldest) {
		keys, next, err := l.merge(ctx, q.index(day), low, high, n, q.Oldest)
		if err != nil {
			return nil, "", err
		}
		if len(keys) > 0 {
			if next == "" && nextDay(day, q.Oldest) >= low[:10] && nextDay(day, q.Oldest) <= high[:10] {
				next = keys[len(keys)-1]
			}
			return keys, next, nil
		}
	}
	return nil, "", nil
}

// Bounds are the times between which the listing looks: since is within,
// until is not.
func (q Query) Bounds() (since, until time.Time) {
	until = q.Until
	if until.IsZero() {
		until = q.Now.Add(24 * time.Hour) // clocks of receivers may run ahead
	}
	since = q.Since
	if since.IsZero() && q.byDay() {
		since = until.AddDate(0, 0, -31)
	}
	if since.IsZero() {
		since = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return since, until
}

// before returns the upper bound that excludes the key and everything behind
// it. Keys are ASCII; the last byte is never the smallest.
func before(k string) string { return k[:len(k)-1] + string(k[len(k)-1]-1) + "\x7f" }

func firstDay(low, high string, oldest bool) string {
	if oldest {
		return low[:10]
	}
	return high[:10]
}

func nextDay(day string, oldest bool) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return "~" // behind every day: the walk ends
	}
	step := -1
	if oldest {
		step = 1
	}
	return t.AddDate(0, 0, step).Format(time.DateOnly)
}

// merge reads n keys of every partition and keeps the n that come first.
func (l *Ledger) merge(ctx context.Context, ix index, low, high string, n int, oldest bool) ([]string, string, error) {
	if low > high {
		return nil, "", nil
	}
	var keys []string
	more := false
	for _, p := range ix.partitions {
		out, err := l.api.Query(ctx, &dynamodb.QueryInput{
			TableName:              &l.table,
			IndexName:              &ix.name,
			KeyConditionExpression: aws.String("#h = :p AND #s BETWEEN :low AND :high"),
			ExpressionAttributeNames: map[string]string{
				"#h": ix.hash, "#s": ix.sort,
			},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":p":    &types.AttributeValueMemberS{Value: p},
				":low":  &types.AttributeValueMemberS{Value: low},
				":high": &types.AttributeValueMemberS{Value: high},
			},
			ScanIndexForward: &oldest,
			Limit:            aws.Int32(int32(n)), //nolint:gosec // a page size, small
		})
		if err != nil {
			return nil, "", unavailable("list", err)
		}
		more = more || len(out.LastEvaluatedKey) > 0
		for _, av := range out.Items {
			if k, ok := av[ix.sort].(*types.AttributeValueMemberS); ok {
				keys = append(keys, k.Value)
			}
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		if oldest {
			return strings.Compare(a, b)
		}
		return strings.Compare(b, a)
	})
	if len(keys) > n {
		keys, more = keys[:n], true
	}
	if !more || len(keys) == 0 {
		return keys, "", nil
	}
	return keys, keys[len(keys)-1], nil
}

// Dead lists dead events that died before until, the longest dead first, with
// their index keys as cursors.
func (l *Ledger) Dead(ctx context.Context, until time.Time, after string, limit int) (records []webhook.Record, keys []string, next string, err error) {
	page, err := l.List(ctx, Query{Dead: true, Until: until, Oldest: true, After: after, Limit: limit, Now: until})
	if err != nil {
		return nil, nil, "", err
	}
	for _, r := range page.Records {
		keys = append(keys, timeKey(at(r.DiedAt), r.ID))
	}
	return page.Records, keys, page.Next, nil
}

// Recent returns the latest events received since then, newest first.
func (l *Ledger) Recent(ctx context.Context, since, now time.Time, limit int) ([]webhook.Record, error) {
	page, err := l.List(ctx, Query{Since: since, Limit: limit, Now: now})
	return page.Records, err
}

// GetMany reads events without payload; what does not exist is missing in the
// answer. The reads are consistent.
func (l *Ledger) GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	// DynamoDB refuses a batch that names an item twice.
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	out := make(map[webhook.EventID]webhook.Record, len(ids))
	for chunk := range slices.Chunk(ids, maxKeys) {
		if err := l.getChunk(ctx, chunk, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// getChunk reads up to maxKeys events. What DynamoDB leaves
// unprocessed is asked for again as long as every answer brings something.
func (l *Ledger) getChunk(ctx context.Context, ids []webhook.EventID, out map[webhook.EventID]webhook.Record) error {
	want := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, id := range ids {
		want.Keys = append(want.Keys, keyOf(id))
	}
	for len(want.Keys) > 0 {
		got, err := l.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{l.table: want},
		})
		if err != nil {
			return unavailable("get many", err)
		}
		for _, av := range got.Responses[l.table] {
			it, err := decode(av)
			if err != nil {
				return err
			}
			it.Payload = nil
			rec := it.record()
			out[rec.ID] = rec
		}
		rest := got.UnprocessedKeys[l.table].Keys
		if len(rest) == len(want.Keys) {
			return unavailable("get many", errors.New("throttled"))
		}
		want.Keys = rest
	}
	return nil
}
