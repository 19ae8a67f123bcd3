package clitest

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/local"
	"smartlead-receiver/test/dynoxide"
	"smartlead-receiver/test/ttlcheck"
)

// The engine reports capacity by DynamoDB's rules: 4 KB a unit, half of it where
// a read need not be consistent, the items of a query together, those of a batch
// each for itself, an index by what it projects, and a unit for what is absent.
func TestEngineCountsCapacity(t *testing.T) {
	m := NewMeter(t, ttlcheck.Proxy(t, dynoxide.Use(t)))
	s := NewOver(t, m.Engine)
	put := func(sk string) {
		_, err := s.Clients.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.At.Table, Item: attributes{
			"pk": textValue("p"), "sk": textValue(sk), "lead": textValue("l"), "time": textValue(sk),
			"payload": textValue(strings.Repeat("x", 9000)),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("a")
	put("b")
	client := local.Connect(local.Endpoints{DynamoDB: m.URL, SQS: EngineURL(), SSM: EngineURL(), S3: EngineURL()})
	t.Cleanup(client.Close)
	get := func(sk string, consistent bool) error {
		_, err := client.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: &s.At.Table, Key: attributes{"pk": textValue("p"), "sk": textValue(sk)}, ConsistentRead: &consistent,
		})
		return err
	}
	query := func(index, key, value string) error {
		in := &dynamodb.QueryInput{
			TableName: &s.At.Table, KeyConditionExpression: aws.String("#k = :v"),
			ExpressionAttributeNames: map[string]string{"#k": key}, ExpressionAttributeValues: attributes{":v": textValue(value)},
		}
		if index != "" {
			in.IndexName = &index
		}
		_, err := client.DynamoDB.Query(t.Context(), in)
		return err
	}
	for _, c := range []struct {
		what string
		want float64
		call func() error
	}{
		{"9,000 bytes, consistent", 3, func() error { return get("a", true) }},
		{"9,000 bytes", 1.5, func() error { return get("a", false) }},
		{"an absent item, consistent", 1, func() error { return get("c", true) }},
		{"a query over 18,000 bytes", 2.5, func() error { return query("", "pk", "p") }},
		{"two keys of an index", 0.5, func() error { return query("lead", "lead", "l") }},
		{"a query that finds nothing", 0.5, func() error { return query("lead", "lead", "n") }},
		{"a batch of two, and of an absent one", 7, func() error {
			_, err := client.DynamoDB.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{s.At.Table: {
				ConsistentRead: aws.Bool(true), Keys: []map[string]types.AttributeValue{
					{"pk": textValue("p"), "sk": textValue("a")}, {"pk": textValue("p"), "sk": textValue("b")}, {"pk": textValue("p"), "sk": textValue("c")},
				},
			}}})
			return err
		}},
	} {
		m.Reset()
		if err := c.call(); err != nil {
			t.Fatal(err)
		}
		if u := m.Reset(); u.Units != c.want || u.Reads != 1 {
			t.Errorf("%s costs %v units in %d calls, want %v in one", c.what, u.Units, u.Reads, c.want)
		}
	}
}
