package tabledef

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The template's table, read as the flow of its settings, is what CreateTable
// asks for.
func TestCreateTableIsTheTableOfTheTemplate(t *testing.T) {
	template, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?ms)^  Table:\n.*?^  \w`).FindString(string(template))
	setting := regexp.MustCompile(`(IndexName|AttributeName|AttributeType|KeyType|ProjectionType|NonKeyAttributes|BillingMode): ?(\[[^\]]*\]|\w+)`)
	var definitions, rest []string // DynamoDB does not care about the order of the definitions
	for _, match := range setting.FindAllStringSubmatch(table, -1) {
		text := match[1] + " " + strings.Trim(match[2], "[]")
		if match[1] == "AttributeType" {
			name := rest[len(rest)-1]
			rest = rest[:len(rest)-1]
			text, definitions = "", append(definitions, name+" "+text)
		}
		if text != "" {
			rest = append(rest, text)
		}
	}
	var wantDefinitions, want []string
	input := CreateTable("any")
	want = append(want, "BillingMode "+string(input.BillingMode), "AttributeName "+TTLAttribute)
	for _, d := range input.AttributeDefinitions {
		wantDefinitions = append(wantDefinitions, "AttributeName "+aws.ToString(d.AttributeName)+" AttributeType "+string(d.AttributeType))
	}
	addKeys := func(schema []types.KeySchemaElement) {
		for _, key := range schema {
			want = append(want, "AttributeName "+aws.ToString(key.AttributeName), "KeyType "+string(key.KeyType))
		}
	}
	addKeys(input.KeySchema)
	for _, index := range input.GlobalSecondaryIndexes {
		want = append(want, "IndexName "+aws.ToString(index.IndexName))
		addKeys(index.KeySchema)
		want = append(want, "ProjectionType "+string(index.Projection.ProjectionType))
		if attributes := index.Projection.NonKeyAttributes; len(attributes) > 0 {
			want = append(want, "NonKeyAttributes "+strings.Join(attributes, ", "))
		}
	}
	slices.Sort(definitions)
	slices.Sort(wantDefinitions)
	if !slices.Equal(definitions, wantDefinitions) {
		t.Errorf("attribute definitions\ntemplate: %q\nhere:     %q", definitions, wantDefinitions)
	}
	if !slices.Equal(rest, want) {
		t.Errorf("table\ntemplate: %q\nhere:     %q", rest, want)
	}
}

func TestMissingNamesWhatATableLacks(t *testing.T) {
	whole := func() *types.TableDescription {
		input := CreateTable("any")
		table := &types.TableDescription{KeySchema: input.KeySchema}
		for _, index := range input.GlobalSecondaryIndexes {
			table.GlobalSecondaryIndexes = append(table.GlobalSecondaryIndexes, types.GlobalSecondaryIndexDescription{
				IndexName: index.IndexName, KeySchema: index.KeySchema, Projection: index.Projection,
			})
		}
		return table
	}
	cases := map[string]struct {
		change func(*types.TableDescription)
		want   string
	}{
		"nothing":        {func(*types.TableDescription) {}, ""},
		"an index":       {func(d *types.TableDescription) { d.GlobalSecondaryIndexes = d.GlobalSecondaryIndexes[1:] }, "the index due"},
		"an index's key": {func(d *types.TableDescription) { d.GlobalSecondaryIndexes[3].KeySchema = d.KeySchema }, "the index dead"},
		"an index's attribute": {func(d *types.TableDescription) {
			d.GlobalSecondaryIndexes[3].Projection = projection([]string{"type", "death"})
		}, "the index dead"},
		"the table's range": {func(d *types.TableDescription) { d.KeySchema = d.KeySchema[:1] }, "the keys pk and sk"},
	}
	for name, c := range cases {
		table := whole()
		c.change(table)
		if got := Missing(table); got != c.want {
			t.Errorf("%s: Missing = %q, want %q", name, got, c.want)
		}
	}
}
