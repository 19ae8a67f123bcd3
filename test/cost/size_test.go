package cost

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// perItem is what DynamoDB adds to each item, in the table and in each index, for
// what is billed (docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html,
// and the page on GSI storage).
const perItem = 100

// stored returns the bytes that the item takes in the table, and in all indexes.
func (r *rig) stored(i item) (table, indexes int) {
	r.Helper()
	out, err := r.Clients.DynamoDB.DescribeTable(r.Context(), &dynamodb.DescribeTableInput{TableName: &r.At.Table})
	if err != nil {
		r.Fatal(err)
	}
	for name, value := range i {
		table += len(name) + valueSize(value)
	}
	for _, index := range out.Table.GlobalSecondaryIndexes {
		projected, in := map[string]bool{"pk": true, "sk": true}, true
		for _, k := range index.KeySchema {
			name := aws.ToString(k.AttributeName)
			projected[name], in = true, in && i[name] != nil
		}
		if !in {
			continue
		}
		for _, name := range index.Projection.NonKeyAttributes {
			projected[name] = true
		}
		indexes += perItem
		for name := range projected {
			if value := i[name]; value != nil {
				indexes += len(name) + valueSize(value)
			}
		}
	}
	return table + perItem, indexes
}

// valueSize is by the rules of docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html.
func valueSize(value types.AttributeValue) int {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(strings.Trim(v.Value, "-0."))/2 + 2
	case *types.AttributeValueMemberBOOL, *types.AttributeValueMemberNULL:
		return 1
	case *types.AttributeValueMemberL:
		size := 3
		for _, e := range v.Value {
			size += 1 + valueSize(e)
		}
		return size
	case *types.AttributeValueMemberM:
		size := 3
		for name, e := range v.Value {
			size += 1 + len(name) + valueSize(e)
		}
		return size
	case *types.AttributeValueMemberSS:
		size := 0
		for _, e := range v.Value {
			size += len(e)
		}
		return size
	}
	panic(fmt.Sprintf("a value of type %T", value))
}
