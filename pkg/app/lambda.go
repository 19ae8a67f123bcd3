package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"smartlead-receiver/pkg/app/awsnet"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/telemetry"
)

// These bound the SDK's own retries inside a function, beside the caller's
// context. The receiver must have time left to enqueue what it could not claim.
const (
	sdkAttempts   = 3
	sdkMaxBackoff = time.Second
)

// DefaultNamespace is that of the metrics where the environment names no stack.
const DefaultNamespace = "smartlead-receiver"

// openTimeout bounds the connections that are opened before the first invocation.
// Lambda gives a start ten seconds; a call that finds no connection opens its own.
const openTimeout = time.Second

// Lambda reads the surroundings of a function that runs in Lambda, and opens its
// connections to DynamoDB and SQS. It returns an error that names every problem of the
// configuration: the function must not start.
func Lambda(ctx context.Context, need config.Part) (Env, error) {
	cfg, err := config.Read(os.Getenv, need)
	if err != nil {
		return Env{}, err
	}
	dialer, err := awsnet.NewDialer(os.Getenv("AWS_CA_BUNDLE"))
	if err != nil {
		return Env{}, err
	}
	shared, err := surroundings(os.Getenv)
	if err != nil {
		return Env{}, err
	}
	shared.HTTPClient = dialer.Client()
	log := telemetry.NewLogger(os.Stdout, cfg.LogLevel)
	slog.SetDefault(log)
	clients := Connect(shared)
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	dialer.Open(ctx, clients.hosts(ctx)...)
	return Env{Config: cfg, Clients: clients, Log: log, Metrics: cmp.Or(cfg.Stack, DefaultNamespace)}, nil
}

// retryer returns the SDK's retry policy of a function.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = sdkAttempts
		o.MaxBackoff = sdkMaxBackoff
	})
}

// surroundings reads what Lambda tells a function of AWS. The SDK's module config does
// it as well, and links with it what signs in a person: a quarter of the package, and a
// quarter of the time to start.
func surroundings(getenv func(string) string) (aws.Config, error) {
	id, secret, region := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_REGION")
	if id == "" || secret == "" || region == "" {
		return aws.Config{}, errors.New("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION are needed: Lambda sets them")
	}
	shared := aws.Config{
		Region:                     region,
		Credentials:                credentials.NewStaticCredentialsProvider(id, secret, getenv("AWS_SESSION_TOKEN")),
		Retryer:                    retryer,
		ConfigSources:              []any{environment{getenv}},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
	// The clients ask environment for an engine of their own alone: that of all services
	// they expect here.
	if engine := getenv("AWS_ENDPOINT_URL"); engine != "" {
		shared.BaseEndpoint = &engine
	}
	return shared, nil
}

// environment answers the SDK's clients what they ask of the environment beside.
type environment struct{ getenv func(string) string }

// GetServiceBaseEndpoint names an engine that stands in for a service
// (docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
func (e environment) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	name := "AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(service, " ", "_"))
	for _, v := range []string{e.getenv(name), e.getenv("AWS_ENDPOINT_URL")} {
		if v != "" {
			return v, true, nil
		}
	}
	return "", false, nil
}

// GetUseFIPSEndpoint tells whether endpoints of validated cryptography are asked for.
func (e environment) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	if strings.EqualFold(e.getenv("AWS_USE_FIPS_ENDPOINT"), "true") {
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateUnset, false, nil
}

// Connect builds every client from one configuration. An engine that stands in
// for AWS has no host names for buckets, so it gets their names in the path.
func Connect(shared aws.Config) Clients {
	return Clients{
		DynamoDB: dynamodb.NewFromConfig(shared),
		SQS:      sqs.NewFromConfig(shared),
		S3:       s3.NewFromConfig(shared, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil || os.Getenv("AWS_ENDPOINT_URL") != "" }),
		SSM:      ssm.NewFromConfig(shared),
	}
}

// hosts returns where DynamoDB and SQS are, "name:port", as far as they are reached
// over TLS and without a proxy.
func (c Clients) hosts(ctx context.Context) []string {
	var hosts []string
	add := func(at url.URL, err error) {
		if err != nil || at.Scheme != "https" || os.Getenv("HTTPS_PROXY")+os.Getenv("https_proxy") != "" {
			return // the first call tells what is wrong
		}
		if at.Port() == "" {
			at.Host += ":443"
		}
		hosts = append(hosts, at.Host)
	}
	d := c.DynamoDB.Options()
	table, err := d.EndpointResolverV2.ResolveEndpoint(ctx, dynamodb.EndpointParameters{
		Region: &d.Region, Endpoint: d.BaseEndpoint,
		UseFIPS: aws.Bool(d.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled), UseDualStack: aws.Bool(false),
	})
	add(table.URI, err)
	q := c.SQS.Options()
	queue, err := q.EndpointResolverV2.ResolveEndpoint(ctx, sqs.EndpointParameters{
		Region: &q.Region, Endpoint: q.BaseEndpoint,
		UseFIPS: aws.Bool(q.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled), UseDualStack: aws.Bool(false),
	})
	add(queue.URI, err)
	return hosts
}
