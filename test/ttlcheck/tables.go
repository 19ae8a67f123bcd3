package ttlcheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/local/tabledef"
)

// Tables reads every table of the DynamoDB at that URL, and returns an error for
// each item whose expiry has passed, or is closer than [Margin]. It misses what
// the engine has deleted since.
func Tables(ctx context.Context, engine string) error {
	if engine == "" { // the SDK would ask AWS
		return errors.New("there is no engine whose tables could be read")
	}
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &engine, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	var found []error
	tables := dynamodb.NewListTablesPaginator(client, &dynamodb.ListTablesInput{})
	for tables.HasMorePages() {
		page, err := tables.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the tables: %w", err)
		}
		for _, name := range page.TableNames {
			found = append(found, checkTable(ctx, client, name))
		}
	}
	return errors.Join(found...)
}

func checkTable(ctx context.Context, client *dynamodb.Client, name string) error {
	var found []error
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the table %s: %w", name, err)
		}
		for _, item := range page.Items {
			w := write{Item: attributes(item)}
			if wrong := w.wrong(time.Now().Add(Margin)); wrong != "" {
				found = append(found, fmt.Errorf("table %s, key %s: %s", name, w.key(), wrong))
			}
		}
	}
	return errors.Join(found...)
}

// attributes are the key and the expiry of an item.
func attributes(item map[string]types.AttributeValue) map[string]attribute {
	out := map[string]attribute{}
	for _, name := range []string{tabledef.PartitionKey, tabledef.SortKey, tabledef.TTLAttribute} {
		switch value := item[name].(type) {
		case nil:
		case *types.AttributeValueMemberS:
			out[name] = attribute{S: &value.Value}
		case *types.AttributeValueMemberN:
			out[name] = attribute{N: &value.Value}
		default:
			out[name] = attribute{}
		}
	}
	return out
}
