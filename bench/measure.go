package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// figures are what a subject shows, by name, each as often as it was measured.
type figures map[string][]float64

func (f figures) note(name string, value float64) { f[name] = append(f[name], value) }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

const mib = 1 << 20

// scene is one process among stores of its own.
type scene struct {
	*process
	stub  *stub
	token string
	next  int // number of the next payload
}

// stage holds what every scene needs.
type stage struct {
	root, dir string
	paths     map[string]string
	core      int
}

// newStores returns stores with one source, and the token of its URL.
func (st stage) newStores(ctx context.Context, secure bool) (*stub, string, error) {
	certificate, err := newCertificate(st.root, st.dir)
	if err != nil {
		return nil, "", err
	}
	if !secure {
		certificate = nil
	}
	s, err := newStub(ctx, certificate)
	if err != nil {
		return nil, "", err
	}
	out, err := st.operate(ctx, s, "sources", "add", source, "--json")
	if err != nil {
		return nil, "", err
	}
	var added struct {
		WebhookURL string `json:"webhook_url"`
	}
	if err := json.Unmarshal(out, &added); err != nil {
		return nil, "", fmt.Errorf("sources add: %w", err)
	}
	return s, added.WebhookURL[strings.LastIndexByte(added.WebhookURL, '/')+1:], nil
}

// operate runs the operator's tool on the stores, so that they hold what a
// deployment's would.
func (st stage) operate(ctx context.Context, s *stub, args ...string) ([]byte, error) {
	local := filepath.Join(st.dir, ".local")
	if err := os.MkdirAll(local, 0o700); err != nil {
		return nil, err
	}
	place := must(json.Marshal(map[string]any{
		"webhook_url":       "http://127.0.0.1:1/webhooks/demo/slr_exampletokenexampletokenexamplet",
		"dynamodb_endpoint": s.addresses["DYNAMODB"], "sqs_endpoint": s.addresses["SQS"],
		"ssm_endpoint": s.addresses["SSM"], "s3_endpoint": s.addresses["S3"], "region": "us-east-1",
		"table_name": "bench", "live_queue_url": queueURL("live"), "replay_queue_url": queueURL("replay"), "dlq_url": queueURL("dlq"),
		"live_queue_arn": "arn:aws:sqs:us-east-1:123456789012:bench-live", "dlq_arn": "arn:aws:sqs:us-east-1:123456789012:bench-dlq",
		"bucket": "bench", "parameter_prefix": "/smartlead-receiver/bench", "pid": os.Getpid(),
	}))
	if err := os.WriteFile(filepath.Join(local, "stack.json"), place, 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, st.paths["smartleadctl"], append([]string{"--local"}, args...)...)
	cmd.Dir = st.dir
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(st.dir, "bundle.pem"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("smartleadctl %v: %w\n%s", args, err, stderr.String())
	}
	return out, nil
}

func queueURL(name string) string {
	return "https://sqs.us-east-1.amazonaws.com/123456789012/bench-" + name
}

// begin starts a process of a function among stores.
func (st stage) begin(ctx context.Context, function string, s *stub, token string) (*scene, error) {
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE00", "AWS_SECRET_ACCESS_KEY": "not-a-secret-not-a-secret-not-a-secret-0",
		"AWS_SESSION_TOKEN": strings.Repeat("not-a-session-", 50), "AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_FUNCTION_NAME": "bench-" + function, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench", "TZ": ":UTC",
		"STACK_NAME": "bench", "TABLE_NAME": "bench", "BODY_BUCKET": "bench", "PARAMETER_PREFIX": "/smartlead-receiver/bench",
		"LIVE_QUEUE_URL": queueURL("live"), "REPLAY_QUEUE_URL": queueURL("replay"), "DLQ_URL": queueURL("dlq"), "WEBHOOK_TOKEN": token,
	}
	if resource := map[string]string{"receiver": "ReceiverFunction", "worker": "WorkerFunction"}[function]; resource != "" {
		set, err := settings(st.root, resource)
		if err != nil {
			return nil, err
		}
		maps.Copy(env, set)
	}
	// A program trusts the authorities of the system, and the bench's beside them. The
	// functions ask fewer first: those of Amazon, and again the bench's beside them.
	env["SSL_CERT_FILE"] = filepath.Join(st.dir, "bundle.pem")
	env["AWS_CA_BUNDLE"] = filepath.Join(st.dir, "amazon.pem")
	if function == "baseline" {
		delete(env, "AWS_CA_BUNDLE")
	}
	list := s.environment()
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	s.taken()
	p, err := start(ctx, st.paths[function], st.core, list)
	if err != nil {
		return nil, err
	}
	return &scene{process: p, stub: s, token: token}, nil
}

// fresh returns the event of a reply that was never there.
func (sc *scene) fresh() []byte {
	sc.next++
	return request(sc.token, payload(sc.next, bodyBytes))
}

// cold measures a process from its start to its first response.
func (sc *scene) cold(f figures, prefix string, event []byte) error {
	f.note(prefix+"exec to first poll, ms", ms(time.Since(sc.started)))
	init, err := sc.cpu()
	if err != nil {
		return err
	}
	r, _, err := sc.invoke(event)
	if err != nil {
		return err
	}
	f.note(prefix+"exec to first response, ms", ms(r.at.Sub(sc.started)))
	all, err := sc.cpu()
	if err != nil {
		return err
	}
	f.note(prefix+"init CPU, ms", ms(init))
	f.note(prefix+"first invoke CPU, ms", ms(all-init))
	f.note(prefix+"init + first CPU, ms", ms(all))
	f.note(prefix+"calls until the first response", sum(sc.stub.taken()))
	return nil
}

// runner is a scene whose invocations are measured beside those of another.
type runner struct {
	*scene
	f     figures
	event func() []byte
}

// slice is how many invocations one subject has before it is the turn of the next:
// few, so that what else the machine does meets all alike.
const slice = 20

// series measures n invocations of each runner, after some that do not count, in
// turns.
func series(name string, warmUp, n int, runners ...runner) error {
	took := make([][]time.Duration, len(runners))
	used := make([]time.Duration, len(runners))
	logged := make([]int64, len(runners))
	for i, r := range runners {
		for range warmUp {
			if _, _, err := r.invoke(r.event()); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		r.stub.taken()
		logged[i] = r.logged.bytes
	}
	for done := 0; done < n; done += slice {
		for i, r := range runners {
			before, err := r.cpu()
			if err != nil {
				return err
			}
			for range min(slice, n-done) {
				_, d, err := r.invoke(r.event())
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				took[i] = append(took[i], d)
			}
			after, err := r.cpu()
			if err != nil {
				return err
			}
			used[i] += after - before
		}
	}
	for i, r := range runners {
		slices.Sort(took[i])
		r.f.note(name+" CPU, ms", ms(used[i])/float64(n))
		r.f.note(name+" p50, ms", ms(took[i][n/2]))
		r.f.note(name+" p99, ms", ms(took[i][n*99/100]))
		r.f.note(name+" calls", sum(r.stub.taken())/float64(n))
		r.f.note(name+" log bytes", float64(r.logged.bytes-logged[i])/float64(n))
	}
	return nil
}

func sum(calls map[string]int) (n float64) {
	for _, c := range calls {
		n += float64(c)
	}
	return n
}

func (sc *scene) resident(f figures, name string) error {
	now, peak, err := sc.memory()
	f.note(name+" RSS, MiB", float64(now)/mib)
	f.note(name+" RSS at most, MiB", float64(peak)/mib)
	return err
}
