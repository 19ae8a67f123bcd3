// Package awssdk lets the SDK's clients of DynamoDB and SQS do what the ledger and the
// queues ask in types of our own. The tools of a person and the local stack have those
// clients, which read profiles and sign in a person. No function links it.
package awssdk

import (
	"fmt"
	"reflect"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/dynamodb"
)

// converted returns a value as another type that has the same members by the same names,
// or some of them.
func converted[To any](from any) *To {
	to := new(To)
	convert(reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem())
	return to
}

func convert(to, from reflect.Value) {
	if from.Type() == to.Type() {
		to.Set(from)
		return
	}
	switch from.Kind() {
	case reflect.Struct:
		for i := range to.NumField() {
			member := from.FieldByName(to.Type().Field(i).Name)
			if member.IsValid() && to.Field(i).CanSet() {
				convert(to.Field(i), member)
			}
		}
	case reflect.Slice:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			convert(to.Index(i), from.Index(i))
		}
	case reflect.Map:
		if from.IsNil() {
			return
		}
		if item, ok := from.Interface().(map[string]sdk.AttributeValue); ok {
			to.Set(reflect.ValueOf(itemOf(item)))
			return
		}
		to.Set(reflect.MakeMapWithSize(to.Type(), from.Len()))
		for key, one := range from.Seq2() {
			v := reflect.New(to.Type().Elem()).Elem()
			convert(v, one)
			to.SetMapIndex(key, v)
		}
	case reflect.Interface:
		if from.IsNil() {
			return
		}
		v := reflect.New(counterpart(from.Elem().Elem().Type()))
		convert(v.Elem(), from.Elem().Elem())
		to.Set(v)
	default: // a name of a text
		to.Set(from.Convert(to.Type()))
	}
}

// members are the types of values, ours and the SDK's.
var members = [][2]reflect.Type{
	{reflect.TypeFor[dynamodb.AttributeValueMemberB](), reflect.TypeFor[sdk.AttributeValueMemberB]()},
	{reflect.TypeFor[dynamodb.AttributeValueMemberBOOL](), reflect.TypeFor[sdk.AttributeValueMemberBOOL]()},
	{reflect.TypeFor[dynamodb.AttributeValueMemberBS](), reflect.TypeFor[sdk.AttributeValueMemberBS]()},
	{reflect.TypeFor[dynamodb.AttributeValueMemberL](), reflect.TypeFor[sdk.AttributeValueMemberL]()},
	{reflect.TypeFor[dynamodb.AttributeValueMemberM](), reflect.TypeFor[sdk.AttributeValueMemberM]()},
	{reflect.TypeFor[dynamodb.AttributeValueMemberN](), reflect.TypeFor[sdk.AttributeValueMemberN]()},
	{reflect.TypeFor[dynamodb.AttributeValueMemberNS](), reflect.TypeFor[sdk.AttributeValueMemberNS]()},
	{reflect.TypeFor[dynamodb.AttributeValueMemberNULL](), reflect.TypeFor[sdk.AttributeValueMemberNULL]()},
	{reflect.TypeFor[dynamodb.AttributeValueMemberS](), reflect.TypeFor[sdk.AttributeValueMemberS]()},
	{reflect.TypeFor[dynamodb.AttributeValueMemberSS](), reflect.TypeFor[sdk.AttributeValueMemberSS]()},
}

// counterpart returns the other side's type. There is one for each that DynamoDB has, or
// the program is wrong.
func counterpart(t reflect.Type) reflect.Type {
	for _, pair := range members {
		switch t {
		case pair[0]:
			return pair[1]
		case pair[1]:
			return pair[0]
		}
	}
	panic(fmt.Sprintf("awssdk: %s has no counterpart", t))
}
