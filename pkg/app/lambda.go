package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"smartlead-receiver/pkg/app/awsnet"
	"smartlead-receiver/pkg/app/awswire"
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
	in, err := readSurroundings(os.Getenv)
	if err != nil {
		return Env{}, err
	}
	at, err := in.endpoints()
	if err != nil {
		return Env{}, err
	}
	log := telemetry.NewLogger(os.Stdout, cfg.LogLevel)
	slog.SetDefault(log)
	wire := awswire.Config{
		Region: in.region, Credentials: in.credentials, HTTP: dialer.Client(), Retryer: retryer,
		TraceID: func() string { return os.Getenv("_X_AMZN_TRACE_ID") },
	}
	store := awswire.NewS3(wire, at.s3, in.engine("S3") != "")
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	dialer.Open(ctx, hosts(at.dynamodb, at.sqs)...)
	return Env{
		Config: cfg, Log: log, Metrics: cmp.Or(cfg.Stack, DefaultNamespace),
		Clients: Clients{
			DynamoDB: awswire.NewDynamoDB(wire, at.dynamodb), SQS: awswire.NewSQS(wire, at.sqs),
			S3: store, Archive: store, SSM: awswire.NewSSM(wire, at.ssm),
			AWS: awswire.NewCaller(wire, awswire.Places{Getenv: os.Getenv}.At),
		},
	}, nil
}

// retryer returns the SDK's retry policy of a function.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = sdkAttempts
		o.MaxBackoff = sdkMaxBackoff
	})
}

// surroundings are what Lambda tells a function of AWS. The SDK's module config
// reads it as well, and links with it what signs in a person: a quarter of the package,
// and a quarter of the time to start.
type surroundings struct {
	region      string
	credentials aws.CredentialsProvider
	getenv      func(string) string
}

func readSurroundings(getenv func(string) string) (surroundings, error) {
	id, secret, region := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_REGION")
	if id == "" || secret == "" || region == "" {
		return surroundings{}, errors.New("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION are needed: Lambda sets them")
	}
	return surroundings{
		region:      region,
		credentials: credentials.NewStaticCredentialsProvider(id, secret, getenv("AWS_SESSION_TOKEN")),
		getenv:      getenv,
	}, nil
}

// engine names an engine that stands in for a service, "" for none.
func (s surroundings) engine(service string) string {
	return awswire.Places{Getenv: s.getenv}.Engine(service)
}

// endpoints are where the services are.
type endpoints struct{ dynamodb, sqs, s3, ssm url.URL }

func (s surroundings) endpoints() (at endpoints, err error) {
	places := awswire.Places{Getenv: s.getenv}
	for service, one := range map[string]*url.URL{"dynamodb": &at.dynamodb, "sqs": &at.sqs, "s3": &at.s3, "ssm": &at.ssm} {
		if *one, err = places.At(service, s.region); err != nil {
			return at, err
		}
	}
	return at, nil
}

// hosts returns the hosts of endpoints, "name:port", as far as they are reached over
// TLS and without a proxy.
func hosts(endpoints ...url.URL) []string {
	var hosts []string
	for _, at := range endpoints {
		if at.Scheme != "https" || os.Getenv("HTTPS_PROXY")+os.Getenv("https_proxy") != "" {
			continue
		}
		if at.Port() == "" {
			at.Host += ":443"
		}
		hosts = append(hosts, at.Host)
	}
	return hosts
}
