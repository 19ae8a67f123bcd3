package clitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Meter stands before a DynamoDB and counts what is read of it and written to it.
type Meter struct {
	*httptest.Server
	t      *testing.T
	Engine string // the URL of the DynamoDB
	mu     sync.Mutex
	use    Consumed
}

// Consumed is what was read and written since the last reset.
type Consumed struct {
	Units     float64            // read capacity, as the engine reports it
	Reads     int                // calls
	Writes    int                // calls
	Written   float64            // write capacity, as the engine reports it
	WrittenOf map[string]float64 // the same, by index, and of the table as "table"
	Said      string             // by the command, on stderr
}

// NewMeter returns a meter before the DynamoDB at that URL.
func NewMeter(t *testing.T, engine string) *Meter {
	m := &Meter{t: t, Engine: engine}
	m.Server = httptest.NewServer(http.HandlerFunc(m.forward))
	t.Cleanup(m.Close)
	return m
}

// Reset returns what was used since the last one.
func (m *Meter) Reset() Consumed {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.use
	m.use = Consumed{}
	return u
}

// forward asks for the consumed capacity beside whatever is asked.
func (m *Meter) forward(w http.ResponseWriter, r *http.Request) {
	var body map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		m.t.Errorf("the request cannot be read: %v", err)
	}
	body["ReturnConsumedCapacity"] = json.RawMessage(`"INDEXES"`)
	altered, err := json.Marshal(body)
	if err != nil {
		m.t.Error(err)
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, m.Engine+r.URL.Path, bytes.NewReader(altered))
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

func (m *Meter) count(operation string, status int, answer []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := &m.use.Units
	switch operation {
	case "GetItem", "Query", "BatchGetItem":
		m.use.Reads++
	case "PutItem", "UpdateItem", "DeleteItem":
		m.use.Writes++
		used = &m.use.Written
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
	*used += units
	if used == &m.use.Written {
		return m.byIndex(answer)
	}
	return nil
}

// byIndex notes what a write took of each index.
func (m *Meter) byIndex(answer []byte) error {
	type report struct{ CapacityUnits float64 }
	var one struct {
		ConsumedCapacity struct {
			Table                  report
			GlobalSecondaryIndexes map[string]report
		}
	}
	if err := json.Unmarshal(answer, &one); err != nil {
		return err
	}
	if m.use.WrittenOf == nil {
		m.use.WrittenOf = map[string]float64{}
	}
	m.use.WrittenOf["table"] += one.ConsumedCapacity.Table.CapacityUnits
	for name, index := range one.ConsumedCapacity.GlobalSecondaryIndexes {
		if index.CapacityUnits > 0 {
			m.use.WrittenOf[name] += index.CapacityUnits
		}
	}
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
