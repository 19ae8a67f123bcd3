package stack

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go/logging"

	"smartlead-receiver/pkg/app/awswire"
	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/erasure"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/objects"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/stack/deployment"
	"smartlead-receiver/pkg/stack/place"
	"smartlead-receiver/pkg/webhook"
)

// Stack is a receiver that a person's tool speaks to. It is safe for concurrent
// use.
type Stack struct {
	Place
	Ledger       *ledger.Ledger
	Queues       *queue.Queues
	Sources      *sourcestore.Sources
	Destinations *sourcestore.Destinations
	Notices      *sourcestore.Destinations // the targets of notices
	APIKey       *sourcestore.APIKey       // of Smartlead's API
	Bodies       *bodies.Store
	Redrive      *redrive.Service
	DeadLetters  redrive.DeadLetterLook
	Operator     *operator.Service
	Incidents    *incident.Store
	Silences     *incident.Silences
	Repair       *repair.Service
	// ArchiveAt is the archive at a place; archive.Standing says where it is.
	ArchiveAt  func(archive.Place) Archive
	AWS        destination.AWS        // what destinations call, with the rights of whoever runs the tool
	Deployment *deployment.Deployment // nil: a local stack, or one of an older version
}

// Archive is what is archived at a place.
type Archive struct {
	*archive.Service
	Objects archive.Objects
}

// Env is what the use cases take from their surroundings.
type Env struct {
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) // returns early when ctx ends
	Nonce func() (string, error)
	// Types are those of destinations, which know what they keep of a lead: required where
	// leads are forgotten.
	Types destination.Types
}

// ConnectLocal finds the local stack of a state directory. It returns *Error, and
// calls nobody.
func ConnectLocal(stateDir string, env Env) (*Stack, error) {
	at, err := readLocal(stateDir)
	if err != nil {
		return nil, err
	}
	cfg := place.LocalConfig()
	cfg.Logger = logging.Nop{} // a person reads our words; errors are returned
	if at.Region != "" {
		cfg.Region = at.Region
	}
	c := place.LocalClients(cfg, place.Endpoints{
		DynamoDB: at.DynamoDBEndpoint, SQS: at.SQSEndpoint, SSM: at.SSMEndpoint, S3: at.S3Endpoint,
	})
	s, err := build(at, c, env)
	if err == nil {
		s.AWS = LocalAWS(place.Endpoints{SQS: at.SQSEndpoint, SSM: at.SSMEndpoint})
	}
	return s, err
}

// LocalAWS calls the engines of a local stack: that of Parameter Store has every service
// beside SQS.
func LocalAWS(e place.Endpoints) destination.AWS {
	return caller(place.LocalConfig(), func(service, _ string) (url.URL, error) {
		text := e.SSM
		if service == "sqs" {
			text = e.SQS
		}
		at, err := url.Parse(text)
		if err != nil {
			return url.URL{}, fmt.Errorf("where is the engine for %s? %w", service, err)
		}
		return *at, nil
	})
}

func caller(cfg aws.Config, at func(service, region string) (url.URL, error)) destination.AWS {
	return awswire.NewCaller(awswire.Config{Credentials: cfg.Credentials, HTTP: awshttp.NewBuildableClient()}, at)
}

// Deployed names a CloudFormation stack, and whose it is.
type Deployed struct {
	Name    string
	Profile string // "": the environment's
	Region  string // "": the profile's, or the environment's
}

// Connect finds a deployed stack by its outputs. It returns *Error.
func Connect(ctx context.Context, d Deployed, env Env) (*Stack, error) {
	shared, err := awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithSharedConfigProfile(d.Profile), awsconfig.WithRegion(d.Region),
		awsconfig.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, &Error{Reason: BadConfig, Name: d.Name, Err: err}
	}
	if shared.Region == "" {
		return nil, &Error{Reason: NoRegion, Name: d.Name}
	}
	at, names, err := readOutputs(ctx, cloudformation.NewFromConfig(shared), d.Name)
	if err != nil {
		return nil, err
	}
	at.Region = shared.Region
	s, err := build(at, place.DeployedClients(shared), env)
	if err == nil {
		s.AWS = caller(shared, awswire.Places{Getenv: os.Getenv}.At)
	}
	if err == nil && names.Worker != "" && names.AlarmTopic != "" {
		s.Deployment = deployment.New(shared, s.AWS, names)
	}
	return s, err
}

// readOutputs reads where the parts of a deployed stack are.
func readOutputs(ctx context.Context, api cloudformation.DescribeStacksAPIClient, name string) (Place, deployment.Names, error) {
	out, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	switch {
	case err != nil && strings.Contains(err.Error(), "does not exist"):
		return Place{}, deployment.Names{}, &Error{Reason: NoStack, Name: name}
	case err != nil:
		return Place{}, deployment.Names{}, &Error{Reason: NoOutputs, Name: name, Err: err}
	case len(out.Stacks) == 0:
		return Place{}, deployment.Names{}, &Error{Reason: NoStack, Name: name}
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
	at := Place{
		APIURL: strings.TrimSuffix(get("ApiUrl"), "/"), TableName: get("TableName"),
		LiveQueueURL: get("LiveQueueUrl"), ReplayQueueURL: get("ReplayQueueUrl"), DLQURL: get("DlqUrl"),
		LiveQueueARN: get("LiveQueueArn"), DLQARN: get("DlqArn"),
		Bucket: get("BodyBucket"), ParameterPrefix: get("ParameterPrefix"),
		ArchiveBucket: values["ArchiveBucket"], ArchivePrefix: values["ArchivePrefix"],
		ParameterKey: values["ParameterKey"], SweepGrace: values["SweepGrace"],
	}
	if text := values["RetentionDays"]; text != "" {
		if at.RetentionDays, err = strconv.Atoi(text); err != nil {
			return Place{}, deployment.Names{}, fmt.Errorf("the output RetentionDays of stack %s cannot be read: %w", name, err)
		}
	}
	if len(missing) > 0 {
		return Place{}, deployment.Names{}, &Error{Reason: MissingOutputs, Name: name, Outputs: missing}
	}
	names := deployment.Names{Stack: name, Worker: values["WorkerFunctionName"], LiveARN: at.LiveQueueARN, AlarmTopic: values["AlarmTopicArn"], Comparison: values["ReconcileRuleName"]}
	for key, value := range values {
		if strings.HasSuffix(key, "FunctionName") {
			names.Functions = append(names.Functions, value)
		}
	}
	slices.Sort(names.Functions)
	return at, names, nil
}

// build makes the adapters and the use cases of a stack.
func build(at Place, c place.Clients, env Env) (*Stack, error) {
	if err := readTimes(&at); err != nil {
		return nil, err
	}
	s := &Stack{Place: at}
	s.Ledger = ledger.New(awssdk.DynamoDB{Client: c.DynamoDB}, at.TableName)
	s.Queues = queue.New(awssdk.SQS{Client: c.SQS}, queue.URLs{Live: at.LiveQueueURL, Replay: at.ReplayQueueURL, Dead: at.DLQURL})
	parameters := ssmstore.New(c.SSM)
	var err error
	if s.Destinations, err = sourcestore.NewDestinations(parameters, at.ParameterPrefix, at.ParameterKey); err != nil {
		return nil, fmt.Errorf("the stack's parameter prefix %q: %w", at.ParameterPrefix, err)
	}
	if s.APIKey, err = sourcestore.NewAPIKey(parameters, at.ParameterPrefix, at.ParameterKey); err != nil {
		return nil, err
	}
	if s.Notices, err = sourcestore.NewNotices(parameters, at.ParameterPrefix, at.ParameterKey); err != nil {
		return nil, fmt.Errorf("the stack's parameter prefix %q: %w", at.ParameterPrefix, err)
	}
	s.Sources, err = sourcestore.NewSources(sourcestore.Backing{
		Documents: s.Ledger, Objects: c.S3, Bucket: at.Bucket,
		Parameters: parameters, Prefix: at.ParameterPrefix, KeyID: at.ParameterKey, Now: env.Now,
	})
	if err != nil {
		return nil, err
	}
	if s.Bodies, err = bodies.New(c.S3, at.Bucket); err != nil {
		return nil, err
	}
	policy := redrive.DefaultPolicy
	policy.Grace = at.Grace
	s.Redrive = redrive.New(redrive.Ports{
		Ledger: s.Ledger, DeadEvents: s.Ledger, Documents: s.Ledger, Queue: s.Queues, Now: env.Now, Sleep: env.Sleep,
	}, policy)
	s.Incidents = incident.NewStore(s.Ledger, env.Now)
	s.Silences = incident.NewSilences(s.Ledger, env.Now)
	s.DeadLetters = redrive.DeadLetterLook{Ledger: s.Ledger, Queue: s.Queues}
	s.ArchiveAt = func(place archive.Place) Archive {
		in := objects.New(c.S3, place)
		return Archive{Objects: in, Service: archive.New(archive.Ports{
			Ledger: s.Ledger, Bodies: s.Bodies, Documents: s.Ledger, Objects: in, Normalize: normalize, Now: env.Now,
		}, archive.DefaultPolicy.EachHolding(at.Every))}
	}
	archived := &archive.Erasure{
		Documents: s.Ledger, Open: func(place archive.Place) archive.Erasable { return objects.NewErasable(c.S3, place) },
		Now: env.Now, Nonce: env.Nonce, Sleep: env.Sleep,
	}
	s.Operator = operator.New(operator.Ports{
		Events: s.Ledger, Revivals: s.Ledger, Judgements: s.Ledger, Variants: s.Ledger, HeldEvents: heldEvents{s.Ledger}, HandOvers: s.Ledger,
		LeadEvents: leadEvents{s.Ledger}, Erasures: s.Ledger, Refusals: s.Ledger, Incidents: s.Incidents, Findings: scheduled.Findings{Documents: s.Ledger, Now: env.Now}, Archive: archived, Records: s.erased(),
		Traces: traces{s.Ledger, s.Destinations, env},
		Bodies: s.Bodies, Queue: s.Queues, Sources: s.Sources, Now: env.Now, Nonce: env.Nonce, Sleep: env.Sleep,
	}, operator.Policy{Grace: at.Grace, Retention: at.Retention})
	s.Repair = s.newRepair(env)
	return s, nil
}

func normalize(body []byte, account string) (webhook.Event, error) {
	return smartlead.Normalize(body, smartlead.Options{Account: account})
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

// leadEvents lists the events of a lead by the ledger's index.
type leadEvents struct{ *ledger.Ledger }

func (l leadEvents) OfLead(ctx context.Context, address, after string, now time.Time) (operator.LeadPage, error) {
	page, err := l.List(ctx, ledger.Query{Lead: address, Variants: true, After: after, Limit: leadPage, Now: now})
	return operator.LeadPage{Records: page.Records, ByVariant: page.ByVariant, Unreadable: page.Unreadable, Next: page.Next}, err
}

// leadPage is how many events of a lead are held at once.
const leadPage = 100

// erased are the records of who was erased.
func (s *Stack) erased() erasure.Records { return erasure.Records{Documents: s.Ledger, Key: s.Sources} }
