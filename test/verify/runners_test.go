package verify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/destination/desthttp"
)

// built is where the examples are built, once for all tests.
var built string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "verify")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	built = dir
	return m.Run()
}

// runner runs one example.
type runner struct {
	name, file string
	// start returns what tells whether the example, with that secret, accepts a
	// request.
	start func(t *testing.T, secret string) func(*testing.T, request) bool
	// serve returns the URL of the example, where it is a server.
	serve func(t *testing.T, secret string) string
	// refusesToStart checks that a server does not run with that secret.
	refusesToStart func(t *testing.T, secret string)
}

var runners = []runner{
	server("Go", "verify.go", func(t *testing.T, file string) *exec.Cmd {
		binary := filepath.Join(built, "verify")
		once(t, binary, exec.Command("go", "build", "-o", binary, file))
		return exec.Command(binary)
	}),
	server("Python", "verify.py", func(t *testing.T, file string) *exec.Cmd {
		return exec.Command(need(t, "python3", "Install Python 3.10 or newer: https://www.python.org/downloads"), file)
	}),
	server("TypeScript", "verify.ts", func(t *testing.T, file string) *exec.Cmd {
		script := filepath.Join(built, "verify.js")
		once(t, script, exec.Command(node(t), tsc(t), "--strict", "--erasableSyntaxOnly", "--noUnusedLocals", "--target", "es2022",
			"--module", "nodenext", "--types", "node", "--typeRoots", filepath.Join(typescript, "@types"), "--outDir", built, file))
		return exec.Command(node(t), script)
	}),
	step("n8n", "n8n.js", "n8n.cjs"),
	step("Zapier", "zapier.js", "zapier.cjs"),
}

const typescript = "../../.tools/typescript/node_modules"

func node(t *testing.T) string {
	return need(t, "node", "Install Node.js 20 or newer: https://nodejs.org")
}

func tsc(t *testing.T) string {
	return need(t, typescript+"/typescript/bin/tsc", "`make tools` installs it")
}

// need returns where a program is. One that is missing ends the test: as
// skipped, and as failed where REQUIRE_ENGINES is 1.
func need(t *testing.T, program, hint string) string {
	t.Helper()
	var err error
	if strings.Contains(program, "/") {
		_, err = os.Stat(program)
	} else {
		_, err = exec.LookPath(program)
	}
	switch {
	case err == nil:
	case os.Getenv("REQUIRE_ENGINES") == "1":
		t.Fatalf("%s is missing. %s", program, hint)
	default:
		t.Skipf("%s is missing. %s", program, hint)
	}
	return program
}

// once runs what builds a file, unless it is there.
func once(t *testing.T, file string, cmd *exec.Cmd) {
	t.Helper()
	if _, err := os.Stat(file); err == nil {
		return
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

// server is an example that is a program with an HTTP server.
func server(name, file string, prepare func(*testing.T, string) *exec.Cmd) runner {
	command := func(t *testing.T, secret, port string) *exec.Cmd {
		cmd := prepare(t, filepath.Join(examples, file))
		cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret, "PORT="+port)
		return cmd
	}
	serve := func(t *testing.T, secret string) string {
		port := freePort(t)
		cmd := command(t, secret, port)
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait() // its output says why it ended
			close(ended)
		}()
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			<-ended
			if t.Failed() {
				t.Log(output.String())
			}
		})
		listens(t, port, ended)
		return "http://127.0.0.1:" + port + "/hooks/smartlead"
	}
	return runner{
		name: name, file: file, serve: serve,
		start: func(t *testing.T, secret string) func(*testing.T, request) bool {
			url := serve(t, secret)
			return func(t *testing.T, r request) bool { return post(t, url, r) }
		},
		refusesToStart: func(t *testing.T, secret string) {
			cmd := command(t, secret, "0")
			kill := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
			out, err := cmd.CombinedOutput()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || !exit.Exited() {
				t.Errorf("it does not refuse to start: %v\n%s", err, out)
			}
		},
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// listens waits until the port takes connections.
func listens(t *testing.T, port string, ended <-chan struct{}) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatal("the example ended")
		case <-deadline:
			t.Fatal("the example does not listen")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func post(t *testing.T, url string, r request) bool {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.header.Clone()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	switch res.StatusCode {
	case http.StatusNoContent:
		return true
	case http.StatusUnauthorized:
		return false
	}
	t.Fatalf("status %d", res.StatusCode)
	return false
}

// step is an example that a product runs for each request; harness, below
// testdata, gives it what the product does.
func step(name, file, harness string) runner {
	return runner{name: name, file: file, start: func(t *testing.T, secret string) func(*testing.T, request) bool {
		cmd := exec.Command(node(t), filepath.Join("testdata", harness), filepath.Join(examples, file))
		cmd.Env = append(os.Environ(), "NODE_FUNCTION_ALLOW_BUILTIN=crypto")
		cmd.Stderr = t.Output()
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = in.Close()
			if err := cmd.Wait(); err != nil {
				t.Errorf("the harness: %v", err)
			}
		})
		ask, answers := json.NewEncoder(in), json.NewDecoder(out)
		return func(t *testing.T, r request) bool {
			header := map[string]string{}
			for name := range r.header {
				header[name] = r.header.Get(name)
			}
			if err := ask.Encode(map[string]any{"headers": header, "body": r.body, "secret": secret}); err != nil {
				t.Fatal(err)
			}
			var answer answer
			if err := answers.Decode(&answer); err != nil {
				t.Fatal(err)
			}
			return answer.accepts(t, r)
		}
	}}
}

// answer is what a step put out, or why it failed.
type answer struct {
	Output *struct {
		ID string `json:"id"`
	}
	Error string
}

func (a answer) accepts(t *testing.T, r request) bool {
	t.Helper()
	if a.Output == nil {
		if a.Error != "the signature is not valid" && !strings.HasPrefix(a.Error, "put the signing secret into") {
			t.Errorf("it fails otherwise than by refusing: %q", a.Error)
		}
		return false
	}
	if a.Output.ID != r.header.Get(desthttp.HeaderID) {
		t.Errorf("it puts out the id %q", a.Output.ID)
	}
	return true
}
