package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go/logging"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// target is which stack the operator means.
type target struct {
	local    bool
	stateDir string
	stack    string
	profile  string
	region   string
}

// Place is where the parts of a stack are. Its JSON form is that of the local
// stack's stack.json, as far as it is needed here.
type Place struct {
	WebhookURL       string `json:"webhook_url"` // of the local demo source, token included
	DynamoDBEndpoint string `json:"dynamodb_endpoint"`
	SQSEndpoint      string `json:"sqs_endpoint"`
	SSMEndpoint      string `json:"ssm_endpoint"`
	S3Endpoint       string `json:"s3_endpoint"`
	Region           string `json:"region"`
	TableName        string `json:"table_name"`
	LiveQueueURL     string `json:"live_queue_url"`
	ReplayQueueURL   string `json:"replay_queue_url"`
	DLQURL           string `json:"dlq_url"`
	LiveQueueARN     string `json:"live_queue_arn"`
	DLQARN           string `json:"dlq_arn"`
	Bucket           string `json:"bucket"`
	ParameterPrefix  string `json:"parameter_prefix"`
	RetentionDays    int    `json:"retention_days"` // of a delivered event; 0: a stack that does not say
	SweepGrace       string `json:"sweep_grace"`    // as time.ParseDuration reads it; "": the same

	Retention time.Duration `json:"-"` // RetentionDays, or the default
	Grace     time.Duration `json:"-"` // SweepGrace, or the default
	APIURL    string        `json:"-"` // scheme and host of the receiver
	Demo      string        `json:"-"` // the local source, and its token
	Token     string        `json:"-"`
}

// Stack is a receiver that commands speak to.
type Stack struct {
	Place
	Ledger  *ledger.Ledger
	Queues  *queue.Queues
	Store   *sourcestore.Store
	Bodies  *bodies.Store
	Redrive *redrive.Service

	Operator *operator.Service
}

func (p *program) connect(ctx context.Context) (*Stack, error) {
	if p.target.local {
		place, err := readPlace(filepath.Join(p.target.stateDir, "stack.json"))
		if err != nil {
			return nil, err
		}
		return p.build(place, localClients(place))
	}
	shared, err := awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithSharedConfigProfile(p.target.profile), awsconfig.WithRegion(p.target.region),
		awsconfig.WithLogger(logging.Nop{})) // an operator reads our words; errors are returned
	if err != nil {
		return nil, failed(err, "the AWS configuration cannot be read").hint("check --profile, or run: aws configure list")
	}
	if shared.Region == "" {
		return nil, usage("no AWS region is set").hint("set --region or AWS_REGION; for the stack of make run: --local")
	}
	place, err := p.outputs(ctx, cloudformation.NewFromConfig(shared))
	if err != nil {
		return nil, err
	}
	place.Region = shared.Region
	return p.build(place, app.Connect(shared))
}

func (p *program) build(place Place, c app.Clients) (*Stack, error) {
	if err := place.readTimes(); err != nil {
		return nil, err
	}
	s := &Stack{Place: place}
	s.Ledger = ledger.New(c.DynamoDB, place.TableName)
	s.Queues = queue.New(c.SQS, queue.URLs{Live: place.LiveQueueURL, Replay: place.ReplayQueueURL, Dead: place.DLQURL})
	var err error
	if s.Store, err = sourcestore.NewStore(c.SSM, place.ParameterPrefix); err != nil {
		return nil, fmt.Errorf("the stack's parameter prefix %q: %w", place.ParameterPrefix, err)
	}
	if s.Bodies, err = bodies.New(c.S3, place.Bucket); err != nil {
		return nil, err
	}
	s.Operator = operator.New(operator.Ports{
		Events: s.Ledger, Revivals: s.Ledger, Judgements: s.Ledger, Variants: s.Ledger, HeldEvents: heldEvents{s.Ledger},
		Bodies: s.Bodies, Queue: s.Queues, Sources: s.Store, Now: p.Now, Nonce: p.nonce, Sleep: p.Sleep,
	}, operator.Policy{Grace: place.Grace, Retention: place.Retention})
	policy := redrive.DefaultPolicy
	policy.Grace = place.Grace
	s.Redrive = redrive.New(redrive.Ports{
		Ledger: s.Ledger, DeadEvents: s.Ledger, Documents: s.Ledger, Queue: s.Queues, Now: p.Now, Sleep: p.Sleep,
	}, policy)
	return s, nil
}

// heldEvents lists held events by the ledger's index of what waits for an
// operator.
type heldEvents struct{ ledger *ledger.Ledger }

func (h heldEvents) Held(ctx context.Context, q operator.HeldQuery) (operator.HeldPage, error) {
	page, err := h.ledger.List(ctx, ledger.Query{
		State: webhook.Held, Source: q.Source, Since: q.Since, Until: q.Until, Now: q.Now, After: q.After, Limit: q.Limit,
	})
	return operator.HeldPage{Records: page.Records, Next: page.Next, Looked: page.Scanned}, err
}

func readPlace(path string) (Place, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrNotExist) {
		return Place{}, failed(nil, "the local stack is not running: there is no %s", path).
			hint("start it: make run").hint("or say where it keeps its state: --state-dir DIR")
	}
	if err != nil {
		return Place{}, fmt.Errorf("read the local stack's address: %w", err)
	}
	var place Place
	if err := json.Unmarshal(content, &place); err != nil {
		return Place{}, failed(err, "%s cannot be read", path).hint("start the local stack anew: make run")
	}
	hook, err := url.Parse(place.WebhookURL)
	if err != nil || hook.Host == "" {
		return Place{}, failed(nil, "%s has no usable webhook_url", path).hint("start the local stack anew: make run")
	}
	place.APIURL = hook.Scheme + "://" + hook.Host
	parts := strings.Split(strings.Trim(hook.Path, "/"), "/")
	if len(parts) == 3 {
		place.Demo, place.Token = parts[1], parts[2]
	}
	return place, nil
}

// readTimes reads the stack's own times, so that what an operator moves is kept
// and swept like what the functions move. A stack that was deployed before it
// said them has the defaults.
func (p *Place) readTimes() error {
	p.Retention, p.Grace = config.DefaultRetentionDays*config.Day, config.DefaultGrace
	if p.RetentionDays < 0 {
		return failed(nil, "the stack's retention of %d days cannot be", p.RetentionDays)
	}
	if p.RetentionDays > 0 {
		p.Retention = time.Duration(p.RetentionDays) * config.Day
	}
	if p.SweepGrace == "" {
		return nil
	}
	var err error
	if p.Grace, err = time.ParseDuration(p.SweepGrace); err != nil || p.Grace <= 0 {
		return failed(err, "the stack's sweep grace %q cannot be read", p.SweepGrace)
	}
	return nil
}

// localClients look at neither the environment nor an AWS profile, so that
// nothing local ever reaches a real account.
func localClients(place Place) app.Clients {
	cfg := aws.Config{
		Region:      orText(place.Region, "us-east-1"),
		Logger:      logging.Nop{},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
	return app.Clients{
		DynamoDB: dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = &place.DynamoDBEndpoint }),
		SQS:      sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = &place.SQSEndpoint }),
		SSM:      ssm.NewFromConfig(cfg, func(o *ssm.Options) { o.BaseEndpoint = &place.SSMEndpoint }),
		S3: s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.BaseEndpoint = &place.S3Endpoint
			o.UsePathStyle = true // the engine has no bucket host names
		}),
	}
}

// outputs reads where the parts of a deployed stack are.
func (p *program) outputs(ctx context.Context, api cloudformation.DescribeStacksAPIClient) (Place, error) {
	name := p.target.stack
	out, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	switch {
	case err != nil && strings.Contains(err.Error(), "does not exist"):
		return Place{}, notFound("there is no stack %s in this account and region", name).
			hint("deploy it: make deploy STACK=%s", quote(name)).
			hint("or name another: --stack NAME --profile P --region R; for the stack of make run: --local")
	case err != nil:
		return Place{}, failed(err, "the outputs of stack %s cannot be read", name).
			hint("check the credentials: aws sts get-caller-identity").hint("for the stack of make run: --local")
	case len(out.Stacks) == 0:
		return Place{}, notFound("there is no stack %s in this account and region", name)
	}
	values := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		values[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	var missing []string
	get := func(key string) string {
		if values[key] == "" {
			missing = append(missing, key)
		}
		return values[key]
	}
	place := Place{
		APIURL: strings.TrimSuffix(get("ApiUrl"), "/"), TableName: get("TableName"),
		LiveQueueURL: get("LiveQueueUrl"), ReplayQueueURL: get("ReplayQueueUrl"), DLQURL: get("DlqUrl"),
		LiveQueueARN: get("LiveQueueArn"), DLQARN: get("DlqArn"),
		Bucket: get("BodyBucket"), ParameterPrefix: get("ParameterPrefix"),
		SweepGrace: values["SweepGrace"],
	}
	if text := values["RetentionDays"]; text != "" {
		if place.RetentionDays, err = strconv.Atoi(text); err != nil {
			return Place{}, failed(err, "the output RetentionDays of stack %s cannot be read", name)
		}
	}
	if len(missing) > 0 {
		return Place{}, failed(nil, "stack %s has no output %s: it is no receiver, or its deployment has not ended",
			name, strings.Join(missing, ", ")).hint("see: aws cloudformation describe-stacks --stack-name %s", quote(name))
	}
	return place, nil
}

// hookURL is the address that is entered in Smartlead.
func (s *Stack) hookURL(source, token string) string {
	return s.APIURL + "/webhooks/" + url.PathEscape(source) + "/" + url.PathEscape(token)
}
