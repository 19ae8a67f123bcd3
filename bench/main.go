// Command bench measures the built functions as Lambda runs them, beside the plain
// program of bench/baseline, in one run whose rounds alternate between them.
//
//	make bench ARGS='-rounds 5 -json new.json -compare old.json'
//
// CPU is the process's own, so that it hardly depends on what else the machine does;
// ratios of one run hold where its times do not.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

type options struct {
	rounds, invokes, core int
	json, compare         string
	only                  string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how often each subject is started")
	flag.IntVar(&o.invokes, "invokes", 300, "measured invocations of a warm process a round")
	flag.IntVar(&o.core, "core", runtime.NumCPU()-1, "the core that subjects run on")
	flag.StringVar(&o.json, "json", "", "write the figures into `FILE`")
	flag.StringVar(&o.compare, "compare", "", "show the figures of `FILE`, an earlier -json, beside these")
	flag.StringVar(&o.only, "only", "", "measure only this `PART` (front or worker)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, o); err != nil {
		log.Fatal(err)
	}
}

func bench(ctx context.Context, o options) error {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("where is the module? %w", err)
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	st := stage{root: strings.TrimSpace(string(out)), dir: dir, core: o.core}
	if st.paths, err = build(ctx, st.root, dir); err != nil {
		return err
	}
	report := newReport(o)
	for subject, path := range st.paths {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if filepath.Base(path) == "bootstrap" {
			report.add(subject, figures{"package, MB": {float64(info.Size()) / 1e6}})
		}
	}
	for round := range o.rounds {
		for name, measure := range map[string]func(context.Context, stage, options) (map[string]figures, error){"front": front, "worker": worker} {
			if o.only != "" && o.only != name {
				continue
			}
			began := time.Now()
			all, err := measure(ctx, st, o)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for subject, f := range all {
				report.add(subject, f)
			}
			log.Printf("round %d of %d: %s, %s", round+1, o.rounds, name, time.Since(began).Round(time.Millisecond))
		}
	}
	return finish(o, report)
}

func finish(o options, r *report) error {
	var old *report
	if o.compare != "" {
		form, err := os.ReadFile(o.compare)
		if err != nil {
			return err
		}
		old = new(report)
		if err := json.Unmarshal(form, old); err != nil {
			return fmt.Errorf("%s: %w", o.compare, err)
		}
	}
	err := r.write(os.Stdout, old)
	if o.json != "" {
		form := must(json.MarshalIndent(r, "", "  "))
		err = errors.Join(err, os.WriteFile(o.json, append(form, '\n'), 0o600))
	}
	return err
}
