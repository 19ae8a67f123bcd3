package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/stack/place"
	"smartlead-receiver/pkg/telemetry"
)

// options are the command line.
type options struct {
	addr             string
	destinations     []string
	dynamodbEndpoint string
	sqsEndpoint      string
	engineAddr       string
	console          string            // where it listens, or noConsole
	settings         map[string]string // environment of the functions
	stateDir         string
	data             string
	printJSON        bool
	smartlead        bool
	archive          bool
	logForm          string
	logLevel         slog.Level
}

// How the local functions differ from the deployed ones: what is overdue is
// repaired after seconds, and a changed source or destination is seen at once.
const (
	sweepGrace  = "5s"
	sourceTTL   = "1s"
	redriveTick = "1s"
)

const usage = `Runs the receiver, the worker, the sweeper and the redrive function on this
machine, on an embedded AWS-compatible engine. When everything serves, a terminal
gets a link to the console and five lines that say what to try, and what is no
terminal gets one line on stdout, "ready" and a JSON object. Log lines go to stderr.

Usage: go run ./cmd/local [flags]

`

const seeHelp = "  see: go run ./cmd/local -h\n"

// Forms of the log.
const (
	logAuto = "auto"
	logText = "text"
	logJSON = "json"
)

// logText tells whether the log is for a person.
func (o options) logText(terminal bool) bool {
	return o.logForm == logText || o.logForm == logAuto && terminal
}

// parse reads the command line. It returns flag.ErrHelp when help was asked
// for; it has told stderr about that and about every other error.
func parse(args []string, stderr io.Writer) (options, error) {
	o := options{settings: map[string]string{"SWEEP_GRACE": sweepGrace, "SOURCE_TTL": sourceTTL, "REDRIVE_TICK": redriveTick}}
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {} // all of it would hide what is wrong
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "`host:port` to listen on; port 0 picks a free one")
	flags.Func("destination", "`URL` that events are posted to, without a breaker; may be repeated (default: they are logged)", func(url string) error {
		o.destinations = append(o.destinations, url)
		return nil
	})
	flags.StringVar(&o.dynamodbEndpoint, "dynamodb-endpoint", "", "`URL` of another DynamoDB engine; its state outlives this process")
	flags.StringVar(&o.sqsEndpoint, "sqs-endpoint", "", "`URL` of another SQS engine; its state outlives this process")
	flags.StringVar(&o.engineAddr, "engine-addr", "", "`host:port` where other programs, such as sam local, reach the embedded engine without any credentials (default: nowhere)")
	flags.StringVar(&o.console, "console", "127.0.0.1:0", "loopback `host:port` of the console in a browser; port 0 picks a free one, off serves none")
	flags.Func("max-attempts", "`number` of deliveries that are tried before an event is dead (default 8)", o.setting("MAX_ATTEMPTS", nil))
	flags.Func("retry-base", "wait before the second attempt, such as 200ms; it doubles with every attempt (default 5s)",
		o.setting("RETRY_BASE", longestWait))
	flags.Func("redrive-tick", "wait between two steps of a redrive (default 1s; deployed, 5s)", o.setting("REDRIVE_TICK", nil))
	flags.Func("sweep-grace", "wait before the sweeper sends what nobody worked on (default 5s; deployed, 2m)", o.setting("SWEEP_GRACE", nil))
	flags.StringVar(&o.data, "data", "", "`directory` that keeps events, sources and destinations over restarts, even over kill -9 (default: they end with the process)")
	flags.BoolVar(&o.smartlead, "smartlead", false, "simulate a Smartlead account with its API beside the stack; it posts its events here, but those of every 19th lead, so that smartleadctl reconcile finds something")
	flags.Func("archive", "archive what was received, one object for each account and so long a time, such as 1m; smartleadctl archive read shows it (default: nothing is archived; deployed, 1h)", func(value string) error {
		o.archive = true
		return o.setting("ARCHIVE_EVERY", nil)(value)
	})
	flags.BoolVar(&o.printJSON, "print-json", false, "print the ready line on a terminal, too; "+filepath.Join(".local", place.File)+" holds the same JSON")
	o.logForm = logAuto
	flags.Func("log", "`form` of the log: text, json, or auto, which is text on a terminal (default auto)", func(form string) error {
		if form != logText && form != logJSON && form != logAuto {
			return errors.New("it is text, json or auto")
		}
		o.logForm = form
		return nil
	})
	flags.StringVar(&o.stateDir, "state-dir", ".local", "`directory` for stack.json and for the secrets that stay the same from start to start")
	flags.Func("log-level", "debug, info, warn or error (default info)", func(text string) (err error) {
		o.logLevel, err = telemetry.ParseLevel(text)
		return err
	})
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		_, _ = io.WriteString(stderr, usage)
		flags.PrintDefaults()
		return options{}, err
	} else if err != nil {
		_, _ = io.WriteString(stderr, seeHelp)
		return options{}, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %s: everything is a flag", strconv.Quote(flags.Arg(0)))
		_, _ = fmt.Fprintf(stderr, "%v\n%s", err, seeHelp)
		return options{}, err
	}
	return o, nil
}

// setting returns a flag's function that takes what the functions take in that
// environment variable. Derive adds settings that follow from it.
func (o options) setting(name string, derive func(value string, settings map[string]string)) func(string) error {
	return func(value string) error {
		settings := map[string]string{name: value}
		if derive != nil {
			derive(value, settings)
		}
		if _, err := config.Read(func(name string) string { return settings[name] }, 0); err != nil {
			return err
		}
		for name, value := range settings {
			o.settings[name] = value
		}
		return nil
	}
}

// longestWait keeps the longest wait above the first.
func longestWait(value string, settings map[string]string) {
	if base, err := time.ParseDuration(value); err == nil && base > 30*time.Minute {
		settings["RETRY_MAX"] = value
	}
}

// exitCode of an error of parse.
func exitCode(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	return 2
}
