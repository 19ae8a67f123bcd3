// Package local is the whole service on one machine: an AWS-compatible engine
// inside the process, an HTTP front that builds the events of API Gateway, a
// poller that builds those of an SQS event source, and the schedules. It knows
// the functions by their handler signatures only. No function imports it.
package local

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/sivchari/kumo"
)

// Region is where everything local pretends to be.
const Region = "us-east-1"

// Engine is the embedded AWS-compatible engine. It listens on a free port of
// the loopback interface (it offers no way to choose one) and keeps its data in
// memory: all engines of one process share it, and it ends with the process.
// One must not start while another one of the process is at work.
type Engine struct {
	URL    string
	server *kumo.Server
}

// StartEngine starts the engine; Close ends it.
func StartEngine() *Engine {
	server := kumo.NewServer()
	return &Engine{URL: server.URL, server: server}
}

// Close stops listening and waits for the requests in flight.
func (e *Engine) Close() { e.server.Close() }

// Endpoints are the base URLs of the services that the stack uses.
type Endpoints struct {
	DynamoDB string
	SQS      string
	SSM      string
	S3       string
}

// Clients are the SDK clients of one set of endpoints. They look at neither
// the environment nor the AWS profile, so that nothing local ever reaches a
// real account.
type Clients struct {
	Endpoints Endpoints
	Config    aws.Config // region, credentials and HTTP client; without an endpoint
	DynamoDB  *dynamodb.Client
	SQS       *sqs.Client
	SSM       *ssm.Client
	S3        *s3.Client

	transport Transport
}

// Connect builds the clients. It calls nobody.
func Connect(endpoints Endpoints) *Clients {
	transport := NewTransport()
	config := aws.Config{
		Region:      Region,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  &http.Client{Transport: transport},
	}
	return &Clients{
		Endpoints: endpoints,
		Config:    config,
		DynamoDB: dynamodb.NewFromConfig(config, func(o *dynamodb.Options) {
			o.BaseEndpoint = aws.String(endpoints.DynamoDB)
		}),
		SQS: sqs.NewFromConfig(config, func(o *sqs.Options) { o.BaseEndpoint = aws.String(endpoints.SQS) }),
		SSM: ssm.NewFromConfig(config, func(o *ssm.Options) { o.BaseEndpoint = aws.String(endpoints.SSM) }),
		S3: s3.NewFromConfig(config, func(o *s3.Options) {
			o.BaseEndpoint = aws.String(endpoints.S3)
			o.UsePathStyle = true // the engines have no bucket host names
		}),
		transport: transport,
	}
}

// Close gives the idle connections back. The clients stay usable.
func (c *Clients) Close() { c.transport.CloseIdleConnections() }
