package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report holds what was measured.
type report struct {
	At       time.Time          `json:"at"`
	Machine  string             `json:"machine"`
	Rounds   int                `json:"rounds"`
	Invokes  int                `json:"invokes"`
	Subjects map[string]figures `json:"subjects"`
}

func newReport(o options) *report {
	return &report{
		At: time.Now().UTC().Truncate(time.Second), Machine: machine(), Rounds: o.rounds, Invokes: o.invokes,
		Subjects: map[string]figures{},
	}
}

func machine() string {
	model := runtime.GOARCH
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return model
	}
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", model, runtime.NumCPU(), runtime.GOOS, runtime.Version())
}

func (r *report) add(subject string, f figures) {
	if r.Subjects[subject] == nil {
		r.Subjects[subject] = figures{}
	}
	for name, values := range f {
		r.Subjects[subject][name] = append(r.Subjects[subject][name], values...)
	}
}

// median of a figure; false where it was not measured.
func (r *report) median(subject, name string) (float64, bool) {
	values := slices.Sorted(slices.Values(r.Subjects[subject][name]))
	if len(values) == 0 {
		return 0, false
	}
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2, true
}

// goal is a bound on a figure of a subject, or on its ratio to another figure.
type goal struct {
	subject, name string
	of, ofName    string
	bound         float64
}

var goals = []goal{
	{"receiver", "new event CPU, ms", "baseline", "new event CPU, ms", 0.95},
	{"receiver", "TLS: new event CPU, ms", "baseline", "TLS: new event CPU, ms", 0.95},
	{"receiver", "duplicate CPU, ms", "baseline", "duplicate CPU, ms", 0.9},
	{"receiver", "TLS: exec to first response, ms", "baseline", "TLS: exec to first response, ms", 0.5},
	{"receiver", "TLS: init + first CPU, ms", "baseline", "TLS: init + first CPU, ms", 0.6},
	{"receiver", "init + first CPU, ms", "baseline", "init + first CPU, ms", 0.6},
	{"receiver", "package, MB", "", "", 9},
	{"receiver", "new events RSS, MiB", "", "", 30},
	{"receiver", "array of 100 CPU, ms", "receiver", "new event CPU, ms", 25},
	{"worker", "batch of 10 to log CPU, ms", "receiver", "new event CPU, ms", 5},
	{"receiver", "ten bodies of 4.3 MB RSS at most, MiB", "", "", 256},
	{"worker", "ten bodies of 4.3 MB RSS at most, MiB", "", "", 256},
}

// write shows the medians, of an older report too where there is one.
func (r *report) write(out io.Writer, old *report) error {
	var failed error
	line := func(w io.Writer, format string, args ...any) {
		_, err := fmt.Fprintf(w, format, args...)
		failed = errors.Join(failed, err)
	}
	line(out, "%s\n%s\n%d rounds of %d invocations, medians\n\n", r.At.Format(time.RFC3339), r.Machine, r.Rounds, r.Invokes)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	line(table, "figure\treceiver\tbaseline\tratio\tworker\t")
	if old != nil {
		line(table, "receiver before\tchange\tworker before\tchange\t")
	}
	line(table, "\n")
	names := map[string]bool{}
	for _, subject := range []string{"receiver", "baseline", "worker"} {
		for name := range r.Subjects[subject] {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		line(table, "%s\t%s\t%s\t%s\t%s\t", name, show(r.median("receiver", name)), show(r.median("baseline", name)),
			show(ratio(r, "receiver", name, r, "baseline", name)), show(r.median("worker", name)))
		if old != nil {
			line(table, "%s\t%s\t%s\t%s\t", show(old.median("receiver", name)), show(ratio(r, "receiver", name, old, "receiver", name)),
				show(old.median("worker", name)), show(ratio(r, "worker", name, old, "worker", name)))
		}
		line(table, "\n")
	}
	failed = errors.Join(failed, table.Flush())
	line(out, "\n")
	for _, subject := range []string{"receiver", "worker", "sweeper", "redrive", "baseline"} {
		if size, ok := r.median(subject, "package, MB"); ok {
			line(out, "package of the %s: %.2f MB\n", subject, size)
		}
	}
	line(out, "\n")
	table = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, g := range goals {
		value, ok := g.value(r)
		if !ok {
			continue
		}
		verdict := "reached"
		if value > g.bound {
			verdict = "MISSED"
		}
		line(table, "%s\t%.3g\tat most %g\t%s\n", g.title(), value, g.bound, verdict)
	}
	return errors.Join(failed, table.Flush())
}

func (g goal) title() string {
	if g.of == "" {
		return g.subject + ": " + g.name
	}
	if g.ofName == g.name {
		return g.subject + " / " + g.of + ": " + g.name
	}
	return g.subject + ": " + g.name + " / " + g.of + ": " + g.ofName
}

func (g goal) value(r *report) (float64, bool) {
	if g.of == "" {
		return r.median(g.subject, g.name)
	}
	return ratio(r, g.subject, g.name, r, g.of, g.ofName)
}

// ratio of two medians; false where one was not measured or the second is zero.
func ratio(a *report, subject, name string, b *report, of, ofName string) (float64, bool) {
	x, okX := a.median(subject, name)
	y, okY := b.median(of, ofName)
	if !okX || !okY || y == 0 {
		return 0, false
	}
	return x / y, true
}

func show(value float64, ok bool) string {
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%.3g", value)
}
