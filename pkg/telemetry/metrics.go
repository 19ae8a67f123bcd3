package telemetry

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// unit is one of CloudWatch's.
type unit string

const (
	unitCount        unit = "Count"
	unitMilliseconds unit = "Milliseconds"
)

// These are the limits of the embedded metric format
// (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
const (
	maxMetrics        = 100 // names in one directive
	maxValues         = 100 // values of one name
	maxDimensionValue = 1024
)

// Metrics collects the metrics of one invocation and writes them as a log line
// of which CloudWatch makes metrics, without a call to an API. It is safe for
// concurrent use.
//
// Every distinct set of dimension values is a metric of its own, which is paid
// for: dimensions take names of which there are few, never an id or an address.
type Metrics struct {
	w         io.Writer
	namespace string
	base      map[string]string
	now       func() time.Time

	mu     sync.Mutex
	groups map[string]*group
}

// group holds the metrics of one set of dimension values.
type group struct {
	dimensions map[string]string
	series     map[string]*series
}

type series struct {
	unit   unit
	values []float64
}

// NewMetrics returns an empty collection. The base dimensions are on every
// metric. w gets whole lines, one Write each.
func NewMetrics(w io.Writer, namespace string, base map[string]string, now func() time.Time) *Metrics {
	return &Metrics{w: w, namespace: namespace, base: maps.Clone(base), now: now, groups: map[string]*group{}}
}

// Count adds n to a counter. A count of zero is written too, so that an alarm
// sees data. dims are pairs of name and value; a name without a value, and an
// empty value, count as "none".
func (m *Metrics) Count(name string, n int, dims ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.series(name, unitCount, dims)
	if len(s.values) == 0 {
		s.values = []float64{0}
	}
	s.values[0] += float64(n)
}

// Duration records one value of a distribution, in milliseconds. dims are as for
// Count.
func (m *Metrics) Duration(name string, d time.Duration, dims ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.series(name, unitMilliseconds, dims)
	s.values = append(s.values, float64(d)/float64(time.Millisecond))
}

// series finds or makes the series. The caller holds mu.
func (m *Metrics) series(name string, u unit, dims []string) *series {
	dimensions := maps.Clone(m.base)
	if dimensions == nil {
		dimensions = map[string]string{}
	}
	for i := 0; i < len(dims); i += 2 {
		value := ""
		if i+1 < len(dims) {
			value = Clean(dims[i+1], maxDimensionValue)
		}
		if value == "" { // CloudWatch refuses the whole line for an empty one
			value = "none"
		}
		dimensions[dims[i]] = value
	}
	var key strings.Builder
	for _, dimension := range slices.Sorted(maps.Keys(dimensions)) {
		fmt.Fprintf(&key, "%q=%q;", dimension, dimensions[dimension])
	}
	g := m.groups[key.String()]
	if g == nil {
		g = &group{dimensions: dimensions, series: map[string]*series{}}
		m.groups[key.String()] = g
	}
	s := g.series[name]
	if s == nil {
		s = &series{unit: u}
		g.series[name] = s
	}
	return s
}

// Flush writes what was collected and starts anew: one line for each set of
// dimension values, more only beyond the format's limits; nothing when nothing
// was collected. It is called once at the end of an invocation. After an error
// of the writer the collection is gone: metrics never hold up events.
func (m *Metrics) Flush() error {
	m.mu.Lock()
	groups := m.groups
	m.groups = map[string]*group{}
	m.mu.Unlock()

	at := m.now().UnixMilli()
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		for g := groups[key]; len(g.series) > 0; {
			line, err := json.Marshal(m.document(g, at))
			if err != nil {
				return fmt.Errorf("encode metrics: %w", err)
			}
			if _, err := m.w.Write(append(line, '\n')); err != nil {
				return fmt.Errorf("write metrics: %w", err)
			}
		}
	}
	return nil
}

type definition struct {
	Name string
	Unit unit
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type metadata struct {
	Timestamp         int64
	CloudWatchMetrics []directive
}

// document takes from the group what one line may hold.
func (m *Metrics) document(g *group, at int64) map[string]any {
	document := map[string]any{}
	for name, value := range g.dimensions {
		document[name] = value
	}
	d := directive{
		Namespace:  m.namespace,
		Dimensions: [][]string{slices.AppendSeq([]string{}, maps.Keys(g.dimensions))}, // [] and never null
	}
	slices.Sort(d.Dimensions[0])
	names := slices.Sorted(maps.Keys(g.series))
	for _, name := range names[:min(len(names), maxMetrics)] {
		s := g.series[name]
		d.Metrics = append(d.Metrics, definition{name, s.unit})
		part := s.values[:min(len(s.values), maxValues)]
		if document[name] = part; len(part) == 1 {
			document[name] = part[0]
		}
		if s.values = s.values[len(part):]; len(s.values) == 0 {
			delete(g.series, name)
		}
	}
	document["_aws"] = metadata{Timestamp: at, CloudWatchMetrics: []directive{d}}
	return document
}
