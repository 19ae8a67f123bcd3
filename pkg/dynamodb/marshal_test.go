package dynamodb_test

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/dynamodb"
)

type name string

type row struct {
	Text     string   `dynamodbav:"text"`
	Name     name     `dynamodbav:"name,omitempty"`
	Number   int      `dynamodbav:"number"`
	Large    int64    `dynamodbav:"large,omitempty"`
	Is       bool     `dynamodbav:"is,omitempty"`
	Body     []byte   `dynamodbav:"body"`
	Blob     []byte   `dynamodbav:"blob,omitempty"`
	Texts    []string `dynamodbav:"texts,omitempty"`
	Names    []name   `dynamodbav:"names"`
	Numbers  []int    `dynamodbav:"numbers,omitempty"`
	Absent   string   `dynamodbav:"-"`
	unwanted string   //nolint:unused // it shall not be written
}

var rows = []row{
	{},
	{Text: "a", Name: "b", Number: -7, Large: 1 << 62, Is: true, Body: []byte{0, 255}, Texts: []string{"x", ""}, Names: []name{"n"}, Numbers: []int{1, 0}},
	{Body: []byte{}, Blob: []byte{}, Texts: []string{}, Names: []name{}, Absent: "not written"},
}

// plain is a value as data, by whoever has made it.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]dynamodb.AttributeValue:
		return plainMap(v)
	case map[string]sdk.AttributeValue:
		return plainMap(v)
	case *dynamodb.AttributeValueMemberL:
		return plainList(v.Value)
	case *sdk.AttributeValueMemberL:
		return plainList(v.Value)
	}
	t := reflect.TypeOf(v).Elem()
	return []any{t.Name(), reflect.ValueOf(v).Elem().Field(0).Interface()}
}

func plainMap[T any](all map[string]T) map[string]any {
	out := map[string]any{}
	for name, v := range all {
		out[name] = plain(v)
	}
	return out
}

func plainList[T any](all []T) []any {
	out := []any{}
	for _, v := range all {
		out = append(out, plain(v))
	}
	return out
}

func TestRowsAreThoseOfTheSDK(t *testing.T) {
	for i, in := range rows {
		want, err := attributevalue.MarshalMap(in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := dynamodb.MarshalMap(in)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(plain(got), plain(want)) {
			t.Errorf("row %d is written as\n%v, want\n%v", i, plain(got), plain(want))
		}
		var back, wanted row
		if err := attributevalue.UnmarshalMap(want, &wanted); err != nil {
			t.Fatal(err)
		}
		if err := dynamodb.UnmarshalMap(got, &back); err != nil || !reflect.DeepEqual(back, wanted) {
			t.Errorf("row %d is read as\n%+v (%v), want\n%+v", i, back, err, wanted)
		}
	}
}

func TestWhatIsNoRowIsRefused(t *testing.T) {
	for _, item := range []map[string]dynamodb.AttributeValue{
		{"text": &dynamodb.AttributeValueMemberN{Value: "1"}},
		{"number": &dynamodb.AttributeValueMemberS{Value: "1"}},
		{"number": &dynamodb.AttributeValueMemberN{Value: "1.5"}},
		{"number": &dynamodb.AttributeValueMemberN{Value: "99999999999999999999"}},
		{"is": &dynamodb.AttributeValueMemberS{Value: "true"}},
		{"body": &dynamodb.AttributeValueMemberS{Value: "AA=="}},
		{"texts": &dynamodb.AttributeValueMemberS{Value: "a"}},
		{"texts": &dynamodb.AttributeValueMemberL{Value: []dynamodb.AttributeValue{&dynamodb.AttributeValueMemberB{}}}},
		{"name": &dynamodb.AttributeValueMemberM{}},
	} {
		var out row
		if err := dynamodb.UnmarshalMap(item, &out); err == nil {
			t.Errorf("%v is read as %+v", plain(item), out)
		}
	}
	if _, err := dynamodb.Marshal(struct{ F func() }{}); err == nil {
		t.Error("a struct within a row was written")
	}
	if err := dynamodb.UnmarshalMap(nil, row{}); err == nil {
		t.Error("a row was read into a copy")
	}
}
