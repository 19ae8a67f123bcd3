package ordered

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/sivchari/kumo"

	"smartlead-receiver/test/speed"
	"smartlead-receiver/test/ttlcheck"
)

type item = map[string]types.AttributeValue

// world is a front before an engine, and a table with an index of two attributes
// that items may lack.
type world struct {
	*testing.T
	front, direct *dynamodb.Client
	unchecked     *dynamodb.Client // of the front; it may write what has expired
	engine        *kumo.Server
	table         string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	engine := kumo.NewServer()
	front, err := Listen(t.Context(), engine.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() { transport.CloseIdleConnections(); front.Close(); engine.Close() })
	client := func(url string, transport http.RoundTripper) *dynamodb.Client {
		return dynamodb.New(dynamodb.Options{
			Region: "us-east-1", BaseEndpoint: &url, HTTPClient: &http.Client{Transport: transport}, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		})
	}
	checked := ttlcheck.Transport(t, transport)
	w := &world{
		T: t, front: client(front.URL, checked), direct: client(engine.URL, checked), unchecked: client(front.URL, transport),
		engine: engine, table: "ordered-" + t.Name(),
	}
	keys := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange},
		}
	}
	var definitions []types.AttributeDefinition
	for _, name := range []string{"pk", "sk", "shard", "at"} {
		definitions = append(definitions, types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS})
	}
	_, err = w.front.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &w.table, BillingMode: types.BillingModePayPerRequest, KeySchema: keys("pk", "sk"), AttributeDefinitions: definitions,
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("by-time"), KeySchema: keys("shard", "at"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"note"}},
		}},
	})
	w.must(err)
	_, err = w.front.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &w.table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)},
	})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func (w *world) put(i int, more item) {
	w.Helper()
	it := item{"pk": text(fmt.Sprint("p", i%7)), "sk": text(fmt.Sprint("s", i)), "note": text("a"), "payload": &types.AttributeValueMemberB{Value: make([]byte, 100)}}
	for name, v := range more {
		it[name] = v
	}
	_, err := w.front.PutItem(w.Context(), &dynamodb.PutItemInput{TableName: &w.table, Item: it})
	w.must(err)
}

// all pages through a query.
func (w *world) all(client *dynamodb.Client, in dynamodb.QueryInput) (items []item, pages int) {
	w.Helper()
	in.TableName = &w.table
	for {
		out, err := client.Query(w.Context(), &in)
		w.must(err)
		items, pages = append(items, out.Items...), pages+1
		if int(out.Count) != len(out.Items) {
			w.Errorf("the count is %d, of %d items", out.Count, len(out.Items))
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return items, pages
		}
		if pages > 1000 {
			w.Fatal("the pages do not end")
		}
	}
}

func (w *world) query(index, condition string, values ...string) dynamodb.QueryInput {
	in := dynamodb.QueryInput{KeyConditionExpression: &condition, ExpressionAttributeValues: item{}}
	if index != "" {
		in.IndexName = &index
	}
	for i, v := range values {
		in.ExpressionAttributeValues[":"+strconv.Itoa(i)] = text(v)
	}
	return in
}

// projected is what the index shows.
func projected(items []item) []item {
	var out []item
	for _, it := range items {
		shown := item{}
		for _, name := range []string{"pk", "sk", "shard", "at", "note"} {
			if v, ok := it[name]; ok {
				shown[name] = v
			}
		}
		out = append(out, shown)
	}
	return out
}

// After any writes, each query has what the engine finds by looking at every item, in
// the same order, however it is paged.
func TestAsTheEngineAnswers(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(1, 2))
	at := func(i int) types.AttributeValue { return text(fmt.Sprintf("%03d#%d", random.IntN(40), i)) }
	for range 600 {
		i := random.IntN(60)
		key := item{"pk": text(fmt.Sprint("p", i%7)), "sk": text(fmt.Sprint("s", i))}
		switch random.IntN(6) {
		case 0, 1:
			w.put(i, item{"shard": text(fmt.Sprint("x", random.IntN(2))), "at": at(i)})
		case 2:
			w.put(i, nil)
		case 3:
			_, err := w.front.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.table, Key: key})
			w.must(err)
		case 4: // in the index, out of it, or refused
			in := &dynamodb.UpdateItemInput{TableName: &w.table, Key: key, UpdateExpression: aws.String("SET at = :a, shard = :x"),
				ConditionExpression: aws.String("attribute_exists(pk)"), ExpressionAttributeValues: item{":a": at(i), ":x": text("x1")}}
			if random.IntN(2) == 0 {
				in.UpdateExpression, in.ExpressionAttributeValues = aws.String("REMOVE shard"), nil
			}
			if random.IntN(2) == 0 {
				in.ReturnValues = types.ReturnValueAllNew
			}
			_, err := w.front.UpdateItem(t.Context(), in)
			if _, refused := errors.AsType[*types.ConditionalCheckFailedException](err); err != nil && !refused {
				t.Fatal(err)
			}
		case 5:
			_, err := w.front.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{w.table: {
				{DeleteRequest: &types.DeleteRequest{Key: key}},
				{PutRequest: &types.PutRequest{Item: item{"pk": text("p0"), "sk": text("batch"), "shard": text("x0"), "at": at(99)}}},
			}}})
			w.must(err)
		}
	}
	listed, _ := w.all(w.front, w.query("by-time", "shard = :0", "x1"))
	middle := listed[len(listed)/2]["at"].(*types.AttributeValueMemberS).Value
	for _, q := range []dynamodb.QueryInput{
		w.query("", "pk = :0", "p1"), w.query("", "pk = :0 AND begins_with(sk, :1)", "p1", "s1"), w.query("", "pk = :0 AND sk = :1", "p0", "batch"),
		w.query("by-time", "shard = :0", "x0"), w.query("by-time", "shard = :0 AND at BETWEEN :1 AND :2", "x1", "010", middle),
		w.query("by-time", "shard = :0 AND at < :1", "x1", middle), w.query("by-time", "shard = :0 AND at >= :1", "x1", middle),
		w.query("by-time", "shard = :0 AND at > :1", "x1", middle), w.query("by-time", "shard = :0 AND at <= :1", "x1", middle),
		w.query("by-time", "shard = :0", "nobody"),
	} {
		for _, backward := range []bool{false, true} {
			q.ScanIndexForward = aws.Bool(!backward)
			q.Limit = nil
			want, _ := w.all(w.direct, q)
			if q.IndexName != nil {
				want = slices.DeleteFunc(projected(want), func(it item) bool { return it["at"] == nil }) // which the engine shows all the same
			}
			for _, limit := range []int32{0, 1, 3, 1000} {
				if q.Limit = nil; limit > 0 {
					q.Limit = &limit
				}
				got, pages := w.all(w.front, q)
				if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
					t.Errorf("%s, %v, backward %t, limit %d:\n got %v\nwant %v", *q.KeyConditionExpression, q.ExpressionAttributeValues, backward, limit, got, want)
				}
				if least := len(want) / max(1, int(limit)); limit > 0 && pages < least {
					t.Errorf("%d pages of %d items, want at least %d", pages, len(got), least)
				}
			}
		}
	}
}

// What the front keeps needs no engine: each read is answered when it is gone.
func TestReadsWithoutTheEngine(t *testing.T) {
	w := newWorld(t)
	w.put(1, item{"shard": text("x"), "at": text("1")})
	w.engine.Close()
	key := item{"pk": text("p1"), "sk": text("s1")}
	got, err := w.front.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &w.table, Key: key})
	w.must(err)
	many, err := w.front.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		w.table: {Keys: []item{key, {"pk": text("p1"), "sk": text("none")}}},
	}})
	w.must(err)
	listed, _ := w.all(w.front, w.query("by-time", "shard = :0", "x"))
	if len(got.Item) != 6 || len(many.Responses[w.table]) != 1 || len(listed) != 1 || len(listed[0]) != 5 {
		t.Errorf("got %v, %v and %v", got.Item, many.Responses, listed)
	}
	none, err := w.front.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &w.table, Key: item{"pk": text("p1"), "sk": text("none")}})
	w.must(err)
	if none.Item != nil {
		t.Errorf("got %v, and there is none", none.Item)
	}
}

// What the front does not understand, the engine answers; a write of that kind ends
// the indexes, and leaves nothing out.
func TestWhatTheEngineAnswers(t *testing.T) {
	w := newWorld(t)
	w.put(1, item{"shard": text("x"), "at": text("1")})
	w.put(2, item{"shard": text("x"), "at": text("2"), "note": text("b")})
	q := w.query("by-time", "shard = :0", "x")
	q.FilterExpression, q.ExpressionAttributeValues[":n"] = aws.String("note = :n"), text("b")
	if got, _ := w.all(w.front, q); len(got) != 1 {
		t.Errorf("filtered: %d items, want 1", len(got))
	}
	_, err := w.front.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: &w.table, Item: item{"pk": text("p3"), "sk": text("s3"), "shard": text("x"), "at": text("3")}}},
	}})
	w.must(err)
	if got, _ := w.all(w.front, w.query("by-time", "shard = :0", "x")); len(got) != 3 {
		t.Errorf("behind a transaction: %d items, want 3", len(got))
	}
}

// An item whose time has passed is shown as long as the engine has it.
func TestExpired(t *testing.T) {
	w := newWorld(t)
	past := strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	_, err := w.unchecked.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &w.table, Item: item{
		"pk": text("p1"), "sk": text("s1"), "shard": text("x"), "at": text("1"), "expires": &types.AttributeValueMemberN{Value: past},
	}})
	w.must(err)
	_, err = w.direct.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.table, Key: item{"pk": text("p1"), "sk": text("s1")}})
	w.must(err) // as the engine does by itself, at a moment of its own
	if got, _ := w.all(w.front, w.query("by-time", "shard = :0", "x")); len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

// Of writers of one item the indexes have what the engine has, whoever was last.
func TestWritersAtOnce(t *testing.T) {
	w := newWorld(t)
	for round := range 200 {
		var writers sync.WaitGroup
		for n := range 4 {
			writers.Go(func() {
				_, err := w.front.UpdateItem(context.WithoutCancel(t.Context()), &dynamodb.UpdateItemInput{
					TableName: &w.table, Key: item{"pk": text("p1"), "sk": text("s1")}, UpdateExpression: aws.String("SET at = :a, shard = :x"),
					ExpressionAttributeValues: item{":a": text(fmt.Sprint(round, "-", n)), ":x": text("x")}, ReturnValues: types.ReturnValueAllNew,
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		writers.Wait()
		got, _ := w.all(w.front, w.query("by-time", "shard = :0", "x"))
		want, _ := w.all(w.direct, w.query("by-time", "shard = :0", "x"))
		if len(got) != 1 || !reflect.DeepEqual(got, projected(want)) {
			t.Fatalf("round %d: got %v, want %v", round, got, projected(want))
		}
	}
}

func TestSpeed(t *testing.T) {
	if !speed.Held() {
		t.Skip("20,000 items: only where durations are held to bounds")
	}
	w := newWorld(t)
	for i := 0; i < 20_000; i += 25 {
		var puts []types.WriteRequest
		for n := i; n < i+25; n++ {
			puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: item{
				"pk": text(fmt.Sprint("p", n)), "sk": text("s"), "shard": text(fmt.Sprint("x", n%4)), "at": text(fmt.Sprintf("%06d", n)),
			}}})
		}
		_, err := w.front.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{w.table: puts}})
		w.must(err)
	}
	q := w.query("by-time", "shard = :0 AND at >= :1", "x1", "010000")
	q.TableName, q.Limit = &w.table, aws.Int32(50)
	began := time.Now()
	for range 100 {
		_, err := w.front.Query(t.Context(), &q)
		w.must(err)
	}
	speed.AtMost(t, "a hundred pages of an index of 20,000 items", time.Since(began), time.Second)
}
