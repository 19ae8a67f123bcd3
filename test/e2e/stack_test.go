//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"smartlead-receiver/pkg/stack/place"
)

const stackName = "e2e"

// stack is the deployed template.
type stack struct {
	engine  *engine
	build   string // folder of what sam build made
	said    string // by sam deploy
	outputs map[string]string
	token   string            // of the source "demo"
	watches map[string]*watch // of each function
	tools   map[string]*watch // of the operator's tool, by the policy in deploy/
	place.Clients
}

// deployParameters make waiting bearable: every wait of an event is seconds.
var deployParameters = []string{
	"Architecture=" + architecture(), "DeletionProtection=false",
	"MaxAttempts=2", "RetryBase=1s", "RetryMax=2s", "SweepGrace=5s",
	"ReconcileRepair=synthesize", "Archive=on",
}

func architecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return "arm64"
}

// samBuild builds the project into folder, with the target machine told to make.
func samBuild(ctx context.Context, folder string) (string, error) {
	build := filepath.Join(folder, "build")
	environment := append(awsEnvironment("http://127.0.0.1:1"), "ARCHITECTURE="+architecture())
	_, err := run(ctx, root(), environment, tool("sam"), "build",
		"--build-dir", build, "--parameter-overrides", "Architecture="+architecture())
	return build, err
}

func deploy(ctx context.Context, e *engine, build string) (*stack, error) {
	args := append([]string{
		"deploy", "--config-file", root("samconfig.toml"), "--template-file", filepath.Join(build, "template.yaml"),
		"--stack-name", stackName, "--no-confirm-changeset", "--parameter-overrides",
	}, deployParameters...)
	said, err := run(ctx, root(), awsEnvironment(e.url()), tool("sam"), args...)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, e.tail(40))
	}
	shared := sharedConfig(e.url())
	s := &stack{engine: e, build: build, said: said, outputs: map[string]string{}, Clients: place.DeployedClients(shared)}
	described, err := cloudformation.NewFromConfig(shared).DescribeStacks(ctx,
		&cloudformation.DescribeStacksInput{StackName: aws.String(stackName)})
	if err != nil {
		return nil, err
	}
	for _, output := range described.Stacks[0].Outputs {
		s.outputs[*output.OutputKey] = *output.OutputValue
	}
	return s, nil
}

func sharedConfig(endpoint string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// request asks the deployed API. The engine tells APIs apart by the Host header,
// so that the stack's host name needs no entry in any name service.
func (s *stack) request(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.engine.url()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Host = s.outputs["ApiId"] + ".execute-api.localhost" + s.engine.host[len("127.0.0.1"):]
	return http.DefaultClient.Do(request)
}

// service calls a service of the engine for which the project has no client. Headers
// are names and values in turn.
func (s *stack) service(ctx context.Context, name, method, path string, body []byte, headers ...string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.engine.url()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	key := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	if err := v4.NewSigner().SignHTTP(ctx, key, request, "UNSIGNED-PAYLOAD", name, region, time.Now()); err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		err = errors.New(response.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", method, path, err, answer)
	}
	return answer, nil
}

// invoke runs a deployed function as a schedule does, and waits for its end.
func (s *stack) invoke(ctx context.Context, output string) ([]byte, error) {
	event := []byte(`{"version":"0","id":"e2e","detail-type":"Scheduled Event","source":"aws.events",` +
		`"time":"2026-01-02T03:04:05Z","region":"us-east-1","resources":[],"detail":{}}`)
	return s.service(ctx, "lambda", http.MethodPost, "/2015-03-31/functions/"+s.outputs[output]+"/invocations", event)
}
