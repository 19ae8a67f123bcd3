package ttlcheck

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/local"
)

// failures is a test that is told of failures.
type failures []string

func (f *failures) Helper()                           {}
func (f *failures) Errorf(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

func seconds(from time.Duration) string {
	return strconv.FormatInt(time.Now().Add(from).Unix(), 10)
}

func TestEveryWriteOfAnExpiryIsSeen(t *testing.T) {
	fine, late := `{"N":"`+seconds(24*time.Hour)+`"}`, `{"N":"`+seconds(-time.Hour)+`"}`
	put := func(value string) string {
		return `{"Item":{"pk":{"S":"p"},"sk":{"S":"s"},"expires_at":` + value + `},"TableName":"events"}`
	}
	update := func(expression, value string) string {
		return `{"Key":{"pk":{"S":"p"},"sk":{"S":"s"}},"TableName":"events","UpdateExpression":"` + expression + `",` +
			`"ExpressionAttributeNames":{"#t":"expires_at","#s":"state"},` +
			`"ExpressionAttributeValues":{":x":` + value + `,":old":{"S":"pending"},":far":` + fine + `}}`
	}
	const past, soon, number, unread = "is past", "is past or within 1h", "is no number", "cannot be read"
	for name, c := range map[string]struct {
		operation, body, want string
	}{
		"a put":                      {"PutItem", put(fine), ""},
		"a put of what has expired":  {"PutItem", put(late), "to the table events, key p s: expires_at "},
		"a put of what soon expires": {"PutItem", put(`{"N":"` + seconds(time.Minute) + `"}`), soon},
		"a put of a text":            {"PutItem", put(`{"S":"tomorrow"}`), number},
		"a put of a list":            {"PutItem", put(`{"L":[]}`), number},
		"a put without an expiry":    {"PutItem", `{"Item":{"pk":{"S":"expires_at"}},"TableName":"events"}`, ""},
		"a batch": {
			"BatchWriteItem", `{"RequestItems":{"events":[{"DeleteRequest":{"Key":{"pk":{"S":"q"}}}},{"PutRequest":` + put(late) + `}]}}`,
			"to the table events, key p s",
		},
		"a transaction": {
			"TransactWriteItems", `{"TransactItems":[{"Put":` + put(fine) + `},{"Update":` + update("SET expires_at = :x", late) + `}]}`, past,
		},
		"an update":                     {"UpdateItem", update("SET #s = :old, expires_at = :x", fine), ""},
		"an update to what has expired": {"UpdateItem", update("SET #s = :old, expires_at = :x REMOVE due_at", late), past},
		"an update by another name":     {"UpdateItem", update("REMOVE due_at SET #t=:x", late), past},
		"one of two values":             {"UpdateItem", update("SET expires_at = if_not_exists(expires_at, :x), #s = :far", late), past},
		"a sum":                         {"UpdateItem", update("ADD expires_at :x", fine), unread},
		"another attribute's value":     {"UpdateItem", update("SET expires_at = due_at", fine), unread},
		"a removal":                     {"UpdateItem", update("SET #s = :old REMOVE due_at, expires_at", late), ""},
		"another attribute":             {"UpdateItem", update("SET expires_at_all = :x, a = list_append(b, :old)", late), ""},
		"no request":                    {"PutItem", `expires_at`, "is not JSON"},
		"another service's request":     {"", put(late), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got failures
			passed := ""
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://engine.example", strings.NewReader(c.body))
			if c.operation != "" {
				request.Header.Set("X-Amz-Target", "DynamoDB_20120810."+c.operation)
			}
			answer, err := transport{&got, roundTrip(func(r *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(r.Body)
				passed = string(body)
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, err
			})}.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if passed != c.body {
				t.Errorf("the engine got %s, want %s", passed, c.body)
			}
			text := strings.Join(got, "\n")
			if (c.want == "") != (text == "") || !strings.Contains(text, c.want) || len(got) > 1 {
				t.Errorf("reported %q, want %q", text, c.want)
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Tables finds what no transport saw; a proxy lets through what is fine.
func TestTables(t *testing.T) {
	engine := local.StartEngine()
	defer engine.Close()
	write := func(url, table, sk, expiry string) {
		t.Helper()
		clients := local.Connect(local.Endpoints{DynamoDB: url, SQS: engine.URL, SSM: engine.URL, S3: engine.URL})
		defer clients.Close()
		resources, err := local.Provision(t.Context(), clients, local.Provisioning{Name: table})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clients.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &resources.Table, Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "p"}, "sk": &types.AttributeValueMemberS{Value: sk},
			"expires_at": &types.AttributeValueMemberN{Value: expiry},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	write(Proxy(t, engine.URL), "ttlcheck-a", "far", seconds(24*time.Hour))
	if err := Tables(t.Context(), engine.URL); err != nil {
		t.Errorf("nothing expires, but: %v", err)
	}
	write(engine.URL, "ttlcheck-a", "near", seconds(time.Minute))
	write(engine.URL, "ttlcheck-b", "near", seconds(time.Minute))
	err := Tables(t.Context(), engine.URL)
	if err == nil {
		t.Fatal("what expires in a minute was not found")
	}
	var got []string
	for line := range strings.Lines(err.Error()) {
		place, _, _ := strings.Cut(line, ": ")
		got = append(got, place)
	}
	if want := []string{"table ttlcheck-a-events, key p near", "table ttlcheck-b-events, key p near"}; !reflect.DeepEqual(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
