// Command local runs the whole service on one machine; see -h.
//
// Exit status: 0 after a clean stop, 1 when the stack cannot start, 2 for a
// command line that it does not understand.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/telemetry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run serves until ctx ends, and returns the exit status. Stderr is written to
// by several goroutines at a time.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err != nil {
		return exitCode(err)
	}
	if err := serve(ctx, o, stdout, stderr); err != nil {
		_, _ = fmt.Fprintln(stderr, "local: "+err.Error())
		return 1
	}
	return 0
}

func serve(ctx context.Context, o options, stdout, stderr io.Writer) error {
	dir, err := local.OpenStateDir(o.stateDir)
	if err != nil {
		return err
	}
	s, err := readSecrets(dir)
	if err != nil {
		return err
	}
	destinations, err := destinationConfigs(o.destinations, s.signing)
	if err != nil {
		return err
	}
	log := telemetry.NewLogger(stderr, o.logLevel)
	running, err := local.Start(ctx, local.Options{
		Addr:             o.addr,
		DynamoDBEndpoint: o.dynamodbEndpoint,
		SQSEndpoint:      o.sqsEndpoint,
		Log:              log,
	}, compose(o, s, destinations, log))
	if err != nil {
		return err
	}
	defer running.Stop()
	info := running.Info("/webhooks/"+demoSource+"/"+s.token, parameterPrefix)
	cfg, err := config.Read(func(name string) string { return o.settings[name] }, 0)
	if err != nil {
		return err
	}
	info.RetentionDays, info.SweepGrace = int(cfg.Retention/config.Day), cfg.Grace.String()
	if err := dir.WriteInfo(info); err != nil {
		return fmt.Errorf("write %s: %w", dir.InfoPath(), err)
	}
	line, err := json.Marshal(info)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "ready %s\n", line); err != nil {
		return fmt.Errorf("stdout: %w", err)
	}
	explain(stderr, o, dir, info)
	<-ctx.Done()
	_, _ = fmt.Fprintln(stderr, "\nstopping: what is in flight finishes (a second signal ends it at once)")
	if err := dir.RemoveInfo(info.PID); err != nil {
		return fmt.Errorf("remove %s: %w", dir.InfoPath(), err)
	}
	return nil
}

// explain tells a person what to try.
func explain(stderr io.Writer, o options, dir local.StateDir, info stack.Place) {
	flag := "--local"
	if o.stateDir != ".local" {
		flag = "--local --state-dir " + o.stateDir
	}
	_, _ = fmt.Fprintf(stderr, `
Everything serves. Try it from another terminal:

  curl -H 'Content-Type: application/json' --data @events/payloads/help/reply.json \
    %s

  go run ./cmd/smartleadctl %s events list

`, info.WebhookURL, flag)
	if len(o.destinations) == 0 {
		_, _ = fmt.Fprintln(stderr, "Events are delivered to this log; --destination URL posts them.")
	} else {
		_, _ = fmt.Fprintf(stderr, "Deliveries are signed (Standard Webhooks) with the secret in %s.\n",
			filepath.Join(string(dir), "signing-secret"))
	}
	if info.DynamoDBEndpoint == info.SSMEndpoint || info.SQSEndpoint == info.SSMEndpoint {
		_, _ = fmt.Fprintln(stderr, "What the embedded engine holds ends with this process.")
	}
	_, _ = fmt.Fprint(stderr, "Ctrl-C stops.\n\n")
}
