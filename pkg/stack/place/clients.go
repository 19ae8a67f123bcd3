package place

import (
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// Region is where everything local pretends to be.
const Region = "us-east-1"

// Endpoints are the base URLs of the engines that stand in for AWS.
type Endpoints struct {
	DynamoDB string
	SQS      string
	SSM      string
	S3       string
}

// LocalConfig looks at neither the environment nor an AWS profile, so that nothing
// local ever reaches a real account.
func LocalConfig() aws.Config {
	return aws.Config{
		Region:      Region,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

// Clients are the SDK clients of one set of endpoints.
type Clients struct {
	DynamoDB *dynamodb.Client
	SQS      *sqs.Client
	SSM      *ssm.Client
	S3       *s3.Client
}

// LocalClients builds the clients of one set of endpoints. It calls nobody.
func LocalClients(cfg aws.Config, e Endpoints) Clients {
	return Clients{
		DynamoDB: dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = &e.DynamoDB }),
		SQS:      sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = &e.SQS }),
		SSM:      ssm.NewFromConfig(cfg, func(o *ssm.Options) { o.BaseEndpoint = &e.SSM }),
		S3: s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.BaseEndpoint = &e.S3
			o.UsePathStyle = true // the engines have no bucket host names
		}),
	}
}

// DeployedClients builds the clients of an account, or of an engine that stands in for
// it. It calls nobody.
func DeployedClients(cfg aws.Config) Clients {
	return Clients{
		DynamoDB: dynamodb.NewFromConfig(cfg),
		SQS:      sqs.NewFromConfig(cfg),
		SSM:      ssm.NewFromConfig(cfg),
		// An engine has no bucket host names.
		S3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil || os.Getenv("AWS_ENDPOINT_URL") != "" }),
	}
}
