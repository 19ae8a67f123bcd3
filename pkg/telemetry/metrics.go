package telemetry

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// none is the value of a dimension that a line says nothing of: CloudWatch refuses
// the whole document for an empty one.
const none = "none"

// Recorder writes the lines of a function. A line with counts is a document of
// CloudWatch's embedded metric format at once: CloudWatch makes metrics of it,
// without a call to an API and without a line of their own
// (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
// It is safe for concurrent use.
type Recorder struct {
	Log       *slog.Logger
	Namespace string // of the metrics; empty: none are written
	Now       func() time.Time
}

// Count adds N to a metric, or measures N where the metric is no count.
//
// Every value of a dimension makes a metric of its own, which is paid for: a
// dimension takes names of which there are few, never an id or an address.
type Count struct {
	Name      string
	N         int
	Dimension string // the member of the line whose text is the dimension
}

// Line writes one line with these members, and the counts of what it tells. What
// is empty, zero or false is left out. A sampled invocation's line names its trace. Below the logger's level only the counts
// are written, so that a quieter log loses no metric.
func (r Recorder) Line(ctx context.Context, level slog.Level, msg string, counts []Count, members ...slog.Attr) {
	r.LineAt(ctx, r.Now(), level, msg, counts, members...)
}

// LineAt is Line for what happened at another time than now. CloudWatch takes what
// is up to two weeks old.
func (r Recorder) LineAt(ctx context.Context, at time.Time, level slog.Level, msg string, counts []Count, members ...slog.Attr) {
	if r.Namespace == "" {
		counts = nil
	}
	wanted := r.Log.Enabled(ctx, level)
	if !wanted && len(counts) == 0 {
		return
	}
	line := slog.NewRecord(at, level, msg, 0)
	if len(counts) > 0 {
		line.Time = time.Time{} // the document says it, as CloudWatch does: it is paid for by the byte
	}
	for _, m := range members {
		if wanted && !isZero(m.Value) || slices.ContainsFunc(counts, func(c Count) bool { return c.Dimension == m.Key }) {
			line.AddAttrs(withText(m))
		}
	}
	if id := traceID(ctx); id != "" && wanted {
		line.AddAttrs(slog.String("trace_id", id))
	}
	if len(counts) > 0 {
		line.AddAttrs(r.metrics(at, counts, members)...)
	}
	_ = r.Log.Handler().Handle(ctx, line) // as slog does: no unit of work fails for its line
}

// metrics returns the members that make a line a document of the format.
func (r Recorder) metrics(at time.Time, counts []Count, members []slog.Attr) []slog.Attr {
	var attrs []slog.Attr
	m := metadata{Timestamp: at.UnixMilli()}
	for _, c := range counts {
		attrs = append(attrs, slog.Int(c.Name, c.N))
		if !slices.ContainsFunc(members, func(a slog.Attr) bool { return a.Key == c.Dimension }) {
			attrs = append(attrs, slog.String(c.Dimension, none))
		}
		m.add(r.Namespace, c)
	}
	return append(attrs, slog.Any("_aws", m)) //nolint:sloglint // the format's word
}

// These are the members of a document, in the format's own words. A metric has no
// unit.
type (
	metadata struct {
		Timestamp         int64 // milliseconds
		CloudWatchMetrics []directive
	}
	directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []definition
	}
	definition struct{ Name string }
)

// add has counts of one dimension in one directive: a line is paid for by the byte.
func (m *metadata) add(namespace string, c Count) {
	for i, d := range m.CloudWatchMetrics {
		if d.Dimensions[0][0] == c.Dimension {
			m.CloudWatchMetrics[i].Metrics = append(d.Metrics, definition{c.Name})
			return
		}
	}
	m.CloudWatchMetrics = append(m.CloudWatchMetrics, directive{
		Namespace: namespace, Dimensions: [][]string{{c.Dimension}}, Metrics: []definition{{c.Name}},
	})
}

func withText(a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindString && a.Value.String() == "" {
		return slog.String(a.Key, none)
	}
	return a
}

func isZero(v slog.Value) bool {
	switch v.Kind() {
	case slog.KindString:
		return v.String() == ""
	case slog.KindInt64:
		return v.Int64() == 0
	case slog.KindBool:
		return !v.Bool()
	case slog.KindTime:
		return v.Time().IsZero()
	case slog.KindAny:
		return v.Any() == nil
	case slog.KindGroup, slog.KindDuration, slog.KindFloat64, slog.KindUint64, slog.KindLogValuer: // none that is zero is logged
	}
	return false
}
