package local

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"smartlead-receiver/pkg/local/tabledef"
)

func TestProvisionTwiceKeepsWhatIsThere(t *testing.T) {
	clients := newClients(t)
	p := Provisioning{Name: uniqueName(), Visibility: 90 * time.Second, MaxReceiveCount: 7}
	first, err := Provision(t.Context(), clients, p)
	if err != nil {
		t.Fatal(err)
	}
	item := map[string]dynamotypes.AttributeValue{
		"pk": &dynamotypes.AttributeValueMemberS{Value: "event"}, "sk": &dynamotypes.AttributeValueMemberS{Value: "event"},
	}
	if _, err := clients.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(first.Table), Item: item}); err != nil {
		t.Fatal(err)
	}
	send(t, clients, first.Live, "kept")
	if _, err := clients.S3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(first.Bucket), Key: aws.String("a/b"), Body: strings.NewReader("body"),
	}); err != nil {
		t.Fatal(err)
	}

	p.MaxReceiveCount = 9
	second, err := Provision(t.Context(), clients, p)
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Errorf("resources changed: %+v, then %+v", first, second)
	}
	kept, err := clients.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(first.Table), Key: item})
	if err != nil || len(kept.Item) == 0 {
		t.Errorf("item = %v, %v", kept, err)
	}
	if message, ok := receive(t, clients, second.Live); !ok || aws.ToString(message.Body) != "kept" {
		t.Errorf("message = %v, %v", message, ok)
	}
	if _, err := clients.S3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(first.Bucket), Key: aws.String("a/b")}); err != nil {
		t.Errorf("object: %v", err)
	}
	out, err := clients.SQS.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(second.Live.URL), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Attributes["VisibilityTimeout"] != "90" || !strings.Contains(out.Attributes["RedrivePolicy"], `"maxReceiveCount":9`) ||
		!strings.Contains(out.Attributes["RedrivePolicy"], second.DLQ.ARN) {
		t.Errorf("attributes = %v", out.Attributes)
	}
}

func TestProvisionSetsTTL(t *testing.T) {
	clients, resources := newQueues(t, 50)
	out, err := clients.DynamoDB.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: aws.String(resources.Table)})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(out.TimeToLiveDescription.AttributeName); got != tabledef.TTLAttribute {
		t.Errorf("TTL attribute = %q", got)
	}
}

func TestProvisionRefusesATableOfAnotherShape(t *testing.T) {
	clients := newClients(t)
	name := uniqueName()
	input := tabledef.CreateTable(name + "-events")
	input.GlobalSecondaryIndexes = input.GlobalSecondaryIndexes[1:]
	var repeated *dynamotypes.ResourceInUseException // the SDK tried again after a lost answer
	if _, err := clients.DynamoDB.CreateTable(t.Context(), input); err != nil && !errors.As(err, &repeated) {
		t.Fatal(err)
	}
	_, err := Provision(t.Context(), clients, Provisioning{Name: name})
	if err == nil || !strings.Contains(err.Error(), "lacks the index due") {
		t.Errorf("err = %v", err)
	}
}

func TestProvisionSaysWhichEngineDoesNotAnswer(t *testing.T) {
	for _, service := range []string{"DynamoDB", "SQS"} {
		nobody := "http://127.0.0.1:1"
		endpoints := Endpoints{DynamoDB: engine.URL, SQS: engine.URL, SSM: engine.URL, S3: engine.URL}
		if service == "SQS" {
			endpoints.SQS = nobody
		} else {
			endpoints.DynamoDB = nobody
		}
		clients := Connect(endpoints)
		_, err := Provision(t.Context(), clients, Provisioning{Name: uniqueName()})
		clients.Close()
		if err == nil || !strings.Contains(err.Error(), service+" at "+nobody) || !strings.Contains(err.Error(), "is it started?") {
			t.Errorf("%s: err = %v", service, err)
		}
	}
}

func TestRoutesAreThoseOfTheTemplate(t *testing.T) {
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, match := range regexp.MustCompile(`(?m)^      RouteKey: (.*)$`).FindAllStringSubmatch(string(template), -1) {
		keys = append(keys, match[1])
	}
	if !slices.Equal(keys, Routes()) {
		t.Errorf("template %q, here %q", keys, Routes())
	}
}
