// Package local is the whole service on one machine: an AWS-compatible engine
// inside the process, an HTTP front that builds the events of API Gateway, a
// poller that builds those of an SQS event source, and the schedules. It knows
// the functions by their handler signatures only. No function imports it.
package local

import (
	"context"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/sivchari/kumo"

	"smartlead-receiver/pkg/local/ordered"
	"smartlead-receiver/pkg/stack/place"
)

// Region is where everything local pretends to be.
const Region = place.Region

// Engine is the embedded AWS-compatible engine. It listens on a free port of
// the loopback interface (it offers no way to choose one) and keeps its data in
// memory: all engines of one process share it, and it ends with the process.
type Engine struct {
	URL    string // of the front that answers a Query from ordered indexes; every service is behind it
	Direct string // of the engine itself, for services other than DynamoDB
	front  *ordered.Front
}

// server is the one server of the process, which ends with it: a second would connect
// the services anew, which are the process's too, while the first may still work with
// them behind an answer.
var server = sync.OnceValue(kumo.NewServer)

// StartEngine starts the engine; Close ends it. It panics where the loopback
// interface has no free port, as the engine does.
func StartEngine() *Engine {
	front, err := ordered.Listen(context.Background(), server().URL)
	if err != nil {
		panic(err)
	}
	return &Engine{URL: front.URL, Direct: server().URL, front: front}
}

// Close stops listening at URL and waits for the requests in flight there.
func (e *Engine) Close() { e.front.Close() }

// Endpoints are the base URLs of the services that the stack uses.
type Endpoints = place.Endpoints

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
	config := place.LocalConfig()
	config.HTTPClient = &http.Client{Transport: transport}
	clients := place.LocalClients(config, endpoints)
	return &Clients{
		Endpoints: endpoints,
		Config:    config,
		DynamoDB:  clients.DynamoDB,
		SQS:       clients.SQS,
		SSM:       clients.SSM,
		S3:        clients.S3,
		transport: transport,
	}
}

// Close gives the idle connections back. The clients stay usable.
func (c *Clients) Close() { c.transport.CloseIdleConnections() }
