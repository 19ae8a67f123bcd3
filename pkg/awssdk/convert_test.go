package awssdk

import (
	"reflect"
	"testing"

	sdkdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sdksqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/sqs"
)

// What our types have, the SDK's have by the same name: what convert does not find it
// leaves out.
func TestOurTypesAreWithinThoseOfTheSDK(t *testing.T) {
	for _, pair := range [][2]reflect.Type{
		types2[dynamodb.GetItemInput, sdkdynamodb.GetItemInput](), types2[dynamodb.GetItemOutput, sdkdynamodb.GetItemOutput](),
		types2[dynamodb.PutItemInput, sdkdynamodb.PutItemInput](), types2[dynamodb.PutItemOutput, sdkdynamodb.PutItemOutput](),
		types2[dynamodb.UpdateItemInput, sdkdynamodb.UpdateItemInput](), types2[dynamodb.UpdateItemOutput, sdkdynamodb.UpdateItemOutput](),
		types2[dynamodb.QueryInput, sdkdynamodb.QueryInput](), types2[dynamodb.QueryOutput, sdkdynamodb.QueryOutput](),
		types2[dynamodb.BatchGetItemInput, sdkdynamodb.BatchGetItemInput](), types2[dynamodb.BatchGetItemOutput, sdkdynamodb.BatchGetItemOutput](),
		types2[dynamodb.ConditionalCheckFailedException, types.ConditionalCheckFailedException](),
		types2[sqs.SendMessageBatchInput, sdksqs.SendMessageBatchInput](), types2[sqs.SendMessageBatchOutput, sdksqs.SendMessageBatchOutput](),
		types2[sqs.ReceiveMessageInput, sdksqs.ReceiveMessageInput](), types2[sqs.ReceiveMessageOutput, sdksqs.ReceiveMessageOutput](),
		types2[sqs.DeleteMessageBatchInput, sdksqs.DeleteMessageBatchInput](), types2[sqs.DeleteMessageBatchOutput, sdksqs.DeleteMessageBatchOutput](),
		types2[sqs.ChangeMessageVisibilityInput, sdksqs.ChangeMessageVisibilityInput](),
		types2[sqs.ChangeMessageVisibilityOutput, sdksqs.ChangeMessageVisibilityOutput](),
		types2[sqs.ChangeMessageVisibilityBatchInput, sdksqs.ChangeMessageVisibilityBatchInput](),
		types2[sqs.ChangeMessageVisibilityBatchOutput, sdksqs.ChangeMessageVisibilityBatchOutput](),
		types2[sqs.GetQueueAttributesInput, sdksqs.GetQueueAttributesInput](), types2[sqs.GetQueueAttributesOutput, sdksqs.GetQueueAttributesOutput](),
	} {
		within(t, pair[0].String(), pair[0], pair[1])
	}
	for _, pair := range members {
		within(t, pair[0].String(), pair[0], pair[1])
	}
}

func types2[Ours, SDK any]() [2]reflect.Type {
	return [2]reflect.Type{reflect.TypeFor[Ours](), reflect.TypeFor[SDK]()}
}

func within(t *testing.T, path string, ours, sdk reflect.Type) {
	t.Helper()
	if ours == sdk {
		return
	}
	if ours.Kind() != sdk.Kind() {
		t.Errorf("%s is a %s, of the SDK a %s", path, ours.Kind(), sdk.Kind())
		return
	}
	switch ours.Kind() {
	case reflect.Struct:
		for i := range ours.NumField() {
			f := ours.Field(i)
			other, found := sdk.FieldByName(f.Name)
			if !found {
				t.Errorf("%s.%s: the SDK has none", path, f.Name)
				continue
			}
			within(t, path+"."+f.Name, f.Type, other.Type)
		}
	case reflect.Slice:
		within(t, path+"[]", ours.Elem(), sdk.Elem())
	case reflect.Map:
		within(t, path+"[]", ours.Elem(), sdk.Elem())
	case reflect.Interface, reflect.String: // a value, which members has; a name of a text
	default:
		t.Errorf("%s: convert knows no %s", path, ours.Kind())
	}
}

func TestEveryValueComesBack(t *testing.T) {
	var all []dynamodb.AttributeValue
	all = append(all,
		nil, &dynamodb.AttributeValueMemberB{Value: []byte{1}}, &dynamodb.AttributeValueMemberBOOL{Value: true}, &dynamodb.AttributeValueMemberBS{Value: [][]byte{{2}}},
		&dynamodb.AttributeValueMemberN{Value: "3"}, &dynamodb.AttributeValueMemberNS{Value: []string{"4"}}, &dynamodb.AttributeValueMemberNULL{Value: true},
		&dynamodb.AttributeValueMemberS{Value: "5"}, &dynamodb.AttributeValueMemberSS{Value: []string{"6"}},
	)
	all = append(all, &dynamodb.AttributeValueMemberM{Value: map[string]dynamodb.AttributeValue{"l": &dynamodb.AttributeValueMemberL{Value: all}}})
	keys := map[string]dynamodb.KeysAndAttributes{"table": {Keys: []map[string]dynamodb.AttributeValue{{"a": &dynamodb.AttributeValueMemberL{Value: all}}}}}
	in := &dynamodb.BatchGetItemInput{RequestItems: keys}
	out := converted[dynamodb.BatchGetItemInput](converted[sdkdynamodb.BatchGetItemInput](in))
	if !reflect.DeepEqual(out, in) {
		t.Errorf("%+v came back as %+v", in, out)
	}
}

// An item of every kind of value becomes ours, and the SDK's again.
func TestItemsAreTheSameInBothTypes(t *testing.T) {
	all := map[string]types.AttributeValue{
		"S": &types.AttributeValueMemberS{Value: "s"}, "N": &types.AttributeValueMemberN{Value: "1"}, "B": &types.AttributeValueMemberB{Value: []byte{1}},
		"BOOL": &types.AttributeValueMemberBOOL{Value: true}, "NULL": &types.AttributeValueMemberNULL{Value: true},
		"SS": &types.AttributeValueMemberSS{Value: []string{"a"}}, "NS": &types.AttributeValueMemberNS{Value: []string{"1"}}, "BS": &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
	}
	nested := map[string]types.AttributeValue{
		"M": &types.AttributeValueMemberM{Value: all}, "L": &types.AttributeValueMemberL{Value: []types.AttributeValue{all["S"], all["NS"]}},
		"none": &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
	}
	for name, v := range all {
		nested[name] = v
	}
	out := converted[dynamodb.QueryOutput](&sdkdynamodb.QueryOutput{Items: []map[string]types.AttributeValue{nested, nil}})
	if len(out.Items) != 2 || out.Items[1] != nil || out.Items[0]["S"].(*dynamodb.AttributeValueMemberS).Value != "s" {
		t.Fatalf("%+v", out.Items)
	}
	back := converted[sdkdynamodb.PutItemInput](&dynamodb.PutItemInput{Item: out.Items[0]})
	if !reflect.DeepEqual(back.Item, nested) {
		t.Errorf("%+v, want %+v", back.Item, nested)
	}
}

// BenchmarkConverted converts a page of an index.
func BenchmarkConverted(b *testing.B) {
	page := &sdkdynamodb.QueryOutput{}
	for range 1000 {
		item := map[string]types.AttributeValue{"death": &types.AttributeValueMemberN{Value: "3"}}
		for _, name := range []string{"pk", "sk", "dead_shard", "dead_key", "time", "account", "source", "campaign", "error_class"} {
			item[name] = &types.AttributeValueMemberS{Value: name}
		}
		page.Items = append(page.Items, item)
	}
	b.ReportAllocs()
	for b.Loop() {
		converted[dynamodb.QueryOutput](page)
	}
}
