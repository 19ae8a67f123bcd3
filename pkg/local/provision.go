package local

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/local/tabledef"
)

// Provisioning says what to create. The zero value of a field takes its
// default.
type Provisioning struct {
	Name            string        // prefix of every name: "smartlead"
	Visibility      time.Duration // of live and replay, in whole seconds: 60 s
	MaxReceiveCount int           // before SQS itself moves a message to the DLQ: 150
}

// Queue names one queue in the three ways in which AWS calls want it named.
type Queue struct {
	Name string
	URL  string
	ARN  string
}

// Resources are the stores of one stack.
type Resources struct {
	Table  string
	Bucket string
	// Archive is the bucket of archived events; it is there, whether something archives or
	// not.
	Archive string
	Live    Queue
	Replay  Queue
	DLQ     Queue
}

// These are as in template.yaml. A message that SQS moves keeps its first enqueue
// time, so that the DLQ must not keep less long than the queues.
const (
	dlqVisibility = 2 * time.Minute
	workRetention = config.DLQRetention
)

// Provision creates what is absent and leaves what is there, so that an engine
// that keeps its state may be used again. It returns an error that says what to
// do when an engine does not answer or holds a table of another shape.
func Provision(ctx context.Context, clients *Clients, p Provisioning) (Resources, error) {
	if p.Name == "" {
		p.Name = "smartlead"
	}
	if p.Visibility == 0 {
		p.Visibility = time.Minute
	}
	if p.MaxReceiveCount == 0 {
		p.MaxReceiveCount = 150
	}
	r := Resources{Table: p.Name + "-events", Bucket: p.Name + "-bodies", Archive: p.Name + "-archive"}
	if err := ensureTable(ctx, clients.DynamoDB, r.Table); err != nil {
		return Resources{}, fmt.Errorf("DynamoDB at %s: %w", clients.Endpoints.DynamoDB, err)
	}
	if err := ensureQueues(ctx, clients, p, &r); err != nil {
		return Resources{}, fmt.Errorf("SQS at %s: %w", clients.Endpoints.SQS, err)
	}
	for _, bucket := range []string{r.Bucket, r.Archive} {
		if err := ensureBucket(ctx, clients.S3, bucket); err != nil {
			return Resources{}, fmt.Errorf("S3 at %s: %w", clients.Endpoints.S3, err)
		}
	}
	return r, nil
}

func ensureTable(ctx context.Context, client *dynamodb.Client, name string) error {
	if err := createTable(ctx, client, name); err != nil {
		return err
	}
	ttl, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: aws.String(name)})
	if err != nil {
		return fmt.Errorf("read the TTL of table %s: %w", name, err)
	}
	if d := ttl.TimeToLiveDescription; d != nil && aws.ToString(d.AttributeName) == tabledef.TTLAttribute {
		return nil
	}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: aws.String(name),
		TimeToLiveSpecification: &dynamotypes.TimeToLiveSpecification{
			AttributeName: aws.String(tabledef.TTLAttribute), Enabled: aws.Bool(true),
		},
	})
	if err != nil {
		return fmt.Errorf("set the TTL of table %s: %w", name, err)
	}
	return nil
}

func createTable(ctx context.Context, client *dynamodb.Client, name string) error {
	var absent *dynamotypes.ResourceNotFoundException
	found, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name)})
	switch {
	case err == nil:
		if missing := tabledef.Missing(found.Table); missing != "" {
			return fmt.Errorf("table %s exists but lacks %s: delete it, or start the engine with empty state", name, missing)
		}
		return nil
	case !errors.As(err, &absent):
		return unreachable(err)
	}
	var inUse *dynamotypes.ResourceInUseException // a repeat of our own call, whose answer was lost
	if _, err := client.CreateTable(ctx, tabledef.CreateTable(name)); err != nil && !errors.As(err, &inUse) {
		return fmt.Errorf("create table %s: %w", name, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name)}, 30*time.Second); err != nil {
		return fmt.Errorf("wait for table %s: %w", name, err)
	}
	return nil
}

func ensureQueues(ctx context.Context, clients *Clients, p Provisioning, r *Resources) error {
	var err error
	retention := string(sqstypes.QueueAttributeNameMessageRetentionPeriod)
	visibility := string(sqstypes.QueueAttributeNameVisibilityTimeout)
	r.DLQ, err = ensureQueue(ctx, clients, p.Name+"-dlq", map[string]string{
		retention: seconds(config.DLQRetention), visibility: seconds(dlqVisibility),
	})
	if err != nil {
		return err
	}
	work := map[string]string{
		retention:  seconds(workRetention),
		visibility: seconds(p.Visibility),
		string(sqstypes.QueueAttributeNameRedrivePolicy): fmt.Sprintf(
			`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, r.DLQ.ARN, p.MaxReceiveCount),
	}
	if r.Live, err = ensureQueue(ctx, clients, p.Name+"-live", work); err != nil {
		return err
	}
	r.Replay, err = ensureQueue(ctx, clients, p.Name+"-replay", work)
	return err
}

// ensureQueue sets the attributes of a queue that exists already: CreateQueue
// with other attributes than the queue has is an error in SQS.
func ensureQueue(ctx context.Context, clients *Clients, name string, attributes map[string]string) (Queue, error) {
	var queueURL *string
	found, err := clients.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(name)})
	switch {
	case err == nil:
		queueURL = found.QueueUrl
		_, err = clients.SQS.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: queueURL, Attributes: attributes})
		if err != nil {
			return Queue{}, fmt.Errorf("set the attributes of queue %s: %w", name, err)
		}
	case isAbsentQueue(err):
		created, err := clients.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: attributes})
		if err != nil {
			return Queue{}, fmt.Errorf("create queue %s: %w", name, err)
		}
		queueURL = created.QueueUrl
	default:
		return Queue{}, unreachable(err)
	}
	arn := sqstypes.QueueAttributeNameQueueArn
	is, err := clients.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: queueURL, AttributeNames: []sqstypes.QueueAttributeName{arn},
	})
	if err != nil {
		return Queue{}, fmt.Errorf("read the ARN of queue %s: %w", name, err)
	}
	return Queue{
		Name: name,
		URL:  reachable(clients.Endpoints.SQS, aws.ToString(queueURL)),
		ARN:  is.Attributes[string(arn)],
	}, nil
}

// isAbsentQueue knows both names of the error: that of the JSON protocol and
// that of the query protocol, which the embedded engine sends.
func isAbsentQueue(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "QueueDoesNotExist" ||
		api.ErrorCode() == "AWS.SimpleQueueService.NonExistentQueue")
}

func ensureBucket(ctx context.Context, client *s3.Client, name string) error {
	var owned *s3types.BucketAlreadyOwnedByYou
	var exists *s3types.BucketAlreadyExists
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(name)})
	if err == nil || errors.As(err, &owned) || errors.As(err, &exists) {
		return nil
	}
	return fmt.Errorf("create bucket %s: %w", name, err)
}

// reachable puts the endpoint's scheme and host into a queue URL: engines
// answer with a host of their own making (the embedded one always with port
// 4566), and only the path names the queue.
func reachable(endpoint, queueURL string) string {
	base, err := url.Parse(endpoint)
	if err != nil {
		return queueURL
	}
	queue, err := url.Parse(queueURL)
	if err != nil {
		return queueURL
	}
	queue.Scheme, queue.Host = base.Scheme, base.Host
	return queue.String()
}

// unreachable words the failure of the first call to an engine.
func unreachable(err error) error {
	return fmt.Errorf("the engine does not answer as one; is it started? %w", err)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }
