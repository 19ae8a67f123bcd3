package awssdk

import (
	"reflect"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/dynamodb"
)

// itemOf is the item in our types. What is read is items, thousands of them for a page of
// the console: by reflection that took longer than the SDK takes to decode them. A value
// that it does not know is converted by reflection.
func itemOf(item map[string]sdk.AttributeValue) map[string]dynamodb.AttributeValue {
	if item == nil {
		return nil
	}
	out := make(map[string]dynamodb.AttributeValue, len(item))
	for name, v := range item {
		out[name] = valueOf(v)
	}
	return out
}

func valueOf(v sdk.AttributeValue) dynamodb.AttributeValue {
	switch v := v.(type) {
	case *sdk.AttributeValueMemberS:
		return &dynamodb.AttributeValueMemberS{Value: v.Value}
	case *sdk.AttributeValueMemberN:
		return &dynamodb.AttributeValueMemberN{Value: v.Value}
	case *sdk.AttributeValueMemberB:
		return &dynamodb.AttributeValueMemberB{Value: v.Value}
	case *sdk.AttributeValueMemberM:
		return &dynamodb.AttributeValueMemberM{Value: itemOf(v.Value)}
	case *sdk.AttributeValueMemberL:
		list := make([]dynamodb.AttributeValue, len(v.Value))
		for i, one := range v.Value {
			list[i] = valueOf(one)
		}
		return &dynamodb.AttributeValueMemberL{Value: list}
	}
	var out dynamodb.AttributeValue
	convert(reflect.ValueOf(&out).Elem(), reflect.ValueOf(&v).Elem())
	return out
}
