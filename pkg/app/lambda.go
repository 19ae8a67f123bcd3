package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

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

// Lambda reads the surroundings of a function that runs in Lambda. It returns an
// error that names every problem of the configuration: the function must not
// start.
func Lambda(ctx context.Context, need config.Part) (Env, error) {
	cfg, err := config.Read(os.Getenv, need)
	if err != nil {
		return Env{}, err
	}
	shared, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRetryer(retryer))
	if err != nil {
		return Env{}, fmt.Errorf("aws configuration: %w", err)
	}
	log := telemetry.NewLogger(os.Stdout, cfg.LogLevel)
	slog.SetDefault(log)
	return Env{Config: cfg, Clients: Connect(shared), Log: log, Metrics: cmp.Or(cfg.Stack, DefaultNamespace)}, nil
}

// retryer returns the SDK's retry policy of a function.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = sdkAttempts
		o.MaxBackoff = sdkMaxBackoff
	})
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
