// Package recording_test goes the way that the README promises, with the real
// command-line tool against the real local stack, and draws it:
//
//	go test ./test/recording -update    (make recording)
//
// writes docs/img/recording.svg. Without -update it checks that every command of
// the recording still does what the recording shows.
package recording_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"smartlead-receiver/pkg/cli"
)

var update = flag.Bool("update", false, "write docs/img/recording.svg")

const (
	pictures = "../../docs/img"
	columns  = 100
	// These stand in the recording for the ports that were free.
	shownCRM, shownAddress = "127.0.0.1:9999", "127.0.0.1:8080"
)

// consoleLink is the link to the console, which is another one each time.
var consoleLink = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/enter\?token=\S+`)

// world is a stack, its destination and what was seen so far.
type world struct {
	t      *testing.T
	dir    string
	crm    *httptest.Server
	broken atomic.Bool
	scenes []scene
	hide   *strings.Replacer
}

func TestRecording(t *testing.T) {
	picture, err := filepath.Abs(filepath.Join(pictures, "recording.svg"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir()}
	w.crm = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if w.broken.Load() {
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(w.crm.Close)
	w.start()

	w.scene("A lead replies")
	w.payload("reply.json", 1)
	w.say("send reply.json", "accepted")
	w.await("delivered", 1)
	w.scene("It is stored once, and delivered")
	w.say("events list", "delivered")
	w.scene("What became of it, attempt by attempt")
	w.say("events show "+w.id(), "delivered")

	w.broken.Store(true)
	w.scene("The CRM goes down; events are tried again, then die, and wait")
	w.payload("second.json", 2)
	w.payload("third.json", 3)
	w.say("send second.json third.json", "accepted")
	w.await("dead", 2)
	w.scene("What is dead, why, and what to do")
	w.say("dlq list", "http_503")

	w.broken.Store(false)
	w.scene("The CRM is back: bring them back, at a pace that it keeps up with")
	w.say("redrive start --yes", "")
	w.await("delivered", 3)
	w.awaitEnd()
	w.scene("The redrive is done")
	w.say("redrive status", "done")
	w.scene("Nothing was lost, nothing was applied twice")
	w.say("events list", "delivered")

	drawn := draw(w.scenes)
	if *update {
		if err := os.WriteFile(picture, []byte(drawn), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	committed, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	for _, scene := range w.scenes {
		if !strings.Contains(string(committed), escape(scene.caption)) {
			t.Errorf("%s does not have the scene %q: make recording", picture, scene.caption)
		}
	}
}

// start runs the local stack at a terminal. The recording shows its command line
// and what it says to a person, without the token.
func (w *world) start() {
	w.t.Helper()
	binary := filepath.Join(w.dir, "local")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/local").CombinedOutput(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	args := []string{"--destination", w.crm.URL + "/hook", "--max-attempts", "3", "--retry-base", "200ms"}
	cmd := exec.Command(binary, append([]string{"--addr", "127.0.0.1:0"}, args...)...)
	cmd.Dir = w.dir
	terminal, stdout, err := pty.Open()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := pty.Setsize(terminal, &pty.Winsize{Cols: columns, Rows: rows}); err != nil {
		w.t.Fatal(err)
	}
	w.sample()
	said := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = stdout, stdout
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	_ = stdout.Close()
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(said, terminal) // ends with the process, by an error
		close(read)
	}()
	w.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			w.t.Errorf("the stack did not stop cleanly: %v\n%s", err, said)
		}
		<-read
		_ = terminal.Close()
	})
	w.t.Chdir(w.dir) // the tool finds the stack as it does in a person's folder
	own := w.ready(said)
	token := own.Path[strings.LastIndexByte(own.Path, '/')+1:]
	w.poll(func() bool { return strings.Contains(said.String(), "Ctrl-C") }, "the stack says what to try")
	w.hide = strings.NewReplacer(strings.TrimPrefix(w.crm.URL, "http://"), shownCRM, own.Host, shownAddress, token, "…")
	w.scene("The whole receiver on this machine, with a CRM to deliver to")
	greeting, _, _ := strings.Cut(said.String(), "Ctrl-C")
	greeting = consoleLink.ReplaceAllString(greeting, "http://127.0.0.1:8081/enter?token=…")
	w.add("go run ./cmd/local "+strings.Join(args, " "), strings.Trim(greeting, "\r\n")+"Ctrl-C")
}

// sample puts the example that the stack points to where the stack looks for it.
func (w *world) sample() {
	w.t.Helper()
	const name = "events/payloads/help/reply.json"
	body, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Join(w.dir, name)), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, name), body, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// ready waits until the stack answers, and returns its webhook's URL.
func (w *world) ready(said *lockedBuffer) *url.URL {
	w.t.Helper()
	var stack struct {
		URL string `json:"webhook_url"`
	}
	began := time.Now()
	for ; ; time.Sleep(50 * time.Millisecond) {
		document, err := os.ReadFile(filepath.Join(".local", "stack.json"))
		if err == nil && json.Unmarshal(document, &stack) == nil {
			res, err := http.Get(stack.URL)
			if err == nil {
				_ = res.Body.Close()
				if res.StatusCode == http.StatusOK {
					break
				}
			}
		}
		if time.Since(began) > time.Minute {
			w.t.Fatalf("the stack is not ready: %v\n%s", err, said)
		}
	}
	own, err := url.Parse(stack.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	return own
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// run runs the tool as a person at a terminal does.
func (w *world) run(terminal bool, args ...string) (string, int) {
	var out bytes.Buffer
	code := cli.Main(w.t.Context(), cli.System{
		In: strings.NewReader(""), Out: &out, Err: &out, OutTerminal: terminal, ErrTerminal: terminal, Width: func() int { return columns },
		Getenv: func(name string) string { return map[string]string{"TERM": "xterm-256color"}[name] },
		Now:    time.Now, Sleep: sleep, Rand: rand.Reader, HTTP: http.DefaultTransport,
	}, append([]string{"--local"}, args...))
	return out.String(), code
}

func (w *world) scene(caption string) { w.scenes = append(w.scenes, scene{caption: caption}) }

func (w *world) add(command, output string) {
	last := &w.scenes[len(w.scenes)-1]
	last.steps = append(last.steps, step{w.hide.Replace(command), w.hide.Replace(output)})
}

// say runs a command and adds it to the scene. It must succeed, and say want.
func (w *world) say(command, want string) {
	w.t.Helper()
	out, code := w.run(true, strings.Fields(command)...)
	if code != 0 || !strings.Contains(out, want) {
		w.t.Fatalf("%s: exit %d, want %q in\n%s", command, code, want, out)
	}
	w.add("smartleadctl --local "+command, out)
}

func (w *world) payload(name string, n int) {
	w.t.Helper()
	at := time.Now().UTC().Format(time.RFC3339)
	body := fmt.Sprintf(`{"event_type":"EMAIL_REPLY","campaign_id":4100001,"campaign_name":"Spring outreach",
 "stats_id":"5b1f7a52-0c3e-4d9a-9a41-%012d","sl_lead_email":"%s@acme.example.com","from_email":"mira@outbound.example",
 "to_email":"%[2]s@acme.example.com","event_timestamp":"%s",
 "reply_message":{"message_id":"<%d@acme.example.com>","text":"Yes, tell me more.","time":"%[3]s"}}`,
		n, []string{"tom", "ana", "joe"}[n-1], at, n)
	if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

type listed struct {
	ID    string `json:"event_id"`
	State string `json:"state"`
}

func (w *world) list() (all []listed) {
	w.t.Helper()
	out, code := w.run(false, "events", "list", "--json")
	if code != 0 {
		w.t.Fatalf("exit %d: %s", code, out)
	}
	for line := range strings.Lines(out) {
		var event listed
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			w.t.Fatalf("%v: %s", err, line)
		}
		all = append(all, event)
	}
	return all
}

func (w *world) id() string { return w.list()[0].ID }

// await waits until n events are in the state.
func (w *world) await(state string, n int) {
	w.t.Helper()
	w.poll(func() bool {
		found := 0
		for _, event := range w.list() {
			if event.State == state {
				found++
			}
		}
		return found == n
	}, fmt.Sprintf("%d events are %s", n, state))
}

// awaitEnd waits until the redrive says that it is done.
func (w *world) awaitEnd() {
	w.t.Helper()
	w.poll(func() bool {
		out, code := w.run(false, "redrive", "status")
		return code == 0 && strings.Contains(out, "done")
	}, "the redrive is done")
}

func (w *world) poll(reached func() bool, what string) {
	w.t.Helper()
	for began := time.Now(); !reached(); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > 3*time.Minute {
			w.t.Fatalf("it did not come to pass that %s", what)
		}
	}
}
