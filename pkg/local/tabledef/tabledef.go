// Package tabledef is the shape of the ledger's table for engines that are not
// deployed by the template: the local stack and the tests. Its test holds it
// equal to the table in template.yaml.
package tabledef

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The attributes that have a meaning for DynamoDB itself.
const (
	PartitionKey = "pk"
	SortKey      = "sk"
	TTLAttribute = "expires_at"
)

// Index is one global secondary index. Every key is text.
type Index struct {
	Name         string
	PartitionKey string
	SortKey      string
	Include      []string // projected attributes; none: the keys only
}

// Indexes lists the table's indexes in the order of their creation.
func Indexes() []Index {
	return []Index{
		{Name: "due", PartitionKey: "due_shard", SortKey: "due"},
		{Name: "time", PartitionKey: "day", SortKey: "time", Include: []string{
			"type", "account", "source", "campaign", "lead", "stats", "message", "request", "duplicates",
		}},
		{Name: "lead", PartitionKey: "lead", SortKey: "time"},
		{Name: "dead", PartitionKey: "dead_shard", SortKey: "dead_key", Include: []string{
			"type", "account", "source", "campaign", "error_class", "death", "redrives", "time", "dead_at",
		}},
	}
}

// CreateTable returns the request that creates the table under the given name,
// on demand. TTL is not part of it: DynamoDB takes that in a call of its own,
// for TTLAttribute.
func CreateTable(name string) *dynamodb.CreateTableInput {
	input := &dynamodb.CreateTableInput{
		TableName:   aws.String(name),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema(PartitionKey, SortKey),
	}
	keys := []string{PartitionKey, SortKey}
	for _, index := range Indexes() {
		keys = append(keys, index.PartitionKey, index.SortKey)
		input.GlobalSecondaryIndexes = append(input.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName:  aws.String(index.Name),
			KeySchema:  keySchema(index.PartitionKey, index.SortKey),
			Projection: projection(index.Include),
		})
	}
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		input.AttributeDefinitions = append(input.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(key), AttributeType: types.ScalarAttributeTypeS,
		})
	}
	return input
}

// Missing names what an existing table lacks of this shape, in words for a
// person; empty when it has everything.
func Missing(table *types.TableDescription) string {
	var missing []string
	if !hasKeys(table.KeySchema, PartitionKey, SortKey) {
		missing = append(missing, "the keys pk and sk")
	}
	for _, want := range Indexes() {
		ok := slices.ContainsFunc(table.GlobalSecondaryIndexes, func(have types.GlobalSecondaryIndexDescription) bool {
			return aws.ToString(have.IndexName) == want.Name && hasKeys(have.KeySchema, want.PartitionKey, want.SortKey) &&
				projects(have.Projection, want.Include)
		})
		if !ok {
			missing = append(missing, "the index "+want.Name)
		}
	}
	return strings.Join(missing, ", ")
}

func keySchema(partition, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: aws.String(partition), KeyType: types.KeyTypeHash},
		{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
	}
}

func projection(include []string) *types.Projection {
	if len(include) == 0 {
		return &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}
	}
	return &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: include}
}

func projects(p *types.Projection, include []string) bool {
	if p == nil {
		return len(include) == 0
	}
	return p.ProjectionType == types.ProjectionTypeAll || !slices.ContainsFunc(include, func(name string) bool {
		return !slices.Contains(p.NonKeyAttributes, name)
	})
}

func hasKeys(schema []types.KeySchemaElement, partition, sort string) bool {
	return slices.EqualFunc(schema, keySchema(partition, sort), func(a, b types.KeySchemaElement) bool {
		return aws.ToString(a.AttributeName) == aws.ToString(b.AttributeName) && a.KeyType == b.KeyType
	})
}
