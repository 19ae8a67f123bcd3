package ledger_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/sivchari/kumo"

	"smartlead-receiver/pkg/app/awswire"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/ledger/ledgertest"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/local/tabledef"
	"smartlead-receiver/test/dynoxide"
	"smartlead-receiver/test/ttlcheck"
)

// engine is what the ledger is run against, over real HTTP, and by which client. start
// returns the endpoint of an empty engine that ends with the test.
type engine struct {
	name   string
	start  func(t *testing.T) string
	client func(endpoint string, transport http.RoundTripper) ledger.API
}

// engines are run by the SDK's client, as the tools do it, and by the functions' own:
// those that need no binary, and dynoxide. ENGINES=binaries leaves the first out: make
// test/unit has run them.
var engines = func() []engine {
	if os.Getenv("ENGINES") == "binaries" {
		return binaries
	}
	return append(slices.Clone(embedded), binaries...)
}()

var embedded = []engine{
	{"the local stack's", func(t *testing.T) string {
		engine := local.StartEngine()
		t.Cleanup(engine.Close)
		return engine.URL
	}, bySDK},
	{"kumo, awswire", startKumo, byWire},
}

// byFunctions is the engine that is asked as the functions ask theirs: over it the whole
// suite runs a second time where every claim is a receiver's.
const byFunctions = "dynoxide, awswire"

var binaries = []engine{
	{"dynoxide", func(t *testing.T) string { return dynoxide.Use(t) }, bySDK},
	{byFunctions, func(t *testing.T) string { return dynoxide.Use(t) }, byWire},
}

func bySDK(endpoint string, transport http.RoundTripper) ledger.API {
	return awssdk.DynamoDB{Client: newClient(endpoint, transport)}
}

func byWire(endpoint string, transport http.RoundTripper) ledger.API {
	at, err := url.Parse(endpoint)
	if err != nil {
		panic(err) // an engine's own
	}
	return awswire.NewDynamoDB(awswire.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTP: &http.Client{Transport: transport}, Retryer: func() aws.Retryer { return atOnce() },
	}, *at)
}

// atOnce repeats at once what failed, as often as the SDK does.
func atOnce() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

func TestLedger(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			endpoint := engine.start(t)
			engine.start = func(*testing.T) string { return endpoint }
			open := func(t *testing.T) ledgertest.Ledger {
				s := openStore(t, engine, newTransport(t))
				t.Cleanup(func() { s.checkItems(t) })
				return s
			}
			ledgertest.Run(t, open)
			if engine.name == byFunctions {
				t.Run("receiving", func(t *testing.T) { ledgertest.RunReceiving(t, open) })
			}
		})
	}
}

func startKumo(t *testing.T) string {
	t.Helper()
	server := kumo.NewServer()
	t.Cleanup(server.Close)
	return server.URL
}

// store is a ledger with a table of its own, which can be looked into.
type store struct {
	*ledger.Ledger
	client *dynamodb.Client
	table  string
}

func newTransport(t *testing.T) local.Transport {
	t.Helper()
	transport := local.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func newClient(endpoint string, transport http.RoundTripper) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:     atOnce(),
	})
}

var tables atomic.Int64

func openStore(t *testing.T, e engine, transport http.RoundTripper) store {
	t.Helper()
	endpoint, watched := e.start(t), ttlcheck.Transport(t, transport)
	client := newClient(endpoint, watched)
	table := fmt.Sprintf("events-%d", tables.Add(1))
	if _, err := client.CreateTable(t.Context(), tabledef.CreateTable(table)); err != nil {
		t.Fatal(err)
	}
	return store{Ledger: ledger.New(e.client(endpoint, watched), table), client: client, table: table}
}

func (s store) items(t testing.TB) []map[string]types.AttributeValue {
	t.Helper()
	var items []map[string]types.AttributeValue
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, page.Items...)
	}
	return items
}

// CountItems counts items of every kind.
func (s store) CountItems(t testing.TB) int {
	t.Helper()
	return len(s.items(t))
}

// zero tells a value that an item need not hold.
func zero(av types.AttributeValue) bool {
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		return v.Value == ""
	case *types.AttributeValueMemberN:
		return v.Value == "0"
	}
	return false
}

// checkItems looks at every item when a subtest has ended: index attributes
// are set together and only where the state wants them, and only what is
// finished expires.
func (s store) checkItems(t *testing.T) {
	t.Helper()
	for _, it := range s.items(t) {
		text := func(name string) string {
			v, ok := it[name].(*types.AttributeValueMemberS)
			if !ok {
				return ""
			}
			return v.Value
		}
		id, state := text("pk")+" "+text("sk"), text("state")
		has := func(name string) bool { return it[name] != nil }
		event := state != "" && state != "variant" && state != "original"
		listed := state == "variant" && !has("split_as") && !has("erased") || state == "dead" || state == "held" || state == "parked" || state == "unrouted" || state == "discarded"
		untouched := state == "pending" && !has("lease") && !has("sweeps") && !has("dests")
		unfinished := state == "pending" || state == "processing"
		for _, rule := range []struct {
			what string
			ok   bool
		}{
			{"the due index is set whole or not at all, but for a new event", has("due") == has("due_shard") || has("due") && untouched},
			{"the due index is set while a message is owed", has("due") == unfinished || state == "dead"},
			{"the dead index is set for what it lists", has("dead_key") == listed && has("dead_shard") == listed},
			{"the dead index is set under the state", !listed || strings.HasPrefix(text("dead_shard"), state+"#")},
			{"the time index is set for events, and for variants until they are split", state == "" || has("day") == (event || listed)},
			{"a receipt has its time", state == "" || has("time")},
			{"what is zero is absent", state == "" || !slices.ContainsFunc(slices.Collect(maps.Values(it)), zero)},
			{"lease_until is set in processing alone", has("lease_until") == (state == "processing")},
			{"only what is finished expires", !event || has("expires_at") == (state == "delivered" || state == "unrouted" || state == "discarded")},
			{"only what waits has a not_before", !has("not_before") || state == "pending"},
		} {
			if !rule.ok {
				t.Errorf("%s (%s): not so that %s", id, state, rule.what)
			}
		}
		// No engine here checks what DynamoDB does: keys of 2,048 and 1,024 bytes.
		for _, index := range tabledef.Indexes() {
			if len(text(index.PartitionKey)) > 2048 || len(text(index.SortKey)) > 1024 {
				t.Errorf("%s (%s): the index %s takes no key so long", id, state, index.Name)
			}
		}
	}
}
