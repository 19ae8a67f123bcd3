//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/auth"
)

// runtimeEmulator runs one built bootstrap as Lambda does.
type runtimeEmulator struct {
	*process
	url string
}

// startRuntime runs a built function; of its environment, variables win.
func startRuntime(t *testing.T, name string, environment []string, variables map[string]string) *runtimeEmulator {
	t.Helper()
	invocations, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	runtimeAPI, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	environment = slices.Clone(environment)
	for key, value := range variables {
		environment = append(environment, key+"="+value)
	}
	address := "127.0.0.1:" + strconv.Itoa(invocations)
	p, err := start(filepath.Join(t.TempDir(), "rie.log"), tool("aws-lambda-rie"), environment,
		"--runtime-interface-emulator-address", address,
		"--runtime-api-address", "127.0.0.1:"+strconv.Itoa(runtimeAPI),
		filepath.Join(deployed.build, name+"Function", "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	listens := func() error {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
	if err := p.until(listens, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	return &runtimeEmulator{process: p, url: "http://" + address + "/2015-03-31/functions/function/invocations"}
}

// invoke posts an event and returns what the function returns.
func (r *runtimeEmulator) invoke(ctx context.Context, event []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(event))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var failure struct{ ErrorMessage, ErrorType string }
	if json.Unmarshal(text, &failure) == nil && failure.ErrorType != "" {
		return text, errors.New(failure.ErrorType + ": " + failure.ErrorMessage)
	}
	return text, nil
}

// What each file of events/ is answered; the file's name begins with the
// function's. The order is that of the runs.
var scenarioFiles = []struct{ file, want string }{
	{"receiver-accepted", `"statusCode":200`},
	{"receiver-duplicate", `"statusCode":200`},
	{"receiver-array", `"statusCode":200`},
	{"receiver-base64", `"statusCode":200`},
	{"receiver-ready-get", `"statusCode":200`},
	{"receiver-bad-token", `"statusCode":401`},
	{"receiver-not-json", `"statusCode":400`},
	{"receiver-error-report", `"statusCode":200`},
	{"worker-batch-one-bad", `{"batchItemFailures":[{"itemIdentifier":"9b1d2c7a-0e84-4b6f-8f5e-3c2a7d9e1f02"}]}`},
	{"sweeper-tick", "null"},
	{"redrive-tick", "null"},
	{"reconcile-tick", "null"},
	{"archiver-tick", "null"},
}

func TestEachBuiltFunctionTakesItsEventFiles(t *testing.T) {
	const prefix = "/smartlead-receiver/event-files"
	addExampleToken(t)
	runtimes := map[string]*runtimeEmulator{}
	for _, name := range functions {
		f, err := deployed.function(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		variables := maps.Clone(f.Environment.Variables)
		if variables["PARAMETER_PREFIX"] != "" {
			variables["PARAMETER_PREFIX"] = prefix
			// Elsewhere the functions are held to what their own prefix allows.
			delete(variables, "AWS_ENDPOINT_URL_SSM")
		}
		runtimes[strings.ToLower(name)] = startRuntime(t, name, awsEnvironment(deployed.engine.url()), variables)
	}
	takeEventFiles(t, runtimes)
}

// takeEventFiles invokes each function with its files.
func takeEventFiles(t *testing.T, runtimes map[string]*runtimeEmulator) {
	t.Helper()
	for _, c := range scenarioFiles {
		t.Run(c.file, func(t *testing.T) {
			event, err := os.ReadFile(root("events", c.file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			function, _, _ := strings.Cut(c.file, "-")
			r := runtimes[function]
			got, err := r.invoke(t.Context(), event)
			if err != nil {
				t.Fatalf("%v\n%s", err, r.tail(30))
			}
			if !strings.Contains(string(got), c.want) {
				t.Errorf("answered %s, want %s\n%s", got, c.want, r.tail(30))
			}
		})
	}
}

func TestEveryEventFileIsRun(t *testing.T) {
	files, err := filepath.Glob(root("events", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("events/ has no file: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if name == "env" { // the environment of sam local, no event
			continue
		}
		if !slices.ContainsFunc(scenarioFiles, func(c struct{ file, want string }) bool { return c.file == name }) {
			t.Errorf("nothing says what %s is answered", name)
		}
	}
}

// exampleToken is the token of the event files.
const exampleToken = "slr_exampletokenexampletokenexamplet"

// addExampleToken lets the source of the stack take the token of the event files,
// until the test ends.
func addExampleToken(t *testing.T) {
	t.Helper()
	sources, err := deployed.sources(deployed.Clients)
	if err != nil {
		t.Fatal(err)
	}
	change := func(ctx context.Context, how func(auth.Source) (auth.Source, error)) {
		t.Helper()
		source, err := sources.Get(ctx, "demo")
		if err != nil {
			t.Fatal(err)
		}
		if source, err = how(source); err != nil {
			t.Fatal(err)
		}
		if err := sources.PutSource(ctx, source); err != nil {
			t.Fatal(err)
		}
	}
	change(t.Context(), func(s auth.Source) (auth.Source, error) { return s.AddToken(exampleToken, time.Now()) })
	t.Cleanup(func() {
		change(context.WithoutCancel(t.Context()), func(s auth.Source) (auth.Source, error) {
			example := auth.NewDigest(exampleToken)
			s.Tokens = slices.DeleteFunc(s.Tokens, func(d auth.Digest) bool { return d == example })
			return s, nil
		})
	})
}
