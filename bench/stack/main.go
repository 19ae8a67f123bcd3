// Command stack sends events to the local stack and says how many a second it
// accepts and delivers, what a backlog does to it, and which memory grows.
//
//	make bench/stack ARGS='-events 100000'
//
// The functions, the DynamoDB and the SQS are a process each, so that what the
// functions keep is told from what the stores keep. The destination holds every
// delivery back until all events are accepted, so that a backlog builds up, and
// answers at once from then on.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"smartlead-receiver/pkg/local"
)

// engineMode makes the program the SQS of another one.
const engineMode = "engine"

type options struct {
	events, senders int
	hold            time.Duration
	dynoxide        string
	inspect         func(ctx context.Context, dynamoDB string) error // before the engines end
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench/stack: ")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) == 2 && os.Args[1] == engineMode {
		serveQueues(ctx)
		return
	}
	var o options
	flag.IntVar(&o.events, "events", 100_000, "events to send")
	flag.IntVar(&o.senders, "senders", 16, "requests under way at a time")
	flag.DurationVar(&o.hold, "hold", 2*time.Second, "how long the destination takes until all events are accepted")
	flag.StringVar(&o.dynoxide, "dynoxide", os.Getenv("DYNOXIDE"), "`path` of the DynamoDB engine (make tools)")
	flag.Parse()
	if err := bench(ctx, o, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// serveQueues is the embedded engine, until the process is told to end.
func serveQueues(ctx context.Context) {
	engine := local.StartEngine()
	defer engine.Close()
	if _, err := os.Stdout.WriteString(engine.URL + "\n"); err != nil {
		return // nobody listens
	}
	<-ctx.Done()
}

// bench runs the whole measurement and writes its tables.
func bench(ctx context.Context, o options, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer r.stop()
	if err := r.sample("start"); err != nil {
		return err
	}
	began := time.Now()
	if err := r.sendAll(ctx); err != nil {
		return err
	}
	sent, backlog := time.Since(began), o.events-r.distinct()
	atOnce := o.events - backlog
	close(r.open)
	opened := time.Now()
	if err := r.awaitAll(ctx); err != nil {
		return err
	}
	drained := time.Since(opened)
	if o.inspect != nil {
		if err := o.inspect(ctx, r.dynamoDB); err != nil {
			return err
		}
	}
	return r.report(out, sent, drained, atOnce, backlog)
}

func (r *rig) report(out io.Writer, sent, drained time.Duration, atOnce, backlog int) error {
	first, last := r.samples[0], r.samples[len(r.samples)-1]
	perEvent := func(grown int) float64 { return float64(grown) / float64(r.events) }
	text := fmt.Sprintf(`| | |
|---|--:|
| accepted a second, of %d senders | %.0f |
| requests answered 503, and sent again | %d |
| backlog when all were accepted | %d |
| delivered from it a second | %.0f |
| deliveries beyond one of each event | %d |
| DynamoDB's process grew, KB an event | %.1f |
| SQS's process grew, KB an event | %.1f |

| at | accepted | delivered | functions, MiB | DynamoDB, MiB | SQS, MiB |
|---|--:|--:|--:|--:|--:|
`, r.senders, float64(r.events)/sent.Seconds(), r.again.Load(), backlog, float64(r.distinct()-atOnce)/drained.Seconds(), r.deliveries()-r.distinct(),
		perEvent(last.dynamoDB-first.dynamoDB), perEvent(last.queues-first.queues))
	for _, s := range r.samples {
		text += fmt.Sprintf("| %s | %d | %d | %d | %d | %d |\n", s.at, s.accepted, s.delivered, s.functions/1024, s.dynamoDB/1024, s.queues/1024)
	}
	_, err := io.WriteString(out, text)
	return err
}
