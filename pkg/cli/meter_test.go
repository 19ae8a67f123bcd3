package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// startDynoxide runs the binary that DYNOXIDE names, the engine that counts
// capacity as DynamoDB does, until the test ends. It returns its URL.
func startDynoxide(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("DYNOXIDE")
	switch {
	case bin == "" && os.Getenv("REQUIRE_ENGINES") == "1":
		t.Fatal("DYNOXIDE does not name the engine's binary, and REQUIRE_ENGINES asks for it")
	case bin == "":
		t.Skip("DYNOXIDE does not name the engine's binary: `make test` installs it and runs this test")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, bin, "serve", "--host", "127.0.0.1", "--port", port)
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return "http://" + address
		}
		if time.Since(start) > 10*time.Second {
			t.Fatalf("%s does not listen on %s: %v", bin, address, err)
		}
	}
}

// meter stands before a DynamoDB and counts what is read of it.
type meter struct {
	*httptest.Server
	t      *testing.T
	engine string
	mu     sync.Mutex
	use    consumed
}

// consumed is what was read since the last reset.
type consumed struct {
	units float64 // read capacity, as the engine reports it
	reads int     // calls
	said  string  // by the command, on stderr
}

func newMeter(t *testing.T, engine string) *meter {
	m := &meter{t: t, engine: engine}
	m.Server = httptest.NewServer(http.HandlerFunc(m.forward))
	t.Cleanup(m.Close)
	return m
}

// reset returns what was read since the last one.
func (m *meter) reset() consumed {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.use
	m.use = consumed{}
	return u
}

// forward asks for the consumed capacity beside whatever is asked.
func (m *meter) forward(w http.ResponseWriter, r *http.Request) {
	var body map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		m.t.Errorf("the request cannot be read: %v", err)
	}
	body["ReturnConsumedCapacity"] = json.RawMessage(`"TOTAL"`)
	altered, err := json.Marshal(body)
	if err != nil {
		m.t.Error(err)
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, m.engine+r.URL.Path, bytes.NewReader(altered))
	if err != nil {
		m.t.Error(err)
		return
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		m.t.Error(err)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if err := m.count(operation, resp.StatusCode, answer); err != nil {
		m.t.Error(err)
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(answer)
}

func (m *meter) count(operation string, status int, answer []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch operation {
	case "GetItem", "Query", "BatchGetItem":
		m.use.reads++
	case "PutItem", "UpdateItem", "DeleteItem":
		return nil
	default:
		return fmt.Errorf("a command called %s", operation)
	}
	units, err := capacity(answer)
	if err == nil && units == 0 && status == http.StatusOK {
		err = errors.New("it reports no capacity")
	}
	if err != nil {
		return fmt.Errorf("the answer to %s: %w", operation, err)
	}
	m.use.units += units
	return nil
}

// capacity sums what an answer reports: one report, or one for each table.
func capacity(answer []byte) (float64, error) {
	type report struct{ CapacityUnits float64 }
	var one struct{ ConsumedCapacity report }
	if json.Unmarshal(answer, &one) == nil {
		return one.ConsumedCapacity.CapacityUnits, nil
	}
	var many struct{ ConsumedCapacity []report }
	if err := json.Unmarshal(answer, &many); err != nil {
		return 0, err
	}
	sum := 0.0
	for _, r := range many.ConsumedCapacity {
		sum += r.CapacityUnits
	}
	return sum, nil
}
