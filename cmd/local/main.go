// Command local runs the whole service on one machine; see -h.
//
// Exit status: 0 after a clean stop, 1 when the stack cannot start or could not
// write what it keeps, 2 for a command line that it does not understand.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/term"

	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/pkg/webhook"
)

func main() {
	giveBack := takeTerminal(os.Stdin)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	exit := sync.OnceFunc(func() { giveBack(); os.Exit(0) })
	go func() {
		<-signals
		cancel()
		<-signals // whoever asks twice wants it at once
		exit()
	}()
	code := run(ctx, os.Args[1:], streams{
		in:  lines(os.Stdin),
		out: os.Stdout, err: os.Stderr,
		outTerminal: term.IsTerminal(int(os.Stdout.Fd())), errTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
	})
	giveBack()
	os.Exit(code)
}

// lines are what a person types; nil where nobody does.
func lines(terminal *os.File) io.Reader {
	if !term.IsTerminal(int(terminal.Fd())) {
		return nil
	}
	return terminal
}

// streams are where the program writes. Err is written to by several goroutines
// at a time.
type streams struct {
	in                       io.Reader // asks for another link to the console; nil: nobody can
	out, err                 io.Writer
	outTerminal, errTerminal bool
	colour                   bool // where a terminal is written to
}

// run serves until ctx ends, and returns the exit status.
func run(ctx context.Context, args []string, to streams) int {
	o, err := parse(args, to.err)
	if err != nil {
		return exitCode(err)
	}
	if err := serve(ctx, o, to); err != nil {
		_, _ = fmt.Fprintln(to.err, "local: "+err.Error())
		return 1
	}
	return 0
}

func serve(ctx context.Context, o options, to streams) (err error) {
	dir, release, err := local.OpenStateDir(o.stateDir)
	if err != nil {
		return err
	}
	defer release()
	s, err := readSecrets(dir)
	if err != nil {
		return err
	}
	destinations, err := destinationConfigs(o.destinations, s.signing)
	if err != nil {
		return err
	}
	leads := new(leads)
	log := newLogger(o, to, leads)
	var account *simulation
	if o.smartlead {
		if account, err = newSimulation(ctx, o); err != nil {
			return err
		}
		defer account.listener.Close()
	}
	running, err := local.Start(ctx, local.Options{
		Addr:             o.addr,
		DynamoDBEndpoint: o.dynamodbEndpoint,
		SQSEndpoint:      o.sqsEndpoint,
		EngineAddr:       o.engineAddr,
		DataDir:          o.data,
		OnlyCopy:         isOnlyCopy,
		Log:              log,
	}, compose(o, s, destinations, account, log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.Stop()) }()
	leads.readFrom(running)
	info, stop, err := announce(ctx, o, to, dir, s, running, account, log)
	if err != nil {
		return err
	}
	defer stop()
	consoleEnded, err := serveConsole(ctx, o, to, log)
	if err != nil {
		return err
	}
	greet(to.err, o, dir, info, running.Restored)
	<-ctx.Done()
	consoleEnded()
	_, _ = fmt.Fprintln(to.err, "\nstopping: what is in flight finishes (once more ends it at once)")
	if err := dir.RemoveInfo(); err != nil {
		return fmt.Errorf("remove %s: %w", dir.InfoPath(), err)
	}
	return nil
}

// announce tells other programs where the stack is: in the state directory, and
// on stdout, unless a person is there who did not ask for it. Stop ends what was asked for
// beside the stack.
func announce(ctx context.Context, o options, to streams, dir local.StateDir, s secrets, running *local.Stack, account *simulation, log *slog.Logger) (stack.Place, func(), error) {
	info := running.Info("/webhooks/"+demoSource+"/"+s.token, parameterPrefix)
	cfg, err := config.Read(func(name string) string { return o.settings[name] }, 0)
	if err != nil {
		return stack.Place{}, nil, err
	}
	info.RetentionDays, info.SweepGrace = int(cfg.Retention/config.Day), cfg.Grace.String()
	if o.archive {
		info.ArchiveBucket, info.ArchivePrefix, info.ArchiveEvery = running.Resources.Archive, archivePrefix, cfg.ArchiveEvery.String()
	}
	stop := func() {}
	if account != nil {
		if stop, err = account.start(ctx, dir, running, info, log); err != nil {
			return stack.Place{}, nil, err
		}
		info.SmartleadURL = account.url
	}
	if err := tell(o, to, dir, info); err != nil {
		stop()
		return stack.Place{}, nil, err
	}
	return info, stop, nil
}

func tell(o options, to streams, dir local.StateDir, info stack.Place) error {
	if err := dir.WriteInfo(info); err != nil {
		return fmt.Errorf("write %s: %w", dir.InfoPath(), err)
	}
	if to.outTerminal && !o.printJSON {
		return nil
	}
	line, err := json.Marshal(info)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(to.out, "ready %s\n", line); err != nil {
		return fmt.Errorf("stdout: %w", err)
	}
	return nil
}

// isOnlyCopy tells whether a message is all that there is of an event: one that
// the ledger did not take.
func isOnlyCopy(messageBody string) bool {
	m, err := queue.Decode(messageBody)
	return err == nil && m.Kind == webhook.KindUnclaimed
}

// newLogger writes for a person or for a program.
func newLogger(o options, to streams, leads *leads) *slog.Logger {
	if o.logText(to.errTerminal) {
		return telemetry.NewLogger(newTextLog(o, to, leads), o.logLevel)
	}
	return telemetry.NewLogger(to.err, o.logLevel)
}
