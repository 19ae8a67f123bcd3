package persist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/sivchari/kumo"

	"smartlead-receiver/pkg/local/relay"
	"smartlead-receiver/test/testclock"
)

// engineURL is the engine of all tests: engines of one process share their data.
var engineURL string

func TestMain(m *testing.M) {
	engine := kumo.NewServer()
	engineURL = engine.URL
	m.Run()
	engine.Close()
}

// keeper is a front with a store of its own before the engine.
type keeper struct {
	*Front
	store *Store
	dir   string
}

func newKeeper(t *testing.T, dir string) keeper { return keeperBefore(t, engineURL, dir) }

func keeperBefore(t *testing.T, engine, dir string) keeper {
	t.Helper()
	store, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	front, err := Listen(t.Context(), engine, store, func(body string) bool { return body == "the only copy" })
	if err != nil {
		t.Fatal(err)
	}
	return keeper{front, store, dir}
}

func (k keeper) close(t *testing.T) {
	t.Helper()
	k.Close()
	if err := k.store.Close(); err != nil {
		t.Error(err)
	}
}

func configOf(url string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(url), Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func tableOf(t *testing.T, url string) (*dynamodb.Client, string) {
	t.Helper()
	client := dynamodb.NewFromConfig(configOf(url))
	name := fmt.Sprintf("t%d", time.Now().UnixNano())
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, name
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func keyOf(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": str(id), "sk": str("e")}
}

func put(ctx context.Context, client *dynamodb.Client, table, id, value string) error {
	item := keyOf(id)
	item["v"] = str(value)
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")})
	return err
}

func values(t *testing.T, client *dynamodb.Client, table string) []string {
	t.Helper()
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, item := range out.Items {
		found = append(found, item["pk"].(*types.AttributeValueMemberS).Value+"="+item["v"].(*types.AttributeValueMemberS).Value)
	}
	slices.Sort(found)
	return found
}

// empty takes everything out of the engine behind the front's back, as its end
// would.
func empty(t *testing.T, table string, ids ...string) {
	t.Helper()
	direct := dynamodb.NewFromConfig(configOf(engineURL))
	for _, id := range ids {
		if _, err := direct.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: keyOf(id)}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestItemsComeBackAsTheyWere(t *testing.T) {
	dir := t.TempDir()
	first := newKeeper(t, dir)
	client, table := tableOf(t, first.URL)
	for _, id := range []string{"a", "b", "c"} {
		if err := put(t.Context(), client, table, id, "first"); err != nil {
			t.Fatal(err)
		}
	}
	var refused *types.ConditionalCheckFailedException
	if err := put(t.Context(), client, table, "a", "second"); !errors.As(err, &refused) {
		t.Errorf("a second claim: %v", err)
	}
	_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &table, Key: keyOf("b"), UpdateExpression: aws.String("SET v = :v"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":v": str("changed")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: keyOf("c")}); err != nil {
		t.Fatal(err)
	}
	var many []types.WriteRequest
	for i := range 24 {
		item := keyOf(fmt.Sprintf("m%02d", i))
		item["v"] = str("many")
		many = append(many, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
	}
	_, err = client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: many}})
	if err != nil {
		t.Fatal(err)
	}
	want := values(t, client, table)
	first.close(t)
	ids := []string{"a", "b"}
	for i := range 24 {
		ids = append(ids, fmt.Sprintf("m%02d", i))
	}
	empty(t, table, ids...)
	second := newKeeper(t, dir)
	defer second.close(t)
	client = dynamodb.NewFromConfig(configOf(second.URL))
	if left := values(t, client, table); len(left) > 0 {
		t.Fatalf("the engine is not empty: %v", left)
	}
	restored, err := second.Restore(t.Context(), "expires_at", testclock.Noon())
	if err != nil {
		t.Fatal(err)
	}
	if got := values(t, client, table); !slices.Equal(got, want) || restored.Items != 26 || !slices.Contains(got, "b=changed") {
		t.Errorf("%+v:\n%v, want\n%v", restored, got, want)
	}
}

// Time goes on while nobody runs: what has expired then is gone, also from the
// file.
func TestExpiredItemsStayAway(t *testing.T) {
	k := newKeeper(t, t.TempDir())
	defer k.close(t)
	client, table := tableOf(t, k.URL)
	now := testclock.Noon()
	for id, expiry := range map[string]time.Time{"past": now, "later": now.Add(time.Second)} {
		item := keyOf(id)
		item["v"] = str("x")
		// Another attribute than the table's: this engine deletes by no clock here.
		item["until"] = &types.AttributeValueMemberN{Value: fmt.Sprint(expiry.Unix())}
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	empty(t, table, "past", "later")
	restored, err := k.Restore(t.Context(), "until", now)
	if err != nil || restored.Items != 1 || restored.Expired != 1 {
		t.Errorf("%+v, %v", restored, err)
	}
	if got := values(t, client, table); !slices.Equal(got, []string{"later=x"}) {
		t.Errorf("items = %v", got)
	}
	if again, err := k.Restore(t.Context(), "until", now); err != nil || again.Expired != 0 || again.Items != 1 {
		t.Errorf("the second time: %+v, %v", again, err)
	}
}

func TestObjectsAndParametersComeBack(t *testing.T) {
	dir := t.TempDir()
	first := newKeeper(t, dir)
	bucket := fmt.Sprintf("b%d", time.Now().UnixNano())
	objects := func(k keeper) *s3.Client {
		return s3.NewFromConfig(configOf(k.URL), func(o *s3.Options) { o.UsePathStyle = true })
	}
	store, parameters := objects(first), ssm.NewFromConfig(configOf(first.URL))
	if _, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	body, key := bytes.Repeat([]byte{0, 1, 2, 254}, 100_000), aws.String("acme/0123abc")
	for _, name := range []*string{key, aws.String("acme/gone")} {
		_, err := store.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &bucket, Key: name, Body: bytes.NewReader(body), ContentType: aws.String("application/zstd"), Tagging: aws.String("a%3Ab=true"),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: aws.String("acme/gone")}); err != nil {
		t.Fatal(err)
	}
	name := "/" + bucket + "/sources/demo"
	for _, value := range []string{"old", "new"} {
		_, err := parameters.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: &name, Value: &value, Type: ssmtypes.ParameterTypeSecureString, Overwrite: aws.Bool(true),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	first.close(t)
	direct := keeper{Front: &Front{Relay: &relay.Relay{URL: engineURL}}}
	if _, err := objects(direct).DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: key}); err != nil {
		t.Fatal(err)
	}
	if _, err := ssm.NewFromConfig(configOf(engineURL)).DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: &name}); err != nil {
		t.Fatal(err)
	}
	second := newKeeper(t, dir)
	defer second.close(t)
	if restored, err := second.Restore(t.Context(), "expires_at", testclock.Noon()); err != nil || restored.Objects != 1 || restored.Parameters != 1 {
		t.Fatalf("%+v, %v", restored, err)
	}
	got, err := objects(second).GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	if content, err := io.ReadAll(got.Body); err != nil || !bytes.Equal(content, body) || aws.ToString(got.ContentType) != "application/zstd" {
		t.Errorf("%d bytes of %q, %v", len(content), aws.ToString(got.ContentType), err)
	}
	tags, err := objects(second).GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: &bucket, Key: key})
	if err != nil || len(tags.TagSet) != 1 || aws.ToString(tags.TagSet[0].Key) != "a:b" {
		t.Errorf("tags = %+v, %v", tags, err)
	}
	parameter, err := ssm.NewFromConfig(configOf(second.URL)).GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	if err != nil || aws.ToString(parameter.Parameter.Value) != "new" || parameter.Parameter.Type != ssmtypes.ParameterTypeSecureString {
		t.Errorf("%+v, %v", parameter, err)
	}
}

// While the file cannot be written, nothing is confirmed: no write, no refusal
// that saw the write, no read of it. Afterwards everything is.
func TestNothingIsConfirmedThatTheFileDoesNotHave(t *testing.T) {
	k := newKeeper(t, t.TempDir())
	defer k.close(t)
	client, table := tableOf(t, k.URL)
	var full atomic.Bool
	k.store.write = func(images map[record][]byte) error { // before the first write
		if full.Load() {
			return errors.New("no space left on device")
		}
		return k.store.update(images)
	}
	if err := put(t.Context(), client, table, "before", "x"); err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	ask := map[string]func() error{
		"a write": func() error { return put(t.Context(), client, table, "a", "x") },
		"a write that is refused for it": func() error {
			err := put(t.Context(), client, table, "a", "x")
			var refused *types.ConditionalCheckFailedException
			if errors.As(err, &refused) {
				return nil // it tells that the write is there
			}
			return err
		},
		"a read of it": func() error {
			_, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: keyOf("a")})
			return err
		},
	}
	for _, name := range []string{"a write", "a write that is refused for it", "a read of it"} {
		if err := ask[name](); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s: %v", name, err)
		}
	}
	full.Store(false)
	if err := ask["a read of it"](); err != nil {
		t.Error(err)
	}
	kept := map[string]bool{}
	if err := k.store.each(func(r record, _ []byte) error { kept[r.key] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if len(kept) != 2 {
		t.Errorf("the file has %v", kept)
	}
}

// dawdling lets the first answer to GetItem wait, and tells when it began to.
type dawdling struct {
	first sync.Once
	waits chan struct{}
}

func (d *dawdling) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem") {
		d.first.Do(func() {
			close(d.waits)
			time.Sleep(200 * time.Millisecond) // the second write has this long to overtake
		})
	}
	return response, err
}

// The file has what the engine has, also where the first of two writers is slow
// to learn what it wrote.
func TestTheLastOfTwoWritersIsTheLastInTheFile(t *testing.T) {
	dir := t.TempDir()
	target, err := url.Parse(engineURL)
	if err != nil {
		t.Fatal(err)
	}
	slow := &dawdling{waits: make(chan struct{})}
	between := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: slow,
	})
	defer between.Close()
	k := keeperBefore(t, between.URL, dir)
	client, table := tableOf(t, k.URL)
	write := func(value string) {
		_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &table, Key: keyOf("one"), UpdateExpression: aws.String("SET v = :v"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":v": str(value)},
		})
		if err != nil {
			t.Error(err)
		}
	}
	var first sync.WaitGroup
	first.Go(func() { write("first") })
	<-slow.waits
	write("second")
	first.Wait()
	k.close(t)
	empty(t, table, "one")
	again := newKeeper(t, dir)
	defer again.close(t)
	if _, err := again.Restore(t.Context(), "expires_at", testclock.Noon()); err != nil {
		t.Fatal(err)
	}
	if got := values(t, dynamodb.NewFromConfig(configOf(again.URL)), table); !slices.Equal(got, []string{"one=second"}) {
		t.Errorf("got %v", got)
	}
}

func TestQueuesTakeNoOnlyCopy(t *testing.T) {
	k := newKeeper(t, t.TempDir())
	defer k.close(t)
	client := sqs.NewFromConfig(configOf(k.URL))
	queue, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(fmt.Sprintf("q%d", time.Now().UnixNano()))})
	if err != nil {
		t.Fatal(err)
	}
	for body, taken := range map[string]bool{"a reference": true, "the only copy": false} {
		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: &body})
		if taken != (err == nil) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// A write that is not understood would be lost: it is refused.
func TestUnknownCallsAreRefused(t *testing.T) {
	k := newKeeper(t, t.TempDir())
	defer k.close(t)
	for name, c := range map[string]struct{ target, method, path, body string }{
		"a transaction":      {"DynamoDB_20120810.TransactWriteItems", "POST", "/", `{}`},
		"no JSON":            {"DynamoDB_20120810.PutItem", "POST", "/", `{`},
		"tags":               {"AmazonSSM.AddTagsToResource", "POST", "/", `{}`},
		"another service":    {"AWSEvents.PutEvents", "POST", "/", `{}`},
		"deletion of a list": {"", "POST", "/bucket?delete", ``},
	} {
		request := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		if c.target != "" {
			request.Header.Set("X-Amz-Target", c.target)
		}
		if a := k.serve(request, []byte(c.body)); a.Status != http.StatusNotImplemented {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	store, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("a second one: %v", err)
	}
	store.add(map[record][]byte{{string(metaBucket), string(formKey)}: []byte("2")})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("another form: %v", err)
	}
	if _, err := Open(filepath.Join(dir, FileName)); err == nil || !strings.Contains(err.Error(), "data directory") {
		t.Errorf("a file: %v", err)
	}
}
