//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const region = "us-east-1"

// engine is the emulator of AWS.
type engine struct {
	*process
	host string // 127.0.0.1:port
}

func (e *engine) url() string { return "http://" + e.host }

func startEngine(ctx context.Context, folder string) (*engine, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	e := &engine{host: "127.0.0.1:" + strconv.Itoa(port)}
	environment := append(awsEnvironment(e.url()),
		"BIND_HOST=127.0.0.1", "GATEWAY_PORT="+strconv.Itoa(port),
		"LAMBDA_EXECUTOR=local", "IOT_MTLS_ENABLED=0", "TMPDIR="+folder)
	if e.process, err = start(filepath.Join(folder, "ministack.log"), tool("ministack"), environment); err != nil {
		return nil, err
	}
	healthy := func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url()+"/_ministack/health", http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("health is %s", response.Status)
		}
		return nil
	}
	if err := e.until(healthy, time.Minute); err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

// awsEnvironment is this process's environment without anything of AWS, so
// that no account of the developer's is ever reached.
func awsEnvironment(endpoint string) []string {
	kept := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "AWS_") || strings.HasPrefix(entry, "SAM_")
	})
	return append(kept,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL="+endpoint, "SAM_CLI_TELEMETRY=0")
}
