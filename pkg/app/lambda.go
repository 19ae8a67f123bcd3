package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
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
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	dialer.Open(ctx, hosts(at.dynamodb, at.sqs)...)
	return Env{
		Config: cfg, Log: log, Metrics: cmp.Or(cfg.Stack, DefaultNamespace),
		Clients: Clients{
			DynamoDB: awswire.NewDynamoDB(wire, at.dynamodb), SQS: awswire.NewSQS(wire, at.sqs),
			S3: awswire.NewS3(wire, at.s3, in.engine("S3") != ""), SSM: awswire.NewSSM(wire, at.ssm),
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
	fips        bool // endpoints of validated cryptography are asked for
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
		fips:        strings.EqualFold(getenv("AWS_USE_FIPS_ENDPOINT"), "true"),
		getenv:      getenv,
	}, nil
}

// engine names an engine that stands in for a service, "" for none
// (docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
func (s surroundings) engine(service string) string {
	return cmp.Or(s.getenv("AWS_ENDPOINT_URL_"+service), s.getenv("AWS_ENDPOINT_URL"))
}

// endpoints are where the services are.
type endpoints struct{ dynamodb, sqs, s3, ssm url.URL }

// endpoints are those of the SDK's rules, which the packages of the services hold, and
// those are not linked.
func (s surroundings) endpoints() (at endpoints, err error) {
	domain := domains[""]
	for prefix, of := range domains {
		if prefix != "" && strings.HasPrefix(s.region, prefix) {
			domain = of
		}
	}
	at = endpoints{dynamodb: s.named("dynamodb", domain), sqs: s.named("sqs", domain), s3: s.named("s3", domain), ssm: s.named("ssm", domain)}
	for service, one := range map[string]*url.URL{"DYNAMODB": &at.dynamodb, "SQS": &at.sqs, "S3": &at.s3, "SSM": &at.ssm} {
		if engine := s.engine(service); engine != "" {
			u, err := url.Parse(engine)
			if err != nil {
				return at, fmt.Errorf("where is the engine for %s? %w", service, err)
			}
			*one = *u
		}
	}
	return at, nil
}

// domains are those of AWS's partitions, by how the names of their regions begin.
var domains = map[string]string{
	"":         "amazonaws.com",
	"cn-":      "amazonaws.com.cn",
	"eusc-":    "amazonaws.eu",
	"us-iso-":  "c2s.ic.gov",
	"us-isob-": "sc2s.sgov.gov",
	"us-isof-": "csp.hci.ic.gov",
	"eu-isoe-": "cloud.adc-e.uk",
}

func (s surroundings) named(service, domain string) url.URL {
	// In GovCloud the plain names, but that of S3, are those of validated cryptography.
	if s.fips && !(service != "s3" && strings.HasPrefix(s.region, "us-gov-")) {
		service += "-fips"
	}
	return url.URL{Scheme: "https", Host: service + "." + s.region + "." + domain}
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
